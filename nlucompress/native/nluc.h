/* nluc.h: the runtime of .nluc files, from raw text to label, in one freestanding C99 header.
 *
 * A .nluc file is a linear model (see ../FORMAT.md, which is normative; section numbers below are its). This header opens
 * one in place and answers: no libc, no allocation, no recursion, nothing written outside the buffers that the caller
 * gives. Include it in one file of your program; every function is static.
 *
 *     nluc_model model;                                      the view: a few KB, points into the file's bytes
 *     if (nluc_open(&model, bytes, length)) …                validates; the bytes must stay where they are
 *     nluc_sample sample;                                    a text being read
 *     nluc_begin(&sample, &model, scratch, sizeof scratch);
 *     nluc_add_text(&sample, 0, text, text_length);          once a namespace (nluc_add_text_everywhere: all of them)
 *     nluc_finish(&sample, scores);                          model.n_columns doubles
 *     label = nluc_decide(&model, scores);                   nluc_label gives its name
 *
 * What a call costs: an n-gram is hashed once (about 15 ns), probes 2.7 cache lines of the index, and reads one record
 * and one row. After nluc_open nothing is trusted that was not checked: a look-up in a damaged or crafted file gives
 * wrong numbers or none, but stays inside the file (rules marked "full" are checked by nluc_verify, or clamped here).
 *
 * NLUC_MAX_NAMESPACES and NLUC_MAX_STEPS bound the size of nluc_model; a file with more is refused with NLUC_E_LIMIT.
 * NLUC_NO_ACCENTS leaves out strip_accents, NLUC_NO_CODED coded rows; a file that needs them is refused likewise.
 */
#ifndef NLUC_H
#define NLUC_H

#include <stddef.h>
#include <stdint.h>

#ifndef NLUC_MAX_NAMESPACES
#define NLUC_MAX_NAMESPACES 16
#endif
#ifndef NLUC_MAX_STEPS
#define NLUC_MAX_STEPS 32
#endif
#ifndef NLUC_STAGE /* n-grams in flight: so many cache misses overlap. A stage takes 12 bytes of stack for each, 64 at most */
#define NLUC_STAGE 32
#endif

/* Functions that a program may leave unused must not make it warn. */
#if defined(__GNUC__)
#define NLUC_API static __attribute__((unused))
#define NLUC_PREFETCH(address) __builtin_prefetch(address)
#define NLUC_RARE(condition) __builtin_expect(!!(condition), 0)
#else
#define NLUC_RARE(condition) (condition)
#define NLUC_API static
#define NLUC_PREFETCH(address) ((void)(address))
#endif

/* Functions that must be inlined to be fast: those that call the caller's emit, and the steps of a decoder. And loops that
 * need all registers for themselves. */
#if defined(__GNUC__)
#define NLUC_INLINE static inline __attribute__((always_inline, unused))
#define NLUC_APART static __attribute__((noinline, unused))
#else
#define NLUC_INLINE static inline
#define NLUC_APART static
#endif

/* The one function worth another version for a processor with wide vectors: define it to yours (native/avx2.h is one). */
#ifndef NLUC_ADD_CODES
#define NLUC_ADD_CODES nluc_add_codes
#endif

/* In parentheses, for where they are macros too: in macOS's <string.h>. */
void *(memcpy)(void *, const void *, size_t);
void *(memset)(void *, int, size_t);

/* A few bytes, often a constant number of them: the builtin becomes plain moves even in a freestanding build. */
#if defined(__GNUC__)
#define NLUC_COPY __builtin_memcpy
#else
#define NLUC_COPY memcpy
#endif

/* What can go wrong. The first ones are FORMAT.md's rules, in its order. */
typedef enum {
    NLUC_OK = 0,
    NLUC_E_P1, NLUC_E_P2, NLUC_E_P3, NLUC_E_P4, NLUC_E_P5, NLUC_E_P6, NLUC_E_P7,
    NLUC_E_H1, NLUC_E_H2, NLUC_E_H3, NLUC_E_M1, NLUC_E_M2, NLUC_E_M3, NLUC_E_M4, NLUC_E_M5, NLUC_E_M6, NLUC_E_M7,
    NLUC_E_S1, NLUC_E_S2, NLUC_E_S3, NLUC_E_S4, NLUC_E_S5, NLUC_E_S6,
    NLUC_E_I1, NLUC_E_I3, NLUC_E_I4, NLUC_E_L1, NLUC_E_L2, NLUC_E_L3, NLUC_E_R1, NLUC_E_R2, NLUC_E_R3, NLUC_E_R4, NLUC_E_R5,
    NLUC_E_R6, NLUC_E_R7,
    NLUC_E_T1, NLUC_E_T2, NLUC_E_T3, NLUC_E_T4, NLUC_E_T5,
    NLUC_E_LIMIT,   /* more namespaces or steps than this build has room for, or what it left out: strip_accents, coded rows */
    NLUC_E_ROOM,    /* the scratch memory is too small for this text */
    NLUC_E_SPANS,   /* the namespace's token pattern is none of those built in: use nluc_add_tokens */
    NLUC_E_INPUT,   /* the namespace takes other input (texts, features) than was given, or there is no such namespace */
    NLUC_E_VALUE,   /* a feature has a value that is not a finite number */
    NLUC_STATUS_COUNT
} nluc_status;

/* The rule of FORMAT.md that a status speaks of, or what went wrong, in a word. */
NLUC_API const char *nluc_status_name(nluc_status status) {
    static const char *const names[] = {
        "ok", "P1", "P2", "P3", "P4", "P5", "P6", "P7", "H1", "H2", "H3", "M1", "M2", "M3", "M4", "M5", "M6", "M7", "S1", "S2", "S3", "S4",
        "S5", "S6", "I1", "I3", "I4", "L1", "L2", "L3", "R1", "R2", "R3", "R4", "R5", "R6", "R7", "T1", "T2", "T3", "T4", "T5",
        "limit", "room", "spans", "input", "value"};
    return (unsigned)status < NLUC_STATUS_COUNT ? names[status] : "unknown";
}

typedef enum { NLUC_PLAIN, NLUC_DENSE, NLUC_POOL, NLUC_CODED } nluc_coder;
typedef enum { NLUC_BINARY, NLUC_MULTICLASS, NLUC_MULTILABEL, NLUC_TAGGING } nluc_task;
typedef enum { NLUC_IDENTITY, NLUC_SIGMOID, NLUC_SOFTMAX, NLUC_OVR, NLUC_CLIPPED } nluc_link;
typedef enum { NLUC_WORD, NLUC_CHAR, NLUC_CHAR_WB, NLUC_FASTTEXT, NLUC_FEATURES, NLUC_DICT, NLUC_ITEMS } nluc_analyzer; /* texts first */
typedef enum { NLUC_COUNT, NLUC_BINARY_TF, NLUC_LOG } nluc_tf;
typedef enum { NLUC_NORM_L1, NLUC_NORM_L2, NLUC_NORM_MAX, NLUC_SCALE, NLUC_BINARIZE } nluc_op;
typedef enum { NLUC_PATTERN_DEFAULT, NLUC_PATTERN_WORDS, NLUC_PATTERN_BLANKS, NLUC_PATTERN_OTHER } nluc_pattern;
typedef enum {
    NLUC_STR, NLUC_OBJECT, NLUC_BOOL, NLUC_INT8, NLUC_INT16, NLUC_INT32, NLUC_INT64, NLUC_UINT8, NLUC_UINT16, NLUC_UINT32,
    NLUC_UINT64, NLUC_FLOAT32, NLUC_FLOAT64, NLUC_LABEL_TYPES
} nluc_label_type;

/* Section 5: one analyzer. stop_words points at a msgpack array in the header, or is null. */
typedef struct {
    double unseen;
    const uint8_t *stop_words;
    uint32_t seed, low, high, hash_columns, stop_word_count;
    uint16_t shortest, longest; /* subwords */
    uint8_t analyzer, pattern, tf, lowercase, accents, alternate_sign, column;
} nluc_namespace;

/* Section 5: one operation on values; members[n / 8] has bit n % 8 set if namespace n takes part. */
typedef struct {
    double value;
    uint8_t op;
    uint8_t members[(NLUC_MAX_NAMESPACES + 7) / 8];
} nluc_step;

/* Bytes of a section. */
typedef struct {
    const uint8_t *data;
    size_t length;
} nluc_bytes;

/* Of coded rows (section 7): pointers, the order of classes, and Huffman tables. direct[t][x]: what a window of bits that
 * begins with the 8 bits x holds in table t, 0x8000 if its code is longer, else bits 0-5: how many bits it has in all, 6-9:
 * how many of them are its code, 10-13: the number, less its extra bits. The table after the last has zeros of no bits. */
#define NLUC_MOST_TABLES 15
#define NLUC_MOST_LEVELS 4
#ifdef NLUC_NO_CODED
#define NLUC_DIRECT_TABLES 1
#define NLUC_IS_CODED(m) 0 /* what a compiler sees to be out of reach it leaves out */
#else
#define NLUC_DIRECT_TABLES (NLUC_MOST_TABLES + 1)
#define NLUC_IS_CODED(m) ((m)->coder == NLUC_CODED)
#endif
typedef struct {
    uint32_t slots[NLUC_MOST_LEVELS + 1];  /* that reach each level; the last: single entries */
    uint32_t blocks[NLUC_MOST_LEVELS], pointers[NLUC_MOST_LEVELS]; /* where each level begins: in blocks, in bytes */
    uint8_t widths[NLUC_MOST_LEVELS], n_levels, zero, n_tables, n_runs;
    uint32_t top, singles;                 /* the largest idf number; the byte of rows where single entries begin */
    const uint8_t *order, *map, *tables[NLUC_MOST_TABLES];
    const uint64_t *runs[NLUC_MOST_TABLES]; /* see nluc_make_runs; null: runs are read symbol by symbol */
    uint16_t direct[NLUC_DIRECT_TABLES][256];
} nluc_coded;

/* A validated view of a file. Everything points into its bytes; nothing is written there. */
typedef struct {
    const uint8_t *base;
    size_t length;
    uint32_t n, n_columns, n_classes, n_namespaces, n_steps, n_levels, n_codes, n_idf, n_sections;
    uint8_t task, link, label_type, check_bits, idf_bits, coder;
    uint8_t number_bits;                /* of a record, after its check bits: the coder's */
    uint8_t even, zero;                 /* whether every weight is step * (code - zero), exactly */
    double step;
    uint32_t count_low_bits, n_offsets; /* of plain rows and of the single entries of coded rows: their offsets */
    uint64_t count;                     /* what the offsets end at: entries of plain rows, bits of single ones */
    uint32_t n_entries, n_groups;       /* of pooled and coded rows */
    uint32_t idf_bytes, dense_units;    /* of an entry of pooled rows; and the units of one that has all codes */
    uint16_t hints[64 + 2];             /* groups of entries 0, 2^hint_shift, 2·2^hint_shift …: where a search may begin */
    uint8_t hint_shift;
    nluc_coded coded;
    uint32_t levels[128], starts[128];  /* bits of each level, and of those before it; of an index without shards */
    const uint8_t *shards;              /* of one with shards: first level of each, then start and size of each level */
    uint8_t shard_bits;                 /* log2 of their number */
    nluc_namespace namespaces[NLUC_MAX_NAMESPACES];
    nluc_bytes labels, intercept, calibration, baseline, scale, idf, codebook, index, slots, rows, row_low, row_high,
        row_samples, row_groups, row_more, row_pointers, transitions;
    const uint8_t *table;               /* the header's n_sections rows [name, offset, length, crc32], msgpack */
    nluc_bytes header;
    nluc_step steps[NLUC_MAX_STEPS];    /* last: a copy of a model may end after the n_steps that it has */
} nluc_model;

/* -- Numbers as bytes -------------------------------------------------------------------------------------------------
 * Fixed-width little-endian loads at any address; compilers make single instructions of them.
 */
NLUC_API inline uint32_t nluc_u16(const uint8_t *p) { return (uint32_t)p[0] | (uint32_t)p[1] << 8; }

NLUC_API inline uint32_t nluc_u32(const uint8_t *p) {
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

NLUC_API inline uint64_t nluc_u64(const uint8_t *p) { return (uint64_t)nluc_u32(p) | (uint64_t)nluc_u32(p + 4) << 32; }

NLUC_API inline void nluc_put_u64(uint8_t *p, uint64_t x) {
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    NLUC_COPY(p, &x, sizeof x);
#else
    uint32_t i;
    for (i = 0; i < 8; i++) p[i] = (uint8_t)(x >> 8 * i);
#endif
}

NLUC_API inline float nluc_f32(const uint8_t *p) {
    uint32_t bits = nluc_u32(p);
    float value;
    NLUC_COPY(&value, &bits, sizeof value);
    return value;
}

NLUC_API inline double nluc_f64(const uint8_t *p) {
    uint64_t bits = nluc_u64(p);
    double value;
    NLUC_COPY(&value, &bits, sizeof value);
    return value;
}

/* Bits set. GCC and clang make one instruction of the builtin where the target has it, else a library call that a
 * freestanding program lacks; so only there. */
NLUC_API inline uint32_t nluc_popcount(uint64_t x) {
#if defined(__POPCNT__) || defined(__aarch64__)
    return (uint32_t)__builtin_popcountll(x);
#else
    x -= x >> 1 & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + (x >> 2 & 0x3333333333333333u);
    return (uint32_t)(((x + (x >> 4)) & 0x0F0F0F0F0F0F0F0Fu) * 0x0101010101010101u >> 56);
#endif
}

/* `width` (0..56) bits at bit `at` of packed bits; eight guard bytes follow the last (section 3). */
NLUC_API inline uint64_t nluc_bits(const uint8_t *packed, uint64_t at, uint32_t width) {
    return nluc_u64(packed + (size_t)(at >> 3)) >> (at & 7) & (((uint64_t)1 << width) - 1);
}

/* -- Mathematics ------------------------------------------------------------------------------------------------------
 * sqrt, log and exp in double, for programs without a mathematics library: relative error below 1e-15.
 */

/* Square root of x >= 0 by Newton's method, from a guess with the exponent halved. */
NLUC_API double nluc_sqrt(double x) {
#if defined(__GNUC__) && defined(__SSE2__)  /* the builtin would call the library's for errno's sake */
    double root;
    __asm__("sqrtsd %1, %0" : "=x"(root) : "x"(x));
    return root;
#elif defined(__GNUC__) && defined(__aarch64__)
    double root;
    __asm__("fsqrt %d0, %d1" : "=w"(root) : "w"(x));
    return root;
#else
    uint64_t bits;
    double guess;
    int i;
    if (!(x > 0)) return 0;
    if (x > 1.7976931348623157e308) return x;
    NLUC_COPY(&bits, &x, sizeof bits);
    bits = (bits >> 1) + ((uint64_t)0x1FF80000 << 32);
    NLUC_COPY(&guess, &bits, sizeof guess);
    for (i = 0; i < 6; i++) guess = 0.5 * (guess + x / guess);
    return guess;
#endif
}

/* Natural logarithm: x = m * 2^e with m in [sqrt(1/2), sqrt(2)), ln m = 2 atanh((m - 1) / (m + 1)) as a series. As numpy:
 * -inf of 0, NaN of negative numbers. */
NLUC_API double nluc_log(double x) {
    uint64_t bits;
    double m, s, square, term, sum;
    int exponent = -1023, k;
    if (x > 1.7976931348623157e308) return x;
    if (!(x > 0)) {
        bits = x < 0 ? (uint64_t)0x7FF80000 << 32 : (uint64_t)0xFFF00000 << 32;
        NLUC_COPY(&m, &bits, sizeof m);
        return m;
    }
    if (x < 2.2250738585072014e-308) {  /* a subnormal number: times 2^54 */
        x *= 18014398509481984.0;
        exponent -= 54;
    }
    NLUC_COPY(&bits, &x, sizeof bits);
    exponent += (int)(bits >> 52);
    bits = (bits & 0xFFFFFFFFFFFFFu) | (uint64_t)1023 << 52;
    NLUC_COPY(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        exponent++;
    }
    s = (m - 1) / (m + 1);
    square = s * s;
    term = s;
    sum = 0;
    for (k = 1; k < 24; k += 2) {
        sum += term / k;
        term *= square;
    }
    return 2 * sum + exponent * 0.69314718055994530942;
}

/* e^x: x = k ln 2 + r, |r| <= ln 2 / 2, by a Taylor series; 0 below -745, e^709.7 above that. */
NLUC_API double nluc_exp(double x) {
    double r, term = 1, sum = 1, power;
    uint64_t bits;
    int k, i;
    if (x != x) return x;
    if (x < -745) return 0;
    if (x > 709.7) x = 709.7;
    k = (int)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
    r = x - k * 0.693147180369123816490;
    r -= k * 1.90821492927058770002e-10;
    for (i = 1; i < 15; i++) {
        term *= r / i;
        sum += term;
    }
    if (k < -1022) {  /* a subnormal result, in two steps */
        sum *= 4.450147717014403e-308;  /* 2^-1021 */
        k += 1021;
    }
    bits = (uint64_t)(k + 1023) << 52;
    NLUC_COPY(&power, &bits, sizeof power);
    return sum * power;
}

/* -- Hashes -----------------------------------------------------------------------------------------------------------
 * MurmurHash3 (Austin Appleby, public domain), the x64_128 and x86_32 variants.
 */
NLUC_API inline uint64_t nluc_rotate64(uint64_t x, int r) { return x << r | x >> (64 - r); }

NLUC_API inline uint64_t nluc_fmix64(uint64_t k) {
    k ^= k >> 33;
    k *= 0xFF51AFD7ED558CCDu;
    k ^= k >> 33;
    k *= 0xC4CEB9FE1A85EC53u;
    return k ^ k >> 33;
}

NLUC_API inline uint32_t nluc_fmix32(uint32_t h) {
    h ^= h >> 16;
    h *= 0x85EBCA6Bu;
    h ^= h >> 13;
    h *= 0xC2B2AE35u;
    return h ^ h >> 16;
}

/* The last 0..7 bytes of a block as a number, without reading beyond them. */
NLUC_API inline uint64_t nluc_tail(const uint8_t *p, size_t length) {
    uint64_t x = 0;
    if (length >= 4) return nluc_u32(p) | (uint64_t)nluc_u32(p + length - 4) << (8 * (length - 4));
    if (length >= 2) {
        x = nluc_u16(p);
        return length == 3 ? x | (uint64_t)p[2] << 16 : x;
    }
    return length ? p[0] : 0;
}

/* MurmurHash3_x64_128: hash[0] = h1, hash[1] = h2. */
NLUC_API inline void nluc_hash128(const uint8_t *key, size_t length, uint32_t seed, uint64_t hash[2]) {
    const uint64_t c1 = 0x87C37B91114253D5u, c2 = 0x4CF5AD432745937Fu;
    uint64_t h1 = seed, h2 = seed, k1, k2;
    size_t left = length;
    for (; left >= 16; left -= 16, key += 16) {
        k1 = nluc_u64(key);
        k2 = nluc_u64(key + 8);
        h1 ^= nluc_rotate64(k1 * c1, 31) * c2;
        h1 = (nluc_rotate64(h1, 27) + h2) * 5 + 0x52DCE729u;
        h2 ^= nluc_rotate64(k2 * c2, 33) * c1;
        h2 = (nluc_rotate64(h2, 31) + h1) * 5 + 0x38495AB5u;
    }
    if (left > 8) {
        k2 = nluc_tail(key + 8, left - 8);
        h2 ^= nluc_rotate64(k2 * c2, 33) * c1;
    }
    if (left) {
        k1 = left >= 8 ? nluc_u64(key) : nluc_tail(key, left);
        h1 ^= nluc_rotate64(k1 * c1, 31) * c2;
    }
    h1 ^= length;
    h2 ^= length;
    h1 += h2;
    h2 += h1;
    h1 = nluc_fmix64(h1);
    h2 = nluc_fmix64(h2);
    h1 += h2;
    hash[0] = h1;
    hash[1] = h2 + h1;
}

/* MurmurHash3_x86_32, of HashingVectorizer. */
NLUC_API uint32_t nluc_hash32(const uint8_t *key, size_t length, uint32_t seed) {
    uint32_t h = seed, k;
    size_t left = length;
    for (; left >= 4; left -= 4, key += 4) {
        k = nluc_u32(key) * 0xCC9E2D51u;
        h ^= (k << 15 | k >> 17) * 0x1B873593u;
        h = (h << 13 | h >> 19) * 5 + 0xE6546B64u;
    }
    if (left) {
        k = (uint32_t)nluc_tail(key, left) * 0xCC9E2D51u;
        h ^= (k << 15 | k >> 17) * 0x1B873593u;
    }
    return nluc_fmix32(h ^ (uint32_t)length);
}

/* CRC-32 (zlib's), four bytes at a time. Row k has what 32 steps make of each value of the four bits from 4k on; a step is
 * linear, so that the rows' answers are added (Sarwate 1988 with four bits a table, "slicing" as of Kounavis and Berry 2005). */
NLUC_API uint32_t nluc_crc32(const uint8_t *p, size_t length) {
    static const uint32_t rows[8][16] = {
        {0x00000000u, 0xB8BC6765u, 0xAA09C88Bu, 0x12B5AFEEu, 0x8F629757u, 0x37DEF032u, 0x256B5FDCu, 0x9DD738B9u,
         0xC5B428EFu, 0x7D084F8Au, 0x6FBDE064u, 0xD7018701u, 0x4AD6BFB8u, 0xF26AD8DDu, 0xE0DF7733u, 0x58631056u},
        {0x00000000u, 0x5019579Fu, 0xA032AF3Eu, 0xF02BF8A1u, 0x9B14583Du, 0xCB0D0FA2u, 0x3B26F703u, 0x6B3FA09Cu,
         0xED59B63Bu, 0xBD40E1A4u, 0x4D6B1905u, 0x1D724E9Au, 0x764DEE06u, 0x2654B999u, 0xD67F4138u, 0x866616A7u},
        {0x00000000u, 0x01C26A37u, 0x0384D46Eu, 0x0246BE59u, 0x0709A8DCu, 0x06CBC2EBu, 0x048D7CB2u, 0x054F1685u,
         0x0E1351B8u, 0x0FD13B8Fu, 0x0D9785D6u, 0x0C55EFE1u, 0x091AF964u, 0x08D89353u, 0x0A9E2D0Au, 0x0B5C473Du},
        {0x00000000u, 0x1C26A370u, 0x384D46E0u, 0x246BE590u, 0x709A8DC0u, 0x6CBC2EB0u, 0x48D7CB20u, 0x54F16850u,
         0xE1351B80u, 0xFD13B8F0u, 0xD9785D60u, 0xC55EFE10u, 0x91AF9640u, 0x8D893530u, 0xA9E2D0A0u, 0xB5C473D0u},
        {0x00000000u, 0x191B3141u, 0x32366282u, 0x2B2D53C3u, 0x646CC504u, 0x7D77F445u, 0x565AA786u, 0x4F4196C7u,
         0xC8D98A08u, 0xD1C2BB49u, 0xFAEFE88Au, 0xE3F4D9CBu, 0xACB54F0Cu, 0xB5AE7E4Du, 0x9E832D8Eu, 0x87981CCFu},
        {0x00000000u, 0x4AC21251u, 0x958424A2u, 0xDF4636F3u, 0xF0794F05u, 0xBABB5D54u, 0x65FD6BA7u, 0x2F3F79F6u,
         0x3B83984Bu, 0x71418A1Au, 0xAE07BCE9u, 0xE4C5AEB8u, 0xCBFAD74Eu, 0x8138C51Fu, 0x5E7EF3ECu, 0x14BCE1BDu},
        {0x00000000u, 0x77073096u, 0xEE0E612Cu, 0x990951BAu, 0x076DC419u, 0x706AF48Fu, 0xE963A535u, 0x9E6495A3u,
         0x0EDB8832u, 0x79DCB8A4u, 0xE0D5E91Eu, 0x97D2D988u, 0x09B64C2Bu, 0x7EB17CBDu, 0xE7B82D07u, 0x90BF1D91u},
        {0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u, 0x4DB26158u, 0x5005713Cu,
         0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu, 0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu}};
    uint32_t crc = 0xFFFFFFFFu;
    for (; length >= 4; length -= 4, p += 4) {
        uint32_t x = crc ^ nluc_u32(p);
        crc = rows[0][x & 15] ^ rows[1][x >> 4 & 15] ^ rows[2][x >> 8 & 15] ^ rows[3][x >> 12 & 15] ^ rows[4][x >> 16 & 15] ^
              rows[5][x >> 20 & 15] ^ rows[6][x >> 24 & 15] ^ rows[7][x >> 28];
    }
    for (; length; length--, p++) { /* eight steps: bits 0..7 go where 24..31 go in 32 */
        uint32_t x = (crc ^ *p) & 255;
        crc = crc >> 8 ^ rows[6][x & 15] ^ rows[7][x >> 4];
    }
    return ~crc;
}

/* One 64-byte block of SHA-256 (FIPS 180-4). */
NLUC_API void nluc_sha256_block(uint32_t state[8], const uint8_t *block) {
    static const uint32_t k[64] = {
        0x428A2F98u, 0x71374491u, 0xB5C0FBCFu, 0xE9B5DBA5u, 0x3956C25Bu, 0x59F111F1u, 0x923F82A4u, 0xAB1C5ED5u,
        0xD807AA98u, 0x12835B01u, 0x243185BEu, 0x550C7DC3u, 0x72BE5D74u, 0x80DEB1FEu, 0x9BDC06A7u, 0xC19BF174u,
        0xE49B69C1u, 0xEFBE4786u, 0x0FC19DC6u, 0x240CA1CCu, 0x2DE92C6Fu, 0x4A7484AAu, 0x5CB0A9DCu, 0x76F988DAu,
        0x983E5152u, 0xA831C66Du, 0xB00327C8u, 0xBF597FC7u, 0xC6E00BF3u, 0xD5A79147u, 0x06CA6351u, 0x14292967u,
        0x27B70A85u, 0x2E1B2138u, 0x4D2C6DFCu, 0x53380D13u, 0x650A7354u, 0x766A0ABBu, 0x81C2C92Eu, 0x92722C85u,
        0xA2BFE8A1u, 0xA81A664Bu, 0xC24B8B70u, 0xC76C51A3u, 0xD192E819u, 0xD6990624u, 0xF40E3585u, 0x106AA070u,
        0x19A4C116u, 0x1E376C08u, 0x2748774Cu, 0x34B0BCB5u, 0x391C0CB3u, 0x4ED8AA4Au, 0x5B9CCA4Fu, 0x682E6FF3u,
        0x748F82EEu, 0x78A5636Fu, 0x84C87814u, 0x8CC70208u, 0x90BEFFFAu, 0xA4506CEBu, 0xBEF9A3F7u, 0xC67178F2u};
    uint32_t w[16], s[8], t1, t2, x, y;
    int i;
    for (i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
               block[4 * i + 3];
    memcpy(s, state, sizeof s);
#define NLUC_ROTATE(v, r) ((v) >> (r) | (v) << (32 - (r)))
    for (i = 0; i < 64; i++) {
        if (i >= 16) {
            x = w[(i + 1) & 15];
            y = w[(i + 14) & 15];
            w[i & 15] += (NLUC_ROTATE(x, 7) ^ NLUC_ROTATE(x, 18) ^ x >> 3) + w[(i + 9) & 15] +
                         (NLUC_ROTATE(y, 17) ^ NLUC_ROTATE(y, 19) ^ y >> 10);
        }
        t1 = s[7] + (NLUC_ROTATE(s[4], 6) ^ NLUC_ROTATE(s[4], 11) ^ NLUC_ROTATE(s[4], 25)) +
             ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i & 15];
        t2 = (NLUC_ROTATE(s[0], 2) ^ NLUC_ROTATE(s[0], 13) ^ NLUC_ROTATE(s[0], 22)) +
             ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
        s[7] = s[6];
        s[6] = s[5];
        s[5] = s[4];
        s[4] = s[3] + t1;
        s[3] = s[2];
        s[2] = s[1];
        s[1] = s[0];
        s[0] = t1 + t2;
    }
#undef NLUC_ROTATE
    for (i = 0; i < 8; i++) state[i] += s[i];
}

/* Rule P7: SHA-256 of bytes 0..31 and 64..end against bytes 32..63. */
NLUC_API int nluc_sha256_matches(const uint8_t *base, size_t length) {
    uint32_t state[8] = {0x6A09E667u, 0xBB67AE85u, 0x3C6EF372u, 0xA54FF53Au, 0x510E527Fu, 0x9B05688Cu, 0x1F83D9ABu, 0x5BE0CD19u};
    uint8_t block[64];
    size_t total = length - 32, done = 0;
    uint64_t bits = (uint64_t)total * 8;
    int i, same = 1;
    while (done + 64 <= total) {
        if (done == 0) {
            memcpy(block, base, 32);
            memcpy(block + 32, base + 64, 32);
            nluc_sha256_block(state, block);
        } else {
            nluc_sha256_block(state, base + done + 32);
        }
        done += 64;
    }
    memset(block, 0, sizeof block);
    if (total - done) {
        if (done)
            memcpy(block, base + done + 32, total - done);
        else {
            memcpy(block, base, 32);
            memcpy(block + 32, base + 64, total - 32);
        }
    }
    block[total - done] = 0x80;
    if (total - done >= 56) {
        nluc_sha256_block(state, block);
        memset(block, 0, sizeof block);
    }
    for (i = 0; i < 8; i++) block[56 + i] = (uint8_t)(bits >> (56 - 8 * i));
    nluc_sha256_block(state, block);
    for (i = 0; i < 32; i++) same &= base[32 + i] == (uint8_t)(state[i / 4] >> (24 - 8 * (i % 4)));
    return same;
}

/* -- Text -------------------------------------------------------------------------------------------------------------
 * Section 5: texts to n-grams, exactly as Python's str, re and unicodedata and scikit-learn's analyzers make them.
 *
 *     text ── nluc_normalize ──> lower case, accents stripped ── nluc_tokenize ──> spans ── nluc_word_ngrams ──> emit
 *                                                             ── nluc_char_ngrams, nluc_char_wb_ngrams ────────> emit
 *
 * Any bytes are safe to pass as text; a byte that is not part of UTF-8 counts as U+FFFD. Surrogates may be encoded, in three
 * bytes each ("surrogatepass"), because Python's strings may hold them. A text is shorter than 4 GB / NLUC_GROWTH. The
 * generated tables (37 KB; 16 KB with NLUC_NO_ACCENTS defined, which leaves out strip_accents) are those of one version of
 * Unicode; ASCII is looked up in the last table alone.
 */
/* begin generated by make_unicode.py, Unicode 15.1.0 */
#define NLUC_UNICODE "15.1.0"
static const uint8_t nluc_kind_top[1794] = {
 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,17,17,20,21,22,23,24,24,24,24,24,24,24,24,24,24,24,24,25,24,24,24,24,
 24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,26,24,
 27,28,29,30,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,31,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,24,52,53,17,17,17,17,54,24,24,55,17,17,17,17,17,
 17,17,24,56,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,24,57,17,58,24,24,24,24,24,24,24,24,24,24,24,59,24,24,60,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,61,62,63,17,17,17,17,64,17,17,17,17,17,17,17,17,65,66,67,68,69,17,70,
 17,71,72,73,74,75,76,17,77,78,79,80,17,17,17,81,17,17,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,
 24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,
 24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,24,82,24,24,24,24,24,24,24,83,84,24,24,24,24,24,24,
 24,24,24,24,85,24,24,24,24,24,24,24,24,24,24,24,24,24,86,24,87,17,17,17,17,24,88,17,17,24,24,24,24,24,24,24,24,24,89,
 24,24,24,24,24,24,24,90,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,
 17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,17,91,17
};
static const uint16_t nluc_kind_middle[2944] = {
 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,16,16,17,18,16,16,19,20,21,22,23,24,25,16,26,16,16,27,28,29,14,14,14,14,30,14,
 31,32,33,34,35,36,36,36,36,37,36,36,38,39,40,41,14,42,43,16,44,45,12,12,14,14,14,16,16,46,16,16,16,47,16,16,16,16,16,
 16,48,49,50,14,14,51,52,36,53,54,55,56,57,58,59,55,55,60,36,61,62,55,55,55,55,55,63,64,65,66,67,55,36,68,55,55,55,55,
 55,69,70,55,55,71,72,55,73,74,9,55,75,76,55,77,78,55,55,79,36,80,36,81,55,55,82,83,84,85,86,87,88,89,90,91,92,85,93,94,
 88,89,95,96,97,98,99,100,101,89,102,103,104,85,105,106,88,89,107,108,109,85,110,111,112,113,114,115,104,98,116,117,118,
 89,119,120,121,85,122,123,118,89,124,125,126,85,127,128,118,55,129,91,130,85,89,131,132,55,133,134,135,98,9,136,55,55,
 137,138,114,9,9,139,55,140,141,142,143,9,9,104,144,55,145,146,55,147,148,149,150,35,151,152,9,9,9,55,55,153,154,114,
 155,156,157,158,159,160,160,161,14,14,162,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,163,164,55,55,
 163,55,55,165,166,167,55,55,55,166,55,55,55,168,169,147,55,9,170,170,170,170,170,171,136,55,55,55,55,55,55,55,55,55,55,
 55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,65,55,172,76,55,55,55,55,173,174,55,
 175,55,176,55,177,178,179,55,55,55,180,181,182,114,114,183,114,55,55,184,55,55,174,185,55,186,55,55,55,55,187,55,188,
 189,190,98,55,191,192,55,55,193,55,114,76,9,9,55,194,55,55,55,195,196,197,114,114,198,199,200,9,9,9,201,55,55,202,203,
 114,204,205,206,55,207,55,55,55,208,209,55,55,210,211,212,55,55,213,51,214,214,215,9,216,217,218,14,14,219,31,31,31,
 220,221,14,222,31,31,36,36,36,36,16,16,16,16,16,16,16,16,16,223,16,16,16,16,16,16,224,225,224,224,225,226,224,227,224,
 224,224,228,229,230,231,232,233,234,235,9,9,236,237,238,114,239,9,9,9,240,241,242,243,244,245,246,247,55,248,14,249,9,
 9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,55,55,55,193,9,250,251,252,253,
 55,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,98,55,254,9,9,9,9,9,9,49,49,49,14,14,
 14,255,256,16,16,16,16,16,16,257,258,14,14,259,55,55,55,260,261,55,262,263,263,263,263,36,36,9,9,264,9,9,9,9,9,9,9,9,9,
 9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,265,9,266,267,136,55,55,55,55,268,136,55,55,55,55,269,270,55,55,136,55,55,55,
 55,188,271,55,55,9,9,9,55,9,9,114,9,272,136,9,9,114,9,9,136,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,55,55,55,55,55,55,
 55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,
 55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,9,9,9,9,55,273,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,
 55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,147,9,9,9,9,55,55,213,55,55,55,55,55,55,55,55,55,55,55,55,55,
 55,55,55,274,55,193,9,16,16,275,276,16,277,55,55,55,55,55,278,35,279,280,281,16,16,16,282,283,284,285,286,287,288,9,
 289,290,55,291,187,55,55,55,254,292,55,55,254,293,114,36,294,55,55,295,55,296,297,55,147,81,55,55,298,299,114,300,188,
 55,55,301,302,303,114,55,304,55,55,55,305,306,307,308,309,310,311,263,14,14,312,313,14,14,14,14,14,55,55,314,114,55,55,
 55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,254,55,315,55,55,193,9,9,9,9,9,9,9,9,9,9,9,9,9,
 9,9,9,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,191,55,55,55,55,55,55,114,9,9,316,317,89,318,
 319,55,55,55,55,55,55,320,321,322,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,191,9,55,55,55,55,292,
 55,55,323,9,9,193,35,324,36,9,9,325,9,326,55,55,55,55,55,55,55,327,328,3,4,329,6,7,98,330,55,331,55,188,332,333,324,
 334,335,55,167,336,191,191,9,9,55,55,55,55,55,55,55,76,337,55,55,254,55,55,55,174,338,9,9,9,9,9,9,339,9,9,9,9,9,9,9,9,
 55,147,55,55,55,104,62,193,55,55,340,55,76,55,55,341,55,191,55,55,342,343,9,9,344,344,345,14,14,55,55,55,55,191,114,
 344,344,346,14,347,55,55,323,55,55,55,254,348,348,349,350,351,9,9,9,9,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,
 55,55,55,262,55,187,323,9,352,31,31,353,9,9,9,9,354,55,55,355,55,356,55,357,55,188,337,9,9,9,55,358,55,193,55,114,9,9,
 9,9,55,55,55,359,55,292,55,55,360,361,55,362,174,9,55,188,55,55,9,9,146,55,363,9,55,55,55,187,55,356,55,364,55,365,169,
 9,9,9,9,9,55,55,55,55,174,9,9,9,366,366,366,367,14,14,14,368,55,55,369,114,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,55,188,
 55,55,370,365,9,9,9,371,55,55,323,55,372,373,9,55,374,9,9,55,193,9,55,262,375,55,55,376,377,292,55,378,206,55,55,379,
 380,55,174,114,381,55,382,383,384,55,55,385,206,55,55,386,387,388,136,192,55,101,389,390,391,9,9,9,392,393,174,55,55,
 394,395,114,396,88,89,397,398,399,400,401,9,9,9,9,9,9,9,9,55,55,55,402,403,404,365,9,55,55,55,405,406,114,9,9,9,9,9,9,
 9,9,9,9,55,55,188,407,242,408,9,9,55,55,55,409,410,114,9,9,55,55,411,412,114,9,9,9,55,153,413,193,262,9,9,9,9,9,9,9,9,
 9,9,9,55,55,389,414,9,9,9,9,9,9,12,12,14,14,55,415,416,417,55,418,419,114,9,9,9,9,420,55,55,421,422,9,423,55,55,424,
 425,426,55,55,427,428,9,55,55,55,55,174,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,89,55,188,429,104,55,147,292,55,430,431,432,9,
 9,9,9,433,55,55,434,435,114,436,55,114,437,114,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,55,438,439,118,55,440,441,114,9,9,
 9,9,9,104,55,192,9,9,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,114,9,9,9,9,9,9,55,55,
 55,55,55,55,188,9,55,55,55,55,55,55,55,55,55,55,55,55,254,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,
 9,9,9,9,9,9,55,55,55,55,55,55,104,55,55,55,35,442,58,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,55,55,55,55,
 262,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,55,55,55,174,55,188,114,55,55,55,55,188,114,55,191,401,55,55,
 55,443,444,445,101,446,55,9,9,9,9,9,9,9,9,9,9,9,12,12,14,14,55,262,9,9,9,9,9,9,55,55,55,55,447,104,9,9,66,448,9,9,9,9,
 449,450,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,323,55,55,55,55,
 55,55,55,55,55,55,55,55,55,187,9,9,174,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,
 9,9,9,9,9,9,451,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,116,452,9,453,454,55,55,55,55,55,55,55,55,55,55,
 55,55,55,55,55,55,55,55,55,55,55,55,55,55,193,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,55,55,55,55,55,55,76,147,174,455,456,9,9,
 9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,35,35,457,35,458,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,
 9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,459,460,461,9,462,9,9,9,9,9,9,9,9,9,463,9,9,9,9,9,9,9,55,254,55,254,9,9,9,9,9,9,55,
 174,9,9,9,9,9,9,9,9,14,14,14,14,14,464,14,14,14,465,466,467,468,14,14,14,469,470,14,471,472,473,14,14,14,14,14,14,14,
 14,14,14,14,14,14,14,14,14,14,14,14,14,474,14,473,475,14,475,14,464,14,464,476,14,476,14,477,14,477,14,478,55,55,55,35,
 35,35,479,35,35,151,480,481,183,482,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,483,476,
 484,9,9,9,9,9,9,9,9,9,9,9,9,9,485,486,487,31,31,31,488,9,261,9,9,9,9,9,9,9,55,55,147,489,490,9,9,9,9,9,9,9,9,9,9,9,9,9,
 9,9,9,9,9,9,9,55,491,9,55,55,492,114,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,55,493,114,9,9,9,9,9,9,
 9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,494,188,55,55,55,55,55,55,55,55,55,55,
 55,55,495,443,9,9,496,496,497,14,498,114,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,136,55,55,335,499,9,9,9,9,136,55,393,191,9,
 9,9,9,9,9,9,9,9,9,9,9,500,55,501,502,503,504,505,506,445,193,507,193,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,
 9,9,9,9,9,9,9,9,9,9,9,147,9,9,252,508,252,508,252,508,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,
 9,9,9,9,9,9,183,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,114,55,55,55,55,55,55,55,55,55,55,55,55,
 55,55,9,9,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,114,
 55,55,55,55,55,55,55,55,55,55,55,55,55,191,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,
 55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,365,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,
 55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,104,55,55,55,55,55,55,191,9,9,9,9,
 9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,55,191,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,9,55,55,
 55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,76,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,
 55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,55,9,9,9,9,9,509,9,35,35,35,35,35,35,9,9,9,9,9,9,9,9,35,35,35,35,35,
 35,35,35,35,35,35,35,35,35,35,9
};
static const uint8_t nluc_kind_leaf[8160] = {
 0,0,0,0,0,0,0,0,0,1,1,1,1,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,1,1,1,1,0,0,0,0,0,0,2,0,0,0,0,0,0,2,0,3,3,3,3,3,3,3,3,3,3,2,
 0,0,0,0,0,0,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,0,0,0,2,3,2,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,
 5,5,5,5,5,0,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,0,0,0,0,0,0,0,2,0,5,0,0,2,0,2,0,
 0,3,3,2,5,0,2,2,3,5,0,3,3,3,0,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,4,0,4,4,4,4,4,4,4,5,5,5,5,5,5,5,5,5,5,5,5,5,
 5,5,5,5,5,5,5,5,5,5,5,0,5,5,5,5,5,5,5,5,6,5,6,5,6,5,6,5,6,5,6,5,6,5,6,5,7,5,6,5,6,5,6,5,5,6,5,6,5,6,5,6,5,6,5,6,5,6,5,
 6,5,5,6,5,6,5,6,5,6,5,6,5,6,5,6,5,8,6,5,6,5,6,5,5,5,9,6,5,6,5,10,6,5,11,11,6,5,5,12,13,14,6,5,11,15,5,16,17,6,5,5,5,16,
 18,5,19,6,5,6,5,6,5,20,6,5,20,5,5,6,5,20,6,5,21,21,6,5,6,5,22,6,5,5,3,6,5,5,5,3,3,3,3,23,6,5,23,6,5,23,6,5,6,5,6,5,6,5,
 6,5,6,5,6,5,6,5,6,5,5,6,5,5,23,6,5,6,5,24,25,6,5,6,5,6,5,6,5,26,5,6,5,6,5,6,5,6,5,6,5,6,5,6,5,6,5,6,5,5,5,5,5,5,5,27,6,
 5,28,29,5,5,6,5,30,31,32,6,5,6,5,6,5,6,5,6,5,5,5,5,5,3,5,5,5,5,5,5,5,5,5,5,5,33,33,33,33,33,33,33,33,33,33,33,33,33,33,
 33,33,33,33,2,2,2,2,33,33,33,33,33,33,33,33,33,33,33,33,2,2,2,2,2,2,2,2,2,2,2,2,2,2,33,33,33,33,33,2,2,2,2,2,2,2,33,2,
 33,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,
 34,34,34,34,2,6,5,6,5,33,2,6,5,0,0,33,5,5,5,0,35,0,0,0,0,2,2,36,2,37,37,37,0,38,0,39,39,5,4,4,4,4,4,4,4,4,4,4,4,4,4,4,
 4,4,4,0,4,4,4,4,4,4,4,4,4,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,40,5,5,5,5,5,5,5,5,6,5,6,5,6,5,6,5,5,5,5,5,41,5,0,6,5,
 42,6,5,5,26,26,26,43,43,43,43,43,43,43,43,43,43,43,43,43,43,43,43,6,5,0,34,34,34,34,34,2,2,6,5,6,5,6,5,44,6,5,6,5,6,5,
 6,5,6,5,6,5,6,5,5,0,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,45,
 45,45,45,45,45,0,0,33,0,0,0,0,0,2,5,5,5,5,5,5,5,5,5,0,0,0,0,0,0,0,0,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,
 34,34,34,34,34,34,34,34,34,34,34,34,0,34,0,34,34,0,34,34,0,34,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,
 3,3,3,3,3,3,3,0,0,0,0,3,3,3,3,0,2,0,0,0,0,0,0,0,0,0,0,0,2,2,2,2,2,2,0,0,0,0,0,0,0,0,0,0,34,34,34,34,34,34,34,34,34,34,
 34,0,2,0,0,0,33,3,3,3,3,3,3,3,3,3,3,34,34,34,34,34,3,3,3,3,3,3,3,3,3,3,0,0,0,0,3,3,34,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,
 3,3,3,0,3,34,34,34,34,34,34,34,2,0,34,34,34,34,34,34,33,33,34,34,0,34,34,34,34,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,0,0,3,0,0,
 0,0,0,0,0,0,0,0,0,0,0,0,0,2,3,34,3,3,3,3,3,3,3,3,3,3,3,3,3,3,34,34,34,34,34,34,34,34,34,34,34,0,0,3,3,3,3,3,3,3,3,3,2,
 2,2,2,2,2,2,2,2,2,2,3,0,0,0,0,0,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,3,34,34,34,34,34,34,34,34,34,33,33,0,0,0,0,33,0,
 0,34,0,0,3,3,3,3,3,3,34,34,34,34,33,34,34,34,34,34,34,34,34,34,33,34,34,34,33,34,34,34,34,34,0,0,3,3,3,3,3,3,3,3,3,34,
 34,34,0,0,0,0,3,3,3,3,3,3,3,3,3,3,3,0,0,0,0,0,3,3,3,3,3,3,3,3,2,3,3,3,3,3,3,0,2,2,0,0,0,0,0,0,34,34,34,34,34,34,34,34,
 3,3,3,3,3,3,3,3,3,33,34,34,34,34,34,34,34,34,2,34,34,34,34,34,34,34,34,34,34,34,34,34,2,2,2,0,3,3,3,3,3,3,3,3,3,3,3,3,
 3,3,3,3,3,3,3,3,3,3,2,0,34,3,0,0,0,2,2,2,2,2,2,2,2,0,0,0,0,34,0,0,3,34,34,34,34,2,2,2,3,3,3,3,3,3,3,3,3,3,2,2,0,0,3,3,
 3,3,3,3,3,3,3,3,0,33,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,2,0,0,0,3,3,3,3,3,3,3,3,0,0,3,3,0,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,
 3,3,3,3,3,3,0,3,3,3,3,3,3,3,0,3,0,0,0,3,3,3,3,0,0,34,3,0,0,0,2,2,2,2,0,0,0,0,0,0,0,0,34,3,0,0,0,0,0,0,0,0,0,0,0,0,0,3,
 3,0,3,3,3,0,0,3,3,3,3,3,3,0,0,3,0,34,0,0,2,2,0,0,3,3,3,3,3,3,0,0,0,0,3,3,0,3,3,0,3,3,0,3,3,0,0,34,0,0,0,0,2,2,0,0,0,0,
 2,2,0,0,2,2,34,0,0,0,2,0,0,0,0,0,0,0,3,3,3,3,0,3,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,2,2,3,3,3,2,0,0,0,0,0,0,0,0,0,0,0,2,
 2,0,0,3,3,3,3,3,3,3,3,3,0,3,3,3,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,0,3,3,0,3,3,3,3,3,0,0,34,3,0,0,0,2,2,2,2,2,0,2,2,0,0,0,0,
 34,0,0,3,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,3,2,2,2,2,2,2,0,2,0,0,0,3,3,3,3,3,3,3,3,0,0,3,3,0,3,3,0,3,3,3,
 3,3,0,0,34,3,0,2,0,2,2,2,2,0,0,0,0,0,0,0,0,34,0,0,0,0,0,0,0,2,2,0,0,0,0,0,3,3,0,3,0,3,3,3,3,3,3,3,0,0,0,0,0,0,0,0,0,0,
 2,3,0,3,3,3,3,3,3,0,0,0,3,3,3,0,3,3,3,3,0,0,0,3,3,0,3,0,3,3,0,0,0,3,3,0,0,0,3,3,3,0,0,0,3,3,3,3,3,3,3,3,3,3,3,3,0,0,0,
 0,0,0,2,0,0,0,0,0,0,0,0,0,0,0,0,34,0,0,3,3,3,0,0,0,0,0,0,0,0,0,0,0,0,0,2,0,0,0,2,3,3,3,3,3,3,3,3,0,3,3,3,0,3,3,3,3,3,3,
 3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,0,0,34,3,2,2,2,0,0,0,0,0,2,2,2,0,2,2,2,34,0,0,0,0,0,0,0,34,34,0,3,3,3,0,0,3,0,0,0,
 0,0,0,0,0,0,0,3,3,3,3,3,3,3,0,3,2,0,0,0,3,3,3,3,3,3,3,3,0,3,3,3,3,3,3,0,3,3,3,3,3,0,0,34,3,0,2,0,0,0,0,0,0,2,0,0,0,0,0,
 2,34,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,3,3,0,0,3,3,0,0,0,0,0,0,0,0,0,0,0,0,0,2,2,0,0,3,3,3,3,3,3,3,3,3,0,3,3,3,3,3,3,3,3,3,
 3,3,3,3,34,34,3,0,0,0,0,0,0,3,3,3,0,3,3,3,3,3,3,3,3,0,2,0,0,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,0,0,0,3,3,3,3,3,3,3,
 3,0,3,3,3,3,3,3,3,3,3,0,3,0,0,3,3,3,3,3,3,3,0,0,0,34,0,0,0,0,0,0,0,2,2,2,0,2,0,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,3,
 3,3,3,3,3,2,3,3,2,2,2,2,34,34,34,0,0,0,0,0,3,3,3,3,3,3,33,2,34,34,34,34,2,2,2,0,0,3,3,0,3,0,3,3,3,3,3,0,3,3,3,3,3,3,3,
 3,0,3,0,3,3,3,3,3,3,3,3,3,3,2,3,3,2,2,2,2,34,34,34,2,2,3,0,0,3,3,3,3,3,0,33,0,34,34,34,34,2,2,2,0,3,3,3,3,3,3,3,3,3,3,
 0,0,3,3,3,3,0,0,0,0,0,0,0,0,34,34,0,0,0,0,0,0,3,3,3,3,0,34,0,34,0,34,0,0,0,0,0,0,3,3,3,3,3,3,3,3,0,3,3,3,3,3,3,3,3,3,3,
 3,3,3,3,3,3,3,3,3,3,0,0,0,0,34,34,34,34,34,2,2,2,2,34,34,34,34,2,0,34,34,34,34,34,0,34,34,3,3,3,3,3,2,2,2,2,2,2,2,2,2,
 2,2,0,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,0,0,0,0,0,0,0,0,0,34,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,3,0,0,2,2,2,2,
 0,2,2,2,2,2,34,0,34,34,0,0,2,2,3,3,3,3,3,3,3,0,0,2,2,3,3,3,3,2,2,2,3,0,0,0,3,3,0,0,0,0,0,0,0,3,3,3,2,2,2,2,3,3,3,3,3,3,
 3,3,3,3,3,3,3,2,0,0,2,2,0,0,0,0,0,0,34,3,0,3,3,3,3,3,3,3,3,3,3,0,0,0,2,0,0,46,46,46,46,46,46,46,46,46,46,46,46,46,46,
 46,46,46,46,46,46,46,46,0,46,0,0,0,0,0,46,0,0,5,5,5,5,5,5,5,5,5,5,5,0,33,5,5,5,3,3,3,3,3,3,3,3,3,0,3,3,3,3,0,0,3,3,3,3,
 3,3,3,0,3,0,3,3,3,3,0,0,3,0,3,3,3,3,0,0,3,3,3,3,3,3,3,0,3,0,3,3,3,3,0,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,0,3,3,3,3,3,3,3,
 3,3,3,3,3,3,3,3,3,3,3,3,0,0,34,34,34,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,47,47,47,47,47,47,47,47,47,47,47,47,47,47,47,47,
 40,40,40,40,40,40,0,0,5,5,5,5,5,5,0,0,1,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,0,0,0,3,3,3,3,3,3,3,3,3,3,
 3,0,0,0,0,0,0,0,3,3,2,2,34,48,0,0,0,0,0,0,0,0,0,3,3,3,2,2,48,0,0,0,0,0,0,0,0,0,0,0,3,3,2,2,0,0,0,0,0,0,0,0,0,0,0,0,3,3,
 3,3,3,3,3,3,3,3,3,3,3,0,3,3,3,0,2,2,0,0,0,0,0,0,0,0,0,0,0,0,3,3,3,3,2,2,0,2,2,2,2,2,2,2,0,0,0,0,0,0,0,0,2,0,0,2,2,2,2,
 2,2,2,2,2,34,2,0,0,0,33,0,0,0,0,3,34,0,0,0,0,0,0,0,0,0,0,0,0,0,2,2,2,2,2,3,3,3,33,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,2,
 2,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,34,3,0,0,0,0,0,3,3,3,3,3,3,0,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,0,2,
 2,2,0,0,0,0,2,2,0,0,0,0,0,0,0,0,0,2,0,0,0,0,0,0,34,34,34,0,0,0,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,0,0,3,3,3,3,3,0,0,0,0,0,0,
 0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,3,3,0,0,0,0,3,3,3,3,3,3,3,34,34,0,0,2,0,0,0,0,3,3,3,3,3,0,2,0,2,2,2,2,2,2,2,0,34,0,2,0,0,
 2,2,2,2,2,2,2,2,0,0,0,0,0,0,2,2,34,34,34,34,34,34,34,34,0,0,34,0,0,0,0,0,0,0,33,0,0,0,0,0,0,0,0,34,34,34,34,34,34,34,
 34,34,34,34,34,34,34,2,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,0,2,2,2,2,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,34,0,
 2,2,2,2,2,0,2,0,0,0,0,0,2,0,48,3,3,3,3,3,3,3,3,0,0,0,0,0,0,0,0,0,0,0,0,0,0,34,34,34,34,34,34,34,34,34,0,0,0,0,0,0,0,0,
 0,0,0,0,2,2,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,0,2,2,2,2,0,0,2,2,48,34,2,2,3,3,3,3,3,3,3,3,34,0,2,2,0,0,0,2,0,2,2,2,48,48,0,
 0,0,0,0,0,0,0,0,0,0,0,3,3,3,3,0,0,0,0,0,0,0,0,2,2,2,2,2,2,2,2,0,0,2,34,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,0,0,0,3,3,3,
 3,3,3,3,3,3,3,3,33,33,33,33,33,33,0,0,49,49,49,49,49,49,49,49,49,49,49,49,49,49,49,49,49,49,49,49,49,49,49,49,49,49,49,
 0,0,49,49,49,34,34,34,0,34,34,34,34,34,34,34,34,34,34,34,34,34,0,34,34,34,34,34,34,34,3,3,3,3,34,3,3,3,3,3,3,34,3,3,0,
 34,34,3,0,0,0,0,0,5,5,5,5,5,5,5,5,5,5,5,5,33,33,33,33,33,33,33,33,33,33,33,33,33,33,33,5,5,5,5,5,5,5,5,5,5,5,5,5,33,5,
 5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,33,33,33,33,33,6,5,6,5,6,5,5,5,5,5,5,5,5,5,50,5,5,5,5,5,5,5,5,5,51,51,51,51,51,51,51,
 51,5,5,5,5,5,5,0,0,51,51,51,51,51,51,0,0,5,5,5,5,5,5,5,5,0,51,0,51,0,51,0,51,5,5,5,5,5,5,5,5,5,5,5,5,5,5,0,0,5,5,5,5,5,
 0,5,5,51,51,52,52,53,2,5,2,2,2,5,5,5,0,5,5,54,54,54,54,53,2,2,2,5,5,5,5,0,0,5,5,51,51,55,55,0,2,2,2,5,5,5,5,5,5,5,5,51,
 51,56,56,42,2,2,2,0,0,5,5,5,0,5,5,57,57,58,58,53,2,2,0,1,1,1,1,1,1,1,1,1,1,1,2,2,2,2,2,0,0,0,0,0,0,0,0,2,2,0,0,0,0,0,0,
 0,0,0,0,2,0,0,2,1,1,2,2,2,2,2,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1,2,2,2,2,2,0,2,2,2,2,2,2,2,2,2,2,3,33,0,0,3,3,3,3,3,3,0,
 0,0,0,0,33,33,33,33,33,33,33,33,33,33,33,33,33,33,0,0,0,34,34,34,34,34,34,34,34,34,34,34,34,34,2,2,2,2,34,2,2,2,34,34,
 34,34,34,34,34,34,34,34,34,34,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,5,0,0,0,0,5,0,0,5,5,5,5,5,5,5,5,5,5,0,5,0,0,0,5,5,5,5,
 5,0,0,0,0,0,0,5,0,59,0,5,0,60,61,5,5,0,5,5,5,62,5,5,3,3,3,3,5,0,0,5,5,5,5,0,0,0,0,0,5,5,5,5,5,0,0,0,0,5,0,63,63,63,63,
 63,63,63,63,63,63,63,63,63,63,63,63,3,3,3,6,5,3,3,3,3,3,0,0,0,0,0,0,0,0,0,0,0,0,64,64,64,64,64,64,64,64,64,64,64,64,64,
 64,64,64,64,64,64,64,64,64,64,64,64,64,65,65,65,65,65,65,65,65,65,65,65,65,65,65,65,65,65,65,65,65,65,65,65,65,65,65,3,
 3,3,3,3,3,3,3,3,3,0,0,0,0,0,0,0,0,0,0,0,0,6,5,66,67,68,5,5,6,5,6,5,6,5,69,70,71,72,5,6,5,5,6,5,5,5,5,5,5,33,33,73,73,6,
 5,6,5,5,0,0,0,0,0,0,6,5,6,5,34,34,34,6,5,0,0,0,0,0,0,0,0,0,3,0,0,5,5,5,5,5,5,0,5,0,0,0,0,0,5,0,0,3,3,3,3,3,3,3,3,0,0,0,
 0,0,0,0,33,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,34,3,3,3,3,3,3,3,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,0,3,3,3,3,3,3,3,0,0,0,0,0,0,
 0,0,0,0,0,0,0,0,0,0,33,1,0,0,0,0,33,3,3,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,34,34,34,34,48,48,0,33,33,33,33,33,0,0,3,3,
 3,33,3,0,0,0,3,3,3,3,3,3,3,0,0,34,34,2,2,33,33,3,3,3,3,3,3,3,3,3,3,3,3,0,33,33,33,3,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,3,0,
 0,3,3,3,3,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,3,3,3,33,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,
 33,0,0,0,6,5,6,5,6,5,6,5,6,5,6,5,6,5,3,34,2,2,2,0,34,34,34,34,34,34,34,34,34,34,0,33,6,5,6,5,6,5,6,5,6,5,6,5,33,33,34,
 34,34,34,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2,2,2,2,2,2,2,33,33,33,33,33,33,33,33,33,2,2,6,5,6,5,6,5,6,5,6,5,6,5,6,5,5,5,6,5,
 6,5,6,5,6,5,6,5,6,5,6,5,33,5,5,5,5,5,5,5,5,6,5,6,5,74,6,5,6,5,6,5,6,5,6,5,33,2,2,6,5,75,5,3,6,5,6,5,5,5,6,5,6,5,6,5,6,
 5,6,5,6,5,6,5,6,5,6,5,6,5,76,77,78,79,76,5,80,81,82,83,6,5,6,5,6,5,6,5,6,5,6,5,6,5,6,5,84,85,86,6,5,6,5,0,0,0,0,0,6,5,
 0,5,0,5,6,5,6,5,0,0,0,0,0,0,0,0,33,33,33,6,5,3,33,33,5,3,3,3,3,3,3,3,2,3,3,3,34,3,3,3,3,2,3,3,3,3,3,3,3,0,0,2,2,0,0,0,
 0,0,34,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,0,0,0,0,34,2,0,0,0,0,0,0,0,0,0,0,34,34,3,3,3,3,3,3,0,0,0,3,0,3,3,2,3,3,3,
 3,3,3,2,2,2,2,2,34,34,34,0,0,3,3,3,3,3,3,3,2,2,2,2,2,2,2,2,2,2,2,0,48,0,0,0,0,0,0,0,0,0,0,0,0,3,3,3,34,0,0,2,2,2,2,0,0,
 2,2,0,0,48,0,0,0,0,0,0,0,0,0,0,0,0,0,0,33,3,3,3,3,3,2,33,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,2,2,2,2,2,2,0,0,2,2,0,0,2,
 2,0,0,0,0,0,0,0,0,0,3,3,3,2,3,3,3,3,3,3,3,3,2,0,0,0,33,3,3,3,3,3,3,0,0,0,3,0,2,0,3,3,34,3,34,34,34,3,3,34,34,3,3,3,3,3,
 34,34,3,34,3,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,3,3,33,0,0,3,3,3,3,3,3,3,3,3,3,3,0,2,2,0,0,0,0,3,33,33,0,
 34,0,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,0,0,3,3,3,3,3,3,0,0,3,3,3,3,3,3,0,0,0,0,0,0,0,0,0,5,5,5,5,5,5,5,5,5,5,5,2,33,33,33,
 33,5,5,5,5,5,5,5,5,5,33,2,2,0,0,0,0,3,3,3,0,0,2,0,0,2,0,0,0,0,34,0,0,3,3,3,3,3,3,3,0,0,0,0,3,3,3,3,3,5,5,5,5,5,5,5,0,0,
 0,0,0,0,0,0,0,0,0,0,5,5,5,5,5,0,0,0,0,0,3,34,3,3,3,3,3,3,3,3,0,3,3,3,3,3,0,3,0,3,3,0,3,3,0,3,3,3,3,3,3,3,3,3,3,3,3,2,2,
 2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,0,0,0,0,0,0,0,
 0,0,0,0,2,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2,0,0,2,0,0,0,0,0,0,0,0,0,0,3,3,3,3,3,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,
 3,3,3,0,0,2,0,0,0,0,0,0,0,2,0,0,0,0,0,0,2,0,4,4,4,4,4,4,4,4,4,4,4,0,0,0,2,0,33,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,
 3,3,3,3,3,3,3,3,3,87,87,0,0,3,3,3,3,3,3,0,0,3,3,3,3,3,3,0,0,3,3,3,3,3,3,0,0,3,3,3,0,0,0,0,0,0,0,0,0,0,0,0,2,2,2,0,0,0,
 0,3,3,3,3,3,3,3,3,3,3,3,3,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,0,3,3,0,3,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,0,0,0,0,0,0,0,0,0,0,
 3,3,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,34,0,0,3,3,3,3,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,34,34,34,34,34,0,0,0,0,0,3,3,
 3,3,0,0,0,0,3,3,3,3,3,3,3,3,0,3,3,3,3,3,0,0,0,0,0,0,0,0,0,0,88,88,88,88,88,88,88,88,88,88,88,88,88,88,88,88,88,88,88,
 88,88,88,88,88,5,5,5,5,5,5,5,5,88,88,88,88,0,0,0,0,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,0,0,0,0,89,89,89,89,89,89,
 89,89,89,89,89,0,89,89,89,89,89,89,89,0,89,89,0,5,5,5,5,5,5,5,5,5,5,5,0,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,0,5,5,5,5,5,5,5,
 0,5,5,0,0,0,33,33,33,33,33,33,0,33,33,33,33,33,33,33,33,33,33,0,33,33,33,33,33,33,33,33,33,0,0,0,0,0,3,3,3,3,3,3,0,0,3,
 0,3,3,3,3,3,3,3,3,3,3,3,3,0,3,3,0,0,0,3,0,0,3,3,3,3,3,3,3,0,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,0,0,3,3,3,3,3,3,3,3,3,3,0,
 3,3,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,3,3,3,0,0,0,0,3,3,3,3,3,2,2,2,0,2,2,0,0,0,0,0,2,34,2,34,3,3,3,3,0,3,3,3,0,3,3,3,3,3,
 3,3,3,3,3,3,3,3,0,0,34,34,34,0,0,0,0,34,3,3,3,3,3,34,34,0,0,0,0,3,3,3,3,3,3,3,3,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,0,0,0,0,
 0,0,0,0,0,0,0,0,0,0,38,38,38,38,38,38,38,38,38,38,38,38,38,38,38,38,38,38,38,0,0,0,0,0,0,0,0,0,0,0,0,0,5,5,5,0,0,0,0,0,
 0,0,3,3,3,3,3,3,3,3,3,3,34,34,34,34,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,0,34,34,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,34,34,
 34,3,3,3,3,3,3,34,34,34,34,34,34,34,34,34,34,34,3,3,3,3,0,0,0,0,0,0,0,0,0,0,0,3,3,34,34,34,34,0,0,0,0,0,0,0,0,0,0,0,2,
 0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,2,2,2,2,2,2,2,2,2,2,2,2,2,2,34,0,0,0,0,0,0,0,0,0,34,3,3,2,2,3,0,0,0,0,0,0,
 0,0,0,34,0,0,0,2,2,2,2,0,0,34,34,0,0,2,0,0,0,0,2,0,0,0,0,0,0,0,0,0,0,2,0,0,34,34,34,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,
 3,3,3,2,2,2,2,2,0,2,2,2,2,2,2,34,34,0,3,3,3,3,3,3,3,3,3,3,0,0,0,0,3,0,0,3,0,0,0,0,0,0,0,0,3,3,3,34,0,0,3,0,0,0,0,0,0,0,
 0,0,3,3,3,0,0,0,2,2,2,2,2,2,2,2,2,0,48,3,3,3,3,0,0,0,0,2,34,2,2,0,0,2,3,3,3,3,3,3,3,3,3,3,3,0,3,0,0,0,3,3,3,3,3,3,3,3,
 3,3,3,3,0,0,0,2,2,2,0,0,2,48,34,2,0,0,0,0,0,0,2,3,3,2,0,0,0,0,0,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,0,3,0,3,3,3,3,0,3,3,3,
 3,3,3,3,3,3,3,3,3,3,3,3,0,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,3,2,0,0,0,2,2,2,2,2,2,34,34,0,0,0,0,0,2,2,0,0,0,3,3,3,3,3,3,3,
 3,0,0,3,3,0,3,3,0,3,3,3,3,3,0,34,34,3,0,0,2,0,0,0,0,0,0,0,0,0,0,0,0,48,0,0,3,0,0,0,0,0,0,0,0,0,0,0,0,3,3,3,3,3,0,0,0,0,
 34,34,34,34,34,34,34,0,0,0,34,34,34,34,34,0,0,0,0,0,0,0,0,0,0,0,3,3,3,3,3,0,0,0,2,2,2,2,2,2,2,2,0,0,34,2,2,0,34,3,3,3,
 3,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,0,0,0,0,34,3,0,0,0,2,2,2,2,2,2,0,2,0,0,0,0,2,2,0,34,34,3,3,0,3,0,0,0,0,0,0,0,0,0,0,2,2,
 2,2,0,0,0,0,0,0,2,2,0,34,0,0,0,0,0,0,0,0,3,3,3,3,2,2,0,0,0,0,0,2,2,2,2,2,2,2,2,0,0,2,0,34,2,0,0,0,3,0,0,0,0,0,0,0,0,0,
 0,0,3,3,3,3,3,3,3,3,3,3,3,2,0,2,0,0,2,2,2,2,2,2,48,34,3,0,0,0,0,0,0,0,0,0,2,2,2,2,0,2,2,2,2,34,0,0,0,0,2,2,2,2,2,2,2,2,
 0,34,34,0,0,0,0,0,3,3,3,0,0,0,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,0,0,3,0,0,3,3,3,3,3,3,3,3,0,3,3,0,3,3,3,3,3,3,3,3,0,0,
 0,0,0,0,0,0,0,0,0,2,2,48,34,3,0,3,0,34,0,0,0,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,0,0,3,3,3,3,3,3,3,0,0,0,2,2,2,2,0,0,2,2,
 0,0,0,0,34,3,0,3,0,0,0,0,0,0,0,0,0,0,0,0,3,2,2,2,2,2,2,2,2,2,2,3,3,3,3,3,3,3,3,2,34,2,2,2,2,0,3,2,2,2,2,0,0,0,0,0,0,0,
 0,34,0,0,0,0,0,0,0,0,3,2,2,2,2,2,2,0,0,2,2,2,3,3,3,3,3,3,3,3,3,3,3,3,3,3,2,2,2,2,2,2,2,2,2,2,2,2,2,0,2,34,0,0,0,3,0,0,
 2,2,2,2,2,2,2,0,2,2,2,2,2,2,0,34,0,0,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,0,0,2,2,2,2,2,2,2,0,2,2,0,2,2,0,0,0,0,
 0,0,0,0,0,3,3,3,3,3,3,3,0,3,3,0,3,3,3,3,3,3,2,2,2,2,2,2,0,0,0,2,0,2,2,0,2,2,2,34,2,34,34,3,2,0,0,0,0,0,0,0,0,3,3,3,3,3,
 3,0,3,3,0,3,3,3,3,3,3,2,2,0,0,0,2,0,34,3,0,0,0,0,0,0,0,3,3,3,2,2,0,0,0,0,0,0,0,0,0,0,0,2,2,3,0,3,3,3,3,3,3,3,3,3,3,3,3,
 3,3,3,3,0,0,2,2,2,2,2,0,0,0,0,0,2,48,34,0,0,0,0,0,0,0,0,0,0,0,0,0,2,3,3,3,3,3,3,2,2,2,2,2,2,2,2,2,34,34,34,34,34,34,34,
 0,0,0,0,0,0,0,0,0,33,33,33,33,0,0,0,0,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,0,3,3,3,3,3,3,3,3,3,3,3,3,3,0,0,0,0,0,3,3,3,
 3,3,3,3,3,3,3,3,3,3,3,0,0,0,0,2,2,2,2,33,33,33,33,33,33,33,33,33,33,33,33,33,33,33,0,33,2,0,0,0,0,0,0,0,0,0,0,0,48,48,
 0,0,0,0,0,0,0,0,0,0,0,0,0,0,33,33,33,33,0,33,33,33,33,33,33,33,0,33,33,0,0,0,3,0,0,0,0,0,0,0,0,0,0,0,0,0,3,3,3,0,0,3,0,
 0,0,0,0,0,0,0,0,0,0,0,0,0,3,3,3,3,0,0,0,0,0,0,0,0,3,3,3,3,3,3,3,3,3,3,0,0,0,2,34,0,2,2,2,2,0,0,0,0,0,0,0,0,0,0,0,0,2,2,
 2,2,2,2,2,2,2,2,2,2,2,2,0,0,2,2,2,2,2,2,2,0,0,0,0,0,0,0,0,0,0,0,0,0,0,48,48,34,34,34,0,0,0,48,48,48,48,48,48,2,2,2,2,2,
 2,2,2,34,34,34,34,34,34,34,34,0,0,34,34,34,34,34,34,34,0,0,0,0,0,0,0,0,0,0,0,0,0,0,34,34,34,34,0,0,0,0,34,34,34,0,0,0,
 0,0,0,0,0,0,0,0,5,5,5,5,5,0,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,0,5,5,0,0,5,0,0,5,5,0,0,5,5,5,5,0,5,5,5,5,5,
 5,5,5,5,5,5,5,0,5,0,5,5,5,5,5,5,5,0,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,0,5,5,5,5,0,0,5,5,5,5,5,5,5,5,0,5,5,5,5,5,5,5,0,
 5,5,5,5,5,5,5,5,5,5,5,5,0,5,5,5,5,0,5,5,5,5,5,0,5,0,0,0,5,5,5,5,5,5,5,0,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,0,0,5,
 5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,0,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,0,5,5,5,5,5,5,5,5,5,0,5,5,5,5,5,5,5,5,5,0,
 5,5,5,5,5,5,5,5,0,0,3,3,2,2,2,2,2,2,2,0,0,0,0,2,2,2,2,2,0,0,0,0,0,2,0,0,0,0,0,0,0,0,0,0,0,0,0,0,2,0,0,0,0,0,0,0,0,0,0,
 0,0,2,2,2,2,2,2,2,2,2,2,2,2,2,2,2,5,5,5,5,5,5,5,5,5,5,3,5,5,5,5,5,0,0,0,0,0,5,5,5,5,5,5,0,0,0,0,0,34,34,34,34,34,34,34,
 0,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,34,0,0,34,34,34,34,34,34,34,0,34,34,0,34,34,34,34,34,0,0,0,0,0,33,33,
 33,33,33,33,33,33,33,33,33,33,33,33,0,0,34,34,34,34,34,34,34,33,33,33,33,33,33,33,0,0,3,3,3,3,3,3,3,3,3,3,0,0,0,0,3,0,
 3,3,3,3,3,3,3,3,3,3,3,3,3,3,34,0,3,3,3,3,3,3,3,3,3,3,3,3,34,34,34,34,3,3,3,3,3,3,3,3,3,3,3,33,34,34,34,34,3,3,3,3,3,3,
 3,0,3,3,3,3,0,3,3,0,3,3,3,3,3,0,0,3,3,3,3,3,3,3,3,3,90,90,90,90,90,90,90,90,90,90,90,90,90,90,90,90,90,90,5,5,5,5,5,5,
 5,5,5,5,5,5,5,5,5,5,5,5,34,34,34,34,34,34,34,33,0,0,0,0,0,3,3,3,3,0,0,0,0,0,0,0,0,0,0,0,3,3,3,3,0,3,3,3,3,3,3,3,3,3,3,
 3,0,3,3,0,3,0,0,3,0,3,3,3,3,3,3,3,3,3,3,0,3,3,3,3,0,3,0,3,0,0,0,0,0,0,3,0,0,0,0,3,0,3,0,3,0,3,3,3,0,3,3,0,3,0,0,3,0,3,
 0,3,0,3,0,3,0,3,3,0,3,0,0,3,3,3,3,0,3,3,3,3,3,3,3,0,3,3,3,3,0,3,3,3,3,0,3,0,0,3,3,3,0,3,3,3,3,3,0,3,3,3,3,3,65,65,65,
 65,65,65,65,65,65,65,0,0,0,0,0,0,0,2,0,0,0,0,0,0,0,0,0,0,0,0,0,0
};
static const uint8_t nluc_kind_flags[91] = {
 0,2,8,1,5,5,5,37,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,9,24,5,5,5,5,5,5,5,5,5,5,5,5,5,16,5,5,5,5,5,5,5,5,5,
 5,5,5,5,5,5,4,4,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,25,5,5,5
};
static const int32_t nluc_kind_lower[91] = {
 0,0,0,0,32,0,1,0,-121,210,206,205,79,202,203,207,211,209,213,214,218,217,219,2,-97,-56,-130,10795,-163,10792,-195,69,
 71,0,0,116,38,37,64,63,8,-60,-7,80,15,48,7264,38864,0,-3008,-7615,-8,-74,-9,-86,-100,-112,-128,-126,-7517,-8383,-8262,
 28,16,26,0,-10743,-3814,-10727,-10780,-10749,-10783,-10782,-10815,-35332,-42280,-42308,-42319,-42315,-42305,-42258,
 -42282,-42261,928,-48,-42307,-35384,0,40,39,34
};
static const uint32_t nluc_lower_long[4] = {
 304,105,775,0
};
#ifndef NLUC_NO_ACCENTS
static const uint8_t nluc_nfkd_top[192] = {
 0,1,2,3,4,5,6,7,8,9,10,11,12,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,13,14,5,5,5,5,5,5,5,5,5,5,5,5,5,5,
 5,5,5,5,5,15,16,5,17,5,5,18,19,20,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,
 5,5,5,21,22,5,5,23,5,5,24,25,5,26,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,
 5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,5,27,5
};
static const uint16_t nluc_nfkd_middle[896] = {
 0,0,0,0,0,1,2,3,4,5,6,7,0,8,9,10,11,12,0,0,0,13,14,15,0,0,0,16,17,18,19,20,21,22,23,24,0,0,25,26,0,0,0,0,27,0,0,0,0,28,
 0,29,0,0,30,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,31,32,0,0,0,33,0,0,34,35,0,0,0,0,0,0,0,36,0,37,0,38,0,0,0,39,0,0,0,40,
 0,0,0,41,0,0,0,42,0,0,43,0,0,0,44,45,0,46,0,47,48,49,50,0,0,0,51,0,0,0,0,0,52,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,
 0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,
 0,53,54,55,0,0,0,0,0,0,0,0,0,0,0,0,0,0,56,57,58,59,60,0,0,61,62,63,64,65,66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,
 81,82,0,0,83,84,85,86,87,88,89,0,90,91,92,93,94,95,0,96,0,97,0,0,0,0,0,0,0,0,0,98,99,100,101,102,0,0,0,0,0,0,0,0,0,0,0,
 0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,103,0,0,104,0,0,105,0,0,0,0,0,0,0,0,0,0,0,0,106,0,0,0,0,0,0,
 0,107,0,0,0,0,0,0,0,0,108,0,0,109,110,111,112,113,114,115,116,0,117,118,119,120,121,122,123,124,0,125,126,127,128,0,0,
 0,129,130,131,132,133,134,135,136,137,138,139,140,141,142,143,144,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,145,0,0,0,0,
 0,0,146,0,0,0,147,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,148,149,0,0,0,0,0,0,0,0,0,0,0,0,150,151,152,153,
 154,155,156,157,158,159,160,161,162,163,164,0,165,166,167,168,169,170,171,172,173,174,175,176,177,178,179,180,181,182,
 183,184,185,186,187,188,189,190,191,192,193,194,195,196,197,198,199,200,201,202,203,204,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,
 0,0,0,0,0,0,0,0,0,0,0,0,0,205,206,0,0,0,0,0,0,207,208,0,0,0,209,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,210,0,0,0,0,0,0,0,0,0,
 0,211,0,0,0,0,0,0,0,212,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,213,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,
 0,0,0,0,0,0,0,0,0,0,0,0,0,0,214,215,0,216,217,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,218,219,220,221,222,223,224,225,226,
 227,228,229,230,231,232,233,234,235,236,237,238,239,240,241,242,243,244,245,246,247,248,249,0,250,251,252,0,0,0,0,0,0,
 0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,253,254,255,256,257,258,0,0,0,0,0,0,0,0,0,
 0,0,0,0,0,0,0,0,0,259,260,261,262,263,0,0,0,264,265,266,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,
 0,0,0,0,0,0,0,0,0,0,0,0,0,267,268,269,270,271,272,273,274,275,276,277,278,279,280,281,282,283,284,0,0,0,0,0,0,0,0,0,0,
 0,0,0,0,0
};
static const uint32_t nluc_nfkd_bits[285] = {
 0,2000454913,1048510399,3195994047u,4294770687u,4278058815u,4294177785u,4294967103u,98307,3758096368u,4282384335u,
 3489660927u,1048512,33488896,1056964608,31,1141899264,120816,130048,8354816,37158912,33583243,33554432,1888157696,
 12582912,4241424390u,54525180,128,124,31457280,524293,1180160,4278190080u,2952796160u,4718592,1308622848,805312768,
 1048576,7168,256,3457,7168,1946157056,524288,524288,805306368,4096,277094408,62915072,537395200,33558660,64,268435456,
 283968,671088640,11,4160712704u,4294950911u,16779263,4160749568u,4294967295u,4294967295u,4294967295u,4294967295u,
 4294967295u,268435455,4294967295u,4294967295u,67108863,1061158911,4294967295u,2868854591u,1073741823,4294967295u,
 4292870143u,4023386079u,2145189887,8521727,1356365936,2155873152u,4294115328u,536838143,256,1047527151,4227579223u,
 4294902753u,4294967295u,201327104,16384,57344,4624,110672,658,53731333,819,61440,15375,1536,4294967295u,4294967295u,
 4294967295u,4294967295u,2047,4096,7340032,268435456,805306368,32768,2147483648u,524288,4294967295u,4294967295u,
 4294967295u,4294967295u,4294967295u,4294967295u,4194303,1,121634816,1431654400,920322725,3624927232u,1431654400,
 920322725,3348103168u,4294836224u,4294967295u,4294967295u,4294737919u,2147483647,4294967295u,4294902015u,2147483647,
 4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,
 4294967295u,4294967295u,4294967295u,805306368,65536,52166656,4026531840u,512,4294967295u,4294967295u,4294967295u,
 4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,2145730559,4294966373u,4294967295u,4294918143u,4294967295u,
 4294967295u,67108863,2700607615u,1602224127,4294967259u,4294967295u,4294967295u,262143,4294443008u,4294967295u,
 4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,1073741823,
 4294901760u,4294967295u,4294770687u,4294967295u,255,536805376,67043328,4294901760u,4294442911u,4292284287u,4294967295u,
 4294967295u,4294967295u,536870911,4294967294u,4294967295u,4294967295u,4294967295u,1073741823,2147483647,486341884,
 32639,4294967230u,134086655,335544320,2048,49152,6144,1476395008,201326592,16777216,3221225472u,31,4160749568u,1,
 4294967295u,4294967295u,4292870143u,4294967295u,3758096383u,3959414372u,4294967279u,4294967295u,3755993023u,2080374783,
 4294835295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,
 4294967295u,4294967295u,4294967103u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,
 4294967295u,4294967295u,4294955007u,4294967295u,4294901760u,4294967295u,16383,4294967279u,184024726,2862017156u,
 1593309078,268434431,268434414,4294903807u,4294934527u,65535,7168,65536,4294901767u,268435455,197119,67043328,
 4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,
 4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,4294967295u,1073741823
};
static const uint16_t nluc_nfkd_rank[285] = {
 0,0,14,40,67,97,125,151,181,185,212,240,270,284,293,299,304,307,318,325,337,343,351,352,359,361,375,395,396,401,405,
 408,411,419,424,426,430,435,436,439,440,445,448,452,453,454,456,457,462,467,469,473,474,475,481,483,486,504,535,547,
 552,584,616,648,680,712,740,772,804,830,858,890,914,944,976,1007,1035,1063,1076,1086,1091,1105,1133,1134,1159,1184,
 1206,1238,1241,1242,1245,1248,1254,1258,1269,1275,1279,1287,1289,1321,1353,1385,1417,1428,1429,1432,1433,1435,1436,
 1437,1438,1470,1502,1534,1566,1598,1630,1652,1653,1657,1667,1682,1687,1697,1712,1719,1734,1766,1798,1827,1858,1890,
 1914,1945,1977,2009,2041,2073,2105,2137,2169,2201,2233,2265,2297,2329,2331,2332,2337,2341,2342,2374,2406,2438,2470,
 2502,2534,2566,2598,2624,2650,2682,2712,2744,2776,2802,2816,2845,2875,2907,2939,2957,2970,3002,3034,3066,3098,3130,
 3162,3194,3226,3258,3290,3320,3336,3368,3398,3430,3438,3451,3461,3477,3506,3531,3563,3595,3627,3656,3687,3719,3751,
 3783,3813,3844,3865,3879,3909,3935,3937,3938,3940,3942,3945,3947,3948,3950,3955,3960,3961,3993,4025,4056,4088,4119,
 4142,4173,4205,4232,4262,4289,4321,4353,4385,4417,4449,4481,4513,4545,4577,4609,4639,4671,4703,4735,4767,4799,4831,
 4863,4895,4925,4957,4973,5005,5019,5050,5070,5085,5108,5135,5160,5187,5218,5234,5237,5238,5257,5285,5296,5306,5338,
 5370,5402,5434,5466,5498,5530,5562,5594,5626,5658,5690,5722,5754,5786,5818
};
static const uint16_t nluc_nfkd_value[5848] = {
 32,32,97,32,50,51,32,956,32,49,111,58076,58074,58102,65,65,65,65,65,65,67,69,69,69,69,73,73,73,73,78,79,79,79,79,79,85,
 85,85,85,89,97,97,97,97,97,97,99,101,101,101,101,105,105,105,105,110,111,111,111,111,111,117,117,117,117,121,121,65,97,
 65,97,65,97,67,99,67,99,67,99,67,99,68,100,69,101,69,101,69,101,69,101,69,101,71,103,71,103,71,103,71,103,72,104,73,
 105,73,105,73,105,73,105,73,57453,57503,74,106,75,107,76,108,76,108,76,108,57462,57519,78,110,78,110,78,110,57550,79,
 111,79,111,79,111,82,114,82,114,82,114,83,115,83,115,83,115,83,115,84,116,84,116,85,117,85,117,85,117,85,117,85,117,85,
 117,87,119,89,121,89,90,122,90,122,90,122,115,79,111,85,117,57444,57445,57495,57460,57461,57515,57470,57471,57534,65,
 97,73,105,79,111,85,117,85,117,85,117,85,117,85,117,65,97,65,97,198,230,71,103,75,107,79,111,79,111,439,658,106,57444,
 57445,57495,71,103,78,110,65,97,198,230,216,248,65,97,65,97,69,101,69,101,73,105,73,105,79,111,79,111,82,114,82,114,85,
 117,85,117,83,115,84,116,72,104,65,97,69,101,79,111,79,111,79,111,79,111,89,121,104,614,106,114,633,635,641,119,121,32,
 32,32,32,32,32,611,108,115,120,661,697,32,59,32,32,913,183,917,919,921,927,933,937,953,921,933,945,949,951,953,965,953,
 965,959,965,969,946,952,933,933,933,966,960,954,961,962,920,949,931,1045,1045,1043,1030,1050,1048,1059,1048,1080,1077,
 1077,1075,1110,1082,1080,1091,1140,1141,1046,1078,1040,1072,1040,1072,1045,1077,1240,1241,1046,1078,1047,1079,1048,
 1080,1048,1080,1054,1086,1256,1257,1069,1101,1059,1091,1059,1091,1059,1091,1063,1095,1067,1099,57559,1575,1575,1608,
 1575,1610,57566,57697,57716,57710,1749,1729,1746,2344,2352,2355,2325,2326,2327,2332,2337,2338,2347,2351,57717,57718,
 2465,2466,2479,2610,2616,2582,2583,2588,2603,57720,57719,57721,2849,2850,57722,57723,57725,57724,3142,57726,57728,
 57729,57727,58254,57730,57732,57731,3545,57733,57733,57734,57735,57738,57736,57737,3851,57740,57741,57742,57743,57744,
 57739,4018,4018,4019,4019,57746,57747,57748,57749,57750,57745,57751,4316,57767,57768,57769,57770,57771,57772,57773,
 57774,57775,57776,57777,65,198,66,68,69,398,71,72,73,74,75,76,77,78,79,546,80,82,84,85,87,97,592,593,7426,98,100,101,
 601,603,604,103,107,109,331,111,596,7446,7447,112,116,117,7453,623,118,7461,946,947,948,966,967,105,114,117,118,946,
 947,961,966,967,1085,594,99,597,240,604,102,607,609,613,616,617,618,7547,669,621,7557,671,625,624,626,627,628,629,632,
 642,643,427,649,650,7452,651,652,122,656,657,658,952,65,97,66,98,66,98,66,98,67,99,68,100,68,100,68,100,68,100,68,100,
 69,101,69,101,69,101,69,101,69,101,70,102,71,103,72,104,72,104,72,104,72,104,72,104,73,105,73,105,75,107,75,107,75,107,
 76,108,76,108,76,108,76,108,77,109,77,109,77,109,78,110,78,110,78,110,78,110,79,111,79,111,79,111,79,111,80,112,80,112,
 82,114,82,114,82,114,82,114,83,115,83,115,83,115,83,115,83,115,84,116,84,116,84,116,84,116,85,117,85,117,85,117,85,117,
 85,117,86,118,86,118,87,119,87,119,87,119,87,119,87,119,88,120,88,120,89,121,90,122,90,122,90,122,104,116,119,121,
 57487,115,65,97,65,97,65,97,65,97,65,97,65,97,65,97,65,97,65,97,65,97,65,97,65,97,69,101,69,101,69,101,69,101,69,101,
 69,101,69,101,69,101,73,105,73,105,79,111,79,111,79,111,79,111,79,111,79,111,79,111,79,111,79,111,79,111,79,111,79,111,
 85,117,85,117,85,117,85,117,85,117,85,117,85,117,89,121,89,121,89,121,89,121,945,945,945,945,945,945,945,945,913,913,
 913,913,913,913,913,913,949,949,949,949,949,949,917,917,917,917,917,917,951,951,951,951,951,951,951,951,919,919,919,
 919,919,919,919,919,953,953,953,953,953,953,953,953,921,921,921,921,921,921,921,921,959,959,959,959,959,959,927,927,
 927,927,927,927,965,965,965,965,965,965,965,965,933,933,933,933,969,969,969,969,969,969,969,969,937,937,937,937,937,
 937,937,937,945,945,949,949,951,951,953,953,959,959,965,965,969,969,945,945,945,945,945,945,945,945,913,913,913,913,
 913,913,913,913,951,951,951,951,951,951,951,951,919,919,919,919,919,919,919,919,969,969,969,969,969,969,969,969,937,
 937,937,937,937,937,937,937,945,945,945,945,945,945,945,913,913,913,913,913,32,953,32,32,32,951,951,951,951,951,917,
 917,919,919,919,32,32,32,953,953,953,953,953,953,921,921,921,921,32,32,32,965,965,965,965,961,961,965,965,933,933,933,
 933,929,32,32,96,969,969,969,969,969,927,927,937,937,937,32,32,32,32,32,32,32,32,32,32,32,32,32,8208,32,46,57346,58039,
 32,57778,58255,57779,58256,57344,32,57439,57438,57345,58350,32,48,105,52,53,54,55,56,57,43,8722,61,40,41,110,48,49,50,
 51,52,53,54,55,56,57,43,8722,61,40,41,97,101,111,120,601,104,107,108,109,110,112,115,116,57476,58128,58129,67,57548,
 58131,58132,400,57549,103,72,72,72,104,295,73,73,76,108,78,57472,80,81,82,82,82,57478,58123,57481,90,937,90,75,65,66,
 67,101,69,70,77,111,1488,1489,1490,1491,105,58113,960,947,915,928,8721,68,100,101,105,106,58079,58081,58333,58075,
 58098,58077,58099,58103,58105,58078,58106,58080,58104,58107,58108,57362,73,57452,58116,57455,86,57482,58125,58335,
 57456,88,57486,58127,76,67,68,77,105,57502,58143,57505,118,57546,58155,58340,57506,120,57547,58156,108,99,100,109,
 58040,8592,8594,8596,8656,8660,8658,8707,8712,8715,8739,8741,57780,58257,57781,58258,8764,8771,8773,8776,61,8801,8781,
 60,62,8804,8805,8818,8819,8822,8823,8826,8827,8834,8835,8838,8839,8866,8872,8873,8875,8828,8829,8849,8850,8882,8883,
 8884,8885,12296,12297,49,50,51,52,53,54,55,56,57,57352,57353,57354,57355,57356,57357,57358,57359,57360,57361,57368,
 57928,57929,57930,57931,57932,57933,57934,57935,57936,58307,58308,58309,58310,58311,58312,58313,58314,58315,58316,
 58317,57351,57367,57382,57397,57412,57418,57423,57428,57433,58041,58045,58049,58053,58056,58059,58062,58065,58068,
 58071,58082,57963,57964,57965,57966,57967,57968,57969,57970,57971,57972,57973,57974,57975,57976,57977,57978,57979,
 57980,57981,57982,57983,57984,57985,57986,57987,57988,65,66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,
 86,87,88,89,90,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,113,114,115,116,117,118,119,120,121,122,48,
 58351,58109,57437,58110,10973,106,86,11617,27597,40863,19968,20008,20022,20031,20057,20101,20108,20128,20154,20799,
 20837,20843,20866,20886,20907,20960,20981,20992,21147,21241,21269,21274,21304,21313,21340,21353,21378,21430,21448,
 21475,22231,22303,22763,22786,22794,22805,22823,22899,23376,23424,23544,23567,23586,23608,23662,23665,24027,24037,
 24049,24062,24178,24186,24191,24308,24318,24331,24339,24400,24417,24435,24515,25096,25142,25163,25903,25908,25991,
 26007,26020,26041,26080,26085,26352,26376,26408,27424,27490,27513,27571,27595,27604,27611,27663,27668,27700,28779,
 29226,29238,29243,29247,29255,29273,29275,29356,29572,29577,29916,29926,29976,29983,29992,30000,30091,30098,30326,
 30333,30382,30399,30446,30683,30690,30707,31034,31160,31166,31348,31435,31481,31859,31992,32566,32593,32650,32701,
 32769,32780,32786,32819,32895,32905,33251,33258,33267,33276,33292,33307,33311,33390,33394,33400,34381,34411,34880,
 34892,34915,35198,35211,35282,35328,35895,35910,35925,35960,35997,36196,36208,36275,36523,36554,36763,36784,36789,
 37009,37193,37318,37324,37329,38263,38272,38428,38582,38585,38632,38737,38750,38754,38761,38859,38893,38899,38913,
 39080,39131,39135,39318,39321,39340,39592,39640,39647,39717,39727,39730,39740,39770,40165,40565,40575,40613,40635,
 40643,40653,40657,40697,40701,40718,40723,40736,40763,40778,40786,40845,40860,40864,32,12306,21313,21316,21317,12363,
 12365,12367,12369,12371,12373,12375,12377,12379,12381,12383,12385,12388,12390,12392,12399,12399,12402,12402,12405,
 12405,12408,12408,12411,12411,12358,32,32,12445,57783,12459,12461,12463,12465,12467,12469,12471,12473,12475,12477,
 12479,12481,12484,12486,12488,12495,12495,12498,12498,12501,12501,12504,12504,12507,12507,12454,12527,12528,12529,
 12530,12541,57787,4352,4353,4522,4354,4524,4525,4355,4356,4357,4528,4529,4530,4531,4532,4533,4378,4358,4359,4360,4385,
 4361,4362,4363,4364,4365,4366,4367,4368,4369,4370,4449,4450,4451,4452,4453,4454,4455,4456,4457,4458,4459,4460,4461,
 4462,4463,4464,4465,4466,4467,4468,4469,4448,4372,4373,4551,4552,4556,4558,4563,4567,4569,4380,4573,4575,4381,4382,
 4384,4386,4387,4391,4393,4395,4396,4397,4398,4399,4402,4406,4416,4423,4428,4593,4594,4439,4440,4441,4484,4485,4488,
 4497,4498,4500,4510,4513,19968,20108,19977,22235,19978,20013,19979,30002,20057,19993,19969,22825,22320,20154,57989,
 57990,57991,57992,57993,57994,57995,57996,57997,57998,57999,58000,58001,58002,58318,58319,58320,58321,58322,58323,
 58324,58325,58326,58328,58329,58330,58331,58332,58327,58403,58400,58003,58007,58005,58019,58008,58013,58004,58012,
 58006,58015,58023,58028,58027,58025,58038,58020,58022,58026,58024,58031,58017,58029,58036,58032,58014,58009,58018,
 58021,58030,58010,58037,58016,58033,58011,58034,58035,21839,24188,25991,31631,58122,57369,57370,57371,57372,57373,
 57374,57375,57376,57377,57383,57384,57385,57386,57387,57388,4352,4354,4355,4357,4358,4359,4361,4363,4364,4366,4367,
 4368,4369,4370,57752,57753,57754,57755,57756,57757,57758,57759,57761,57762,57763,57764,57765,57766,58385,58349,57760,
 19968,20108,19977,22235,20116,20845,19971,20843,20061,21313,26376,28779,27700,26408,37329,22303,26085,26666,26377,
 31038,21517,29305,36001,31069,21172,31192,30007,22899,36969,20778,21360,27880,38917,20241,20889,27491,19978,20013,
 19979,24038,21491,21307,23447,23398,30435,20225,36039,21332,22812,57389,57390,57391,57392,57398,57399,57400,57401,
 57402,57403,57404,57405,57406,57407,57413,57364,57379,57394,57409,57415,57420,57425,57430,57435,58043,58047,58051,
 57450,58138,57496,58117,12450,12452,12454,12456,12458,12459,12461,12463,12465,12467,12469,12471,12473,12475,12477,
 12479,12481,12484,12486,12488,12490,12491,12492,12493,12494,12495,12498,12501,12504,12507,12510,12511,12512,12513,
 12514,12516,12518,12520,12521,12522,12523,12524,12525,12527,12528,12529,12530,57800,58352,58353,58354,58269,58355,
 58270,58271,58386,58356,58272,58273,58274,58357,58358,58275,58276,57784,58277,58359,58360,57785,58387,58402,58388,
 58278,58389,58390,58361,58279,58280,58281,58362,58391,58363,58282,58283,58284,57788,57789,57790,57791,58285,58286,
 58392,58287,58364,58393,58288,57792,57793,58394,58365,58395,58289,58396,57794,58290,58291,58292,58293,58294,58366,
 58295,57795,58296,58297,58298,58367,58299,58300,58301,58397,58368,57796,58398,57797,58369,58370,58302,58303,58304,
 58371,57798,58305,58372,57799,58399,58306,57349,57365,57380,57395,57410,57416,57421,57426,57431,57436,58044,58048,
 58052,58055,58058,58061,58064,58067,58070,58073,58084,58086,58088,58090,58092,58142,57492,57440,58130,57537,57542,
 57494,58136,58137,57454,57802,57804,57801,57803,58373,57538,57530,57551,57522,57507,57457,57463,57446,58133,58337,
 57539,57531,57552,57555,57526,57510,57451,58144,58118,58114,58124,57556,57527,57493,57511,57500,57535,57557,57528,
 57490,57512,58150,58134,57520,58146,58151,58135,57521,58147,58153,58338,57475,58145,58119,58115,58154,58384,58401,
 57543,57536,57558,57529,57540,57532,57553,57523,57508,57467,57541,57533,57554,57524,57509,57468,57514,57469,58336,
 57441,57488,57489,58334,58112,57491,57447,57501,57448,57504,57458,57459,57513,57516,57517,58148,57518,57525,58149,
 58152,57473,58339,58120,57474,57544,57480,57485,58126,58111,57363,57378,57393,57408,57414,57419,57424,57429,57434,
 58042,58046,58050,58054,58057,58060,58063,58066,58069,58072,58083,58085,58087,58089,58091,58093,58094,58095,58096,
 58097,58100,58101,58141,1098,1100,42863,67,70,81,294,339,42791,43831,619,43858,653,35912,26356,36554,36040,28369,20018,
 21477,40860,40860,22865,37329,21895,22856,25078,30313,32645,34367,34746,35064,37007,27138,27931,28889,29662,33853,
 37226,39409,20098,21365,27396,29211,34349,40478,23888,28651,34253,35172,25289,33240,34847,24266,26391,28010,29436,
 37070,20358,20919,21214,25796,27347,29200,30439,32769,34310,34396,36335,38706,39791,40442,30860,31103,32160,33737,
 37636,40575,35542,22751,24324,31840,32894,29282,30922,36034,38647,22744,23650,27155,28122,28431,32047,32311,38475,
 21202,32907,20956,20940,31260,32190,33777,38517,35712,25295,27138,35582,20025,23527,24594,29575,30064,21271,30971,
 20415,24489,19981,27852,25976,32034,21443,22622,30465,33865,35498,27578,36784,27784,25342,33509,25504,30053,20142,
 20841,20937,26753,31975,33391,35538,37327,21237,21570,22899,24300,26053,28670,31018,38317,39530,40599,40654,21147,
 26310,27511,36706,24180,24976,25088,25754,28451,29001,29833,31178,32244,32879,36646,34030,36899,37706,21015,21155,
 21693,28872,35010,35498,24265,24565,25467,27566,31806,29557,20196,22265,23527,23994,24604,29618,29801,32666,32838,
 37428,38646,38728,38936,20363,31150,37300,38584,24801,20102,20698,23534,23615,26009,27138,29134,30274,34044,36988,
 40845,26248,38446,21129,26491,26611,27969,28316,29705,30041,30827,32016,39006,20845,25134,38520,20523,23833,28138,
 36650,24459,24900,26647,29575,38534,21033,21519,23653,26131,26446,26792,27877,29702,30178,32633,35023,35041,37324,
 38626,21311,28346,21533,29136,29848,34298,38563,40023,40607,26519,28107,33256,31435,31520,31890,29376,28825,35672,
 20160,33590,21050,20999,24230,25299,31958,23429,27934,26292,36667,34892,38477,35211,24275,20800,21952,22618,26228,
 20958,29482,30410,31036,31070,31077,31119,38742,31934,32701,34322,35576,36920,37117,39151,39164,39208,40372,37086,
 38583,20398,20711,20813,21193,21220,21329,21917,22022,22120,22592,22696,23652,23662,24724,24936,24974,25074,25935,
 26082,26257,26757,28023,28186,28450,29038,29227,29730,30865,31038,31049,31048,31056,31062,31069,31117,31118,31296,
 31361,31680,32244,32265,32321,32626,32773,33261,33401,33401,33879,35088,35222,35585,35641,36051,36104,36790,36920,
 38627,38911,38971,24693,57861,33304,20006,20917,20840,20352,20805,20864,21191,21242,21917,21845,21913,21986,22618,
 22707,22852,22868,23138,23336,24274,24281,24425,24493,24792,24910,24840,24974,24928,25074,25140,25540,25628,25682,
 25942,26228,26391,26395,26454,27513,27578,27969,28379,28363,28450,28702,29038,30631,29237,29359,29482,29809,29958,
 30011,30237,30239,30410,30427,30452,30538,30528,30924,31409,31680,31867,32091,32244,32574,32773,33618,33775,34681,
 35137,35206,35222,35519,35576,35531,35585,35582,35565,35641,35722,36104,36664,36978,37273,37494,38524,38627,38742,
 38875,38911,38923,38971,39698,40860,57840,57839,57849,15261,16408,16441,57875,57884,57908,40771,40846,57497,57498,
 57499,58139,58140,57545,57545,57563,57560,57561,57564,57562,1497,1522,1506,1488,1491,1492,1499,1500,1501,1512,1514,43,
 1513,1513,1513,1513,1488,1488,1488,1489,1490,1491,1492,1493,1494,1496,1497,1498,1499,1500,1502,1504,1505,1507,1508,
 1510,1511,1512,1513,1514,1493,1489,1499,1508,57565,1649,1649,1659,1659,1659,1659,1662,1662,1662,1662,1664,1664,1664,
 1664,1658,1658,1658,1658,1663,1663,1663,1663,1657,1657,1657,1657,1700,1700,1700,1700,1702,1702,1702,1702,1668,1668,
 1668,1668,1667,1667,1667,1667,1670,1670,1670,1670,1671,1671,1671,1671,1677,1677,1676,1676,1678,1678,1672,1672,1688,
 1688,1681,1681,1705,1705,1705,1705,1711,1711,1711,1711,1715,1715,1715,1715,1713,1713,1713,1713,1722,1722,1723,1723,
 1723,1723,1749,1749,1729,1729,1729,1729,1726,1726,1726,1726,1746,1746,1746,1746,1709,1709,1709,1709,1735,1735,1734,
 1734,1736,1736,57716,1739,1739,1733,1733,1737,1737,1744,1744,1744,1744,1609,1609,57698,57698,57715,57715,57707,57707,
 57712,57712,57711,57711,57713,57713,57714,57714,57714,57708,57708,57708,1740,1740,1740,1740,57699,57700,57704,57708,
 57709,57567,57568,57569,57572,57575,57576,57577,57578,57579,57582,57585,57586,57587,57590,57593,57594,57595,57596,
 57599,57600,57603,57604,57605,57608,57609,57610,57612,57624,57627,57630,57631,57632,57634,57637,57638,57641,57642,
 57643,57646,57647,57650,57651,57652,57653,57654,57655,57656,57657,57658,57659,57660,57661,57662,57663,57664,57665,
 57666,57667,57669,57670,57671,57672,57674,57675,57677,57678,57679,57680,57681,57682,57683,57684,57685,57688,57691,
 57692,57693,57694,57695,57696,57699,57700,57701,57704,57708,57709,1584,1585,1609,32,32,32,32,32,32,57702,57703,57704,
 57705,57708,57709,57570,57571,57572,57573,57575,57576,57580,57581,57582,57583,57585,57586,57588,57589,57590,57591,
 57593,57594,57654,57655,57658,57659,57660,57664,57665,57666,57667,57672,57674,57675,57676,57680,57686,57687,57688,
 57689,57691,57692,1609,57702,57703,57704,57705,57708,57709,57699,57700,57701,57704,57706,57567,57568,57569,57572,57574,
 57577,57578,57579,57582,57584,57590,57595,57596,57599,57600,57603,57605,57608,57609,57610,57612,57624,57625,57627,
 57630,57631,57632,57634,57637,57641,57642,57643,57646,57647,57650,57651,57652,57653,57656,57657,57661,57662,57663,
 57664,57665,57669,57670,57671,57672,57673,57677,57678,57679,57680,57683,57684,57685,57688,57690,57693,57694,1607,57699,
 57700,57701,57704,57706,57704,57706,57572,57574,57582,57584,57590,57592,57612,57613,57620,57621,57664,57665,57672,
 57688,57690,57704,57706,1600,1600,1600,57639,57640,57644,57645,57648,57649,57614,57615,57622,57623,57601,57602,57597,
 57598,57606,57607,57628,57629,57635,57636,57616,57617,57618,57620,57619,57611,57626,57633,57639,57640,57644,57645,
 57648,57649,57614,57615,57622,57623,57601,57602,57597,57598,57606,57607,57628,57629,57635,57636,57616,57617,57618,
 57620,57619,57611,57626,57633,57616,57617,57618,57620,57613,57621,57638,57608,57609,57610,57616,57617,57618,57638,
 57641,1575,1575,58159,58162,58162,58163,58164,58167,58168,58169,58174,58174,58179,58178,58182,58180,58181,58186,58186,
 58185,58187,58187,58193,58193,58197,58189,58189,58188,58191,58191,58192,58192,58198,58200,58200,58201,58201,58202,
 58203,58204,58205,58205,58206,58208,58210,58209,58211,58211,58214,58215,58222,58224,58223,58219,58219,58225,58225,
 58226,58226,58232,58233,58234,58228,58230,58235,58236,58229,58248,58249,58243,58244,58240,58240,58241,58247,58246,
 58252,58252,58158,58161,58160,58166,58165,58171,58170,58176,58172,58175,58183,58194,58190,58199,58221,58227,58251,
 58250,58253,58238,58216,58245,58214,58222,58207,58218,58239,58237,58220,58217,58220,58239,58173,58177,58231,58212,
 58157,58217,58204,58197,58184,58242,58196,58213,58342,58341,58347,58345,58343,58346,58348,58195,58405,58404,58344,44,
 12289,12290,58,59,33,63,12310,12311,58039,57346,8212,8211,95,95,40,41,123,125,12308,12309,12304,12305,12298,12299,
 12296,12297,12300,12301,12302,12303,91,93,32,32,32,32,95,95,95,44,12289,46,59,58,63,33,8212,40,41,123,125,12308,12309,
 35,38,42,43,45,60,62,61,92,36,37,64,32,1600,32,32,32,1600,32,1600,32,1600,32,1600,32,1600,1569,1575,1575,1575,1575,
 1608,1608,1575,1575,1610,1610,1610,1610,1575,1575,1576,1576,1576,1576,1577,1577,1578,1578,1578,1578,1579,1579,1579,
 1579,1580,1580,1580,1580,1581,1581,1581,1581,1582,1582,1582,1582,1583,1583,1584,1584,1585,1585,1586,1586,1587,1587,
 1587,1587,1588,1588,1588,1588,1589,1589,1589,1589,1590,1590,1590,1590,1591,1591,1591,1591,1592,1592,1592,1592,1593,
 1593,1593,1593,1594,1594,1594,1594,1601,1601,1601,1601,1602,1602,1602,1602,1603,1603,1603,1603,1604,1604,1604,1604,
 1605,1605,1605,1605,1606,1606,1606,1606,1607,1607,1607,1607,1608,1608,1609,1609,1610,1610,1610,1610,57668,57668,57668,
 57668,57668,57668,57668,57668,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49,50,51,52,53,54,55,56,57,58,59,60,61,
 62,63,64,65,66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,91,92,93,94,95,96,97,98,99,100,
 101,102,103,104,105,106,107,108,109,110,111,112,113,114,115,116,117,118,119,120,121,122,123,124,125,126,10629,10630,
 12290,12300,12301,12289,12539,12530,12449,12451,12453,12455,12457,12515,12517,12519,12483,12540,12450,12452,12454,
 12456,12458,12459,12461,12463,12465,12467,12469,12471,12473,12475,12477,12479,12481,12484,12486,12488,12490,12491,
 12492,12493,12494,12495,12498,12501,12504,12507,12510,12511,12512,12513,12514,12516,12518,12520,12521,12522,12523,
 12524,12525,12527,12531,4448,4352,4353,4522,4354,4524,4525,4355,4356,4357,4528,4529,4530,4531,4532,4533,4378,4358,4359,
 4360,4385,4361,4362,4363,4364,4365,4366,4367,4368,4369,4370,4449,4450,4451,4452,4453,4454,4455,4456,4457,4458,4459,
 4460,4461,4462,4463,4464,4465,4466,4467,4468,4469,162,163,172,32,166,165,8361,9474,8592,8593,8594,8595,9632,9675,720,
 721,230,665,595,675,43878,677,676,598,599,7569,600,606,681,612,610,608,667,295,668,615,644,682,683,620,57812,42894,622,
 57813,654,57814,248,630,631,113,634,57815,637,638,640,680,678,43879,679,648,11377,655,673,674,664,448,449,450,57816,
 57817,57805,57806,57807,58374,58375,58376,58377,58379,58378,58380,58381,58382,58383,57808,57809,57809,57809,57809,
 57809,57809,57810,57811,57810,57811,57810,57811,65,66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,
 88,89,90,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,113,114,115,116,117,118,119,120,121,122,65,66,67,
 68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,97,98,99,100,101,102,103,105,106,107,108,109,110,
 111,112,113,114,115,116,117,118,119,120,121,122,65,66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,
 88,89,90,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,113,114,115,116,117,118,119,120,121,122,65,67,68,
 71,74,75,78,79,80,81,83,84,85,86,87,88,89,90,97,98,99,100,102,104,105,106,107,108,109,110,112,113,114,115,116,117,118,
 119,120,121,122,65,66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,97,98,99,100,101,102,103,
 104,105,106,107,108,109,110,111,112,113,114,115,116,117,118,119,120,121,122,65,66,68,69,70,71,74,75,76,77,78,79,80,81,
 83,84,85,86,87,88,89,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,113,114,115,116,117,118,119,120,121,
 122,65,66,68,69,70,71,73,74,75,76,77,79,83,84,85,86,87,88,89,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,
 112,113,114,115,116,117,118,119,120,121,122,65,66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,
 90,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,113,114,115,116,117,118,119,120,121,122,65,66,67,68,69,
 70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,97,98,99,100,101,102,103,104,105,106,107,108,109,110,
 111,112,113,114,115,116,117,118,119,120,121,122,65,66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,
 88,89,90,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,113,114,115,116,117,118,119,120,121,122,65,66,67,
 68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,97,98,99,100,101,102,103,104,105,106,107,108,109,
 110,111,112,113,114,115,116,117,118,119,120,121,122,65,66,67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,
 87,88,89,90,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,113,114,115,116,117,118,119,120,121,122,65,66,
 67,68,69,70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,97,98,99,100,101,102,103,104,105,106,107,108,
 109,110,111,112,113,114,115,116,117,118,119,120,121,122,305,567,913,914,915,916,917,918,919,920,921,922,923,924,925,
 926,927,928,929,920,931,932,933,934,935,936,937,8711,945,946,947,948,949,950,951,952,953,954,955,956,957,958,959,960,
 961,962,963,964,965,966,967,968,969,8706,949,952,954,966,961,960,913,914,915,916,917,918,919,920,921,922,923,924,925,
 926,927,928,929,920,931,932,933,934,935,936,937,8711,945,946,947,948,949,950,951,952,953,954,955,956,957,958,959,960,
 961,962,963,964,965,966,967,968,969,8706,949,952,954,966,961,960,913,914,915,916,917,918,919,920,921,922,923,924,925,
 926,927,928,929,920,931,932,933,934,935,936,937,8711,945,946,947,948,949,950,951,952,953,954,955,956,957,958,959,960,
 961,962,963,964,965,966,967,968,969,8706,949,952,954,966,961,960,913,914,915,916,917,918,919,920,921,922,923,924,925,
 926,927,928,929,920,931,932,933,934,935,936,937,8711,945,946,947,948,949,950,951,952,953,954,955,956,957,958,959,960,
 961,962,963,964,965,966,967,968,969,8706,949,952,954,966,961,960,913,914,915,916,917,918,919,920,921,922,923,924,925,
 926,927,928,929,920,931,932,933,934,935,936,937,8711,945,946,947,948,949,950,951,952,953,954,955,956,957,958,959,960,
 961,962,963,964,965,966,967,968,969,8706,949,952,954,966,961,960,988,989,48,49,50,51,52,53,54,55,56,57,48,49,50,51,52,
 53,54,55,56,57,48,49,50,51,52,53,54,55,56,57,48,49,50,51,52,53,54,55,56,57,48,49,50,51,52,53,54,55,56,57,1072,1073,
 1074,1075,1076,1077,1078,1079,1080,1082,1083,1084,1086,1087,1088,1089,1090,1091,1092,1093,1094,1095,1096,1099,1101,
 1102,42633,1241,1110,1112,1257,1199,1231,1072,1073,1074,1075,1076,1077,1078,1079,1080,1082,1083,1086,1087,1089,1091,
 1092,1093,1094,1095,1096,1098,1099,1169,1110,1109,1119,1195,42577,1201,1575,1576,1580,1583,1608,1586,1581,1591,1610,
 1603,1604,1605,1606,1587,1593,1601,1589,1602,1585,1588,1578,1579,1582,1584,1590,1592,1594,1646,1722,1697,1647,1576,
 1580,1607,1581,1610,1603,1604,1605,1606,1587,1593,1601,1589,1602,1588,1578,1579,1582,1590,1594,1580,1581,1610,1604,
 1606,1587,1593,1589,1602,1588,1582,1590,1594,1722,1647,1576,1580,1607,1581,1591,1610,1603,1605,1606,1587,1593,1601,
 1589,1602,1588,1578,1579,1582,1590,1592,1594,1646,1697,1575,1576,1580,1583,1607,1608,1586,1581,1591,1610,1604,1605,
 1606,1587,1593,1601,1589,1602,1585,1588,1578,1579,1582,1584,1590,1592,1594,1576,1580,1583,1608,1586,1581,1591,1610,
 1604,1605,1606,1587,1593,1601,1589,1602,1585,1588,1578,1579,1582,1584,1590,1592,1594,57348,57347,57350,57366,57381,
 57396,57411,57417,57422,57427,57432,57937,57938,57939,57940,57941,57942,57943,57944,57945,57946,57947,57948,57949,
 57950,57951,57952,57953,57954,57955,57956,57957,57958,57959,57960,57961,57962,58259,67,82,57442,57484,65,66,67,68,69,
 70,71,72,73,74,75,76,77,78,79,80,81,82,83,84,85,86,87,88,89,90,57449,57467,57477,57479,58121,57483,57464,57465,57466,
 57443,57782,57786,12469,25163,23383,21452,12486,20108,22810,35299,22825,20132,26144,28961,26009,21069,24460,20877,
 26032,21021,32066,29983,36009,22768,21561,28436,25237,25429,19968,19977,36938,24038,20013,21491,25351,36208,25171,
 31105,31354,21512,28288,26377,26376,30003,21106,21942,37197,58266,58260,58261,58263,58267,58264,58268,58262,58265,
 24471,21487,48,49,50,51,52,53,54,55,56,57,20029,20024,20033,57818,20320,20398,20411,20482,20602,20633,20711,20687,
 13470,57822,20813,20820,20836,20855,57819,13497,20839,20877,57821,20887,20900,20172,20908,20917,57916,20981,20995,
 13535,21051,21062,21106,21111,13589,21191,21193,21220,21242,21253,21254,21271,21321,21329,21338,21363,21373,21375,
 21375,21375,57825,28784,21450,21471,57826,21483,21489,21510,21662,21560,21576,21608,21666,21750,21776,21843,21859,
 21892,21892,21913,21931,21939,21954,22294,22022,22295,22097,22132,20999,22766,22478,22516,22541,22411,22578,22577,
 22700,57827,22770,22775,22790,22810,22818,22882,57828,57829,23020,23067,23079,23000,23142,14062,14076,23304,23358,
 23358,57830,23491,23512,23527,23539,57831,23551,23558,24403,23586,14209,23648,23662,23744,23693,57833,23875,57834,
 23918,23915,23932,24033,24034,14383,24061,24104,24125,24169,14434,57835,14460,24240,24243,24246,24266,57926,24318,
 57837,57837,33281,24354,24354,14535,57844,57886,24418,24427,14563,24474,24525,24535,24569,24705,14650,14620,24724,
 57838,24775,24904,24908,24910,24908,24954,24974,25010,24996,25007,25054,25074,25078,25104,25115,25181,25265,25300,
 25424,57841,25405,25340,25448,25475,25572,57842,25634,25541,25513,14894,25705,25726,25757,25719,14956,25935,25964,
 57843,26083,26360,26185,15129,26257,15112,15076,20882,20885,26368,26268,32941,17369,26391,26395,26401,26462,26451,
 57848,15177,26618,26501,26706,26757,57850,26766,26655,26900,15261,26946,27043,27114,27304,57851,27355,15384,27425,
 57852,27476,15438,27506,27551,27578,27579,57853,57832,57854,27726,57855,27839,27853,27751,27926,27966,28023,27969,
 28009,28024,28037,57856,27956,28207,28270,15667,28363,28359,57857,28153,28526,57858,57859,28614,28729,28702,28699,
 15766,28746,28797,28791,28845,57820,28997,57860,29084,57862,29224,29237,29264,57863,29312,29333,57864,57865,29562,
 29579,16044,29605,16056,16056,29767,29788,29809,29829,29898,16155,29988,57866,30014,57867,30064,57836,30224,57868,
 57869,57870,16380,16392,30452,57872,57871,57873,57874,30494,30495,30495,30538,16441,30603,16454,16534,57876,30798,
 30860,30924,16611,57877,31062,57878,57879,31119,31211,16687,31296,31306,31311,57880,57881,57881,31470,16898,57882,
 31686,31689,16935,57883,31954,17056,31976,31971,32000,57885,32099,17153,32199,32258,32325,17204,57887,57888,17241,
 57889,32634,57890,32661,32762,32773,57891,57892,32864,57893,32880,57845,17365,32946,33027,17419,33086,23221,57894,
 57895,57846,57847,33281,33284,36766,17515,33425,33419,33437,21171,33457,33459,33469,33510,57896,33509,33565,33635,
 33709,33571,33725,33767,33879,33619,33738,33740,33756,57897,57899,57898,17707,34033,34035,34070,57903,34148,57900,
 17757,17761,57901,57902,17771,34384,34396,34407,34409,34473,34440,34574,34530,34681,34600,34667,34694,17879,34785,
 34817,17913,34912,34915,57904,35031,35038,17973,35066,13499,57905,57906,18110,18119,35488,35565,35722,35925,57907,
 36011,36033,36123,36215,57909,57823,36299,36284,36336,57824,36564,36664,57910,57911,37012,37105,37137,57912,37147,
 37432,37591,37592,37500,37881,37909,57913,38283,18837,38327,57914,18918,38595,23986,38691,57915,57917,19054,19062,
 38880,57918,19122,57919,38923,38923,38953,57920,39138,19251,39209,39335,39362,39422,19406,57921,39698,40000,40189,
 19662,19693,40295,57922,19704,57923,57924,57925,40635,19798,40697,40702,40709,40719,40726,40763,57927
};
static const uint16_t nluc_nfkd_longer[19] = {
 0,0,584,963,1040,1056,1059,1060,1061,1061,1061,1061,1061,1061,1061,1061,1061,1061,1062
};
static const uint16_t nluc_nfkd_pool[2744] = {
 33,33,33,63,46,46,48,44,48,46,48,28857,49,44,49,46,49,48,49,49,49,50,49,51,49,52,49,53,49,54,49,55,49,56,49,57,49,8260,
 49,26085,49,26376,49,28857,50,44,50,46,50,48,50,49,50,50,50,51,50,52,50,53,50,54,50,55,50,56,50,57,50,26085,50,26376,
 50,28857,51,44,51,46,51,48,51,49,51,50,51,51,51,52,51,53,51,54,51,55,51,56,51,57,51,26085,51,26376,51,28857,52,44,52,
 46,52,48,52,49,52,50,52,51,52,52,52,53,52,54,52,55,52,56,52,57,52,26085,52,26376,52,28857,53,44,53,46,53,48,53,26085,
 53,26376,53,28857,54,44,54,46,54,26085,54,26376,54,28857,55,44,55,46,55,26085,55,26376,55,28857,56,44,56,46,56,26085,
 56,26376,56,28857,57,44,57,46,57,26085,57,26376,57,28857,61,61,63,33,63,63,65,85,66,113,67,68,68,74,68,90,68,122,71,66,
 71,121,72,80,72,86,72,103,72,122,73,73,73,74,73,85,73,86,73,88,75,66,75,75,75,77,76,74,76,106,76,183,77,66,77,67,77,68,
 77,82,77,86,77,87,77,937,78,74,78,106,78,111,80,72,80,82,80,97,82,115,83,68,83,77,83,83,83,118,84,77,86,73,87,67,87,90,
 87,98,88,73,97,702,99,99,99,100,99,109,100,66,100,97,100,108,100,109,100,122,101,86,102,102,102,105,102,108,102,109,
 104,97,105,105,105,106,105,110,105,118,105,120,107,65,107,86,107,87,107,103,107,108,107,109,107,116,107,937,108,106,
 108,109,108,110,108,120,108,183,109,50,109,51,109,65,109,86,109,87,109,98,109,103,109,108,109,109,109,115,110,65,110,
 70,110,86,110,87,110,106,110,109,110,115,111,86,112,65,112,70,112,86,112,87,112,99,112,115,115,114,115,116,118,105,120,
 105,176,67,176,70,700,110,956,65,956,70,956,86,956,87,956,103,956,108,956,109,956,115,1381,1410,1396,1381,1396,1387,
 1396,1389,1396,1398,1406,1398,1488,1500,1575,1652,1576,1580,1576,1581,1576,1582,1576,1585,1576,1586,1576,1605,1576,
 1606,1576,1607,1576,1609,1576,1610,1578,1580,1578,1581,1578,1582,1578,1585,1578,1586,1578,1605,1578,1606,1578,1607,
 1578,1609,1578,1610,1579,1580,1579,1585,1579,1586,1579,1605,1579,1606,1579,1607,1579,1609,1579,1610,1580,1581,1580,
 1605,1580,1609,1580,1610,1581,1580,1581,1605,1581,1609,1581,1610,1582,1580,1582,1581,1582,1605,1582,1609,1582,1610,
 1587,1580,1587,1581,1587,1582,1587,1585,1587,1605,1587,1607,1587,1609,1587,1610,1588,1580,1588,1581,1588,1582,1588,
 1585,1588,1605,1588,1607,1588,1609,1588,1610,1589,1581,1589,1582,1589,1585,1589,1605,1589,1609,1589,1610,1590,1580,
 1590,1581,1590,1582,1590,1585,1590,1605,1590,1609,1590,1610,1591,1581,1591,1605,1591,1609,1591,1610,1592,1605,1593,
 1580,1593,1605,1593,1609,1593,1610,1594,1580,1594,1605,1594,1609,1594,1610,1601,1580,1601,1581,1601,1582,1601,1605,
 1601,1609,1601,1610,1602,1581,1602,1605,1602,1609,1602,1610,1603,1575,1603,1580,1603,1581,1603,1582,1603,1604,1603,
 1605,1603,1609,1603,1610,1604,1575,1604,1580,1604,1581,1604,1582,1604,1605,1604,1607,1604,1609,1604,1610,1605,1575,
 1605,1580,1605,1581,1605,1582,1605,1605,1605,1609,1605,1610,1606,1580,1606,1581,1606,1582,1606,1585,1606,1586,1606,
 1605,1606,1606,1606,1607,1606,1609,1606,1610,1607,1580,1607,1605,1607,1609,1607,1610,1608,1652,1610,1575,1610,1580,
 1610,1581,1610,1582,1610,1585,1610,1586,1610,1605,1610,1606,1610,1607,1610,1608,1610,1609,1610,1610,1610,1652,1610,
 1734,1610,1735,1610,1736,1610,1744,1610,1749,1735,1652,2503,2494,2503,2519,2887,2878,2887,2902,2887,2903,2962,3031,
 3014,3006,3014,3031,3015,3006,3263,3285,3270,3266,3270,3285,3270,3286,3398,3390,3398,3415,3399,3390,3545,3535,3545,
 3551,3661,3634,3755,3737,3755,3745,3789,3762,3904,4021,3906,4023,3916,4023,3921,4023,3926,4023,3931,4023,3984,4021,
 3986,4023,3996,4023,4001,4023,4006,4023,4011,4023,4133,4142,4352,4449,4354,4449,4355,4449,4357,4449,4358,4449,4359,
 4449,4361,4449,4363,4449,4363,4462,4364,4449,4366,4449,4367,4449,4368,4449,4369,4449,4370,4449,6917,6965,6919,6965,
 6921,6965,6923,6965,6925,6965,6929,6965,6970,6965,6972,6965,6974,6965,6975,6965,6978,6965,8242,8242,8245,8245,8747,
 8747,8750,8750,12411,12363,12424,12426,12461,12459,12461,12525,12467,12467,12467,12488,12486,12471,12488,12523,12488,
 12531,12490,12494,12498,12467,12498,12523,12504,12477,12507,12531,12511,12522,12513,12459,12522,12521,12524,12512,
 20196,21644,22823,27491,24179,25104,26126,27835,26157,21644,55300,56473,55300,56475,55300,56485,55348,56663,55348,
 56664,55348,56761,55348,56762,55351,57092,55351,57093,55351,57094,55351,57096,55351,57098,55351,57118,55360,56610,
 55361,56604,55361,56613,55361,56651,55361,56890,55362,56324,55362,56542,55362,56876,55362,57187,55365,56548,55365,
 57000,55365,57066,55366,56776,55366,57112,55367,56587,55367,56804,55367,56806,55368,56707,55368,56735,55368,57137,
 55369,57044,55370,56388,55370,56394,55370,57100,55370,57329,55372,56330,55372,57016,55372,57183,55372,57235,55372,
 57244,55372,57283,55372,57301,55373,56429,55373,56995,55374,56487,55374,56973,55374,57082,55375,56508,55375,56606,
 55375,57041,55375,57182,55375,57230,55376,56931,55376,57070,55376,57259,55377,56840,55377,57141,55378,56340,55379,
 56374,55379,56466,55379,57249,55379,57272,55380,56388,55380,56562,55380,56563,55380,56601,55380,56627,55380,56905,
 55381,56349,55381,56870,55381,56986,55381,57029,55382,56700,55382,56999,55382,57259,55383,56448,55383,56528,55383,
 57222,55384,56794,55384,56872,55384,56903,55384,57049,55384,57150,55385,56538,55385,56611,55385,56744,55385,57255,
 55385,57269,55386,57148,55387,56374,55387,56533,55387,56683,55387,57132,55387,57265,55388,56530,55388,57290,55389,
 56935,55390,56494,55390,56678,55391,56488,55391,57043,55391,57135,55393,56786,55393,56813,55393,57134,55394,57338,
 55395,56695,55396,56645,55396,56799,55396,56858,55397,56330,55397,56470,55397,56758,55398,57136,55400,56526,55400,
 56581,55400,56846,55400,56977,55400,57234,55401,56832,40,49,41,40,50,41,40,51,41,40,52,41,40,53,41,40,54,41,40,55,41,
 40,56,41,40,57,41,40,65,41,40,66,41,40,67,41,40,68,41,40,69,41,40,70,41,40,71,41,40,72,41,40,73,41,40,74,41,40,75,41,
 40,76,41,40,77,41,40,78,41,40,79,41,40,80,41,40,81,41,40,82,41,40,83,41,40,84,41,40,85,41,40,86,41,40,87,41,40,88,41,
 40,89,41,40,90,41,40,97,41,40,98,41,40,99,41,40,100,41,40,101,41,40,102,41,40,103,41,40,104,41,40,105,41,40,106,41,40,
 107,41,40,108,41,40,109,41,40,110,41,40,111,41,40,112,41,40,113,41,40,114,41,40,115,41,40,116,41,40,117,41,40,118,41,
 40,119,41,40,120,41,40,121,41,40,122,41,40,4352,41,40,4354,41,40,4355,41,40,4357,41,40,4358,41,40,4359,41,40,4361,41,
 40,4363,41,40,4364,41,40,4366,41,40,4367,41,40,4368,41,40,4369,41,40,4370,41,40,19968,41,40,19971,41,40,19977,41,40,
 20061,41,40,20108,41,40,20116,41,40,20195,41,40,20225,41,40,20241,41,40,20843,41,40,20845,41,40,21172,41,40,21313,41,
 40,21332,41,40,21517,41,40,21628,41,40,22235,41,40,22303,41,40,23398,41,40,26085,41,40,26376,41,40,26377,41,40,26408,
 41,40,26666,41,40,27700,41,40,28779,41,40,29305,41,40,30435,41,40,31038,41,40,31069,41,40,31085,41,40,33258,41,40,
 33267,41,40,36001,41,40,36039,41,40,37329,41,46,46,46,48,8260,51,49,48,46,49,48,26085,49,48,26376,49,48,28857,49,49,46,
 49,49,26085,49,49,26376,49,49,28857,49,50,46,49,50,26085,49,50,26376,49,50,28857,49,51,46,49,51,26085,49,51,28857,49,
 52,46,49,52,26085,49,52,28857,49,53,46,49,53,26085,49,53,28857,49,54,46,49,54,26085,49,54,28857,49,55,46,49,55,26085,
 49,55,28857,49,56,46,49,56,26085,49,56,28857,49,57,46,49,57,26085,49,57,28857,49,8260,50,49,8260,51,49,8260,52,49,8260,
 53,49,8260,54,49,8260,55,49,8260,56,49,8260,57,50,48,46,50,48,26085,50,48,28857,50,49,26085,50,49,28857,50,50,26085,50,
 50,28857,50,51,26085,50,51,28857,50,52,26085,50,52,28857,50,53,26085,50,54,26085,50,55,26085,50,56,26085,50,57,26085,
 50,8260,51,50,8260,53,51,48,26085,51,49,26085,51,8260,52,51,8260,53,51,8260,56,52,8260,53,53,8260,54,53,8260,56,55,
 8260,56,58,58,61,61,61,61,65,8725,109,67,111,46,70,65,88,71,72,122,71,80,97,73,73,73,76,84,68,77,72,122,77,80,97,80,80,
 77,80,80,86,80,84,69,84,69,76,84,72,122,86,73,73,86,8725,109,88,73,73,97,47,99,97,47,115,98,97,114,99,47,111,99,47,117,
 99,97,108,99,109,50,99,109,51,100,109,50,100,109,51,101,114,103,102,102,105,102,102,108,103,97,108,104,80,97,105,105,
 105,107,72,122,107,80,97,107,109,50,107,109,51,108,111,103,109,105,108,109,109,50,109,109,51,109,111,108,109,8725,115,
 114,97,100,118,105,105,120,105,105,1576,1581,1610,1576,1582,1610,1578,1580,1605,1578,1580,1609,1578,1580,1610,1578,
 1581,1580,1578,1581,1605,1578,1582,1605,1578,1582,1609,1578,1582,1610,1578,1605,1580,1578,1605,1581,1578,1605,1582,
 1578,1605,1609,1578,1605,1610,1580,1581,1609,1580,1581,1610,1580,1605,1581,1580,1605,1609,1580,1605,1610,1581,1580,
 1610,1581,1605,1609,1581,1605,1610,1587,1580,1581,1587,1580,1609,1587,1581,1580,1587,1582,1609,1587,1582,1610,1587,
 1605,1580,1587,1605,1581,1587,1605,1605,1588,1580,1610,1588,1581,1605,1588,1581,1610,1588,1605,1582,1588,1605,1605,
 1589,1581,1581,1589,1581,1610,1589,1604,1609,1589,1604,1746,1589,1605,1605,1590,1581,1609,1590,1581,1610,1590,1582,
 1605,1591,1605,1581,1591,1605,1605,1591,1605,1610,1593,1580,1605,1593,1605,1605,1593,1605,1609,1593,1605,1610,1594,
 1605,1605,1594,1605,1609,1594,1605,1610,1601,1582,1605,1601,1605,1610,1602,1604,1746,1602,1605,1581,1602,1605,1605,
 1602,1605,1610,1603,1605,1605,1603,1605,1610,1604,1580,1580,1604,1580,1605,1604,1580,1610,1604,1581,1605,1604,1581,
 1609,1604,1581,1610,1604,1582,1605,1604,1605,1581,1604,1605,1610,1605,1580,1581,1605,1580,1582,1605,1580,1605,1605,
 1580,1610,1605,1581,1580,1605,1581,1605,1605,1581,1610,1605,1582,1580,1605,1582,1605,1605,1582,1610,1605,1605,1610,
 1606,1580,1581,1606,1580,1605,1606,1580,1609,1606,1580,1610,1606,1581,1605,1606,1581,1609,1606,1581,1610,1606,1605,
 1609,1606,1605,1610,1607,1605,1580,1607,1605,1605,1610,1580,1610,1610,1581,1610,1610,1605,1605,1610,1605,1610,3270,
 3266,3285,8242,8242,8242,8245,8245,8245,8747,8747,8747,8750,8750,8750,12308,83,12309,12308,19977,12309,12308,20108,
 12309,12308,21213,12309,12308,23433,12309,12308,25171,12309,12308,25943,12309,12308,26412,12309,12308,28857,12309,
 12308,30423,12309,12450,12540,12523,12452,12531,12481,12454,12457,12531,12458,12531,12473,12458,12540,12512,12459,
 12452,12522,12459,12525,12531,12459,12531,12510,12461,12491,12540,12463,12521,12512,12465,12540,12473,12467,12523,
 12490,12467,12540,12507,12475,12531,12481,12475,12531,12488,12479,12540,12473,12494,12483,12488,12495,12452,12484,
 12495,12540,12484,12498,12463,12523,12501,12521,12531,12504,12491,12498,12504,12523,12484,12504,12531,12473,12504,
 12540,12471,12504,12540,12479,12507,12523,12488,12507,12531,12488,12507,12540,12523,12507,12540,12531,12510,12452,
 12523,12510,12483,12495,12510,12523,12463,12516,12540,12488,12516,12540,12523,12518,12450,12531,12523,12498,12540,
 12527,12483,12488,40,49,48,41,40,49,49,41,40,49,50,41,40,49,51,41,40,49,52,41,40,49,53,41,40,49,54,41,40,49,55,41,40,
 49,56,41,40,49,57,41,40,50,48,41,40,4352,4449,41,40,4354,4449,41,40,4355,4449,41,40,4357,4449,41,40,4358,4449,41,40,
 4359,4449,41,40,4361,4449,41,40,4363,4449,41,40,4364,4449,41,40,4364,4462,41,40,4366,4449,41,40,4367,4449,41,40,4368,
 4449,41,40,4369,4449,41,40,4370,4449,41,49,8260,49,48,67,8725,107,103,86,73,73,73,97,46,109,46,107,99,97,108,109,8725,
 115,50,112,46,109,46,118,105,105,105,1575,1603,1576,1585,1575,1604,1604,1607,1585,1587,1608,1604,1585,1740,1575,1604,
 1589,1604,1593,1605,1593,1604,1610,1607,1605,1581,1605,1583,1608,1587,1604,1605,4364,4462,4363,4468,8242,8242,8242,
 8242,8747,8747,8747,8747,12450,12495,12540,12488,12450,12523,12501,12449,12450,12531,12504,12450,12452,12491,12531,
 12463,12456,12540,12459,12540,12459,12521,12483,12488,12459,12525,12522,12540,12461,12517,12522,12540,12461,12523,
 12479,12540,12463,12525,12540,12493,12469,12452,12463,12523,12471,12522,12531,12463,12495,12540,12524,12523,12501,
 12451,12540,12488,12507,12452,12531,12488,12510,12452,12463,12525,12511,12463,12525,12531,12513,12459,12488,12531,
 12513,12540,12488,12523,12522,12483,12488,12523,12523,12540,12501,12523,26666,24335,20250,31038,55300,56625,55300,
 56615,55300,56626,55300,56615,55300,57159,55300,57150,55300,57159,55300,57175,55301,56505,55301,56496,55301,56505,
 55301,56506,55301,56505,55301,56509,55301,56760,55301,56751,55301,56761,55301,56751,55302,56629,55302,56624,114,97,100,
 8725,115,4366,4449,4535,4352,4457,12456,12473,12463,12540,12488,12461,12525,12463,12521,12512,12461,12525,12527,12483,
 12488,12463,12521,12512,12488,12531,12463,12523,12475,12452,12525,12469,12531,12481,12540,12512,12495,12540,12475,
 12531,12488,12498,12450,12473,12488,12523,12501,12449,12521,12483,12488,12501,12483,12471,12455,12523,12504,12463,
 12479,12540,12523,12510,12531,12471,12519,12531,12511,12522,12495,12540,12523,12524,12531,12488,12465,12531,40,4363,
 4457,4370,4462,41,114,97,100,8725,115,50,12461,12525,12513,12540,12488,12523,40,4363,4457,4364,4453,4523,41,1580,1604,
 32,1580,1604,1575,1604,1607,1589,1604,1609,32,1575,1604,1604,1607,32,1593,1604,1610,1607,32,1608,1587,1604,1605
};
#endif
#define NLUC_GROWTH_LOWER 3
#ifndef NLUC_NO_ACCENTS
#define NLUC_GROWTH 11
#else
#define NLUC_GROWTH NLUC_GROWTH_LOWER
#endif
/* end generated */

/* -- UTF-8 ------------------------------------------------------------------------------------------------------------ */

#define NLUC_REPLACEMENT 0xFFFDu

/* The code point at text[*at], and *at moves behind it; *at < length. A malformed byte (a stray or missing continuation,
 * an overlong form, beyond U+10FFFF) gives U+FFFD and one byte. Nothing at or beyond length is read. */
NLUC_API inline uint32_t nluc_utf8_next(const uint8_t *text, size_t length, size_t *at) {
    const uint8_t *p = text + *at;
    size_t left = length - *at;
    uint32_t c = p[0], b, d, e;
    *at += 1;
    if (c < 0x80) return c;
    if (c < 0xC2 || c > 0xF4 || left < 2) return NLUC_REPLACEMENT;
    b = p[1] ^ 0x80u; /* the payload, or more than 0x3F if this is no continuation byte */
    if (b > 0x3F) return NLUC_REPLACEMENT;
    if (c < 0xE0) {
        *at += 1;
        return (c & 0x1F) << 6 | b;
    }
    if (left < 3 || (d = p[2] ^ 0x80u) > 0x3F) return NLUC_REPLACEMENT;
    if (c < 0xF0) {
        c = (c & 0x0F) << 12 | b << 6 | d;
        if (c < 0x800) return NLUC_REPLACEMENT;
        *at += 2;
        return c;
    }
    if (left < 4 || (e = p[3] ^ 0x80u) > 0x3F) return NLUC_REPLACEMENT;
    c = (c & 0x07) << 18 | b << 12 | d << 6 | e;
    if (c < 0x10000 || c > 0x10FFFF) return NLUC_REPLACEMENT;
    *at += 3;
    return c;
}

/* The code point that ends before text[*at], and *at moves to its first byte; *at > 0. The inverse of nluc_utf8_next: a lead
 * byte is never part of another character, so at most one of the places tried decodes up to *at. */
NLUC_API uint32_t nluc_utf8_before(const uint8_t *text, size_t *at) {
    size_t end = *at, first, next;
    uint32_t c;
    for (first = end; first > 0 && end - first < 4;) {
        next = --first;
        c = nluc_utf8_next(text, end, &next);
        if (next == end && (text[first] & 0xC0) != 0x80) {
            *at = first;
            return c;
        }
        if ((text[first] & 0xC0) != 0x80) break; /* only continuation bytes stand behind a lead byte */
    }
    *at = end - 1;
    return NLUC_REPLACEMENT;
}

/* Write a code point, at most U+10FFFF, to out: returns 1 to 4, the bytes written. */
NLUC_API inline size_t nluc_utf8_put(uint32_t c, uint8_t *out) {
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xC0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3F));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xE0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
        out[2] = (uint8_t)(0x80 | (c & 0x3F));
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3F));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3F));
    out[3] = (uint8_t)(0x80 | (c & 0x3F));
    return 4;
}

/* Where the character at p ends: behind its continuation bytes, at most at end; p < end. */
NLUC_API inline const uint8_t *nluc_utf8_skip(const uint8_t *p, const uint8_t *end) {
    if (*p++ < 0x80) return p;
    while (p < end && (*p & 0xC0) == 0x80) ++p;
    return p;
}

/* -- Characters ------------------------------------------------------------------------------------------------------- */

#define NLUC_IS_WORD 1u      /* re's \w */
#define NLUC_IS_SPACE 2u     /* str.isspace(), re's \s, where str.split() cuts */
#define NLUC_IS_CASED 4u     /* makes a capital sigma after it a final one */
#define NLUC_IS_IGNORABLE 8u /* is looked through when a sigma looks for cased letters */
#define NLUC_IS_DROPPED 16u  /* nothing of it is left without combining marks */
#define NLUC_IS_LONG 32u     /* its lower case is in nluc_lower_long */

/* A code point's kind: its row in nluc_kind_flags and nluc_kind_lower. Three stages: 512 code points share a place in the
 * top, 16 a leaf; the top ends where only one kind follows. The leaves begin with ASCII's, in order. */
NLUC_API inline uint32_t nluc_kind(uint32_t c) {
    uint32_t last = (uint32_t)(sizeof nluc_kind_top / sizeof *nluc_kind_top) - 1, top = c >> 9;
    if (c < 0x80) return nluc_kind_leaf[c];
    top = nluc_kind_top[top < last ? top : last];
    return nluc_kind_leaf[(uint32_t)nluc_kind_middle[top << 5 | (c >> 4 & 31)] << 4 | (c & 15)];
}

NLUC_API inline uint32_t nluc_flags(uint32_t c) { return nluc_kind_flags[nluc_kind(c)]; }

/* Python's re \w on a str: str.isalnum() or an underscore. */
NLUC_API inline int nluc_is_word(uint32_t c) { return (nluc_flags(c) & NLUC_IS_WORD) != 0; }

/* Python's str.isspace(), which is re's \s too. */
NLUC_API inline int nluc_is_space(uint32_t c) { return (nluc_flags(c) & NLUC_IS_SPACE) != 0; }

/* Lower case, but for a capital sigma at the end of a word: 1 to 3 code points in out, returns how many. */
NLUC_API inline size_t nluc_lower(uint32_t c, uint32_t out[3]) {
    uint32_t kind = nluc_kind(c);
    size_t i, n = 1;
    out[0] = c + (uint32_t)nluc_kind_lower[kind];
    if (!(nluc_kind_flags[kind] & NLUC_IS_LONG)) return 1;
    for (i = 0; nluc_lower_long[i] != c;) i += 4;
    out[0] = nluc_lower_long[i + 1];
    while (n < 3 && nluc_lower_long[i + 1 + n]) {
        out[n] = nluc_lower_long[i + 1 + n];
        n++;
    }
    return n;
}

/* Whether the capital sigma in text[from..to) is lower-cased to a final one: a cased letter before it and none after it,
 * ignorable characters between them not counted. Python looks at the text as it was before lower-casing. The scans end at
 * another sigma, so a text's scans take time in its length. */
NLUC_API int nluc_is_final_sigma(const uint8_t *text, size_t length, size_t from, size_t to) {
    uint32_t flags = 0;
    while (from > 0) {
        flags = nluc_flags(nluc_utf8_before(text, &from));
        if (!(flags & NLUC_IS_IGNORABLE)) break;
    }
    if (!(flags & NLUC_IS_CASED)) return 0;
    flags = 0;
    while (to < length) {
        flags = nluc_flags(nluc_utf8_next(text, length, &to));
        if (!(flags & NLUC_IS_IGNORABLE)) break;
    }
    return !(flags & NLUC_IS_CASED);
}

/* -- Normalisation ---------------------------------------------------------------------------------------------------- */

enum { NLUC_ACCENTS_KEEP, NLUC_ACCENTS_ASCII, NLUC_ACCENTS_UNICODE };

/* A result under way: size is what it needs so far, and bytes are written only while they fit. */
typedef struct {
    uint8_t *out;
    size_t room, size;
} nluc_output;

/* Append a code point. */
NLUC_API inline void nluc_append(nluc_output *o, uint32_t c) {
    uint8_t bytes[4];
    if (o->size <= o->room && o->room - o->size >= 4) {
        o->size += nluc_utf8_put(c, o->out + o->size);
    } else {
        size_t i, n = nluc_utf8_put(c, bytes);
        if (o->size <= o->room && o->room - o->size >= n)
            for (i = 0; i < n; i++) o->out[o->size + i] = bytes[i];
        o->size += n;
    }
}

#ifndef NLUC_NO_ACCENTS
/* The place of a code point's decomposition in nluc_nfkd_value, or -1 if it has none. Stages as in nluc_kind; at their end
 * 32 code points share a bitmap, and the rank of a 1 in it is the place. */
NLUC_API inline int32_t nluc_nfkd_place(uint32_t c) {
    uint32_t last = (uint32_t)(sizeof nluc_nfkd_top / sizeof *nluc_nfkd_top) - 1, top = c >> 10, word, bits, below;
    top = nluc_nfkd_top[top < last ? top : last];
    word = nluc_nfkd_middle[top << 5 | (c >> 5 & 31)];
    bits = nluc_nfkd_bits[word];
    if (!(bits >> (c & 31) & 1)) return -1;
    below = bits & (((uint32_t)1 << (c & 31)) - 1);
    below -= below >> 1 & 0x55555555u; /* count the ones, pairs first, then fours, then bytes */
    below = (below & 0x33333333u) + (below >> 2 & 0x33333333u);
    below = ((below + (below >> 4)) & 0x0F0F0F0Fu) * 0x01010101u >> 24;
    return (int32_t)(nluc_nfkd_rank[word] + below);
}

/* Append a code point as strip_accents leaves it: its compatibility decomposition without marks, or only what is ASCII of
 * that. NFKD would also put marks in order, but all that it moves are marks of a nonzero class, and they are dropped: so
 * the result of a text is that of its characters, one after the other. */
NLUC_API void nluc_append_stripped(nluc_output *o, uint32_t c, int ascii) {
    int32_t place;
    uint32_t value, n, i, at;
    if (c < 0x80) {
        nluc_append(o, c);
        return;
    }
    if (c - 0xAC00u < 11172u) { /* a syllable of Hangul: 19 initials, 21 vowels, 27 finals or none */
        uint32_t syllable = c - 0xAC00u;
        if (ascii) return;
        nluc_append(o, 0x1100u + syllable / 588);
        nluc_append(o, 0x1161u + syllable % 588 / 28);
        if (syllable % 28) nluc_append(o, 0x11A7u + syllable % 28);
        return;
    }
    place = nluc_nfkd_place(c);
    if (place < 0) {
        if (!ascii && !(nluc_flags(c) & NLUC_IS_DROPPED)) nluc_append(o, c);
        return;
    }
    value = nluc_nfkd_value[place];
    if (value - 0xE000u >= 6400u) { /* one character of the basic plane */
        if (!ascii || value < 0x80) nluc_append(o, value);
        return;
    }
    /* A sequence: the pool has those of two units first, then those of three, … */
    value -= 0xE000u;
    for (n = 2, at = 0; value >= nluc_nfkd_longer[n]; n++) at += (uint32_t)(nluc_nfkd_longer[n] - nluc_nfkd_longer[n - 1]) * n;
    at += (value - nluc_nfkd_longer[n - 1]) * n;
    for (i = 0; i < n; i++) {
        value = nluc_nfkd_pool[at + i];
        if (value - 0xD800u < 0x400u && i + 1 < n) /* the first half of a surrogate pair */
            value = ((value - 0xD800u) << 10) + (nluc_nfkd_pool[at + ++i] - 0xDC00u) + 0x10000u;
        if (!ascii || value < 0x80) nluc_append(o, value);
    }
}
#endif

/* Lower-case if asked, then strip accents: 0 keeps them, 1 is "ascii", 2 is "unicode", in scikit-learn's words. Returns the
 * bytes that the result needs; it is in out if that is at most room, else out holds anything. It never needs more than
 * length * NLUC_GROWTH, or length * NLUC_GROWTH_LOWER if accents are kept, or length if the text is ASCII. text and out do
 * not overlap. Other values of accents, and 1 and 2 with NLUC_NO_ACCENTS, are refused: SIZE_MAX. */
NLUC_API size_t nluc_normalize(const uint8_t *text, size_t length, int lowercase, int accents, uint8_t *out, size_t room) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    nluc_output o;
    size_t at = 0;
    o.out = out;
    o.room = room;
    o.size = 0;
#ifdef NLUC_NO_ACCENTS
    if (accents != NLUC_ACCENTS_KEEP) return SIZE_MAX;
#else
    if (accents < NLUC_ACCENTS_KEEP || accents > NLUC_ACCENTS_UNICODE) return SIZE_MAX;
#endif
    while (at < length) {
        uint32_t c, parts[3];
        size_t i, n = 1, from = at;
        /* Eight ASCII bytes at a time: bit 7 of the two sums differs in the bytes from A to Z; a quarter of it is 0x20. */
        while (length - at >= 8) {
            uint64_t x, upper;
            NLUC_COPY(&x, text + at, 8);
            if (x & ones * 0x80) break;
            upper = ((x + ones * (0x80 - 'A')) ^ (x + ones * (0x7F - 'Z'))) & ones * 0x80;
            if (lowercase) x |= upper >> 2;
            if (o.size <= room && room - o.size >= 8) NLUC_COPY(out + o.size, &x, 8);
            o.size += 8;
            at += 8;
        }
        for (; at < length && text[at] < 0x80; at++) {
            c = text[at];
            if (lowercase && c - 'A' < 26u) c += 0x20;
            if (o.size < room) out[o.size] = (uint8_t)c;
            o.size++;
        }
        /* Then characters beyond ASCII, as long as they last. */
        for (; at < length && text[at] >= 0x80; from = at) {
            from = at;
            parts[0] = nluc_utf8_next(text, length, &at);
            n = 1;
            if (lowercase) {
                if (parts[0] == 0x3A3u)
                    parts[0] = nluc_is_final_sigma(text, length, from, at) ? 0x3C2u : 0x3C3u;
                else
                    n = nluc_lower(parts[0], parts);
            }
            for (i = 0; i < n; i++) {
#ifndef NLUC_NO_ACCENTS
                if (accents) {
                    nluc_append_stripped(&o, parts[i], accents == NLUC_ACCENTS_ASCII);
                    continue;
                }
#endif
                nluc_append(&o, parts[i]);
            }
        }
    }
    return o.size;
}

/* -- Tokens ----------------------------------------------------------------------------------------------------------- */

/* A token: the bytes from start to before end. */
typedef struct {
    uint32_t start, end;
} nluc_span;

/* Token patterns that are built in: (?u)\b\w\w+\b, which is scikit-learn's default; (?u)\b\w+\b; \S+. */
enum { NLUC_TOKENS_LONG, NLUC_TOKENS_WORD, NLUC_TOKENS_SPACE };

/* At most so many tokens are in a text of so many bytes: each but the last is followed by a byte that belongs to none. */
#define NLUC_TOKENS_MOST(length) (((length) + 1) / 2)

/* The tokens of a normalised text, as re.findall finds them. Returns how many there are; at most room are written. A \b
 * beside \w+ holds by itself, because the match is as long as it can be: so a token is a run of word characters. */
NLUC_API size_t nluc_tokenize(const uint8_t *text, size_t length, int pattern, nluc_span *spans, size_t room) {
    /* In a token are: characters with the flag `wanted`, or, for \S, those without it. */
    const uint32_t wanted = pattern == NLUC_TOKENS_SPACE ? NLUC_IS_SPACE : NLUC_IS_WORD;
    const uint32_t outside = pattern == NLUC_TOKENS_SPACE ? NLUC_IS_SPACE : 0;
    const size_t least = pattern == NLUC_TOKENS_LONG ? 2 : 1;
    size_t count = 0, at = 0, start = 0, points = 0, before;
    while (at < length) {
        uint32_t c = text[at];
        before = at;
        if (c < 0x80)
            at++;
        else
            c = nluc_utf8_next(text, length, &at);
        if ((nluc_flags(c) & wanted) != outside) {
            points++;
            continue;
        }
        if (points >= least) {
            if (count < room) {
                spans[count].start = (uint32_t)start;
                spans[count].end = (uint32_t)before;
            }
            count++;
        }
        points = 0;
        start = at;
    }
    if (points >= least) {
        if (count < room) {
            spans[count].start = (uint32_t)start;
            spans[count].end = (uint32_t)length;
        }
        count++;
    }
    return count;
}

/* -- N-grams ----------------------------------------------------------------------------------------------------------
 * Each function gives every n-gram, as often as it occurs, in no promised order, to emit: a slice of buffer, valid during
 * the call. low to high is the range of n, 1 <= low <= high; sizes count words, or code points. emit should be a static
 * function named in the call: it is then inlined. Status: 0, or 1 if the buffer has too little room or the range is none
 * (nothing has been emitted then). text is a normalised text, so valid UTF-8; other bytes are safe.
 */

typedef void (*nluc_emit)(void *context, const uint8_t *ngram, size_t length);

/* N-grams of words: the tokens in spans joined by single spaces. Stop words are no longer among the spans. The buffer needs
 * the bytes of the tokens and one between each two: at most the text's length for spans of nluc_tokenize. Spans must lie
 * in the text. O(words * sizes). */
NLUC_INLINE int nluc_word_ngrams(const uint8_t *text, const nluc_span *spans, size_t n_spans, size_t low, size_t high,
                                 uint8_t *buffer, size_t room, nluc_emit emit, void *context) {
    size_t i, n, last, size = 0, start = 0, cut = 0;
    if (low < 1 || high < low) return 1;
    for (i = 0; i < n_spans; i = last + 1) {
        size_t bytes;
        /* Tokens that are one space apart in the text are copied together. */
        for (last = i; last + 1 < n_spans; last++)
            if (spans[last + 1].start != (size_t)spans[last].end + 1 || text[spans[last].end] != ' ') break;
        bytes = spans[last].end - spans[i].start;
        if (size > room || room - size < bytes + (i > 0)) return 1;
        if (i > 0) buffer[size++] = ' ';
        NLUC_COPY(buffer + size, text + spans[i].start, bytes);
        size += bytes;
    }
    if (low > n_spans) return 0;
    /* cut: where the n-gram of low words that begins at start ends. */
    for (i = 0; i < low; i++) cut += spans[i].end - spans[i].start + (size_t)(i > 0);
    for (i = 0;; i++) {
        size_t stop = cut;
        for (n = low;; n++) {
            emit(context, buffer + start, stop - start);
            if (n == high || i + n == n_spans) break;
            stop += 1 + (size_t)(spans[i + n].end - spans[i + n].start);
        }
        if (i + low == n_spans) return 0;
        start += 1 + (size_t)(spans[i].end - spans[i].start);
        cut += 1 + (size_t)(spans[i + low].end - spans[i + low].start);
    }
}

/* The n-grams of the characters from `from` to before `end`. If those are fewer than low: none, or with `whole` all of them
 * as one n-gram. Two pointers walk: one step forward an n-gram. */
NLUC_INLINE void nluc_slices(const uint8_t *from, const uint8_t *end, size_t low, size_t high, int whole, nluc_emit emit,
                             void *context) {
    const uint8_t *cut = from, *stop; /* cut: where the n-gram of low characters that begins at from ends */
    size_t n;
    for (n = 0; n < low && cut < end; n++) cut = nluc_utf8_skip(cut, end);
    if (n < low && !(whole && from < end)) return;
    for (;;) {
        stop = cut;
        for (n = low;; n++) {
            emit(context, from, (size_t)(stop - from));
            if (n == high || stop == end) break;
            stop = nluc_utf8_skip(stop, end);
        }
        if (cut == end) return;
        cut = nluc_utf8_skip(cut, end);
        from = nluc_utf8_skip(from, end);
    }
}

/* Copy a text with each run of two or more white-space characters made one space; a single tab stays a tab. Returns the
 * bytes written: at most length, which must fit. */
NLUC_API size_t nluc_collapse(const uint8_t *text, size_t length, uint8_t *buffer) {
    size_t at = 0, size = 0, run = 0, first = 0;
    while (at < length) {
        size_t from = at;
        uint32_t c = text[at];
        if (c < 0x80)
            at++;
        else
            c = nluc_utf8_next(text, length, &at);
        if (!nluc_is_space(c)) {
            run = 0;
        } else if (run++ == 0) {
            first = size;
        } else {
            size = first;
            buffer[size++] = ' ';
            continue;
        }
        do buffer[size++] = text[from++];
        while (from < at);
    }
    return size;
}

/* N-grams of characters across the whole text, white space collapsed. The buffer needs room for the text's length. */
NLUC_INLINE int nluc_char_ngrams(const uint8_t *text, size_t length, size_t low, size_t high, uint8_t *buffer, size_t room,
                                 nluc_emit emit, void *context) {
    size_t size;
    if (low < 1 || high < low || room < length) return 1;
    size = nluc_collapse(text, length, buffer);
    nluc_slices(buffer, buffer + size, low, high, 0, emit, context);
    return 0;
}

/* N-grams of characters inside words: the text is cut at white space, each word gets a space on both sides, and a padded
 * word shorter than low counts once, whole. The buffer needs room for the text's length + 2: words share the spaces. */
NLUC_INLINE int nluc_char_wb_ngrams(const uint8_t *text, size_t length, size_t low, size_t high, uint8_t *buffer, size_t room,
                                    nluc_emit emit, void *context) {
    size_t at = 0, size = 0, first;
    if (low < 1 || high < low || room < 2 || room - 2 < length) return 1;
    buffer[size++] = ' ';
    for (;;) {
        first = size - 1; /* the space before this word */
        while (at < length) {
            size_t from = at;
            uint32_t c = text[at];
            if (c < 0x80)
                at++;
            else
                c = nluc_utf8_next(text, length, &at);
            if (nluc_is_space(c)) {
                if (size - first > 1) break;
                continue;
            }
            do buffer[size++] = text[from++];
            while (from < at);
        }
        if (size - first == 1) return 0; /* no word: the end */
        buffer[size++] = ' ';
        nluc_slices(buffer + first, buffer + size, low, high, 1, emit, context);
    }
}

/* -- msgpack ----------------------------------------------------------------------------------------------------------
 * The header is checked once as a whole (nluc_header_check, rule H1); after that, values are read where they lie.
 */
typedef enum { NLUC_MP_NIL, NLUC_MP_BOOL, NLUC_MP_INT, NLUC_MP_FLOAT, NLUC_MP_STR, NLUC_MP_ARRAY, NLUC_MP_MAP, NLUC_MP_BAD } nluc_mp_type;

/* One value: its type; number (of a non-negative integer, or a boolean) or real; of strings their bytes, of arrays and
 * maps the number of entries, which begin at `next`; `next` is the first byte behind the value's own. */
typedef struct {
    nluc_mp_type type;
    int negative;                        /* an integer below zero: of no use to any field */
    uint64_t number;
    double real;
    const uint8_t *data, *next;
} nluc_value;

/* The value at p, which ends at `end` at the latest; NLUC_MP_BAD if it does not, or is an ext or bin. */
NLUC_API nluc_value nluc_mp_read(const uint8_t *p, const uint8_t *end) {
    nluc_value v;
    size_t left = (size_t)(end - p), width = 0;
    uint8_t tag;
    memset(&v, 0, sizeof v);
    v.type = NLUC_MP_BAD;
    v.next = p;
    if (!left) return v;
    tag = *p++;
    left--;
    if (tag < 0x80 || tag >= 0xE0) {  /* fixint */
        v.type = NLUC_MP_INT;
        v.negative = tag >= 0xE0;
        v.number = tag;
    } else if (tag < 0x90) {
        v.type = NLUC_MP_MAP;
        v.number = tag & 15u;
    } else if (tag < 0xA0) {
        v.type = NLUC_MP_ARRAY;
        v.number = tag & 15u;
    } else if (tag < 0xC0) {
        v.type = NLUC_MP_STR;
        v.number = tag & 31u;
    } else if (tag == 0xC0) {
        v.type = NLUC_MP_NIL;
    } else if (tag == 0xC2 || tag == 0xC3) {
        v.type = NLUC_MP_BOOL;
        v.number = tag & 1u;
    } else if (tag == 0xCA || tag == 0xCB) {
        width = tag == 0xCA ? 4 : 8;
        if (left < width) return v;
        v.type = NLUC_MP_FLOAT;
        { /* big-endian */
            uint8_t turned[8];
            size_t i;
            for (i = 0; i < width; i++) turned[i] = p[width - 1 - i];
            v.real = width == 4 ? (double)nluc_f32(turned) : nluc_f64(turned);
        }
    } else {
        static const uint8_t widths[32] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};
        size_t i;
        width = widths[tag - 0xC0];
        if (!width || left < width) return v;
        for (i = 0; i < width; i++) v.number = v.number << 8 | p[i];
        if (tag < 0xD0)
            v.type = NLUC_MP_INT;
        else if (tag < 0xD4) {
            v.type = NLUC_MP_INT;
            v.negative = p[0] >> 7;
        } else
            v.type = tag < 0xDC ? NLUC_MP_STR : tag < 0xDE ? NLUC_MP_ARRAY : NLUC_MP_MAP;
    }
    p += width;
    left -= width;
    if (v.type == NLUC_MP_STR) {
        if (v.number > left) {
            v.type = NLUC_MP_BAD;
            return v;
        }
        v.data = p;
        p += v.number;
    }
    v.next = p;
    return v;
}

/* The first byte behind a value and all that it holds; null if it is damaged, nested more than `levels` deep, or of more
 * values than a header may have. */
#define NLUC_MOST_VALUES 40000
NLUC_API const uint8_t *nluc_mp_skip(const uint8_t *p, const uint8_t *end, int levels) {
    uint64_t left[9];
    uint32_t values = 0;
    int depth = 0;
    left[0] = 1;
    if (levels > 8) levels = 8;
    for (;;) {
        nluc_value v;
        while (!left[depth]) {
            if (depth == 0) return p;
            depth--;
        }
        left[depth]--;
        v = nluc_mp_read(p, end);
        if (v.type == NLUC_MP_BAD || ++values > NLUC_MOST_VALUES) return 0;
        p = v.next;
        if (v.type == NLUC_MP_ARRAY || v.type == NLUC_MP_MAP) {
            if (depth == levels) return 0;
            left[++depth] = v.type == NLUC_MP_MAP ? 2 * v.number : v.number;
        }
    }
}

/* Whether a string is UTF-8 (RFC 3629: shortest forms, no surrogates). */
NLUC_API int nluc_is_utf8(const uint8_t *p, size_t length) {
    size_t i = 0, k, more;
    while (i < length) {
        uint32_t c = p[i++], least;
        if (c < 0x80) continue;
        if (c < 0xC2 || c > 0xF4) return 0;
        more = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
        least = more == 1 ? 0x80u : more == 2 ? 0x800u : 0x10000u;
        c &= 0x3Fu >> more;
        if (more > length - i) return 0;
        for (k = 0; k < more; k++, i++) {
            if ((p[i] & 0xC0) != 0x80) return 0;
            c = c << 6 | (p[i] & 0x3Fu);
        }
        if (c < least || c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) return 0;
    }
    return 1;
}

NLUC_API int nluc_same(const uint8_t *a, const uint8_t *b, uint64_t length) {
    for (; length >= 8; a += 8, b += 8, length -= 8) /* a header may have long keys that differ at their ends */
        if (nluc_u64(a) != nluc_u64(b)) return 0;
    for (; length; a++, b++, length--)
        if (*a != *b) return 0;
    return 1;
}

NLUC_API int nluc_is_word_equal(nluc_value v, const char *word) {
    uint64_t i;
    if (v.type != NLUC_MP_STR) return 0;
    for (i = 0; i < v.number; i++)
        if (!word[i] || (uint8_t)word[i] != v.data[i]) return 0;
    return !word[v.number];
}

/* Rule H1: one map of string keys, none twice, at most 8 deep, at most 10,000 maps and arrays and 40,000 values, strings in
 * UTF-8, maps of at most 64 entries, and nothing behind it. */
NLUC_API int nluc_header_check(const uint8_t *p, const uint8_t *end) {
    uint32_t containers = 0;
    if (nluc_mp_read(p, end).type != NLUC_MP_MAP || nluc_mp_skip(p, end, 8) != end) return 0;
    /* Values in the order of their bytes; a map's keys are compared when the map is met. */
    while (p < end) {
        nluc_value v = nluc_mp_read(p, end);
        if (v.type == NLUC_MP_STR && !nluc_is_utf8(v.data, (size_t)v.number)) return 0;
        if ((v.type == NLUC_MP_ARRAY || v.type == NLUC_MP_MAP) && ++containers > 10000) return 0;
        if (v.type == NLUC_MP_MAP) {
            const uint8_t *keys[64];
            uint16_t marks[64]; /* of each key's hash: most keys differ there, and need not be read again */
            const uint8_t *at = v.next;
            uint64_t i, k;
            if (v.number > 64) return 0;
            for (i = 0; i < v.number; i++) {
                nluc_value key = nluc_mp_read(at, end), other;
                if (key.type != NLUC_MP_STR) return 0;
                marks[i] = (uint16_t)nluc_hash32(key.data, (size_t)key.number, 0);
                for (k = 0; k < i; k++) {
                    if (marks[k] != marks[i]) continue;
                    other = nluc_mp_read(keys[k], end);
                    if (other.number == key.number && nluc_same(other.data, key.data, key.number)) return 0;
                }
                keys[i] = at;
                at = nluc_mp_skip(key.next, end, 8);
            }
        }
        p = v.next;
    }
    return 1;
}

/* The value of a key of a checked map; NLUC_MP_BAD if the map lacks it. */
NLUC_API nluc_value nluc_mp_get(nluc_value map, const char *key, const uint8_t *end) {
    const uint8_t *at = map.next;
    nluc_value v;
    uint64_t i;
    if (map.type == NLUC_MP_MAP)
        for (i = 0; i < map.number; i++) {
            nluc_value name = nluc_mp_read(at, end);
            v = nluc_mp_read(name.next, end);
            if (nluc_is_word_equal(name, key)) return v;
            at = nluc_mp_skip(name.next, end, 8);
        }
    memset(&v, 0, sizeof v);
    v.type = NLUC_MP_BAD;
    return v;
}

/* An integer field within limits; 0 if it is none. */
NLUC_API int nluc_field(nluc_value map, const char *key, uint64_t least, uint64_t most, const uint8_t *end, uint64_t *out) {
    nluc_value v = nluc_mp_get(map, key, end);
    *out = v.number;
    return v.type == NLUC_MP_INT && !v.negative && v.number >= least && v.number <= most;
}

/* Which of `count` words a string is; -1 for none. */
NLUC_API int nluc_choice(nluc_value v, const char *const *words, int count) {
    int i;
    for (i = 0; i < count; i++)
        if (nluc_is_word_equal(v, words[i])) return i;
    return -1;
}

/* -- Opening ----------------------------------------------------------------------------------------------------------
 * Sections 1 to 7 of FORMAT.md, in its order.
 */

/* Rules P1 to P6. */
NLUC_API nluc_status nluc_open_preamble(const uint8_t *p, size_t length, uint32_t *header_length) {
    static const uint8_t magic[8] = {0x89, 'N', 'L', 'U', 'C', 0x0D, 0x0A, 0x1A};
    uint64_t file_length;
    if (!nluc_same(p, magic, length < 8 ? length : 8) || !length) return NLUC_E_P1;
    if (length < 64) return NLUC_E_P3;
    if (nluc_crc32(p, 28) != nluc_u32(p + 28)) return NLUC_E_P5;
    if (nluc_u16(p + 8) != 1) return NLUC_E_P2;
    file_length = nluc_u64(p + 16);
    if (file_length != length) return NLUC_E_P3;
    *header_length = nluc_u32(p + 12);
    if (*header_length > 1u << 20 || *header_length > length - 64) return NLUC_E_P4;
    return nluc_crc32(p + 64, *header_length) == nluc_u32(p + 24) ? NLUC_OK : NLUC_E_P6;
}

/* Rules S1 to S4: the table of sections. */
NLUC_API nluc_status nluc_open_table(nluc_value table, const uint8_t *end, size_t start, size_t length) {
    uint64_t i, k, last = start;
    const uint8_t *at = table.next;
    if (table.type != NLUC_MP_ARRAY || table.number > 64) return NLUC_E_S1;
    for (i = 0; i < table.number; i++) {
        nluc_value row = nluc_mp_read(at, end), field[4];
        const uint8_t *other = table.next;
        if (row.type != NLUC_MP_ARRAY || row.number != 4) return NLUC_E_S1;
        field[0] = nluc_mp_read(row.next, end);
        for (k = 1; k < 4; k++) {
            field[k] = nluc_mp_read(field[k - 1].next, end);
            if (field[0].type != NLUC_MP_STR || field[k].type != NLUC_MP_INT || field[k].negative || field[k].number >> 63)
                return NLUC_E_S1;
        }
        for (k = 0; k < i; k++) {
            nluc_value name = nluc_mp_read(nluc_mp_read(other, end).next, end);
            if (name.number == field[0].number && nluc_same(name.data, field[0].data, name.number)) return NLUC_E_S1;
            other = nluc_mp_skip(other, end, 8);
        }
        if (field[1].number % 64 || field[1].number < last) return NLUC_E_S2;
        if (field[1].number > length || field[2].number > length - field[1].number) return NLUC_E_S3;
        last = field[1].number + field[2].number;
        at = field[3].next;
    }
    return (last + 63) / 64 * 64 == length ? NLUC_OK : NLUC_E_S4;
}

/* A section by name; a null pointer if it is not there. */
NLUC_API nluc_bytes nluc_section(const nluc_model *m, const char *name) {
    const uint8_t *end = m->header.data + m->header.length, *at = m->table;
    nluc_bytes out = {0, 0};
    uint32_t i;
    for (i = 0; i < m->n_sections; i++) {
        nluc_value row = nluc_mp_read(at, end), field = nluc_mp_read(row.next, end), offset = nluc_mp_read(field.next, end);
        if (nluc_is_word_equal(field, name)) {
            out.data = m->base + offset.number;
            out.length = (size_t)nluc_mp_read(offset.next, end).number;
            return out;
        }
        at = nluc_mp_skip(at, end, 8);
    }
    return out;
}

/* Rule S6: a section of exactly this length. */
NLUC_API int nluc_exactly(const nluc_model *m, const char *name, uint64_t length, nluc_bytes *out) {
    *out = nluc_section(m, name);
    return out->data && out->length == length;
}

/* Rules S6 and M5: a section of `least`..`most` finite numbers of `size` bytes; an optional one may be missing. */
NLUC_API nluc_status nluc_numbers(const nluc_model *m, const char *name, uint64_t least, uint64_t most, uint32_t size,
                                  int optional, nluc_bytes *out) {
    size_t i;
    *out = nluc_section(m, name);
    if (!out->data) return optional ? NLUC_OK : NLUC_E_S6;
    if (out->length % size || out->length / size < least || out->length / size > most) return NLUC_E_S6;
    for (i = 0; i < out->length; i += size) {
        if (size == 4 && (nluc_u32(out->data + i) >> 23 & 0xFFu) == 0xFFu) return NLUC_E_M5;
        if (size == 8 && (nluc_u32(out->data + i + 4) >> 20 & 0x7FFu) == 0x7FFu) return NLUC_E_M5;
    }
    return NLUC_OK;
}

/* Rule M2, of one namespace: what differs from the defaults. */
NLUC_API nluc_status nluc_open_namespace(nluc_value map, const uint8_t *end, nluc_namespace *ns) {
    static const char *const analyzers[] = {"word", "char", "char_wb", "fasttext", "features", "dict", "items"};
    static const char *const tfs[] = {"count", "binary", "log"};
    static const char *const accents[] = {"", "ascii", "unicode"};
    static const char *const strings[] = {"name", "token_pattern", "encoding", "decode_error", "separator"};
    static const char *const patterns[] = {"(?u)\\b\\w\\w+\\b", "\\b\\w\\w+\\b", "(?u)\\b\\w+\\b", "\\b\\w+\\b", "(?u)\\S+", "\\S+"};
    nluc_value v;
    uint64_t number;
    int i;
    /* A value, if it is there; null is the same as not there where null is the default. */
#define NLUC_GET(key, nullable)                                            \
    v = nluc_mp_get(map, key, end);                                        \
    if ((nullable) && v.type == NLUC_MP_NIL) v.type = NLUC_MP_BAD
    if (map.type != NLUC_MP_MAP) return NLUC_E_H3;
    memset(ns, 0, sizeof *ns);
    ns->low = ns->high = 1;
    ns->lowercase = 1;
    if (nluc_mp_get(map, "name", end).type != NLUC_MP_STR) return NLUC_E_M2;
    for (i = 1; i < 5; i++) {
        v = nluc_mp_get(map, strings[i], end);
        if (v.type != NLUC_MP_BAD && v.type != NLUC_MP_STR) return NLUC_E_M2;
    }
#define NLUC_CHOICE(field, key, words, count, nullable)           \
    NLUC_GET(key, nullable);                                      \
    if (v.type != NLUC_MP_BAD) {                                  \
        if ((i = nluc_choice(v, words, count)) < 0) return NLUC_E_M2; \
        ns->field = (uint8_t)i;                                   \
    }
    NLUC_CHOICE(analyzer, "analyzer", analyzers, 7, 0)
    NLUC_CHOICE(tf, "tf", tfs, 3, 0)
    NLUC_CHOICE(accents, "strip_accents", accents, 3, 1)
#undef NLUC_CHOICE
    v = nluc_mp_get(map, "strip_accents", end);
    if (v.type == NLUC_MP_STR && !v.number) return NLUC_E_M2;
#ifdef NLUC_NO_ACCENTS
    if (ns->accents) return NLUC_E_LIMIT;
#endif
    NLUC_GET("column", 1);
    if (v.type != NLUC_MP_BAD && v.type != NLUC_MP_STR && v.type != NLUC_MP_INT) return NLUC_E_M2;
    ns->column = v.type != NLUC_MP_BAD;
    v = nluc_mp_get(map, "ngram_range", end);
    if (v.type != NLUC_MP_BAD) {
        nluc_value low, high;
        if (v.type != NLUC_MP_ARRAY || v.number != 2) return NLUC_E_M2;
        low = nluc_mp_read(v.next, end);
        high = nluc_mp_read(low.next, end);
        if (low.type != NLUC_MP_INT || high.type != NLUC_MP_INT || low.negative || high.negative) return NLUC_E_M2;
        if (low.number < 1 || high.number > 1000 || low.number > high.number) return NLUC_E_M2;
        ns->low = (uint32_t)low.number;
        ns->high = (uint32_t)high.number;
    }
    v = nluc_mp_get(map, "subwords", end);
    if (v.type != NLUC_MP_BAD) {
        nluc_value least, most;
        if (v.type != NLUC_MP_ARRAY || v.number != 2) return NLUC_E_M2;
        least = nluc_mp_read(v.next, end);
        most = nluc_mp_read(least.next, end);
        if (least.type != NLUC_MP_INT || most.type != NLUC_MP_INT || least.negative || most.negative) return NLUC_E_M2;
        if (most.number > 1000 || least.number > most.number || (most.number && !least.number)) return NLUC_E_M2;
        ns->shortest = (uint16_t)least.number;
        ns->longest = (uint16_t)most.number;
    }
    v = nluc_mp_get(map, "token_pattern", end);
    ns->pattern = NLUC_PATTERN_DEFAULT;
    if (v.type == NLUC_MP_STR) {
        i = nluc_choice(v, patterns, 6);
        ns->pattern = (uint8_t)(i < 0 ? NLUC_PATTERN_OTHER : i / 2);
    }
    v = nluc_mp_get(map, "lowercase", end);
    if (v.type != NLUC_MP_BAD) {
        if (v.type != NLUC_MP_BOOL) return NLUC_E_M2;
        ns->lowercase = (uint8_t)v.number;
    }
    v = nluc_mp_get(map, "alternate_sign", end);
    if (v.type != NLUC_MP_BAD) {
        if (v.type != NLUC_MP_BOOL) return NLUC_E_M2;
        ns->alternate_sign = (uint8_t)v.number;
    }
    if (nluc_mp_get(map, "hash_columns", end).type != NLUC_MP_BAD) {
        if (!nluc_field(map, "hash_columns", 0, 0x7FFFFFFF, end, &number)) return NLUC_E_M2;
        ns->hash_columns = (uint32_t)number;
    }
    NLUC_GET("stop_words", 1);
    if (v.type != NLUC_MP_BAD) {
        const uint8_t *at = v.next;
        if (v.type != NLUC_MP_ARRAY) return NLUC_E_M2;
        for (number = 0; number < v.number; number++) {
            nluc_value word = nluc_mp_read(at, end);
            if (word.type != NLUC_MP_STR) return NLUC_E_M2;
            at = word.next;
        }
        ns->stop_words = v.number ? v.next : 0;
        ns->stop_word_count = (uint32_t)v.number;
    }
    v = nluc_mp_get(map, "unseen", end);
    if (v.type != NLUC_MP_BAD) {
        if (v.type == NLUC_MP_INT && !v.negative)
            ns->unseen = (double)v.number;
        else if (v.type == NLUC_MP_FLOAT)
            ns->unseen = v.real;
        else
            return NLUC_E_M2;
        if (!(ns->unseen >= 0 && ns->unseen <= 1.7976931348623157e308)) return NLUC_E_M2;
    }
#undef NLUC_GET
    if (ns->analyzer == NLUC_FASTTEXT && ns->alternate_sign) return NLUC_E_M2;
    return ns->tf == NLUC_LOG && ns->alternate_sign ? NLUC_E_M2 : NLUC_OK;
}

/* Rule M3, of one step. */
NLUC_API nluc_status nluc_open_step(nluc_value map, const uint8_t *end, uint32_t n_namespaces, nluc_step *step) {
    static const char *const ops[] = {"norm", "scale", "binarize"};
    static const char *const kinds[] = {"l1", "l2", "max"};
    nluc_value v, kind;
    const uint8_t *at;
    uint64_t i;
    int op;
    if (map.type != NLUC_MP_MAP) return NLUC_E_H3;
    memset(step, 0, sizeof *step);
    v = nluc_mp_get(map, "namespaces", end);
    if (v.type != NLUC_MP_ARRAY || v.number < 1 || v.number > 256) return NLUC_E_M3;
    at = v.next;
    for (i = 0; i < v.number; i++) {
        nluc_value number = nluc_mp_read(at, end);
        if (number.type != NLUC_MP_INT || number.negative || number.number >= n_namespaces) return NLUC_E_M3;
        step->members[number.number / 8] |= (uint8_t)(1u << number.number % 8);
        at = number.next;
    }
    v = nluc_mp_get(map, "value", end);
    if (v.type != NLUC_MP_BAD && v.type != NLUC_MP_FLOAT) return NLUC_E_M3;
    step->value = v.real;
    if (!(v.real >= -1.7976931348623157e308 && v.real <= 1.7976931348623157e308)) return NLUC_E_M3;
    v = nluc_mp_get(map, "op", end);
    if (v.type != NLUC_MP_STR) return NLUC_E_M3;
    op = nluc_choice(v, ops, 3);
    kind = nluc_mp_get(map, "kind", end);
    if (kind.type != NLUC_MP_BAD && kind.type != NLUC_MP_NIL && kind.type != NLUC_MP_STR) return NLUC_E_M3;
    if (op < 0 || (op == 0) != (nluc_choice(kind, kinds, 3) >= 0) || (op == 2 && step->value < 0)) return NLUC_E_M3;
    step->op = (uint8_t)(op == 0 ? NLUC_NORM_L1 + nluc_choice(kind, kinds, 3) : op == 1 ? NLUC_SCALE : NLUC_BINARIZE);
    return NLUC_OK;
}

/* Bytes of one label that is a number. */
NLUC_API uint32_t nluc_label_size(const nluc_model *m) {
    static const uint8_t sizes[NLUC_LABEL_TYPES] = {0, 0, 1, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8};
    return sizes[m->label_type];
}

/* Rule M4: the labels. That they are distinct is left to nluc_verify. */
NLUC_API nluc_status nluc_open_labels(nluc_model *m) {
    uint64_t i, last = 0, total, longest = 0;
    const uint8_t *text;
    size_t at;
    m->labels = nluc_section(m, "labels");
    if (!m->labels.data) return NLUC_E_S6;
    if (m->label_type > NLUC_OBJECT) {
        if (m->labels.length != (uint64_t)m->n_classes * nluc_label_size(m)) return NLUC_E_S6;
        for (i = 0; m->label_type == NLUC_BOOL && i < m->n_classes; i++)
            if (m->labels.data[i] > 1) return NLUC_E_M4;
        return NLUC_OK;
    }
    if (m->labels.length < 4 * (uint64_t)m->n_classes) return NLUC_E_M4;
    total = m->labels.length - 4 * (uint64_t)m->n_classes;
    text = m->labels.data + 4 * (size_t)m->n_classes;
    for (i = 0; i < m->n_classes; i++) {
        uint64_t stop = nluc_u32(m->labels.data + 4 * i);
        if (stop < last || stop > total) return NLUC_E_M4;
        if (stop > last && m->label_type == NLUC_STR && !text[stop - 1]) return NLUC_E_M4;
        if (stop - last > longest) longest = stop - last;
        for (at = (size_t)last; at < stop;) {
            size_t from = at;
            nluc_utf8_next(text, (size_t)stop, &at);
            if (at - from == 1 && text[from] >= 0x80) return NLUC_E_M4;
        }
        last = stop;
    }
    return last == total && longest * m->n_classes <= 1u << 22 ? NLUC_OK : NLUC_E_M4;
}

/* From an entry's number to its group: where a search among the first numbers, `stride` bytes apart, may begin. */
NLUC_API void nluc_open_hints(nluc_model *m, uint32_t stride) {
    uint32_t bits = 0, i, group = 0;
    while (bits < 31 && (uint32_t)1 << bits < m->n_entries) bits++;
    m->hint_shift = (uint8_t)(bits > 6 ? bits - 6 : 0);
    for (i = 0; i < 66; i++) {
        while (group + 1 < m->n_groups && nluc_u32(m->row_groups.data + stride * (size_t)(group + 1)) <= i << m->hint_shift) group++;
        m->hints[i] = (uint16_t)group;
    }
}

/* Rule R4: the groups of pooled rows, each of entries of one length, follow one another. */
NLUC_API nluc_status nluc_open_pool(nluc_model *m, nluc_value rows, const uint8_t *end) {
    uint32_t unit = m->n_columns <= 256 ? 2 : 3, i, bits = 0;
    uint64_t number, start = 0;
    m->idf_bytes = (m->idf_bits + 7u) / 8;
    m->dense_units = (m->n_columns + unit - 1) / unit;
    if (!nluc_field(rows, "entries", 0, 0x7FFFFFFF, end, &number)) return NLUC_E_H3;
    m->n_entries = (uint32_t)number;
    if (!nluc_field(rows, "groups", 0, 21847, end, &number)) return NLUC_E_H3;
    m->n_groups = (uint32_t)number;
    if (!nluc_field(rows, "count", 0, ((uint64_t)1 << 40) - 1, end, &m->count)) return NLUC_E_H3;
    if (!nluc_exactly(m, "row_groups", (uint64_t)m->n_groups * 16, &m->row_groups)) return NLUC_E_S6;
    if (!m->n != !m->n_entries || !m->n != !m->n_groups) return NLUC_E_R4;
    for (i = 0; i < m->n_groups; i++) {
        const uint8_t *at = m->row_groups.data + 16 * (size_t)i;
        uint32_t first = nluc_u32(at), units = nluc_u32(at + 4);
        uint32_t last = i + 1 < m->n_groups ? nluc_u32(at + 16) : m->n_entries;
        if (first >= last || (!i && first) || (i && units <= nluc_u32(at - 12))) return NLUC_E_R4;
        if (units > m->dense_units || nluc_u64(at + 8) != start) return NLUC_E_R4;
        start += (uint64_t)(last - first) * (m->idf_bytes + units * unit);
    }
    while (bits < 31 && (uint32_t)1 << bits < m->n_entries) bits++;
    m->number_bits = (uint8_t)bits;
    nluc_open_hints(m, 16);
    return nluc_exactly(m, "rows", start, &m->rows) ? NLUC_OK : NLUC_E_S6;
}

/* ⌊log2 x⌋, of 0 as of 1. */
NLUC_API inline uint32_t nluc_log2(uint32_t x) {
#if defined(__GNUC__)
    return 31 - (uint32_t)__builtin_clz(x | 1);
#else
    uint32_t k = 0;
    while (x >>= 1) k++;
    return k;
#endif
}

/* The class of a row of x weights: ⌊log2 x⌋ and the bit after the first. */
NLUC_API inline uint32_t nluc_row_class(uint32_t x) {
    uint32_t k = nluc_log2(x);
    return 2 * k + (k ? x >> (k - 1) & 1 : 0);
}

/* Contexts of coded rows, but for those of runs: of idf, of lengths, three of each class of rows. */
NLUC_API inline uint32_t nluc_contexts(const nluc_model *m) { return 9 + 3 * (nluc_row_class(m->n_columns) + 1); }

/* What a symbol says: see nluc_coded. Below 16 the number itself, else its length and its second bit. */
NLUC_API inline uint32_t nluc_meaning(uint32_t symbol, uint32_t length) {
    uint32_t extra = symbol < 16 ? 0 : 3 + (symbol - 16) / 2;
    return (length + extra) | length << 6 | (symbol < 16 ? symbol : 2 + symbol % 2) << 10;
}

/* Rule R6 of one table of at most `left` bytes: a complete code, shorter ones first. Gives its length, 0 if it is none. */
NLUC_API uint32_t nluc_open_table_of(nluc_coded *c, const uint8_t *table, uint64_t left) {
    uint16_t *direct = c->direct[c->n_tables];
    uint32_t length, i, count = 0, code = 0, at = 0;
    if (left < 16) return 0;
    for (length = 0; length < 16; length++) {
        if (count + table[length] > 64 || left < 16u + count + table[length]) return 0;
        for (i = 0; i < table[length]; i++) {
            uint32_t symbol = table[16 + count++];
            if (symbol >= 56) return 0;
            code += 0x8000u >> length;
            if (code > 0x8000) return 0;
            while (length <= 8 && at < code >> 7) direct[at++] = (uint16_t)nluc_meaning(symbol, length);
        }
    }
    while (at < 256) direct[at++] = 0x8000;
    c->tables[c->n_tables++] = table;
    return code == 0x8000 ? 16 + count : 0;
}

/* Rule R6 of the groups of coded rows; gives the bytes of their entries, or ~0. */
NLUC_API uint64_t nluc_open_sizes(const nluc_model *m) {
    uint32_t unit = m->n_columns <= 256 ? 2 : 3, i;
    uint64_t start = 0;
    for (i = 0; i < m->n_groups; i++) {
        const uint8_t *at = m->row_groups.data + 12 * (size_t)i;
        uint32_t first = nluc_u32(at), size = nluc_u32(at + 8) & 0xFFFFFF, kind = at[11], bits = kind & 15;
        uint32_t last = i + 1 < m->n_groups ? nluc_u32(at + 12) : m->n_entries;
        uint64_t fixed = m->idf_bytes + ((uint64_t)m->n_columns * bits + 7) / 8;
        if (first >= last || (!i && first) || nluc_u32(at + 4) != start) return ~(uint64_t)0;
        if (kind && bits != 1 && bits != 2 && bits != 4 && kind != 8) return ~(uint64_t)0;
        if (kind && (kind >> 4 >= 1u << bits || size < fixed || (size - fixed) % unit || (size - fixed) / unit > m->n_columns))
            return ~(uint64_t)0;
        start += ((uint64_t)(last - first) * size * (kind ? 8 : 1) + 7) / 8;
        if (start > 0xFFFFFFFFu) return ~(uint64_t)0;
    }
    return start;
}

/* Rule R6 of the levels of pointers, and where each begins; their sections. */
NLUC_API nluc_status nluc_open_levels(nluc_model *m, const uint8_t *levels) {
    nluc_coded *c = &m->coded;
    uint64_t blocks = 0, bytes = 0;
    uint32_t i;
    for (i = 0; i < c->n_levels; i++) {
        c->slots[i] = nluc_u32(levels + 5 * (size_t)i);
        c->widths[i] = levels[5 * (size_t)i + 4];
        if (c->widths[i] > 31) return NLUC_E_R6;
    }
    c->slots[c->n_levels] = m->n_offsets;
    if (c->slots[0] != m->n) return NLUC_E_R6;
    for (i = 0; i < c->n_levels; i++) {
        uint32_t here = c->slots[i], after = c->slots[i + 1];
        if (after > here) return NLUC_E_R6;
        c->blocks[i] = (uint32_t)blocks;
        c->pointers[i] = (uint32_t)bytes;
        if (after) blocks += ((uint64_t)here + 479) / 480;
        if (c->widths[i]) bytes += ((uint64_t)(here - after) * c->widths[i] + 7) / 8 + 8;
        if (bytes > 0xFFFFFFFFu) return NLUC_E_R6;
    }
    if (!nluc_exactly(m, "row_more", blocks * 64, &m->row_more)) return NLUC_E_S6;
    return nluc_exactly(m, "row_pointers", bytes, &m->row_pointers) ? NLUC_OK : NLUC_E_S6;
}

/* The sections of n_offsets + 1 offsets that end at `count` (rules R1 and S6). */
NLUC_API nluc_status nluc_open_offsets(nluc_model *m, nluc_status rule) {
    uint64_t low = m->count_low_bits, n = m->n_offsets;
    if ((m->count >> low) + n > 0xFFFFFFFFu) return rule;
    if (!nluc_exactly(m, "row_low", low ? ((n + 1) * low + 7) / 8 + 8 : 0, &m->row_low) ||
        !nluc_exactly(m, "row_high", ((m->count >> low) + n) / 8 + 9, &m->row_high) ||
        !nluc_exactly(m, "row_samples", (n / 128 + 1) * 4, &m->row_samples))
        return NLUC_E_S6;
    return NLUC_OK;
}

/* Rule R6, of everything in coded rows. */
NLUC_API nluc_status nluc_open_coded(nluc_model *m, nluc_value rows, const uint8_t *end) {
    static const char *const names[] = {"entries", "singles", "bits", "low_bits", "levels", "groups", "tables", "symbols",
                                        "zero", "top", "count", "runs"};
    static const uint64_t most[] = {0x7FFFFFFF, 0x7FFFFFFF, ((uint64_t)1 << 35) - 1, 31, NLUC_MOST_LEVELS, 4096,
                                    NLUC_MOST_TABLES, 64 * NLUC_MOST_TABLES, 255, 0xFFFFFF, ((uint64_t)1 << 40) - 1,
                                    NLUC_MOST_TABLES};
    nluc_coded *c = &m->coded;
    uint64_t fields[12] = {0}, left, start;
    uint32_t i, length, unit = m->n_columns <= 256 ? 1 : 2;
    nluc_bytes all;
    const uint8_t *at;
    nluc_status status;
    for (i = 0; i < 12; i++) /* files of before 1.2 have no runs */
        if ((i < 11 || nluc_mp_get(rows, names[i], end).type != NLUC_MP_BAD) && !nluc_field(rows, names[i], 0, most[i], end, &fields[i]))
            return NLUC_E_H3;
    m->n_entries = (uint32_t)fields[0];
    m->n_offsets = (uint32_t)fields[1];
    m->count = fields[2];
    m->count_low_bits = (uint32_t)fields[3];
    c->n_levels = (uint8_t)fields[4];
    m->n_groups = (uint32_t)fields[5];
    c->zero = (uint8_t)fields[8];
    c->top = (uint32_t)fields[9];
    c->n_runs = (uint8_t)fields[11];
    if (c->zero >= m->n_codes || nluc_f32(m->codebook.data + 4 * (size_t)c->zero) != 0) return NLUC_E_R6;
    m->idf_bytes = (m->idf_bits + 7u) / 8;
    left = 16 * fields[6] + fields[7];
    length = nluc_contexts(m) + c->n_runs;
    if (!nluc_exactly(m, "row_tables", 5 * fields[4] + 12 * fields[5] + (uint64_t)m->n_columns * unit + length + left, &all))
        return NLUC_E_S6;
    if (!m->n_entries != !c->n_levels || !m->n_entries != !m->n_groups || !fields[6]) return NLUC_E_R6;
    m->row_groups.data = all.data + 5 * c->n_levels;
    m->row_groups.length = 12 * (size_t)m->n_groups;
    c->order = m->row_groups.data + m->row_groups.length;
    c->map = c->order + (size_t)m->n_columns * unit;
    for (i = 0; i < m->n_columns; i++)
        if ((unit == 1 ? c->order[i] : nluc_u16(c->order + 2 * (size_t)i)) >= m->n_columns) return NLUC_E_R6;
    for (i = 0; i < length; i++)
        if (c->map[i] >= fields[6]) return NLUC_E_R6;
    for (at = c->map + length; fields[6]; fields[6]--, at += length, left -= length)
        if (!(length = nluc_open_table_of(c, at, left))) return NLUC_E_R6;
    if (left) return NLUC_E_R6;
    if ((status = nluc_open_levels(m, all.data)) || (status = nluc_open_offsets(m, NLUC_E_R6))) return status;
    if ((start = nluc_open_sizes(m)) > 0xFFFFFFFFu) return NLUC_E_R6;
    c->singles = (uint32_t)start;
    nluc_open_hints(m, 12);
    m->number_bits = 0;
    return nluc_exactly(m, "rows", start + (m->count + 7) / 8 + 8, &m->rows) ? NLUC_OK : NLUC_E_S6;
}

/* Whether the codebook is even: then codes can be added up before they are multiplied. */
NLUC_API void nluc_open_even(nluc_model *m) {
    const uint8_t *book = m->codebook.data;
    uint32_t zero = 0, i;
    while (zero < m->n_codes && nluc_f32(book + 4 * (size_t)zero) != 0) zero++;
    if (zero == m->n_codes) return;
    if (m->n_codes > 1)
        m->step = zero ? -(double)nluc_f32(book + 4 * (size_t)(zero - 1)) : (double)nluc_f32(book + 4);
    for (i = 0; i < m->n_codes; i++)
        if ((double)nluc_f32(book + 4 * (size_t)i) != m->step * ((double)i - (double)zero)) return;
    m->zero = (uint8_t)zero;
    m->even = 1;
}

/* Rule M6: what a tagging model has, and what it does not have. */
#define NLUC_MOST_TAGS 2048
NLUC_API nluc_status nluc_open_tagging(nluc_model *m, int required) {
    const nluc_namespace *ns = &m->namespaces[0];
    size_t i, cells = (size_t)m->n_classes * m->n_classes, size = (cells + 31) / 32 * 4, ones = 0;
    if (!required || m->n_classes > NLUC_MOST_TAGS || m->label_type != NLUC_STR || m->n_namespaces != 1) return NLUC_E_M6;
    if (ns->analyzer != NLUC_FEATURES || ns->tf != NLUC_COUNT || ns->hash_columns || ns->column) return NLUC_E_M6;
    if (m->link != NLUC_IDENTITY || m->n_steps || m->calibration.data || m->baseline.data || m->idf_bits || m->idf.data) return NLUC_E_M6;
    for (i = 0; i < m->intercept.length; i += 8)
        if (nluc_f64(m->intercept.data + i) != 0) return NLUC_E_M6;
    m->transitions = nluc_section(m, "transitions");
    if (!m->transitions.data) return NLUC_E_S6;
    if (m->transitions.length < size) return NLUC_E_M6;
    for (i = 0; i < size; i += 4) ones += nluc_popcount(nluc_u32(m->transitions.data + i));
    if (m->transitions.length - size != 4 * ones) return NLUC_E_M6;
    for (i = cells; i < size * 8; i++)
        if (m->transitions.data[i / 8] >> i % 8 & 1) return NLUC_E_M6;
    for (i = size; i < m->transitions.length; i += 4)
        if ((nluc_u32(m->transitions.data + i) >> 23 & 0xFFu) == 0xFFu) return NLUC_E_M5;
    return NLUC_OK;
}

/* Rule I4: the section of an index in 2^shard_bits shards. Gives the bits of all levels, and where the last one ends. */
NLUC_API nluc_status nluc_open_shards(nluc_model *m, uint64_t *used, uint64_t *end) {
    uint32_t count = (uint32_t)1 << m->shard_bits, i, level = 0, first = 0;
    nluc_bytes all = nluc_section(m, "shards");
    uint64_t heads = 4 * ((uint64_t)count + 1), start = 0, n_levels;
    const uint8_t *table;
    if (!all.data) return NLUC_E_S6;
    if (all.length < heads || (all.length - heads) % 8) return NLUC_E_I4;
    n_levels = (all.length - heads) / 8;
    table = all.data + heads;
    for (*used = *end = 0, i = 0; i <= count; i++) {
        uint32_t next = nluc_u32(all.data + 4 * (size_t)i);
        if (i ? next < first || next - first > 128 : next) return NLUC_E_I4;
        if (next > n_levels || (i == count && next != n_levels)) return NLUC_E_I4;
        if (next - first > m->n_levels) m->n_levels = next - first;
        for (start = (*end + 479) / 480 * 480; level < next; level++) {
            uint32_t size = nluc_u32(table + 8 * (size_t)level + 4);
            if (!size || size > 0x7FFFFFFF || nluc_u32(table + 8 * (size_t)level) != start) return NLUC_E_I4;
            *used += size;
            *end = start += size;
        }
        first = next;
    }
    m->shards = all.data;
    return NLUC_OK;
}

/* Open a file in place. bytes: the whole file, which must stay there and unchanged while the model is used. Costs the
 * header and the small sections, whatever the file's size. On failure the model is not to be used. */
NLUC_API nluc_status nluc_open(nluc_model *m, const void *bytes, size_t length) {
    static const char *const tasks[] = {"binary", "multiclass", "multilabel", "tagging"};
    static const char *const links[] = {"identity", "sigmoid", "softmax", "ovr", "clipped"};
    static const char *const types[] = {"str",   "object", "bool",   "int8",   "int16",   "int32",  "int64",
                                        "uint8", "uint16", "uint32", "uint64", "float32", "float64"};
    static const char *const coders[] = {"plain", "dense", "pool", "coded"};
    static const char *const abilities[] = {"rows.plain", "rows.dense", "rows.pool", "rows.coded", "rows.runs",
                                            "analyzer.items", "analyzer.fasttext", "tagging", "template", "shards"};
    const uint8_t *end, *at;
    nluc_value header, v, rows, index, slots;
    nluc_status status;
    uint32_t header_length = 0;
    uint64_t number, i, sum = 0, ends;
    int choice, tagging = 0, template_asked = 0, sharded = 0;
    memset(m, 0, sizeof *m);
    m->base = (const uint8_t *)bytes;
    m->length = length;
    if ((status = nluc_open_preamble(m->base, length, &header_length))) return status;
    m->header.data = m->base + 64;
    m->header.length = header_length;
    end = m->header.data + header_length;
    if (!nluc_header_check(m->header.data, end)) return NLUC_E_H1;
    header = nluc_mp_read(m->header.data, end);
    v = nluc_mp_get(header, "sections", end);
    if ((status = nluc_open_table(v, end, (size_t)64 + header_length, length))) return status;
    m->table = v.next;
    m->n_sections = (uint32_t)v.number;

    v = nluc_mp_get(header, "requires", end);
    if (v.type != NLUC_MP_MAP) return NLUC_E_H3;
    for (at = v.next, i = 0; i < v.number; i++) {
        nluc_value name = nluc_mp_read(at, end);
        if ((choice = nluc_choice(name, abilities, sizeof abilities / sizeof *abilities)) < 0) return NLUC_E_H2;
        tagging |= choice == 7;
        template_asked |= choice == 8;
        sharded |= choice == 9;
        at = nluc_mp_skip(name.next, end, 8);
    }
#define NLUC_PICK(field, map, key, words, count)                                          \
    if ((choice = nluc_choice(nluc_mp_get(map, key, end), words, count)) < 0) return NLUC_E_H3; \
    m->field = (uint8_t)choice;
    NLUC_PICK(task, header, "task", tasks, 4)
    NLUC_PICK(link, header, "link", links, 5)
    v = nluc_mp_get(header, "classes", end);
    if (!nluc_field(v, "count", 1, 65536, end, &number)) return NLUC_E_H3;
    m->n_classes = (uint32_t)number;
    NLUC_PICK(label_type, v, "type", types, 13)
    m->n_columns = m->task == NLUC_BINARY ? 1 : m->n_classes;
    if (m->task == NLUC_BINARY && m->n_classes != 2) return NLUC_E_M1;
    if (m->task == NLUC_MULTILABEL && (m->link == NLUC_SOFTMAX || m->link == NLUC_OVR)) return NLUC_E_M1;

    v = nluc_mp_get(header, "namespaces", end);
    if (v.type != NLUC_MP_ARRAY || v.number < 1 || v.number > 256) return NLUC_E_H3;
    if (v.number > NLUC_MAX_NAMESPACES) return NLUC_E_LIMIT;
    m->n_namespaces = (uint32_t)v.number;
    for (at = v.next, i = 0; i < v.number; i++, at = nluc_mp_skip(at, end, 8))
        if ((status = nluc_open_namespace(nluc_mp_read(at, end), end, &m->namespaces[i]))) return status;
    v = nluc_mp_get(header, "steps", end);
    if (v.type != NLUC_MP_ARRAY || v.number > 1024) return NLUC_E_H3;
    if (v.number > NLUC_MAX_STEPS) return NLUC_E_LIMIT;
    m->n_steps = (uint32_t)v.number;
    for (at = v.next, i = 0; i < v.number; i++, at = nluc_mp_skip(at, end, 8))
        if ((status = nluc_open_step(nluc_mp_read(at, end), end, m->n_namespaces, &m->steps[i]))) return status;

    index = nluc_mp_get(header, "index", end);
    if (!nluc_field(index, "n", 0, 0x7FFFFFFF, end, &number)) return NLUC_E_H3;
    m->n = (uint32_t)number;
    v = nluc_mp_get(index, "levels", end);
    if (v.type != NLUC_MP_ARRAY || v.number > 128) return NLUC_E_H3;
    m->n_levels = (uint32_t)v.number;
    for (at = v.next, i = 0; i < v.number; i++) {
        nluc_value size = nluc_mp_read(at, end);
        if (size.type != NLUC_MP_INT || size.negative || size.number < 1 || size.number > 0x7FFFFFFF) return NLUC_E_H3;
        m->starts[i] = (uint32_t)sum;
        m->levels[i] = (uint32_t)size.number;
        sum += size.number;
        if (sum > 0xFFFFFFFFu) return NLUC_E_I1;
        at = size.next;
    }
    v = nluc_mp_get(index, "seeds", end);
    if (v.type != NLUC_MP_ARRAY || v.number != m->n_namespaces) return NLUC_E_H3;
    for (at = v.next, i = 0; i < v.number; i++) {
        nluc_value seed = nluc_mp_read(at, end);
        if (seed.type != NLUC_MP_INT || seed.negative || seed.number > 0xFFFFFFFFu) return NLUC_E_H3;
        m->namespaces[i].seed = (uint32_t)seed.number;
        at = seed.next;
    }
    slots = nluc_mp_get(header, "slots", end);
    if (!nluc_field(slots, "check_bits", 0, 32, end, &number)) return NLUC_E_H3;
    m->check_bits = (uint8_t)number;
    if (!nluc_field(slots, "idf_bits", 0, 24, end, &number)) return NLUC_E_H3;
    m->idf_bits = (uint8_t)number;
    ends = sum;
    if (nluc_mp_get(index, "shards", end).type != NLUC_MP_BAD) {
        if (!nluc_field(index, "shards", 0, 12, end, &number)) return NLUC_E_H3;
        m->shard_bits = (uint8_t)number;
        if (number && (m->n_levels || !sharded)) return NLUC_E_I4;
        if (number && (status = nluc_open_shards(m, &sum, &ends))) return status;
    }
    if (m->n > sum || ends > 0xFFFFFFFFu || !m->n != !m->n_levels) return NLUC_E_I1;

    if ((status = nluc_numbers(m, "codebook", 1, 256, 4, 0, &m->codebook))) return status;
    if ((status = nluc_numbers(m, "idf", 1, (uint64_t)1 << m->idf_bits, 4, 1, &m->idf))) return status;
    if (m->idf_bits && !m->idf.data) return NLUC_E_L1;
    m->n_codes = (uint32_t)(m->codebook.length / 4);
    m->n_idf = (uint32_t)(m->idf.length / 4);
    rows = nluc_mp_get(header, "rows", end);
    NLUC_PICK(coder, rows, "coder", coders, 4)
#undef NLUC_PICK
    if ((status = nluc_open_labels(m))) return status;
    if ((status = nluc_numbers(m, "intercept", m->n_columns, m->n_columns, 8, 0, &m->intercept))) return status;
    if ((status = nluc_numbers(m, "calibration", 2 * (uint64_t)m->n_columns, 2 * (uint64_t)m->n_columns, 8, 1, &m->calibration)))
        return status;
    if ((status = nluc_numbers(m, "baseline", m->n_columns, m->n_columns, 8, 1, &m->baseline))) return status;
    if ((status = nluc_numbers(m, "scale", m->n_columns, m->n_columns, 4, 1, &m->scale))) return status;
    if (!nluc_exactly(m, "index", (ends + 479) / 480 * 64, &m->index)) return NLUC_E_S6;
    if (!nluc_field(rows, "n", m->n, m->n, end, &number)) return NLUC_E_H3;
    if (!nluc_field(rows, "columns", m->n_columns, m->n_columns, end, &number)) return NLUC_E_H3;
    m->number_bits = m->idf_bits;
    if (m->coder == NLUC_DENSE) {
        if (!nluc_exactly(m, "rows", (uint64_t)m->n * m->n_columns, &m->rows)) return NLUC_E_S6;
    } else if (m->coder == NLUC_POOL) {
        if ((status = nluc_open_pool(m, rows, end))) return status;
    } else if (m->coder == NLUC_CODED) {
        if (!NLUC_IS_CODED(m)) return NLUC_E_LIMIT;
        if ((status = nluc_open_coded(m, rows, end))) return status;
    } else {
        if (!nluc_field(rows, "count", 0, ((uint64_t)1 << 40) - 1, end, &m->count)) return NLUC_E_H3;
        if (!nluc_field(rows, "low_bits", 0, 31, end, &number)) return NLUC_E_H3;
        m->count_low_bits = (uint32_t)number;
        m->n_offsets = m->n;
        if ((status = nluc_open_offsets(m, NLUC_E_R1))) return status;
        if (!nluc_exactly(m, "rows", m->count * (m->n_columns <= 256 ? 2 : 3), &m->rows)) return NLUC_E_S6;
    }
    number = (uint64_t)m->check_bits + m->number_bits;
    if (number > 57) return NLUC_E_L3;
    if (!nluc_exactly(m, "slots", number ? (m->n * number + 7) / 8 + 8 : 0, &m->slots)) return NLUC_E_S6;
    nluc_open_even(m);
    if (m->task == NLUC_TAGGING && (status = nluc_open_tagging(m, tagging))) return status;
    v = nluc_mp_get(header, "template", end);
    if (template_asked != (v.type != NLUC_MP_BAD) || (template_asked && m->task != NLUC_TAGGING)) return NLUC_E_M7;
    v = nluc_mp_get(header, "facts", end);
    return v.type == NLUC_MP_MAP ? NLUC_OK : NLUC_E_H3;
}

/* -- Look-up ----------------------------------------------------------------------------------------------------------
 * Section 6. A hash finds its slot in a few probes; the staged versions below do many at once, so that the cache misses of
 * one n-gram overlap those of others.
 */
#define NLUC_ABSENT 0xFFFFFFFFu

/* Where a hash falls in the joined array of bits, at one level. */
NLUC_API inline uint32_t nluc_position(const nluc_model *m, const uint64_t hash[2], uint32_t level) {
    uint64_t x = hash[0] + level * hash[1];
    uint32_t y = nluc_fmix32((uint32_t)(x ^ x >> 32));
    return m->starts[level] + (uint32_t)((uint64_t)y * m->levels[level] >> 32);
}

/* The same in an index with shards, for the hashes that are left: of those whose shard has no such level none stays in the
 * list. Gives how many do. */
NLUC_API uint32_t nluc_shard_positions(const nluc_model *m, const uint8_t *base, size_t stride, uint32_t level, uint32_t *left,
                                       uint32_t n_left, uint32_t *position) {
    const uint8_t *table = m->shards + 4 * (((size_t)1 << m->shard_bits) + 1);
    uint32_t i, kept = 0;
    for (i = 0; i < n_left; i++) {
        const uint64_t *hash = (const uint64_t *)(const void *)(base + left[i] * stride);
        const uint8_t *at = m->shards + 4 * (size_t)(hash[0] >> (64 - m->shard_bits));
        uint32_t first = nluc_u32(at);
        uint64_t x = hash[0] + level * hash[1];
        if (level >= nluc_u32(at + 4) - first) continue;
        at = table + 8 * ((size_t)first + level);
        position[kept] = nluc_u32(at) + (uint32_t)((uint64_t)nluc_fmix32((uint32_t)(x ^ x >> 32)) * nluc_u32(at + 4) >> 32);
        NLUC_PREFETCH(m->index.data + (size_t)(position[kept] / 480) * 64);
        left[kept++] = left[i];
    }
    return kept;
}

/* Whether a bit of an array in blocks is 1. */
NLUC_API inline uint32_t nluc_bit(const uint8_t *blocks, uint32_t position) {
    uint32_t bit = position % 480;
    return (uint32_t)blocks[(size_t)(position / 480) * 64 + 4 + bit / 8] >> bit % 8 & 1u;
}

/* The number of 1s before a bit. A block is one cache line: its rank, then 480 bits. All of its words are counted, those
 * beyond the bit as 0, because a branch that depends on the bit would be mispredicted. */
NLUC_API inline uint32_t nluc_rank(const uint8_t *blocks, uint32_t position) {
    static const uint64_t whole[16] = {~(uint64_t)0, ~(uint64_t)0, ~(uint64_t)0, ~(uint64_t)0,
                                       ~(uint64_t)0, ~(uint64_t)0, ~(uint64_t)0, ~(uint64_t)0};
    const uint8_t *block = blocks + (size_t)(position / 480) * 64;
    uint32_t bit = position % 480 + 32, rank = nluc_u32(block); /* of 512 bits, of which the first 32 are the rank */
    const uint64_t *mask = whole + 8 - bit / 64;                /* ~0 for words before the bit's */
    if (rank > 0x7FFFFFFFu) rank = 0x7FFFFFFFu;  /* damaged: stays at or above n (rule I2), and does not wrap around */
    rank += nluc_popcount(nluc_u32(block + 4) & (uint32_t)mask[0]) + nluc_popcount(nluc_u64(block + 8) & mask[1]);
    rank += nluc_popcount(nluc_u64(block + 16) & mask[2]) + nluc_popcount(nluc_u64(block + 24) & mask[3]);
    rank += nluc_popcount(nluc_u64(block + 32) & mask[4]) + nluc_popcount(nluc_u64(block + 40) & mask[5]);
    rank += nluc_popcount(nluc_u64(block + 48) & mask[6]) + nluc_popcount(nluc_u64(block + 56) & mask[7]);
    /* The bit's own word, without the rank's 32 bits if it is the first. */
    return rank + nluc_popcount(nluc_u64(block + bit / 64 * 8) >> (bit < 64 ? 32 : 0) & (((uint64_t)1 << (bit < 64 ? bit - 32 : bit % 64)) - 1));
}

/* The bits of a slot's record. */
NLUC_API inline uint32_t nluc_record_bits(const nluc_model *m) { return (uint32_t)m->check_bits + m->number_bits; }

/* A slot's record: check bits, then a number: of the row's entry (pooled rows) or of the idf. */
NLUC_API inline uint64_t nluc_record(const nluc_model *m, uint32_t slot) {
    uint32_t width = nluc_record_bits(m);
    return width ? nluc_bits(m->slots.data, (uint64_t)slot * width, width) : 0;
}

/* Whether a slot's check bits are those of a hash. */
NLUC_API inline int nluc_checks(const nluc_model *m, uint32_t slot, const uint64_t hash[2]) {
    uint64_t mask = ((uint64_t)1 << m->check_bits) - 1;
    return !((nluc_record(m, slot) ^ hash[1] >> 32) & mask);
}

/* Slots of up to NLUC_STAGE hashes, which lie `stride` bytes apart: level by level, each step's cache lines asked for
 * before the first of them is read. slots[i] is NLUC_ABSENT for what the index does not have. Whether a probe hits is as
 * good as random, so both lists are written every time and the counters say what counts. */
NLUC_API void nluc_find_stage(const nluc_model *m, const void *hashes, size_t stride, uint32_t count, uint32_t *slots) {
    const uint8_t *base = (const uint8_t *)hashes;
    uint32_t left[NLUC_STAGE + 1], found[NLUC_STAGE + 1], position[NLUC_STAGE];
    uint32_t n_left = count, n_found = 0, width = nluc_record_bits(m), level, i, kept;
    for (i = 0; i < count; i++) {
        slots[i] = NLUC_ABSENT;
        left[i] = i;
    }
    for (level = 0; level < m->n_levels && n_left; level++) {
        if (m->shard_bits)
            n_left = nluc_shard_positions(m, base, stride, level, left, n_left, position);
        else
            for (i = 0; i < n_left; i++) {
                position[i] = nluc_position(m, (const uint64_t *)(const void *)(base + left[i] * stride), level);
                NLUC_PREFETCH(m->index.data + (size_t)(position[i] / 480) * 64);
            }
        for (i = kept = 0; i < n_left; i++) {
            uint32_t which = left[i], hit = nluc_bit(m->index.data, position[i]);
            slots[which] = hit ? position[i] : NLUC_ABSENT;
            found[n_found] = which;
            left[kept] = which;
            n_found += hit;
            kept += hit ^ 1;
        }
        n_left = kept;
    }
    for (i = 0; i < n_found; i++) {
        uint32_t slot = nluc_rank(m->index.data, slots[found[i]]);
        slots[found[i]] = slot;
        if (slot < m->n) NLUC_PREFETCH(m->slots.data + ((uint64_t)slot * width >> 3));
    }
    for (i = 0; i < n_found; i++) {
        uint32_t *slot = &slots[found[i]];
        if (*slot >= m->n || /* rule I2 */
            !nluc_checks(m, *slot, (const uint64_t *)(const void *)(base + found[i] * stride)))
            *slot = NLUC_ABSENT;
    }
}

/* The slot of one feature of a namespace, or NLUC_ABSENT. */
NLUC_API uint32_t nluc_find(const nluc_model *m, uint32_t space, const uint8_t *name, size_t length) {
    uint64_t hash[2];
    uint32_t slot;
    if (space >= m->n_namespaces) return NLUC_ABSENT;
    nluc_hash128(name, length, m->namespaces[space].seed, hash);
    nluc_find_stage(m, hash, sizeof hash, 1, &slot);
    return slot;
}

/* -- Rows -------------------------------------------------------------------------------------------------------------
 * Section 7. A row is of one of four forms: `count` pairs of column and code at `at`; the codes of all columns; `count`
 * weights, entropy coded, from bit `bit` on; or packed: `count` exceptions (pairs), then a field for each column.
 */
typedef enum { NLUC_PAIRS, NLUC_ALL_CODES, NLUC_SYMBOLS, NLUC_FIELDS, NLUC_RUN } nluc_form;

typedef struct {
    const uint8_t *at;
    uint32_t count;
    uint8_t form, kind; /* kind: of fields, as the group says; of a run, its table */
    uint16_t bit;
} nluc_row;

/* Offset i of the Elias-Fano sequence, given the position of its 1 in row_high. */
NLUC_API inline uint64_t nluc_offset(const nluc_model *m, uint32_t i, uint64_t position) {
    uint64_t low = m->count_low_bits ? nluc_bits(m->row_low.data, (uint64_t)i * m->count_low_bits, m->count_low_bits) : 0;
    uint64_t offset = (position - i) << m->count_low_bits | low;
    return position < i || offset > m->count ? m->count : offset;
}

/* Offset i, and if next is not null the one after it: where the 1 of each is found from a sample on. All at the end in a
 * damaged file whose 1s are missing. */
NLUC_API uint64_t nluc_select(const nluc_model *m, uint32_t i, uint64_t *next) {
    uint64_t bits = (uint64_t)(m->row_high.length - 8) * 8, position, word, start;
    uint32_t skip = i % 128, ones;
    if (next) *next = m->count;
    position = nluc_u32(m->row_samples.data + 4 * (size_t)(i / 128));
    if (position >= bits) return m->count;
    /* From the sample on, leave out `skip` more 1s. The first word starts at the sample's own 1. */
    word = nluc_u64(m->row_high.data + (position >> 3)) >> (position & 7) << (position & 7);
    position &= ~(uint64_t)7;
    while ((ones = nluc_popcount(word)) <= skip) {
        skip -= ones;
        position += 64;
        if (position >= bits) return m->count;
        word = nluc_u64(m->row_high.data + (position >> 3));
    }
    for (; skip; skip--) word &= word - 1;
    start = nluc_offset(m, i, position + nluc_popcount((word & (~word + 1)) - 1));
    if (!next) return start;
    word &= word - 1;
    while (!word) {
        position += 64;
        if (position >= bits) return start;
        word = nluc_u64(m->row_high.data + (position >> 3));
    }
    *next = nluc_offset(m, i + 1, position + nluc_popcount((word & (~word + 1)) - 1));
    return start;
}

/* The group of an entry, of `stride` bytes: the last whose first entry is not above it. */
NLUC_API inline const uint8_t *nluc_group(const nluc_model *m, uint32_t entry, size_t stride) {
    const uint16_t *hint = m->hints + (entry >> m->hint_shift);
    const uint8_t *group = m->row_groups.data + stride * hint[0];
    uint32_t count = hint[1] - hint[0] + 1u;
    while (count > 1) {
        uint32_t half = count / 2;
        group += nluc_u32(group + stride * half) <= entry ? stride * half : 0;
        count -= half;
    }
    return group;
}

/* An entry of pooled rows: its idf number and its row. Its group is found by bisection, its place by multiplication. A
 * number that is too large (rule R5) means the last entry. */
NLUC_API inline nluc_row nluc_entry(const nluc_model *m, uint64_t number) {
    uint32_t entry = number < m->n_entries ? (uint32_t)number : m->n_entries - 1;
    const uint8_t *group = nluc_group(m, entry, 16);
    uint32_t units = nluc_u32(group + 4);
    nluc_row row = {0, 0, NLUC_PAIRS, 0, 0};
    row.at = m->rows.data + nluc_u64(group + 8);
    row.at += (uint64_t)(entry - nluc_u32(group)) * (m->idf_bytes + units * (m->n_columns <= 256 ? 2 : 3)) + m->idf_bytes;
    row.form = units == m->dense_units ? NLUC_ALL_CODES : NLUC_PAIRS;
    row.count = units == m->dense_units ? m->n_columns : units;
    return row;
}

/* A number of idf_bytes bytes. */
NLUC_API inline uint32_t nluc_idf_number(const nluc_model *m, const uint8_t *p) {
    uint32_t i, number = 0;
    for (i = m->idf_bytes; i; i--) number = number << 8 | p[i - 1];
    return number;
}

/* The row of a slot below n in plain or dense rows. Whatever the bytes say, it lies inside the section. */
NLUC_API nluc_row nluc_slot_row(const nluc_model *m, uint32_t slot) {
    nluc_row row = {0, 0, NLUC_ALL_CODES, 0, 0};
    uint64_t start, stop;
    if (m->coder == NLUC_DENSE) {
        row.at = m->rows.data + (size_t)slot * m->n_columns;
        row.count = m->n_columns;
        return row;
    }
    start = nluc_select(m, slot, &stop);
    row.form = NLUC_PAIRS;
    row.at = m->rows.data + start * (m->n_columns <= 256 ? 2 : 3);
    if (stop > start) row.count = (uint32_t)(stop - start > m->n_columns ? m->n_columns : stop - start);
    return row;
}

/* -- Coded rows: from slot to entry ---- */

/* Follow the pointers of slots, level by level. places[i]: a slot; then the number of its entry, or, if it is a single one,
 * its number among those plus 2^31. Which level a slot stays at is as good as random: both outcomes are computed, and the
 * list of those that go on is written every time. Damaged ranks are clamped (rule R7). */
NLUC_API void nluc_follow(const nluc_model *m, uint32_t *places, uint32_t count) {
    const nluc_coded *c = &m->coded;
    uint32_t left[NLUC_STAGE + 1], level, i, first = 0, kept;
    for (i = 0; i < count; i++) left[i] = i;
    for (level = 0; level < c->n_levels && count; level++) {
        const uint8_t *blocks = m->row_more.data + (size_t)c->blocks[level] * 64;
        const uint8_t *pointers = m->row_pointers.data + c->pointers[level];
        uint32_t width = c->widths[level], after = c->slots[level + 1], stay = c->slots[level] - after;
        for (i = kept = 0; i < count; i++) {
            uint32_t which = left[i], place = places[which], on = 0, ones = 0, here;
            if (after) {
                on = nluc_bit(blocks, place);
                ones = nluc_rank(blocks, place);
            }
            if (!stay) on = 1;
            here = ones <= place ? place - ones : 0;
            if (NLUC_RARE(here >= stay)) here = stay ? stay - 1 : 0;
            if (NLUC_RARE(ones >= after)) ones = after ? after - 1 : 0;
            here = first + (stay && width ? (uint32_t)nluc_bits(pointers, (uint64_t)here * width, width) : 0);
            places[which] = here ^ ((here ^ ones) & (0 - on));
            left[kept] = which;
            kept += on;
        }
        count = kept;
        first += (uint32_t)1 << width;
    }
    for (i = 0; i < count; i++) places[left[i]] |= 0x80000000u;
}

/* The place of an entry that nluc_follow found: its first byte and bit, and if it is packed its kind and exceptions. */
NLUC_API nluc_row nluc_coded_entry(const nluc_model *m, uint32_t place) {
    nluc_row row = {0, 0, NLUC_SYMBOLS, 0, 0};
    uint64_t at;
    if (place >> 31) {
        at = (uint64_t)m->coded.singles * 8 + nluc_select(m, place & 0x7FFFFFFF, 0);
    } else {
        uint32_t entry = place < m->n_entries ? place : m->n_entries - 1; /* rule R5 */
        const uint8_t *group = nluc_group(m, entry, 12);
        uint32_t size = nluc_u32(group + 8) & 0xFFFFFF;
        row.kind = group[11];
        at = (uint64_t)nluc_u32(group + 4) * 8 + (uint64_t)(entry - nluc_u32(group)) * size * (row.kind ? 8 : 1);
        if (row.kind) {
            row.form = NLUC_FIELDS;
            row.count = (size - m->idf_bytes - (m->n_columns * (row.kind & 15u) + 7) / 8) / (m->n_columns <= 256 ? 2 : 3);
        }
    }
    row.at = m->rows.data + (size_t)(at >> 3);
    row.bit = (uint16_t)(at & 7);
    return row;
}

/* -- Coded rows: symbols ---- */

/* Eight bytes, the first one highest. */
NLUC_API inline uint64_t nluc_u64_big(const uint8_t *p) {
    uint64_t x = nluc_u64(p);
#if defined(__GNUC__)
    return __builtin_bswap64(x);
#else
    x = (x & 0x00FF00FF00FF00FFu) << 8 | (x >> 8 & 0x00FF00FF00FF00FFu);
    x = (x & 0x0000FFFF0000FFFFu) << 16 | (x >> 16 & 0x0000FFFF0000FFFFu);
    return x << 32 | x >> 32;
#endif
}

/* The last place of rows where eight bytes can be read: a damaged entry may ask for more, and then reads these again. */
NLUC_API inline const uint8_t *nluc_last_word(const nluc_model *m) { return m->rows.data + m->rows.length - 8; }

/* 57 or more bits from a bit on, the first one highest. */
NLUC_API inline uint64_t nluc_window(const nluc_model *m, const uint8_t *at, uint32_t bit) {
    const uint8_t *last = nluc_last_word(m), *p = at + (bit >> 3);
    return nluc_u64_big(p < last ? p : last) << (bit & 7);
}

/* What the window begins with, if its code is longer than eight bits: bit by bit, the canonical way. */
NLUC_API uint32_t nluc_long_code(const uint8_t *table, uint64_t window) {
    uint32_t length, code = 0, first = 0, before = 0;
    for (length = 0; length < 16; length++) {
        uint32_t count = table[length];
        if (code - first < count) return nluc_meaning(table[16 + before + (code - first)], length);
        before += count;
        first = (first + count) << 1;
        code = code << 1 | (uint32_t)(window >> (63 - length) & 1);
    }
    return 0; /* never: the code is complete (rule R6) */
}

/* What the window begins with in a table: see nluc_coded. */
NLUC_INLINE uint32_t nluc_symbol(const nluc_coded *c, uint32_t table, uint64_t window) {
    uint32_t meaning = c->direct[table][window >> 56];
    return NLUC_RARE(meaning >> 15) ? nluc_long_code(c->tables[table], window) : meaning;
}

/* Its number: the extra bits, which follow the code, with the rest of the number before them. */
NLUC_INLINE uint32_t nluc_number(uint32_t meaning, uint64_t window) {
    uint32_t length = meaning >> 6 & 15;
    return (uint32_t)(((uint64_t)(meaning >> 10) << 59 | window << length >> 5) >> (59 - (meaning & 63) + length));
}

/* Read the head of an entry: idf number and length. What is too large is clamped (rule R7); *clamped, if there is such a
 * thing, says whether something was. */
NLUC_API inline uint32_t nluc_head(const nluc_model *m, nluc_row *row, int *clamped) {
    const nluc_coded *c = &m->coded;
    uint32_t rank = 0, bit = row->bit, k, meaning;
    uint64_t window;
    if (row->form == NLUC_FIELDS) {
        rank = nluc_idf_number(m, row->at);
        row->at += m->idf_bytes;
        if (clamped) *clamped = m->idf_bits && rank > c->top;
        return rank < c->top ? c->top - rank : 0;
    }
    window = nluc_window(m, row->at, bit);
    if (m->idf_bits) {
        meaning = nluc_symbol(c, c->map[0], window);
        rank = nluc_number(meaning, window);
        bit += meaning & 63;
        window = nluc_window(m, row->at, bit);
    }
    k = nluc_log2(rank + 1);
    meaning = nluc_symbol(c, c->map[1 + (k < 7 ? k : 7)], window);
    k = nluc_number(meaning, window);
    row->bit = (uint16_t)(bit + (meaning & 63));
    row->count = k - c->n_runs;
    if (k < c->n_runs) {
        row->form = NLUC_RUN;
        row->kind = c->map[nluc_contexts(m) + k];
        row->count = m->n_columns;
    }
    if (clamped) *clamped = (m->idf_bits && rank > c->top) || row->count > m->n_columns;
    if (row->count > m->n_columns) row->count = m->n_columns;
    return rank < c->top ? c->top - rank : 0;
}

/* The weights of a row, one after the other: classes in the file's order. A step waits for two look-ups in tables, one
 * after the other; so bits come in while the first is under way, and nluc_add_symbols steps through two rows at a time. */
typedef struct {
    uint64_t window;             /* the bits to come, the first one highest */
    const uint8_t *at;           /* where the next bits are */
    uint32_t have, left, column; /* have: how many bits the window has; column: the one after the last that was read */
    uint32_t first, gap, code;   /* tables */
} nluc_weights;

NLUC_API inline nluc_weights nluc_weights_of(const nluc_model *m, const nluc_row *row) {
    const uint8_t *map = m->coded.map + 9 + 3 * nluc_row_class(row->count);
    nluc_weights w;
    w.at = row->at + (row->bit >> 3);
    if (w.at > nluc_last_word(m)) w.at = nluc_last_word(m);
    w.window = nluc_u64_big(w.at) << (row->bit & 7);
    w.have = 56 - (row->bit & 7u);
    w.at += 7;
    w.left = row->count;
    w.column = 0;
    w.first = row->count < m->n_columns ? map[0] : NLUC_MOST_TABLES;
    w.gap = row->count < m->n_columns ? map[1] : NLUC_MOST_TABLES;
    w.code = map[2];
    return w;
}

/* The next weight: its column, and its number: 2·(|code - zero| - 1), plus 1 if it is above zero. There is one left, and
 * gaps unless the row has all columns. A column beyond the last ends the row (rule R7). */
NLUC_INLINE uint32_t nluc_next(const nluc_model *m, nluc_weights *w, uint32_t *number) {
    const uint8_t *last = nluc_last_word(m);
    uint32_t meaning = nluc_symbol(&m->coded, w->first, w->window), column;
    w->first = w->gap;
    w->at = w->at < last ? w->at : last;
    w->window |= nluc_u64_big(w->at) >> w->have;
    w->at += (63 - w->have) >> 3;
    w->have |= 56;
    column = w->column + nluc_number(meaning, w->window);
    w->window <<= meaning & 63;
    w->have -= meaning & 63;
    w->column = column + 1;
    w->left--;
    meaning = nluc_symbol(&m->coded, w->code, w->window);
    *number = nluc_number(meaning, w->window);
    w->window <<= meaning & 63;
    w->have = w->have > (meaning & 63) ? w->have - (meaning & 63) : 0;
    if (NLUC_RARE(column >= m->n_columns)) {
        w->left = 0;
        *number = 0;
        column = m->n_columns;
    }
    return column;
}

/* The code of a weight's number. Without a branch: which sign a weight has is as good as random. */
NLUC_API inline uint32_t nluc_weight_code(const nluc_model *m, uint32_t number) {
    uint32_t sign = (number & 1) - 1; /* 0 above zero, all ones below */
    return m->coded.zero + (((number >> 1) + 1) ^ sign) - sign;
}

/* Fields of 1, 2 or 4 bits as bytes, eight at a time: halves of them are spread, then quarters, then each. Writes up to
 * seven bytes more than there are columns; reads up to three more than there are fields, which the guard bytes allow. */
NLUC_API void nluc_unpack(const uint8_t *p, uint32_t bits, uint32_t columns, uint8_t *out) {
    const uint64_t halves = (((uint64_t)1 << 4 * bits) - 1) * 0x0000000100000001u;
    const uint64_t quarters = (((uint64_t)1 << 2 * bits) - 1) * 0x0001000100010001u;
    const uint64_t each = (((uint64_t)1 << bits) - 1) * 0x0101010101010101u;
    uint32_t i;
    for (i = 0; i < columns; i += 8, p += bits, out += 8) {
        uint64_t x = nluc_u32(p) & (((uint64_t)1 << 8 * bits) - 1);
        x = (x | x << (32 - 4 * bits)) & halves;
        x = (x | x << (16 - 2 * bits)) & quarters;
        x = (x | x << (8 - bits)) & each;
        out[0] = (uint8_t)x;
        out[1] = (uint8_t)(x >> 8);
        out[2] = (uint8_t)(x >> 16);
        out[3] = (uint8_t)(x >> 24);
        out[4] = (uint8_t)(x >> 32);
        out[5] = (uint8_t)(x >> 40);
        out[6] = (uint8_t)(x >> 48);
        out[7] = (uint8_t)(x >> 56);
    }
}

/* -- Coded rows: runs ---- */

/* 57 or more bits from a bit of the section on, the first one highest. */
NLUC_API inline uint64_t nluc_run_window(const nluc_model *m, uint64_t bit) {
    uint64_t byte = bit >> 3, last = m->rows.length - 8;
    return nluc_u64_big(m->rows.data + (byte < last ? byte : last)) << (bit & 7);
}

/* The next code of a run, symbol by symbol, and above its 16 bits how many bits it has. (By value: a run whose address is
 * taken stays in memory, and is read at half the speed.) */
NLUC_API inline uint32_t nluc_run_code(const nluc_model *m, uint32_t table, uint64_t bit) {
    uint64_t window = nluc_run_window(m, bit);
    uint32_t meaning = nluc_symbol(&m->coded, table, window), number = nluc_number(meaning, window);
    return ((number ? nluc_weight_code(m, number - 1) : m->coded.zero) & 0xFFFF) | (meaning & 63) << 16;
}

/* Tables that read several columns of a run at once: what a window of NLUC_RUN_BITS (at most 11) bits begins with. The first
 * byte says how many bits that are, the next six have the codes, and the last says how many codes: 0 if not even one ends
 * within the window. */
#ifndef NLUC_RUN_BITS
#define NLUC_RUN_BITS 10
#endif

/* The bytes that nluc_make_runs needs; 0 if the model has no runs. */
NLUC_API size_t nluc_runs_size(const nluc_model *m) {
    return m->coder == NLUC_CODED ? ((size_t)m->coded.n_runs << NLUC_RUN_BITS) * sizeof(uint64_t) : 0;
}

/* Make these tables, in memory that stays with the model and is aligned for uint64_t. Not a must: without them the answers
 * are the same, and a long row takes some five times as long. */
NLUC_API void nluc_make_runs(nluc_model *m, void *memory) {
    uint64_t *out = (uint64_t *)memory;
    uint32_t i, x;
    for (i = 0; i < m->coded.n_runs && m->coder == NLUC_CODED; i++, out += 1 << NLUC_RUN_BITS) {
        uint32_t table = m->coded.map[nluc_contexts(m) + i];
        uint16_t first[1 << NLUC_RUN_BITS]; /* code, and its bits in the upper byte */
        for (x = 0; x < 1u << NLUC_RUN_BITS; x++) {
            uint64_t window = (uint64_t)x << (64 - NLUC_RUN_BITS);
            uint32_t meaning = nluc_symbol(&m->coded, table, window), number = nluc_number(meaning, window);
            first[x] = (uint16_t)(((number ? nluc_weight_code(m, number - 1) : m->coded.zero) & 255) | (meaning & 63) << 8);
        }
        for (x = 0; x < 1u << NLUC_RUN_BITS; x++) {
            uint32_t bits = 0, count = 0;
            uint64_t codes = 0;
            for (; count < 6; count++) {
                uint32_t next = first[x << bits & ((1u << NLUC_RUN_BITS) - 1)];
                if (bits + (next >> 8) > NLUC_RUN_BITS) break;
                codes |= (uint64_t)(next & 255) << 8 * count;
                bits += next >> 8;
            }
            out[x] = bits | codes << 8 | (uint64_t)count << 56;
        }
        m->coded.runs[table] = out;
    }
}

/* A run that is being read. */
typedef struct {
    uint64_t bit;            /* of the section */
    const uint64_t *several; /* or null */
    uint8_t *out, *end;
    uint32_t table;
} nluc_run;

#define NLUC_RUN_ROOM 40 /* bytes after the columns of a row that may be written */

NLUC_API inline nluc_run nluc_run_of(const nluc_model *m, const nluc_row *row, uint8_t *out) {
    nluc_run r;
    r.several = m->coded.runs[row->kind];
    r.out = out;
    r.end = out ? out + m->n_columns : 0;
    r.bit = (uint64_t)(row->at - m->rows.data) * 8 + row->bit;
    r.table = row->kind;
    return r;
}

/* Read the columns of one window. */
NLUC_INLINE uint64_t nluc_run_look(nluc_run *r, uint64_t *window) {
    uint64_t entry = r->several[*window >> (64 - NLUC_RUN_BITS)], codes = entry >> 8;
    nluc_put_u64(r->out, codes);
    *window <<= entry & 63;
    r->bit += entry & 63;
    r->out += entry >> 56;
    return entry >> 56;
}

/* Read the next column. */
NLUC_INLINE void nluc_run_one(const nluc_model *m, nluc_run *r) {
    uint32_t code = nluc_run_code(m, r->table, r->bit);
    if (r->out >= r->end) return; /* what follows the last column */
    *r->out++ = (uint8_t)code;
    r->bit += code >> 16;
}

/* Read what is left of a run. */
NLUC_API void nluc_read_run(const nluc_model *m, nluc_run r) {
    while (r.out < r.end) {
        uint64_t window = nluc_run_window(m, r.bit), count = 0;
        uint32_t i;
        for (i = 0; r.several && i < 5; i++) count = nluc_run_look(&r, &window);
        if (NLUC_RARE(!count)) nluc_run_one(m, &r);
    }
}

/* Read the columns of five windows of each of two runs: a look-up of one while the other waits for its own. If the last has
 * none, its code is too long for a table. */
NLUC_INLINE void nluc_run_step(const nluc_model *m, nluc_run *a, nluc_run *b) {
    uint64_t u = nluc_run_window(m, a->bit), v = nluc_run_window(m, b->bit), on_a, on_b;
    nluc_run_look(a, &u);
    nluc_run_look(b, &v);
    nluc_run_look(a, &u);
    nluc_run_look(b, &v);
    nluc_run_look(a, &u);
    nluc_run_look(b, &v);
    nluc_run_look(a, &u);
    nluc_run_look(b, &v);
    on_a = nluc_run_look(a, &u);
    on_b = nluc_run_look(b, &v);
    if (NLUC_RARE(!on_a)) nluc_run_one(m, a);
    if (NLUC_RARE(!on_b)) nluc_run_one(m, b);
}

/* Read two runs. */
NLUC_APART void nluc_read_runs(const nluc_model *m, nluc_run a, nluc_run b) {
    while (a.several && b.several && a.out < a.end && b.out < b.end) nluc_run_step(m, &a, &b);
    nluc_read_run(m, a);
    nluc_read_run(m, b);
}

/* The code that stands for a field of packed rows. */
NLUC_API inline uint32_t nluc_field_code(const nluc_model *m, uint32_t kind, uint32_t field) {
    return kind == 8 ? field : (m->coded.zero - (kind >> 4) + field) & 255;
}

/* The row of a slot below n. */
NLUC_API nluc_row nluc_row_of(const nluc_model *m, uint32_t slot) {
    nluc_row row;
    if (m->coder == NLUC_POOL) return nluc_entry(m, nluc_record(m, slot) >> m->check_bits);
    if (!NLUC_IS_CODED(m)) return nluc_slot_row(m, slot);
    nluc_follow(m, &slot, 1);
    row = nluc_coded_entry(m, slot);
    nluc_head(m, &row, 0);
    return row;
}

/* The columns and codes of a row as the file has them, zeros among them: at most 2 * n_columns. Gives how many. */
NLUC_API uint32_t nluc_read_row(const nluc_model *m, nluc_row row, uint16_t *columns, uint8_t *codes) {
    uint32_t i, count = 0, column, number, unit = m->n_columns <= 256 ? 2 : 3, bits = row.kind & 15u;
    const uint8_t *p = row.at;
    uint64_t bit;
    nluc_weights w;
    if (NLUC_IS_CODED(m) && row.form == NLUC_RUN)
        for (bit = nluc_run_of(m, &row, 0).bit; count < m->n_columns; count++) {
            columns[count] = (uint16_t)count;
            number = nluc_run_code(m, row.kind, bit);
            codes[count] = (uint8_t)number;
            bit += number >> 16;
        }
    else if (NLUC_IS_CODED(m) && row.form == NLUC_SYMBOLS)
        for (w = nluc_weights_of(m, &row); w.left; count++) {
            column = nluc_next(m, &w, &number);
            if (column == m->n_columns) break;
            columns[count] = (uint16_t)column;
            codes[count] = (uint8_t)nluc_weight_code(m, number);
        }
    else if (row.form != NLUC_ALL_CODES)
        for (; count < row.count; count++, p += unit) {
            columns[count] = (uint16_t)(unit == 2 ? p[0] : nluc_u16(p));
            codes[count] = p[unit - 1];
        }
    if (row.form == NLUC_ALL_CODES || row.form == NLUC_FIELDS)
        for (i = 0; i < m->n_columns; i++, count++) {
            columns[count] = (uint16_t)i;
            codes[count] = row.form == NLUC_ALL_CODES ? p[i] : (uint8_t)nluc_field_code(m, row.kind,
                (uint32_t)p[i * bits / 8] >> i * bits % 8 & ((1u << bits) - 1));
        }
    if (NLUC_IS_CODED(m))
        for (i = 0; i < count; i++) {
            uint32_t at = columns[i] < m->n_columns ? columns[i] : m->n_columns - 1;
            columns[i] = (uint16_t)(unit == 2 ? m->coded.order[at] : nluc_u16(m->coded.order + 2 * (size_t)at));
        }
    return count;
}

/* sums += values[0] * rows[0] + values[1] * rows[1] + … of dense rows, four at once, so that a sum is loaded and stored once
 * for four codes. The compiler makes vector instructions of it. */
NLUC_API void nluc_add_codes(const uint8_t *const *rows, const double *values, uint32_t count, uint32_t columns,
                             double *restrict sums) {
    uint32_t row = 0, i;
    for (; row + 4 <= count; row += 4) {
        const uint8_t *a = rows[row], *b = rows[row + 1], *c = rows[row + 2], *d = rows[row + 3];
        double va = values[row], vb = values[row + 1], vc = values[row + 2], vd = values[row + 3];
        for (i = 0; i < columns; i++) sums[i] += (va * a[i] + vb * b[i]) + (vc * c[i] + vd * d[i]);
    }
    for (; row < count; row++)
        for (i = 0; i < columns; i++) sums[i] += values[row] * rows[row][i];
}

/* sums += value * row, of pairs whose column is one byte: sums has 256 places and book 256 weights, 0 where there is no
 * code, so a pair out of range (rule R3) does nothing and needs no test. Columns of a row are distinct: four are read
 * before the first is written (in a damaged row that is not so, one of them is lost). */
NLUC_API inline void nluc_add_pairs(const uint8_t *p, uint32_t left, double value, const double *book, double *sums) {
    for (; left >= 4; left -= 4, p += 8) {
        uint64_t x = nluc_u64(p);
        double *a = sums + (x & 255), *b = sums + (x >> 16 & 255), *c = sums + (x >> 32 & 255), *d = sums + (x >> 48 & 255);
        double va = *a + value * book[x >> 8 & 255], vb = *b + value * book[x >> 24 & 255];
        double vc = *c + value * book[x >> 40 & 255], vd = *d + value * book[x >> 56];
        *a = va;
        *b = vb;
        *c = vc;
        *d = vd;
    }
    for (; left; left--, p += 2) sums[p[0]] += value * book[p[1]];
}

/* sums += value * exceptions of packed rows, and their fields too if the codebook is not even. */
NLUC_API inline void nluc_add_packed(const nluc_model *m, nluc_row row, double value, const double *book, double *sums) {
    uint32_t i, unit = m->n_columns <= 256 ? 2 : 3, bits = row.kind & 15u;
    const uint8_t *p = row.at;
    for (i = 0; i < row.count; i++, p += unit) {
        uint32_t column = unit == 2 ? p[0] : nluc_u16(p);
        if (column < m->n_columns) sums[column] += value * book[p[unit - 1]]; /* rule R7 */
    }
    if (m->even) return;
    for (i = 0; i < m->n_columns; i++)
        sums[i] += value * book[nluc_field_code(m, row.kind, (uint32_t)p[i * bits / 8] >> i * bits % 8 & ((1u << bits) - 1))];
}

/* The same for a run, of a model whose codebook is not even; room: for its codes. */
NLUC_API void nluc_add_run(const nluc_model *m, const nluc_row *row, double value, const double *book, uint8_t *room, double *sums) {
    nluc_run run = nluc_run_of(m, row, room);
    uint32_t i;
    nluc_read_run(m, run);
    for (i = 0; i < m->n_columns; i++) sums[i] += value * book[room[i]];
}

/* scores += value * row. book may be null: then weights are read from the file, and a pair out of range is left out by a
 * test. */
NLUC_API inline void nluc_add_row(const nluc_model *m, nluc_row row, double value, const double *book, double *scores) {
    const uint8_t *weights = m->codebook.data, *p = row.at;
    uint32_t i, codes = m->n_codes, columns = m->n_columns;
    if (row.form == NLUC_ALL_CODES) {
        for (i = 0; i < columns; i++)
            if (p[i] < codes) scores[i] += value * (double)nluc_f32(weights + 4 * (size_t)p[i]);
    } else if (book) {
        nluc_add_pairs(p, row.count, value, book, scores);
    } else if (columns <= 256) {
        for (i = 0; i < row.count; i++, p += 2)
            if (p[0] < columns && p[1] < codes) scores[p[0]] += value * (double)nluc_f32(weights + 4 * (size_t)p[1]);
    } else {
        for (i = 0; i < row.count; i++, p += 3)
            if (nluc_u16(p) < columns && p[2] < codes) scores[nluc_u16(p)] += value * (double)nluc_f32(weights + 4 * (size_t)p[2]);
    }
}

/* -- A sample ---------------------------------------------------------------------------------------------------------
 * The distinct n-grams of a text with their frequencies, collected in the caller's scratch memory: first the features, then
 * a hash table of their numbers, then room for the text. Nothing of it outlives nluc_finish.
 */
typedef struct {
    union {
        uint64_t hash[2]; /* while n-grams are collected */
        nluc_row row;     /* once they are looked up, if found */
    } is;
    double value;
    uint32_t found, space;
} nluc_feature;

typedef struct {
    const nluc_model *model;
    nluc_feature *features;
    uint32_t *table;  /* 1 + number of a feature, or 0 */
    uint8_t *text;    /* room for normalised text and joined words */
    size_t text_room;
    uint32_t count, room, mask, space;
    nluc_status status;
} nluc_sample;

/* Begin a sample. scratch: aligned to 8 bytes, at least 1 KB; half of it goes to features (40 bytes each with their place in
 * the table), half to text. A sentence of 100 bytes with word 1-2-grams and character 2-5-grams takes about 64 KB. */
NLUC_API void nluc_begin(nluc_sample *s, const nluc_model *m, void *scratch, size_t size) {
    uint32_t room = 1;
    s->model = m;
    s->status = size < 1024 ? NLUC_E_ROOM : NLUC_OK;
    s->count = s->mask = s->room = 0;
    if (s->status) return;
    while ((size_t)room * 2 * (sizeof(nluc_feature) + 8) <= size / 2 && room < 1u << 30) room *= 2;
    s->room = room;
    s->mask = 2 * room - 1;
    s->features = (nluc_feature *)scratch;
    s->table = (uint32_t *)(void *)(s->features + room);
    s->text = (uint8_t *)(s->table + 2 * room);
    s->text_room = size - (size_t)(s->text - (uint8_t *)scratch);
    if (s->text_room > 0xFFFFFFFFu) s->text_room = 0xFFFFFFFFu; /* places in a text have 32 bits */
    memset(s->table, 0, (size_t)2 * room * sizeof *s->table);
}

/* Count one n-gram, `times` (negative if its sign is). */
NLUC_API inline void nluc_count(nluc_sample *s, const uint8_t *name, size_t length, double times) {
    uint64_t hash[2];
    uint32_t at, number;
    nluc_hash128(name, length, s->model->namespaces[s->space].seed, hash);
    for (at = (uint32_t)hash[1] & s->mask; (number = s->table[at]) != 0; at = (at + 1) & s->mask) {
        nluc_feature *f = &s->features[number - 1];
        if (f->is.hash[0] == hash[0] && f->is.hash[1] == hash[1] && f->space == s->space) {
            f->value += times;
            return;
        }
    }
    if (s->count == s->room) {
        s->status = NLUC_E_ROOM;
        return;
    }
    s->features[s->count].is.hash[0] = hash[0];
    s->features[s->count].is.hash[1] = hash[1];
    s->features[s->count].value = times;
    s->features[s->count].space = s->space;
    s->table[at] = ++s->count;
}

/* Count the decimal number of a column. */
NLUC_API void nluc_count_column(nluc_sample *s, uint32_t column, double times) {
    uint8_t digits[16];  /* 10 are used; more keep compilers from warning about the hash's tail */
    size_t first = 10;
    do {
        digits[--first] = (uint8_t)('0' + column % 10);
        column /= 10;
    } while (column);
    nluc_count(s, digits + first, 10 - first, times);
}

/* Section 5, hash_columns: the n-gram becomes the decimal number of its column. */
NLUC_API void nluc_count_hashed(nluc_sample *s, const uint8_t *name, size_t length, double times) {
    const nluc_namespace *ns = &s->model->namespaces[s->space];
    uint32_t hash = nluc_hash32(name, length, 0);
    nluc_count_column(s, (hash >> 31 ? ~hash + 1 : hash) % ns->hash_columns, ns->alternate_sign && hash >> 31 ? -times : times);
}

NLUC_API inline void nluc_emit_ngram(void *sample, const uint8_t *name, size_t length) {
    nluc_sample *s = (nluc_sample *)sample;
    if (s->model->namespaces[s->space].hash_columns)
        nluc_count_hashed(s, name, length, 1);
    else
        nluc_count(s, name, length, 1);
}

/* Add one feature by name, `value` times: of namespaces whose analyzer is "features", "dict" or "items". */
NLUC_API nluc_status nluc_add_feature(nluc_sample *s, uint32_t space, const uint8_t *name, size_t length, double value) {
    if (s->status) return s->status;
    if (space >= s->model->n_namespaces || s->model->namespaces[space].analyzer < NLUC_FEATURES) return s->status = NLUC_E_INPUT;
    s->space = space;
    if (s->model->namespaces[space].hash_columns)
        nluc_count_hashed(s, name, length, value);
    else
        nluc_count(s, name, length, value);
    return s->status;
}

/* Whether a token is a stop word of the namespace. */
NLUC_API int nluc_is_stop_word(const nluc_model *m, const nluc_namespace *ns, const uint8_t *token, size_t length) {
    const uint8_t *at = ns->stop_words, *end = m->header.data + m->header.length;
    uint32_t i;
    for (i = 0; i < ns->stop_word_count; i++) {
        nluc_value word = nluc_mp_read(at, end);
        if (word.type != NLUC_MP_STR) return 0;
        if (word.number == length && nluc_same(word.data, token, length)) return 1;
        at = word.next;
    }
    return 0;
}

/* -- Texts into a sample ----------------------------------------------------------------------------------------------
 * Section 5: from a text to the counts of its n-grams.
 */

/* Add the tokens of a normalised text: spans of it, as the namespace's own token pattern finds them. Stop words are left
 * out here. spans is changed. */
NLUC_API nluc_status nluc_add_tokens(nluc_sample *s, uint32_t space, const uint8_t *text, nluc_span *spans, size_t n_spans,
                                     uint8_t *room, size_t room_size) {
    const nluc_namespace *ns;
    size_t i, kept = 0;
    if (s->status) return s->status;
    if (space >= s->model->n_namespaces || s->model->namespaces[space].analyzer != NLUC_WORD) return s->status = NLUC_E_INPUT;
    ns = &s->model->namespaces[space];
    s->space = space;
    for (i = 0; i < n_spans; i++)
        if (!ns->stop_word_count || !nluc_is_stop_word(s->model, ns, text + spans[i].start, spans[i].end - spans[i].start))
            spans[kept++] = spans[i];
    if (nluc_word_ngrams(text, spans, kept, ns->low, ns->high, room, room_size, nluc_emit_ngram, s)) s->status = NLUC_E_ROOM;
    return s->status;
}

/* Of the analyzer "fasttext": the words of a text, or the buckets of their subwords and of word n-grams ---- */

/* FNV-1a as fastText has it: bytes are signed. */
NLUC_API inline uint32_t nluc_fnv(uint32_t hash, uint8_t byte) {
    return (hash ^ (byte < 128 ? byte : byte | 0xFFFFFF00u)) * 16777619u;
}

/* Byte i of a word between < and >. */
NLUC_API inline uint8_t nluc_padded(const uint8_t *word, size_t length, size_t i) {
    return i == 0 ? '<' : i > length ? '>' : word[i - 1];
}

/* The buckets of a word's subwords: of each run of so many characters of the padded word, but not of the padding alone. */
NLUC_API void nluc_count_subwords(nluc_sample *s, const nluc_namespace *ns, const uint8_t *word, size_t length) {
    size_t first, at, n, end = length + 2;
    for (first = 0; first < end && ns->longest; first++) {
        uint32_t hash = 2166136261u;
        if ((nluc_padded(word, length, first) & 0xC0) == 0x80) continue;
        for (at = first, n = 1; at < end && n <= ns->longest; n++) {
            do hash = nluc_fnv(hash, nluc_padded(word, length, at++));
            while (at < end && (nluc_padded(word, length, at) & 0xC0) == 0x80);
            if (n >= ns->shortest && !(n == 1 && (first == 0 || at == end))) nluc_count_column(s, hash % ns->hash_columns, 1);
        }
    }
}

/* Whether a word is the end of the text, or is left out as a label. */
NLUC_API inline int nluc_is_end(const uint8_t *word, size_t length) {
    return length == 4 && nluc_same(word, (const uint8_t *)"</s>", 4);
}

NLUC_API inline int nluc_is_label(const uint8_t *word, size_t length) {
    return length >= 9 && nluc_same(word, (const uint8_t *)"__label__", 9);
}

/* Add a text. hashes: room for a hash of each word. Gives 1, and the sample is to be begun anew, if there are more. */
NLUC_API int nluc_add_fasttext(nluc_sample *s, const nluc_namespace *ns, const uint8_t *text, size_t length, uint32_t *hashes,
                               size_t room) {
    size_t at = 0, count = 0, i, k;
    int ended = 0;
    while (!ended) {
        const uint8_t *word;
        size_t size, first;
        uint32_t hash = 2166136261u;
        while (at < length && (text[at] == ' ' || (text[at] >= 9 && text[at] <= 13) || !text[at])) at++;
        for (first = at; at < length && text[at] != ' ' && (text[at] < 9 || text[at] > 13) && text[at]; at++)
            hash = nluc_fnv(hash, text[at]);
        word = text + first;
        size = at - first;
        if (!size) {
            word = (const uint8_t *)"</s>";
            for (hash = 2166136261u; size < 4; size++) hash = nluc_fnv(hash, word[size]);
        }
        ended = nluc_is_end(word, size);
        if (nluc_is_label(word, size) || (ns->stop_word_count && nluc_is_stop_word(s->model, ns, word, size))) continue;
        if (!ns->hash_columns) {
            nluc_count(s, word, size, 1);
            continue;
        }
        if (!ended) nluc_count_subwords(s, ns, word, size);
        if (count == room) return 1;
        hashes[count++] = hash;
    }
    for (i = 0; i < count; i++) {
        uint64_t hash = hashes[i] | (hashes[i] >> 31 ? 0xFFFFFFFF00000000u : 0);
        for (k = i + 1; k < count && k - i < ns->high; k++) {
            hash = hash * 116049371u + (hashes[k] | (hashes[k] >> 31 ? 0xFFFFFFFF00000000u : 0));
            nluc_count_column(s, (uint32_t)(hash % ns->hash_columns), 1);
        }
    }
    return 0;
}

/* Add a text (UTF-8, not normalised) to one namespace. NLUC_E_SPANS: its token pattern is none of those built in. */
NLUC_API nluc_status nluc_add_text(nluc_sample *s, uint32_t space, const uint8_t *text, size_t length) {
    const nluc_namespace *ns;
    uint8_t *room = s->text;
    size_t normal, left = s->text_room;
    if (s->status) return s->status;
    if (space >= s->model->n_namespaces) return s->status = NLUC_E_INPUT;
    ns = &s->model->namespaces[space];
    if (ns->analyzer >= NLUC_FEATURES) return s->status = NLUC_E_INPUT;
    if (ns->analyzer == NLUC_WORD && ns->pattern == NLUC_PATTERN_OTHER) return s->status = NLUC_E_SPANS;
    s->space = space;
    if (ns->analyzer == NLUC_FASTTEXT) {
        if (nluc_add_fasttext(s, ns, text, length, (uint32_t *)(void *)s->text, s->text_room / 4)) s->status = NLUC_E_ROOM;
        return s->status;
    }
    normal = nluc_normalize(text, length, ns->lowercase, ns->accents, room, left);
    if (normal > left || (normal + 7) / 8 * 8 > left) return s->status = NLUC_E_ROOM;
    text = room;
    room += (normal + 7) / 8 * 8;
    left -= (normal + 7) / 8 * 8;
    if (ns->analyzer == NLUC_WORD) {
        nluc_span *spans = (nluc_span *)(void *)room;
        size_t n_spans = left / 2 / sizeof *spans, found = nluc_tokenize(text, normal, ns->pattern, spans, n_spans);
        if (found > n_spans) return s->status = NLUC_E_ROOM;
        return nluc_add_tokens(s, space, text, spans, found, (uint8_t *)(spans + found), left - found * sizeof *spans);
    }
    if (ns->analyzer == NLUC_CHAR ? nluc_char_ngrams(text, normal, ns->low, ns->high, room, left, nluc_emit_ngram, s)
                                  : nluc_char_wb_ngrams(text, normal, ns->low, ns->high, room, left, nluc_emit_ngram, s))
        s->status = NLUC_E_ROOM;
    return s->status;
}

/* Add a text to every namespace: what a model of plain texts takes. */
NLUC_API nluc_status nluc_add_text_everywhere(nluc_sample *s, const uint8_t *text, size_t length) {
    uint32_t space;
    for (space = 0; space < s->model->n_namespaces && !s->status; space++) nluc_add_text(s, space, text, length);
    return s->status;
}

/* -- Scores -----------------------------------------------------------------------------------------------------------
 * Section 5: values, steps, the sum of rows; then links and labels.
 */

/* Apply one step to the values of its namespaces. */
NLUC_API void nluc_apply(nluc_sample *s, const nluc_step *step) {
    nluc_feature *f, *end = s->features + s->count;
    double norm = 0;
#define NLUC_MEMBER(f) (step->members[(f)->space / 8] >> (f)->space % 8 & 1)
    if (step->op <= NLUC_NORM_MAX) {
        for (f = s->features; f < end; f++)
            if (NLUC_MEMBER(f)) {
                double size = f->value < 0 ? -f->value : f->value;
                if (step->op == NLUC_NORM_L2)
                    norm += size * size;
                else if (step->op == NLUC_NORM_L1)
                    norm += size;
                else if (size > norm)
                    norm = size;
            }
        if (step->op == NLUC_NORM_L2) norm = nluc_sqrt(norm);
        if (norm == 0) return;
    }
    for (f = s->features; f < end; f++)
        if (NLUC_MEMBER(f)) {
            if (step->op <= NLUC_NORM_MAX)
                f->value /= norm;
            else if (step->op == NLUC_SCALE)
                f->value *= step->value;
            else
                f->value = f->value > step->value;
        }
#undef NLUC_MEMBER
}

/* Entries, idf numbers and rows of the n-grams that were found, each step for all of them. */
NLUC_API void nluc_look_up_coded(const nluc_model *m, nluc_feature *f, uint32_t count, const uint32_t *slots, uint32_t *idf) {
    uint32_t places[NLUC_STAGE], which[NLUC_STAGE + 1], i, n = 0;
    for (i = 0; i < count; i++) {
        which[n] = i;
        places[n] = slots[i];
        n += f[i].found;
    }
    nluc_follow(m, places, n);
    for (i = 0; i < n; i++) {
        nluc_row row = nluc_coded_entry(m, places[i]);
        NLUC_PREFETCH(row.at);
        f[which[i]].is.row = row;
    }
    for (i = 0; i < n; i++) idf[which[i]] = nluc_head(m, &f[which[i]].is.row, 0);
}

/* Look up to NLUC_STAGE n-grams up: whether they are found, the number of their idf, their rows. */
NLUC_API void nluc_look_up(const nluc_model *m, nluc_feature *f, uint32_t count, uint32_t *idf) {
    uint32_t slots[NLUC_STAGE], i;
    nluc_find_stage(m, f->is.hash, sizeof *f, count, slots);
    for (i = 0; i < count; i++) {
        f[i].found = slots[i] != NLUC_ABSENT;
        if (!f[i].found || NLUC_IS_CODED(m)) continue;
        idf[i] = (uint32_t)(nluc_record(m, slots[i]) >> m->check_bits);
        f[i].is.row = m->coder == NLUC_POOL ? nluc_entry(m, idf[i]) : nluc_row_of(m, slots[i]);
        NLUC_PREFETCH(f[i].is.row.at - m->idf_bytes);
        if (f[i].is.row.count > 32) NLUC_PREFETCH(f[i].is.row.at + 64);
    }
    if (m->coder == NLUC_POOL)
        for (i = 0; i < count; i++)
            if (f[i].found) idf[i] = nluc_idf_number(m, f[i].is.row.at - m->idf_bytes);
    if (NLUC_IS_CODED(m)) nluc_look_up_coded(m, f, count, slots, idf);
}

/* Look all n-grams up and turn frequencies into values: tf, idf, steps. */
NLUC_API void nluc_values(nluc_sample *s) {
    const nluc_model *m = s->model;
    uint32_t first, i, count, idf[NLUC_STAGE];
    for (first = 0; first < s->count; first += count) {
        nluc_feature *f = s->features + first;
        count = s->count - first < NLUC_STAGE ? s->count - first : NLUC_STAGE;
        nluc_look_up(m, f, count, idf);
        for (i = 0; i < count; i++) {
            const nluc_namespace *ns = &m->namespaces[f[i].space];
            double value = f[i].value, factor = 1;
            if (ns->tf == NLUC_BINARY_TF)
                value = 1;
            else if (ns->tf == NLUC_LOG)
                value = value == 1 ? 1 : nluc_log(value) + 1;
            if (!f[i].found)
                factor = ns->unseen;
            else if (m->n_idf)
                factor = (double)nluc_f32(m->idf.data + 4 * (size_t)(idf[i] < m->n_idf ? idf[i] : m->n_idf - 1));
            value = factor == 0 ? 0 : value * factor;  /* what counts nowhere may be no number */
            if (value - value != 0) s->status = NLUC_E_VALUE;
            f[i].value = value;
        }
    }
    for (i = 0; i < m->n_steps; i++) nluc_apply(s, &m->steps[i]);
}

/* Rows to be added up together, as bytes: those of the file, or what packed rows were unpacked to. */
typedef struct {
    const uint8_t *rows[NLUC_STAGE];
    double values[NLUC_STAGE], offset; /* offset: what every column has too much of in the end */
    uint8_t zeros[NLUC_STAGE];         /* of each row, the byte of weight 0 */
    uint8_t *room;                     /* of `most` unpacked rows, each of n_columns + NLUC_RUN_ROOM bytes */
    uint32_t count, most;
    nluc_run run;                      /* one that waits for another, to be read together; or out is null */
} nluc_batch;

/* Add the rows to the sums, and their bytes of weight 0 to the offset. Both by the same operations: what all columns have too
 * much is exactly what a column without a weight has. */
NLUC_API void nluc_flush(const nluc_model *m, nluc_batch *batch, double *sums) {
    uint32_t i;
    if (!batch->count) return;
    if (batch->run.out) nluc_read_run(m, batch->run);
    batch->run.out = 0;
    NLUC_ADD_CODES(batch->rows, batch->values, batch->count, m->n_columns, sums);
    for (i = 0; i < batch->count; i++) batch->rows[i] = &batch->zeros[i];
    NLUC_ADD_CODES(batch->rows, batch->values, batch->count, 1, &batch->offset);
    batch->count = 0;
}

/* Add a row of all codes, or of fields, of a model with an even codebook: step * code now, the rest in the end. */
NLUC_API void nluc_add_to_batch(const nluc_model *m, nluc_batch *batch, const nluc_row *row, double value, double *sums) {
    const uint8_t *bytes = row->at;
    uint32_t zero = m->zero;
    uint8_t *out = 0;
    if (NLUC_IS_CODED(m)) out = batch->room + (size_t)batch->count * (m->n_columns + NLUC_RUN_ROOM);
    if (NLUC_IS_CODED(m) && row->form == NLUC_RUN) {
        nluc_run run = nluc_run_of(m, row, out);
        bytes = out;
        if (batch->run.out) {
            nluc_read_runs(m, batch->run, run);
            run.out = 0;
        }
        batch->run = run;
    }
    if (NLUC_IS_CODED(m) && row->form == NLUC_FIELDS) {
        uint32_t bits = row->kind & 15u;
        bytes += row->count * (m->n_columns <= 256 ? 2u : 3u);
        if (bits < 8) zero += (row->kind >> 4) - m->coded.zero;
        if (bits < 8) nluc_unpack(bytes, bits, m->n_columns, out);
        if (bits < 8) bytes = out;
    }
    batch->rows[batch->count] = bytes;
    batch->zeros[batch->count] = (uint8_t)zero;
    batch->values[batch->count++] = value * m->step;
    if (batch->count == NLUC_STAGE || batch->count == batch->most) nluc_flush(m, batch, sums);
}

/* The weights of all codes, and sums of n_columns (at least 256) columns and one, in the room of the texts, which are done with;
 * coded rows also need room there for one unpacked row. Null if there is no room. */
NLUC_API double *nluc_make_book(nluc_sample *s, nluc_batch *batch) {
    const nluc_model *m = s->model;
    size_t columns = (m->n_columns > 256 ? (size_t)m->n_columns : 256) + 1, i, used = (256 + columns) * sizeof(double);
    double *book = (double *)(void *)s->text;
    if (s->text_room < used + (NLUC_IS_CODED(m) ? m->n_columns + NLUC_RUN_ROOM : 0)) return 0;
    for (i = 0; i < 256; i++) book[i] = i < m->n_codes ? (double)nluc_f32(m->codebook.data + 4 * i) : 0;
    for (i = 0; i < columns; i++) book[256 + i] = 0;
    batch->room = s->text + used;
    used = (s->text_room - used) / ((size_t)m->n_columns + NLUC_RUN_ROOM);
    batch->run.out = 0;
    batch->most = used < NLUC_STAGE ? (uint32_t)used : NLUC_STAGE;
    return book;
}

/* One weight of a row, to its sum. sums has a place more than there are columns, for what is no weight. */
NLUC_INLINE void nluc_add_next(const nluc_model *m, nluc_weights *w, double value, const double *book, double *sums) {
    uint32_t number, column = nluc_next(m, w, &number);
    sums[column] += value * book[nluc_weight_code(m, number) & 255];
}

/* The next entropy-coded row with a weight from *f on, and its value; none left if *f reaches the end. */
NLUC_API inline nluc_weights nluc_next_row(const nluc_model *m, const nluc_feature **f, const nluc_feature *end, double *value) {
    static const nluc_weights none;
    for (; *f < end; ++*f)
        if ((*f)->found && (*f)->is.row.form == NLUC_SYMBOLS && (*f)->is.row.count) {
            *value = (*f)->value;
            return nluc_weights_of(m, &(*f)++->is.row);
        }
    return none;
}

/* Add all entropy-coded rows of a sample, two at a time. */
NLUC_API void nluc_add_symbols(const nluc_model *m, const nluc_feature *f, const nluc_feature *end, const double *book, double *sums) {
    double va = 0, vb = 0;
    nluc_weights a = nluc_next_row(m, &f, end, &va), b = nluc_next_row(m, &f, end, &vb);
    while (a.left && b.left) {
        nluc_add_next(m, &a, va, book, sums);
        nluc_add_next(m, &b, vb, book, sums);
        if (!a.left) a = nluc_next_row(m, &f, end, &va);
        if (!b.left) b = nluc_next_row(m, &f, end, &vb);
    }
    while (a.left) nluc_add_next(m, &a, va, book, sums);
    while (b.left) nluc_add_next(m, &b, vb, book, sums);
}

/* End a sample: its scores, n_columns doubles. */
NLUC_API nluc_status nluc_finish(nluc_sample *s, double *scores) {
    const nluc_model *m = s->model;
    const nluc_feature *f;
    uint32_t i, columns = m->n_columns;
    double total = 0, *book = 0, *sums = scores;
    nluc_batch batch;
    if (s->status) return s->status;
    nluc_values(s);
    if (s->status) return s->status;
    batch.offset = 0;
    batch.count = 0;
    batch.most = NLUC_STAGE;
    batch.run.out = 0;
    if (NLUC_IS_CODED(m) || (m->coder != NLUC_DENSE && columns > 1 && columns <= 256)) {
        book = nluc_make_book(s, &batch);
        if (book) sums = book + 256;
        if (!book && NLUC_IS_CODED(m)) return s->status = NLUC_E_ROOM;
    }
    for (i = 0; i < columns; i++) scores[i] = 0;
    for (f = s->features; f < s->features + s->count; f++) {
        const nluc_row *row = &f->is.row;
        if (!f->found) continue;
        total += f->value;
        if (NLUC_IS_CODED(m) && row->form == NLUC_FIELDS) nluc_add_packed(m, *row, f->value, book, sums);
        if (NLUC_IS_CODED(m) && row->form == NLUC_RUN && !m->even) nluc_add_run(m, row, f->value, book, batch.room, sums);
        if (row->form >= NLUC_ALL_CODES && row->form != NLUC_SYMBOLS && m->even)
            nluc_add_to_batch(m, &batch, row, f->value, sums);
        else if (row->form <= NLUC_ALL_CODES)
            nluc_add_row(m, *row, f->value, book, sums);
    }
    if (NLUC_IS_CODED(m)) nluc_add_symbols(m, s->features, s->features + s->count, book, sums);
    nluc_flush(m, &batch, sums);
    for (i = 0; i < columns; i++) {
        uint32_t at = !NLUC_IS_CODED(m) ? i : columns <= 256 ? m->coded.order[i] : nluc_u16(m->coded.order + 2 * (size_t)i);
        double score = sums[i] - batch.offset;
        if (m->scale.data) score *= (double)nluc_f32(m->scale.data + 4 * (size_t)at);
        if (m->baseline.data) score += total * nluc_f64(m->baseline.data + 8 * (size_t)at);
        scores[at] = score + nluc_f64(m->intercept.data + 8 * (size_t)at);
    }
    return NLUC_OK;
}

/* What links and labels see of score i. */
NLUC_API inline double nluc_calibrated(const nluc_model *m, const double *scores, uint32_t i) {
    if (!m->calibration.data) return scores[i];
    return scores[i] * nluc_f64(m->calibration.data + 8 * (size_t)i) +
           nluc_f64(m->calibration.data + 8 * ((size_t)m->n_columns + i));
}

/* The class of a sample: of a multilabel model the best one; each class whose calibrated score is > 0 is a label there. */
NLUC_API uint32_t nluc_decide(const nluc_model *m, const double *scores) {
    uint32_t i, best = 0;
    double most = nluc_calibrated(m, scores, 0);
    if (m->task == NLUC_BINARY) return most > 0;
    for (i = 1; i < m->n_columns; i++) {
        double score = nluc_calibrated(m, scores, i);
        if (score > most) {
            most = score;
            best = i;
        }
    }
    return best;
}

/* Probabilities of the classes, n_classes doubles; returns 0 if the model's link gives none. */
NLUC_API int nluc_probabilities(const nluc_model *m, const double *scores, double *out) {
    uint32_t i, k = m->n_columns;
    double most, sum = 0;
    if (m->link == NLUC_IDENTITY) return 0;
    for (i = 0; i < k; i++) {
        double s = nluc_calibrated(m, scores, i), small;
        if (m->link == NLUC_SOFTMAX && k > 1)
            out[i] = s;
        else if (m->link == NLUC_CLIPPED)
            out[i] = ((s < -1 ? -1 : s > 1 ? 1 : s) + 1) / 2;
        else {
            if (m->link == NLUC_SOFTMAX) s *= 2;  /* two classes with the scores -s and s */
            small = nluc_exp(s < 0 ? s : -s);
            out[i] = (s >= 0 ? 1 : small) / (1 + small);
        }
    }
    if (m->task == NLUC_BINARY) {
        out[1] = out[0];
        out[0] = 1 - out[1];
        return 1;
    }
    if (m->task == NLUC_MULTILABEL) return 1;
    if (m->link == NLUC_SOFTMAX) {
        for (most = out[0], i = 1; i < k; i++)
            if (out[i] > most) most = out[i];
        for (i = 0; i < k; i++) out[i] = nluc_exp(out[i] - most);
    }
    for (i = 0; i < k; i++) sum += out[i];
    for (i = 0; i < k; i++) out[i] = sum == 0 ? 1.0 / k : out[i] / sum;
    return 1;
}

/* The `count` best classes by score, best first; returns how many there are. */
NLUC_API uint32_t nluc_top(const nluc_model *m, const double *scores, uint32_t count, uint32_t *classes) {
    uint32_t i, k, found = 0;
    if (m->task == NLUC_BINARY) {
        if (count) classes[0] = nluc_decide(m, scores);
        if (count > 1) classes[1] = 1 - classes[0];
        return count < 2 ? count : 2;
    }
    for (i = 0; i < m->n_columns; i++) {
        double score = nluc_calibrated(m, scores, i);
        for (k = found; k && score > nluc_calibrated(m, scores, classes[k - 1]); k--)
            if (k < count) classes[k] = classes[k - 1];
        if (k < count) {
            classes[k] = i;
            if (found < count) found++;
        }
    }
    return found;
}

/* The bytes of a class's label: UTF-8 (not zero-terminated) of label types "str" and "object", else a little-endian number
 * of model.label_type. Null of a class that is not there. */
NLUC_API const uint8_t *nluc_label_bytes(const nluc_model *m, uint32_t class_number, size_t *length) {
    const uint8_t *ends = m->labels.data;
    size_t start;
    *length = 0;
    if (class_number >= m->n_classes) return 0;
    if (m->label_type > NLUC_OBJECT) {
        *length = nluc_label_size(m);
        return m->labels.data + class_number * *length;
    }
    start = class_number ? nluc_u32(ends + 4 * (size_t)(class_number - 1)) : 0;
    *length = nluc_u32(ends + 4 * (size_t)class_number) - start;
    return ends + 4 * (size_t)m->n_classes + start;
}

/* -- Full verification ------------------------------------------------------------------------------------------------
 * What nluc_open leaves to clamps: every checksum, every rank, every row. Costs a pass over the file.
 */

/* Rule R2: the offsets of plain rows (R7: of single entries): as many 1s as there are, each at its place and each sample right. */
NLUC_API nluc_status nluc_verify_offsets(const nluc_model *m) {
    uint64_t i, ones = 0, start = 0;
    for (i = 0; i < (uint64_t)m->row_high.length * 8; i++) {
        uint64_t low, stop;
        if (!(m->row_high.data[i / 8] >> i % 8 & 1)) continue;
        if (ones > m->n_offsets) return NLUC_E_R2;
        low = m->count_low_bits ? nluc_bits(m->row_low.data, ones * m->count_low_bits, m->count_low_bits) : 0;
        stop = (i - ones) << m->count_low_bits | low;
        if (stop < start || stop > m->count || (ones == 0 && stop)) return NLUC_E_R2;
        if (ones % 128 == 0 && nluc_u32(m->row_samples.data + ones / 128 * 4) != i) return NLUC_E_R2;
        start = stop;
        ones++;
    }
    if (ones != (uint64_t)m->n_offsets + 1 || start != m->count) return NLUC_E_R2;
    for (i = ones * m->count_low_bits; i < (uint64_t)m->row_low.length * 8; i++)
        if (m->row_low.data[i / 8] >> i % 8 & 1) return NLUC_E_R2;
    return NLUC_OK;
}

/* Whether blocks have `expected` bits set, and their ranks are right. */
NLUC_API int nluc_verify_ranks(const uint8_t *blocks, size_t length, uint64_t expected) {
    uint64_t ones = 0;
    size_t i, k;
    for (i = 0; i < length; i += 64) {
        if (nluc_u32(blocks + i) != ones) return 0;
        for (k = 4; k < 64; k += 4) ones += nluc_popcount(nluc_u32(blocks + i + k));
    }
    return ones == expected;
}

/* Rule R7: whether a row of symbols ends before the guard bytes. It is read here from window to window: what nluc_next has read
 * of a row that goes on beyond them cannot be told from what it would read within. */
NLUC_API int nluc_verify_end(const nluc_model *m, nluc_row row) {
    const uint8_t *map = m->coded.map + 9 + 3 * nluc_row_class(row.count);
    uint64_t bit = (uint64_t)(row.at - m->rows.data) * 8 + row.bit, end = (uint64_t)(m->rows.length - 8) * 8;
    uint32_t i;
    for (i = 0; i < row.count && bit <= end; i++) {
        if (row.count < m->n_columns) bit += nluc_symbol(&m->coded, map[i ? 1 : 0], nluc_run_window(m, bit)) & 63;
        bit += nluc_symbol(&m->coded, map[2], nluc_run_window(m, bit)) & 63;
    }
    return bit <= end;
}

/* Rules R3 and R7 of a row of coded rows: nothing in it needs a clamp. */
NLUC_API nluc_status nluc_verify_coded_row(const nluc_model *m, nluc_row row) {
    uint32_t i, number, next = 0, unit = m->n_columns <= 256 ? 2 : 3, bits = row.kind & 15u;
    const uint8_t *fields;
    uint64_t bit;
    if (row.form == NLUC_RUN) {
        for (bit = nluc_run_of(m, &row, 0).bit, i = 0; i < m->n_columns; i++) {
            number = nluc_run_code(m, row.kind, bit);
            bit += number >> 16;
            number &= 0xFFFF;
            if (number >= m->n_codes) return number > 255 ? NLUC_E_R7 : NLUC_E_R3;
        }
        return bit <= (uint64_t)(m->rows.length - 8) * 8 ? NLUC_OK : NLUC_E_R7;
    }
    if (row.form == NLUC_SYMBOLS) {
        nluc_weights w = nluc_weights_of(m, &row);
        if (!nluc_verify_end(m, row)) return NLUC_E_R7;
        while (w.left) {
            if (nluc_next(m, &w, &number) >= m->n_columns) return NLUC_E_R7;
            number = nluc_weight_code(m, number);
            if (number >= m->n_codes) return number > 255 ? NLUC_E_R7 : NLUC_E_R3;
        }
        return NLUC_OK;
    }
    fields = row.at + (size_t)row.count * unit;
    for (i = 0; i < row.count; i++, row.at += unit) {
        uint32_t column = unit == 2 ? row.at[0] : nluc_u16(row.at);
        if (column >= m->n_columns) return NLUC_E_R7;
        if (row.at[unit - 1] >= m->n_codes) return NLUC_E_R3;
        if (row.at[unit - 1] == m->coded.zero) {
            next = m->n_columns; /* padding, and nothing else after it */
            continue;
        }
        number = (uint32_t)fields[column * bits / 8] >> column * bits % 8 & ((1u << bits) - 1);
        if (column < next || nluc_field_code(m, row.kind, number) != m->coded.zero) return NLUC_E_R7;
        next = column + 1;
    }
    for (i = 0; i < m->n_columns; i++) {
        number = (uint32_t)row.at[i * bits / 8] >> i * bits % 8 & ((1u << bits) - 1);
        if (nluc_field_code(m, row.kind, number) >= m->n_codes) return NLUC_E_R3;
    }
    return NLUC_OK;
}

/* Rules R3, R5, R7 and L2 of coded rows. */
NLUC_API nluc_status nluc_verify_coded(const nluc_model *m) {
    const nluc_coded *c = &m->coded;
    uint32_t i, k, level, place;
    nluc_status status;
    int clamped;
    for (level = 0; level < c->n_levels; level++)
        if (c->slots[level + 1]) {
            const uint8_t *blocks = m->row_more.data + (size_t)c->blocks[level] * 64;
            uint32_t last = c->slots[level] - 1, ones = c->slots[level + 1]; /* none of the bits set is behind the last slot's */
            if (!nluc_verify_ranks(blocks, ((size_t)last / 480 + 1) * 64, ones)) return NLUC_E_R7;
            if (nluc_rank(blocks, last) + nluc_bit(blocks, last) != ones) return NLUC_E_R7;
        }
    if (nluc_verify_offsets(m)) return NLUC_E_R7;
    for (k = 0; k < m->n_columns; k += 32) { /* 32 classes at a time: is each there? */
        uint32_t seen = 0;
        for (i = 0; i < m->n_columns; i++) {
            uint32_t at = m->n_columns <= 256 ? c->order[i] : nluc_u16(c->order + 2 * (size_t)i);
            if (at / 32 == k / 32) seen |= (uint32_t)1 << at % 32;
        }
        if (seen != (m->n_columns - k < 32 ? ((uint32_t)1 << (m->n_columns - k)) - 1 : 0xFFFFFFFFu)) return NLUC_E_R7;
    }
    for (i = 0; i < m->n; i++) {
        nluc_row row;
        uint32_t number;
        place = i;
        nluc_follow(m, &place, 1);
        if (!(place >> 31) && place >= m->n_entries) return NLUC_E_R5;
        row = nluc_coded_entry(m, place);
        number = nluc_head(m, &row, &clamped);
        if (clamped) return NLUC_E_R7;
        if (m->idf_bits && number >= m->n_idf) return NLUC_E_L2;
        if ((status = nluc_verify_coded_row(m, row))) return status;
    }
    return NLUC_OK;
}

/* Every rule, those of nluc_open already held. */
NLUC_API nluc_status nluc_verify(const nluc_model *m) {
    const uint8_t *end = m->header.data + m->header.length, *at;
    nluc_status status;
    uint64_t i, k;
    for (at = m->table, i = 0; i < m->n_sections; i++) {
        nluc_value name = nluc_mp_read(nluc_mp_read(at, end).next, end), offset = nluc_mp_read(name.next, end);
        nluc_value size = nluc_mp_read(offset.next, end), crc = nluc_mp_read(size.next, end);
        if (nluc_crc32(m->base + offset.number, (size_t)size.number) != crc.number) return NLUC_E_S5;
        at = crc.next;
    }
    if (!nluc_sha256_matches(m->base, m->length)) return NLUC_E_P7;
    for (i = 0; i < m->n_classes; i++) {
        size_t length, other;
        const uint8_t *label = nluc_label_bytes(m, (uint32_t)i, &length);
        for (k = 0; k < i; k++) {
            const uint8_t *before = nluc_label_bytes(m, (uint32_t)k, &other);
            if (other == length && nluc_same(label, before, length)) return NLUC_E_M4;
        }
    }
    if (!nluc_verify_ranks(m->index.data, m->index.length, m->n)) return NLUC_E_I3;
    if (NLUC_IS_CODED(m)) return nluc_verify_coded(m);
    for (i = 0; i < m->n; i++) {
        uint64_t number = nluc_record(m, (uint32_t)i) >> m->check_bits;
        if (m->coder == NLUC_POOL && number >= m->n_entries) return NLUC_E_R5;
        if (m->coder == NLUC_POOL) number = nluc_idf_number(m, nluc_entry(m, number).at - m->idf_bytes);
        if (m->idf_bits && number >= m->n_idf) return NLUC_E_L2;
    }
    if (m->coder == NLUC_PLAIN && (status = nluc_verify_offsets(m))) return status;
    for (i = 0; i < m->n; i++) {
        nluc_row row = nluc_row_of(m, (uint32_t)i);
        uint32_t before = 0, width = m->n_columns <= 256 ? 2 : 3;
        for (k = 0; k < row.count; k++) {
            const uint8_t *p = row.at + k * (row.form == NLUC_ALL_CODES ? 1 : width);
            uint32_t column = row.form == NLUC_ALL_CODES ? (uint32_t)k : width == 2 ? p[0] : nluc_u16(p);
            if (column >= m->n_columns || p[row.form == NLUC_ALL_CODES ? 0 : width - 1] >= m->n_codes || (k && column <= before)) return NLUC_E_R3;
            before = column;
        }
    }
    return NLUC_OK;
}

#endif
