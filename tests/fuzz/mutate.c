/* mutate.c: libFuzzer's custom mutator of native.c's inputs. A file is taken apart (the header's values, the sections), one or
 * more parts are changed, and it is put together again with right lengths, offsets and checksums: else nearly every input
 * would end at a checksum. In one of some dozen inputs something is left wrong on purpose. Built without sanitizers.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t most,
                                 unsigned int seed);

enum { HEAD = 8, REQUEST = 192, SECTIONS = 24, SECTION = 1 << 13, HEADER = 1 << 13, VALUES = 1024, NAME = 16 };

/* -- Chance ---- */

static uint64_t state;
static uint32_t any(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}
static uint32_t below(size_t n) { return n ? any() % (uint32_t)(n < UINT32_MAX ? n : UINT32_MAX) : 0; }
static int one_in(uint32_t n) { return !below(n); }

/* -- Bytes ---- */

static uint64_t load(const uint8_t *p, uint32_t width) {
    uint64_t x = 0;
    while (width--) x = x << 8 | p[width];
    return x;
}
static void store(uint8_t *p, uint64_t x, uint32_t width) {
    for (; width--; x >>= 8) *p++ = (uint8_t)x;
}
static uint32_t ones(uint64_t x) { return (uint32_t)__builtin_popcountll(x); }

static uint32_t crc32(const uint8_t *p, size_t n) {
    static uint32_t table[256];
    uint32_t c = ~0u, i, k;
    if (!table[1])
        for (i = 0; i < 256; i++) {
            for (k = 0, c = i; k < 8; k++) c = c & 1 ? c >> 1 ^ 0xEDB88320u : c >> 1;
            table[i] = c;
        }
    for (c = ~0u; n--; p++) c = c >> 8 ^ table[(c ^ *p) & 255];
    return ~c;
}

/* SHA-256 (FIPS 180-4) of two pieces of memory, of 32 bytes and of a multiple of 64. */
static uint32_t turn(uint32_t x, int n) { return x >> n | x << (32 - n); }
static void sha_block(uint32_t h[8], const uint8_t *p) {
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
        0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
        0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
        0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
        0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
        0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    uint32_t w[64], s[8], i, t;
    for (i = 0; i < 16; i++) w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (; i < 64; i++)
        w[i] = w[i - 16] + (turn(w[i - 15], 7) ^ turn(w[i - 15], 18) ^ w[i - 15] >> 3) + w[i - 7] +
               (turn(w[i - 2], 17) ^ turn(w[i - 2], 19) ^ w[i - 2] >> 10);
    memcpy(s, h, sizeof s);
    for (i = 0; i < 64; i++) {
        t = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + ((s[4] & s[5]) ^ (~s[4] & s[6])) + k[i] + w[i];
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t;
        s[0] = t + (turn(s[1], 2) ^ turn(s[1], 13) ^ turn(s[1], 22)) + ((s[1] & s[2]) ^ (s[1] & s[3]) ^ (s[2] & s[3]));
    }
    for (i = 0; i < 8; i++) h[i] += s[i];
}
static void sha256(const uint8_t *file, size_t length, uint8_t *out) { /* bytes 0..31 and 64..end, length a multiple of 64 */
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}, i;
    uint8_t block[64];
    size_t at = 64, k;
    memcpy(block, file, 32);
    memcpy(block + 32, file + at, 32);
    sha_block(h, block);
    for (at += 32; at + 64 <= length; at += 64) sha_block(h, file + at);
    memset(block, 0, 64);
    memcpy(block, file + at, length - at);
    block[length - at] = 0x80;
    for (k = 0; k < 8; k++) block[56 + k] = (uint8_t)((uint64_t)(length - 32) * 8 >> (56 - 8 * k));
    sha_block(h, block);
    for (i = 0; i < 32; i++) out[i] = (uint8_t)(h[i / 4] >> (24 - i % 4 * 8));
}

/* -- A file in parts ---- */

typedef struct {
    uint8_t name[NAME], data[SECTION];
    uint32_t name_length;
    size_t length;
} section;

typedef struct {
    uint8_t head[HEAD + REQUEST], header[HEADER];
    size_t request, size;    /* bytes of the request; of the header's entries but `sections` */
    uint32_t entries, count; /* of the header, of sections */
    section sections[SECTIONS];
    uint8_t version;
} parts;

/* A msgpack value: where it is, its own bytes (of a container without what it holds), and how many values it holds. */
typedef struct {
    size_t at, data;
    uint32_t own, holds;
    uint8_t tag, kind; /* kind: i, f, s, n, b; a, m */
    int parent;        /* number of the container; its key if it is a value of a map */
} value;

static int read_value(const uint8_t *p, size_t left, value *v) {
    static const uint8_t widths[32] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 0, 0, 0, 0, 0, 1, 2, 4, 2, 4, 2, 4};
    uint64_t n = 0;
    uint32_t i, width;
    if (!left) return 0;
    v->tag = p[0];
    v->holds = 0;
    v->own = 1;
    v->data = 1;
    if (p[0] < 0x80 || p[0] >= 0xE0) return v->kind = 'i', 1;
    if (p[0] < 0x90) return v->kind = 'm', v->holds = p[0] & 15, 1;
    if (p[0] < 0xA0) return v->kind = 'a', v->holds = p[0] & 15, 1;
    if (p[0] < 0xC0) {
        v->kind = 's';
        v->own = 1 + (p[0] & 31u);
        return v->own <= left;
    }
    width = widths[p[0] - 0xC0];
    if (width >= left) return 0;
    for (i = 0; i < width; i++) n = n << 8 | p[1 + i];
    v->own = v->data = 1 + width;
    v->kind = p[0] == 0xC0 ? 'n' : p[0] == 0xC2 || p[0] == 0xC3 ? 'b' : p[0] == 0xCA || p[0] == 0xCB ? 'f' : p[0] < 0xD4 ? 'i' : 's';
    if (p[0] >= 0xDC) {
        v->kind = p[0] < 0xDE ? 'a' : 'm';
        v->holds = n < HEADER ? (uint32_t)n : HEADER;
    } else if (p[0] >= 0xD9) {
        if (n > left) return 0;
        v->own += (uint32_t)n;
    } else if (!width && v->kind == 's') {
        return 0;
    }
    return v->own <= left;
}

static size_t skip_value(const uint8_t *p, size_t left) {
    size_t at = 0, todo = 1;
    value v;
    for (; todo; todo--) {
        if (!read_value(p + at, left - at, &v)) return 0;
        at += v.own;
        todo += v.kind == 'm' ? 2 * v.holds : v.holds;
    }
    return at;
}

static int is_text(const uint8_t *p, size_t left, const char *word) {
    value v;
    return read_value(p, left, &v) && v.kind == 's' && v.own - v.data == strlen(word) && !memcmp(p + v.data, word, strlen(word));
}

static int take_apart(parts *f, const uint8_t *data, size_t size) {
    size_t start, header, at, end, i, k;
    value map, table, row, field;
    const uint8_t *file, *p;
    if (size < HEAD) return 0;
    f->request = load(data, 2);
    start = HEAD + (f->request + 7) / 8 * 8;
    if (f->request > REQUEST || start + 64 > size) return 0;
    memcpy(f->head, data, HEAD + f->request);
    file = data + start;
    size -= start;
    header = load(file + 12, 4);
    if (header > size - 64 || header > HEADER - 64) return 0;
    f->version = file[10];
    p = file + 64;
    if (!read_value(p, header, &map) || map.kind != 'm') return 0;
    f->size = f->entries = f->count = 0;
    for (at = map.own, i = 0; i < map.holds; i++, at = end) {
        size_t key = skip_value(p + at, header - at), length = key ? skip_value(p + at + key, header - at - key) : 0;
        if (!length) return 0;
        end = at + key + length;
        if (!is_text(p + at, header - at, "sections")) {
            memcpy(f->header + f->size, p + at, key + length);
            f->size += key + length;
            f->entries++;
            continue;
        }
        at += key;
        if (!read_value(p + at, header - at, &table) || table.kind != 'a') return 0;
        at += table.own;
        for (k = 0; k < table.holds && k < SECTIONS; k++) {
            section *s = &f->sections[f->count];
            uint64_t number[2] = {0, 0};
            int j;
            if (!read_value(p + at, header - at, &row) || row.kind != 'a' || row.holds != 4) return 0;
            at += row.own;
            if (!read_value(p + at, header - at, &field) || field.kind != 's' || field.own - field.data > NAME) return 0;
            s->name_length = field.own - (uint32_t)field.data;
            memcpy(s->name, p + at + field.data, s->name_length);
            at += field.own;
            for (j = 0; j < 3; j++) {
                uint32_t b;
                if (!read_value(p + at, header - at, &field) || field.kind != 'i') return 0;
                for (b = 1; j < 2 && b < field.own; b++) number[j] = number[j] << 8 | p[at + b];
                if (j < 2 && field.own == 1) number[j] = field.tag;
                at += field.own;
            }
            if (number[0] > size || number[1] > size - number[0] || number[1] > SECTION) return 0;
            s->length = number[1];
            memcpy(s->data, file + number[0], s->length);
            f->count++;
        }
    }
    return 1;
}

static uint8_t *put(uint8_t *p, const void *bytes, size_t n) {
    memcpy(p, bytes, n);
    return p + n;
}
static uint8_t *put_u32(uint8_t *p, uint32_t x) {
    uint8_t bytes[5] = {0xCE, (uint8_t)(x >> 24), (uint8_t)(x >> 16), (uint8_t)(x >> 8), (uint8_t)x};
    return put(p, bytes, 5);
}

/* Put a file together: 0 if it does not fit. In some files a number of the table, a checksum or padding is wrong. */
static size_t put_together(parts *f, uint8_t *out, size_t most) {
    size_t start = HEAD + (f->request + 7) / 8 * 8, header = 3 + f->size + 9 + 3, total, i, at;
    uint32_t spoiled = one_in(24) ? below(6) : 99, victim = below(f->count);
    uint8_t *file = out + start, *p;
    for (i = 0; i < f->count; i++) header += 2 + f->sections[i].name_length + 15;
    total = (64 + header + 63) / 64 * 64;
    for (i = 0; i < f->count; i++) total += (f->sections[i].length + 63) / 64 * 64;
    if (start + total > most || header > HEADER) return 0;
    memset(out, 0, start + total);
    memcpy(out, f->head, HEAD + f->request);
    store(out, f->request, 2);
    p = file + 64;
    *p++ = 0xDE;
    *p++ = (uint8_t)((f->entries + 1) >> 8);
    *p++ = (uint8_t)(f->entries + 1);
    p = put(p, f->header, f->size);
    p = put(p, "\xA8sections\xDC", 10);
    *p++ = 0;
    *p++ = (uint8_t)f->count;
    at = (64 + header + 63) / 64 * 64;
    for (i = 0; i < f->count; i++) {
        section *s = &f->sections[i];
        uint32_t place = (uint32_t)at, length = (uint32_t)s->length, crc = crc32(s->data, s->length);
        if (i == victim && spoiled == 0) place += (uint32_t)(int32_t[]){64, -64, 1, 1 << 20}[below(4)];
        if (i == victim && spoiled == 1) length += (uint32_t)(int32_t[]){1, -1, 64, 8, -8, 1 << 30}[below(6)];
        if (i == victim && spoiled == 2) crc ^= 1u << below(32);
        *p++ = 0x94;
        *p++ = (uint8_t)(0xA0 | s->name_length);
        p = put(p, s->name, s->name_length);
        p = put_u32(put_u32(put_u32(p, place), length), crc);
        memcpy(file + at, s->data, s->length);
        at += (s->length + 63) / 64 * 64;
    }
    memcpy(file, "\x89NLUC\r\n\x1a\1", 9);
    file[10] = f->version;
    store(file + 12, (uint64_t)(p - (file + 64)), 4);
    store(file + 16, total, 8);
    store(file + 24, crc32(file + 64, (size_t)(p - (file + 64))), 4);
    if (spoiled == 3) file[below(28)] ^= (uint8_t)(1 << below(8));
    store(file + 28, crc32(file, 28), 4);
    sha256(file, total, file + 32);
    if (spoiled == 4) file[24 + below(40)] ^= (uint8_t)(1 << below(8));
    return start + total;
}

/* -- The header's values ---- */

static value values[VALUES];
static uint32_t list_values(const parts *f) {
    struct { int container; uint32_t left; } open[16];
    uint32_t n = 0, depth = 0;
    size_t at = 0;
    while (at < f->size && n < VALUES) {
        value *v = &values[n];
        v->at = at;
        v->parent = depth ? open[depth - 1].container : -1;
        if (!read_value(f->header + at, f->size - at, v)) break;
        at += v->own;
        if (depth) open[depth - 1].left--;
        if ((v->kind == 'a' || v->kind == 'm') && v->holds && depth < 16) {
            open[depth].container = (int)n;
            open[depth++].left = v->kind == 'm' ? 2 * v->holds : v->holds;
        }
        while (depth && !open[depth - 1].left) depth--;
        n++;
    }
    return n;
}

static int replace(parts *f, size_t at, size_t old, const uint8_t *bytes, size_t new) {
    if (f->size - old + new > HEADER - 1024 || at + old > f->size) return 0;
    memmove(f->header + at + new, f->header + at + old, f->size - at - old);
    memcpy(f->header + at, bytes, new);
    f->size += new - old;
    return 1;
}

static const char *const words[] = {
    "", "word", "char", "char_wb", "fasttext", "features", "dict", "items", "count", "binary", "log", "ascii", "unicode",
    "(?u)\\b\\w\\w+\\b", "\\b\\w+\\b", "\\S+", "[a-z]+", "norm", "scale", "binarize", "l1", "l2", "max", "multiclass",
    "multilabel", "tagging", "identity", "sigmoid", "softmax", "ovr", "clipped", "str", "object", "bool", "int8", "int16",
    "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "plain", "dense", "pool", "coded", "a", "w1",
    "rows.plain", "rows.dense", "rows.pool", "rows.coded", "rows.runs", "analyzer.items", "analyzer.fasttext", "template", "shards",
    "lower", "len", "slice", "map", "collapse", "lstrip", "rstrip", "leading", "trailing", "keep", "isalnum", "isalpha",
    "isdecimal", "isdigit", "isnumeric", "isspace", "isascii", "islower", "isupper", "istitle", "in", "any", "all", "inside",
    "not", "[a-z]", "[^\\w\\-]", "[\\d\\s]", "[\\W\\D\\S]", "[z-a]", "[\xc3\xa9-\xe2\x82\xac]", "[]", "\xc3", "text", "if", "weight", "else", "at",
    "column", "do", "outside", "columns", "calibration", "baseline", "scale", "idf", "transitions", "row_low", "row_high",
    "row_more", "row_pointers", "row_groups", "row_tables", "labels", "index", "slots", "rows", "codebook", "intercept"};

static size_t number_bytes(uint64_t x, uint8_t *out) {
    uint32_t width = x < 0x80 ? 0 : x < 0x100 ? 1 : x < 0x10000 ? 2 : x >> 32 ? 8 : 4, i;
    out[0] = (uint8_t)(width == 0 ? x : width == 1 ? 0xCC : width == 2 ? 0xCD : width == 4 ? 0xCE : 0xCF);
    for (i = 0; i < width; i++) out[1 + i] = (uint8_t)(x >> 8 * (width - 1 - i));
    return 1 + width;
}

static uint64_t some_number(uint64_t old) {
    static const uint64_t many[] = {0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 24, 31, 32, 33, 57, 63, 64, 127, 128, 255, 256, 257, 480, 481, 960,
        1000, 4096, 65535, 65536, 0x7FFFFFFF, 0x80000000u, 0xFFFFFFFFu, 0x100000000u, ((uint64_t)1 << 35) - 1, ((uint64_t)1 << 40) - 1,
        ((uint64_t)1 << 63) - 1, ~(uint64_t)0};
    switch (below(8)) {
        case 0: return old + 1;
        case 1: return old ? old - 1 : 1;
        case 2: return old * 2;
        case 3: return old / 2;
        case 4: return below(16);
        case 5: return below(300);
        default: return many[below(sizeof many / sizeof *many)];
    }
}

/* A value of some kind; old: the one it takes the place of. */
static size_t some_value(const uint8_t *old, const value *v, uint8_t *out) {
    static const double reals[] = {0, 1, -1, 0.5, 1e-310, 1e300, 1.7976931348623157e308, -1e308, 1e18, 3.0};
    uint64_t number = v->tag, bits;
    double real = reals[below(10)];
    const char *word;
    uint32_t i;
    switch (one_in(6) ? below(6) : v->kind == 'i' ? 0 : v->kind == 'f' ? 1 : v->kind == 'b' ? 2 : v->kind == 's' ? 3 : below(6)) {
        case 0:
            for (number = v->own > 1 ? 0 : v->tag, i = 1; i < v->own && v->kind == 'i'; i++) number = number << 8 | old[i];
            if (one_in(20)) return out[0] = 0xFF, 1;
            return number_bytes(some_number(number), out);
        case 1:
            memcpy(&bits, &real, 8);
            if (one_in(8)) bits = one_in(2) ? (uint64_t)0x7FF0 << 48 : (uint64_t)0x7FF8 << 48;
            if (one_in(3)) bits ^= (uint64_t)1 << below(64);
            for (out[0] = 0xCB, i = 0; i < 8; i++) out[1 + i] = (uint8_t)(bits >> (56 - 8 * i));
            return 9;
        case 2: return out[0] = one_in(2) ? 0xC2 : 0xC3, 1;
        case 3:
            if (v->kind == 's' && v->own - v->data < 200 && one_in(3)) { /* the old one, changed */
                size_t n = v->own - v->data;
                memcpy(out + 2, old + v->data, n);
                n = LLVMFuzzerMutate(out + 2, n, n + 4);
                out[0] = 0xD9;
                out[1] = (uint8_t)n;
                return n + 2;
            }
            word = words[below(sizeof words / sizeof *words)];
            out[0] = (uint8_t)(0xA0 | strlen(word));
            memcpy(out + 1, word, strlen(word));
            return 1 + strlen(word);
        case 4: return out[0] = 0xC0, 1;
        default: return out[0] = one_in(2) ? 0x80 : 0x90, 1;
    }
}

static void recount(parts *f, const value *v, int more) {
    uint32_t n = v->holds + (uint32_t)more, i;
    if (v->tag < 0xA0) {
        if (n < 16) f->header[v->at] = (uint8_t)((v->tag & 0xF0) | n);
        return;
    }
    for (i = 1; i < v->own; i++, n >>= 8) f->header[v->at + v->own - i] = (uint8_t)n;
}

static void change_header(parts *f) {
    static uint8_t bytes[HEADER];
    uint32_t n = list_values(f), which = below(n), other = below(n), tries = 8;
    size_t size, key;
    value *v = &values[which], *parent;
    if (!n) return;
    while (v->parent < 0 && tries--) v = &values[which = below(n)];
    parent = v->parent >= 0 ? &values[v->parent] : 0;
    size = skip_value(f->header + v->at, f->size - v->at);
    switch (below(10)) {
        case 0: /* one value over another */
            size = skip_value(f->header + values[other].at, f->size - values[other].at);
            memcpy(bytes, f->header + values[other].at, size);
            replace(f, v->at, skip_value(f->header + v->at, f->size - v->at), bytes, size);
            return;
        case 1: /* leave out one of an array, or a pair of a map */
        case 2: /* or have it twice */
            if (!parent || !parent->holds) return;
            if (parent->kind == 'm') { /* a key, then what follows it */
                key = v->at;
                if (v->kind != 's') return;
                size += skip_value(f->header + key + size, f->size - key - size);
            }
            memcpy(bytes, f->header + v->at, size);
            if (parent->tag < 0xA0 && parent->holds == 15) return;
            if (one_in(2)) {
                if (!replace(f, v->at, size, bytes, 0)) return;
                recount(f, parent, -1);
            } else {
                if (!replace(f, v->at, 0, bytes, size)) return;
                recount(f, parent, 1);
            }
            return;
        case 3: /* a container says another count */
            if ((v->kind == 'a' || v->kind == 'm') && one_in(4)) recount(f, v, one_in(2) ? 1 : -1);
            return;
        default:
            if (v->kind == 'a' || v->kind == 'm') return;
            replace(f, v->at, v->own, bytes, some_value(f->header + v->at, v, bytes));
    }
}

/* -- Sections ---- */

static section *named(parts *f, const char *name) {
    uint32_t i;
    for (i = 0; i < f->count; i++)
        if (f->sections[i].name_length == strlen(name) && !memcmp(f->sections[i].name, name, strlen(name))) return &f->sections[i];
    return 0;
}

static void resize(section *s, size_t length) {
    if (!s || length > SECTION) return;
    if (length > s->length) memset(s->data + s->length, 0, length - s->length);
    s->length = length;
}

static void change_section(parts *f) {
    static const uint32_t floats[] = {0, 0x3F800000, 0xBF800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000, 1, 0x80000000, 0x4B800000};
    section *s, *other;
    uint32_t width = 1u << below(4), times, i;
    size_t at, from, n;
    if (!f->count) return;
    s = &f->sections[below(f->count)];
    other = &f->sections[below(f->count)];
    switch (below(14)) {
        case 0:
            s->length = LLVMFuzzerMutate(s->data, s->length, s->length + 16 < SECTION ? s->length + 16 : SECTION);
            return;
        case 1: resize(s, s->length + below(17)); return;
        case 2: resize(s, s->length - below(s->length < 16 ? s->length + 1 : 17)); return;
        case 3: /* some bytes of another section, or of this one */
            n = 1 + below(32);
            if (other->length < n || s->length < n) return;
            at = below(s->length - n + 1);
            from = below(other->length - n + 1);
            memmove(s->data + at, other->data + from, n);
            return;
        case 4:
            if (one_in(6) && f->count > 1) { /* left out */
                *s = f->sections[--f->count];
            } else if (one_in(3) && f->count < SECTIONS) { /* twice, or by another name */
                other = &f->sections[f->count++];
                *other = *s;
                if (one_in(4)) return;
                strncpy((char *)other->name, words[sizeof words / sizeof *words - 1 - below(18)], NAME);
                for (other->name_length = 0; other->name_length < NAME && other->name[other->name_length];) other->name_length++;
            } else { /* one section's bytes in another's place */
                memcpy(s->data, other->data, other->length);
                s->length = other->length;
            }
            return;
        case 5:
        case 6: /* floats */
            if (s->length < 8) return;
            at = below(s->length / 4) * 4;
            if (one_in(2))
                store(s->data + at, floats[below(9)], 4);
            else
                store(s->data + at / 8 * 8, (uint64_t)floats[below(9)] << 32, 8);
            return;
        default:
            for (times = 1 + below(one_in(4) ? 8 : 2); times--;) {
                if (s->length < width) return;
                at = one_in(3) ? below(s->length - width + 1) : below(s->length / width) * width;
                switch (below(5)) {
                    case 0: s->data[at] ^= (uint8_t)(1 << below(8)); break;
                    case 1: store(s->data + at, load(s->data + at, width) + below(9) - 4, width); break;
                    case 2: store(s->data + at, some_number(load(s->data + at, width)), width); break;
                    case 3: for (i = 0; i < width; i++) s->data[at + i] = (uint8_t)any(); break;
                    default: s->data[at] = (uint8_t)below(16);
                }
            }
    }
}

/* -- Relations: lengths, ranks, starts made right again, so that a change gets past the rules ---- */

static size_t find_key(const parts *f, size_t map, const char *key) { /* the place of its value; 0 for none. map 0: the header */
    size_t at = 0;
    uint32_t i, n = f->entries;
    value v;
    if (map) {
        if (!read_value(f->header + map, f->size - map, &v) || v.kind != 'm') return 0;
        at = map + v.own;
        n = v.holds;
    }
    for (i = 0; i < n && at < f->size; i++) {
        size_t size = skip_value(f->header + at, f->size - at);
        if (!size || at + size >= f->size) return 0;
        if (is_text(f->header + at, f->size - at, key)) return at + size;
        at += size;
        size = skip_value(f->header + at, f->size - at);
        if (!size) return 0;
        at += size;
    }
    return 0;
}

static uint64_t number_at(const parts *f, size_t at) {
    uint64_t number;
    uint32_t i;
    value v;
    if (!at || !read_value(f->header + at, f->size - at, &v) || v.kind != 'i') return 0;
    for (number = v.own > 1 ? 0 : v.tag, i = 1; i < v.own; i++) number = number << 8 | f->header[at + i];
    return number;
}

static uint64_t number_of(const parts *f, const char *map, const char *key) {
    size_t at = find_key(f, 0, map);
    return at ? number_at(f, find_key(f, at, key)) : 0;
}

static void set_number(parts *f, const char *map, const char *key, uint64_t x) {
    size_t at = find_key(f, 0, map);
    uint8_t bytes[9];
    value v;
    if (!at || !(at = find_key(f, at, key)) || !read_value(f->header + at, f->size - at, &v)) return;
    if (v.kind == 'i') replace(f, at, v.own, bytes, number_bytes(x, bytes));
}

static int is_word(const parts *f, const char *map, const char *key, const char *word) {
    size_t at = find_key(f, 0, map ? map : key);
    if (at && map) at = find_key(f, at, key);
    return at && is_text(f->header + at, f->size - at, word);
}

/* Ranks of blocks; gives the number of 1s. */
static uint64_t rerank(uint8_t *blocks, size_t length) {
    uint64_t sum = 0;
    size_t i, k;
    for (i = 0; i + 64 <= length; i += 64) {
        store(blocks + i, sum, 4);
        for (k = 4; k < 64; k += 4) sum += ones(load(blocks + i + k, 4));
    }
    return sum;
}

static uint32_t row_class(uint32_t x) {
    uint32_t k = 31 - (uint32_t)__builtin_clz(x | 1);
    return 2 * k + (k ? x >> (k - 1) & 1 : 0);
}

/* The places of the 128th 1s of offsets, and an end at the right place if there is one too few. */
static void resample(parts *f, uint64_t n) {
    section *high = named(f, "row_high"), *samples = named(f, "row_samples");
    uint64_t i, seen = 0;
    if (!high || !samples) return;
    for (i = 0; i < (uint64_t)high->length * 8; i++)
        if (high->data[i / 8] >> i % 8 & 1) {
            if (seen % 128 == 0 && seen / 128 * 4 + 4 <= samples->length) store(samples->data + seen / 128 * 4, i, 4);
            if (seen > n) high->data[i / 8] &= (uint8_t)~(1 << i % 8);
            seen++;
        }
}

static void fit_offsets(parts *f, uint64_t n, uint64_t count, uint64_t low) {
    if (low > 31) return;
    resize(named(f, "row_low"), low ? ((n + 1) * low + 7) / 8 + 8 : 0);
    resize(named(f, "row_high"), ((count >> low) + n) / 8 + 9);
    resize(named(f, "row_samples"), (n / 128 + 1) * 4);
    resample(f, n);
}

static void fit_coded(parts *f, uint64_t n, uint32_t columns) {
    uint64_t levels = number_of(f, "rows", "levels"), groups = number_of(f, "rows", "groups"), runs = number_of(f, "rows", "runs");
    uint64_t tables = number_of(f, "rows", "tables"), symbols = number_of(f, "rows", "symbols"), bits = number_of(f, "rows", "bits");
    uint64_t singles = number_of(f, "rows", "singles"), entries = number_of(f, "rows", "entries"), start = 0, blocks = 0, pointers = 0, i;
    uint64_t order = (uint64_t)columns * (columns <= 256 ? 1 : 2), idf = (number_of(f, "slots", "idf_bits") + 7) / 8;
    section *t = named(f, "row_tables"), *more = named(f, "row_more");
    uint8_t *line;
    if (!t || levels > 4 || groups > 64 || tables > 15 || symbols > 960 || runs > 15) return;
    resize(t, 5 * levels + 12 * groups + order + 9 + 3 * (row_class(columns) + 1) + runs + 16 * tables + symbols);
    if (t->length < 5 * levels + 12 * groups) return;
    if (levels) store(t->data, n, 4);
    for (i = 0; i < levels; i++) {
        uint64_t here = load(t->data + 5 * i, 4), after = i + 1 < levels ? load(t->data + 5 * i + 5, 4) : singles, width = t->data[5 * i + 4];
        if (after > here || here > 4096) return;
        if (more && after && (blocks + (here + 479) / 480) * 64 <= more->length) rerank(more->data + blocks * 64, (here + 479) / 480 * 64);
        if (after) blocks += (here + 479) / 480;
        if (width) pointers += ((here - after) * width + 7) / 8 + 8;
    }
    resize(more, blocks * 64);
    resize(named(f, "row_pointers"), pointers);
    fit_offsets(f, singles, bits, number_of(f, "rows", "low_bits"));
    for (line = t->data + 5 * levels, i = 0; i < groups; i++, line += 12) {
        uint64_t first = load(line, 4), last = i + 1 < groups ? load(line + 12, 4) : entries, size = load(line + 8, 3), kind = line[11];
        uint64_t unit = columns <= 256 ? 2 : 3, fixed = idf + (columns * (kind & 15) + 7) / 8;
        if (!i) store(line, first = 0, 4);
        if (first >= last || last > 4096) return;
        if (kind && size < fixed) store(line + 8, size = fixed, 3);
        if (kind) store(line + 8, size -= (size - fixed) % unit, 3), line[11] = (uint8_t)kind;
        store(line + 4, start, 4);
        start += ((last - first) * size * (kind ? 8 : 1) + 7) / 8;
    }
    resize(named(f, "rows"), start + (bits + 7) / 8 + 8);
}

static void fit_pool(parts *f, uint32_t columns) {
    uint64_t entries = number_of(f, "rows", "entries"), groups = number_of(f, "rows", "groups"), start = 0, i;
    uint64_t unit = columns <= 256 ? 2 : 3, idf = (number_of(f, "slots", "idf_bits") + 7) / 8;
    section *s = named(f, "row_groups");
    if (!s || groups > 256) return;
    resize(s, 16 * groups);
    for (i = 0; i < groups && 16 * i + 16 <= s->length; i++) {
        uint8_t *line = s->data + 16 * i;
        uint64_t first = load(line, 4), last = i + 1 < groups ? load(line + 16, 4) : entries, units = load(line + 4, 4);
        if (!i) store(line, first = 0, 4);
        if (first >= last || last > 4096 || units > columns) return;
        store(line + 8, start, 8);
        start += (last - first) * (idf + units * unit);
    }
    resize(named(f, "rows"), start);
}

static void fit(parts *f) {
    uint64_t n = number_of(f, "index", "n"), classes = number_of(f, "classes", "count"), check = number_of(f, "slots", "check_bits");
    uint64_t idf = number_of(f, "slots", "idf_bits"), sum = 0, number_bits, i, entries = number_of(f, "rows", "entries"), bits = 0, last;
    uint32_t columns = is_word(f, 0, "task", "binary") ? 1 : (uint32_t)classes;
    size_t at = find_key(f, 0, "index"), levels = at ? find_key(f, at, "levels") : 0;
    section *s = named(f, "index");
    value v;
    if (classes > 1024 || !classes || check > 64 || idf > 64) return;
    if (levels && read_value(f->header + levels, f->size - levels, &v) && v.kind == 'a' && v.holds) {
        for (at = levels + v.own, i = v.holds; i--; at += skip_value(f->header + at, f->size - at)) {
            if (at >= f->size || !skip_value(f->header + at, f->size - at)) return;
            sum += number_at(f, at);
        }
        if (sum > 16384) return;
        resize(s, (sum + 479) / 480 * 64);
    }
    if (s && !one_in(4)) {
        last = rerank(s->data, s->length);
        if (!one_in(4)) set_number(f, "index", "n", n = last);
    }
    if (n > 4096) return;
    set_number(f, "rows", "n", n);
    set_number(f, "rows", "columns", columns);
    resize(named(f, "intercept"), 8 * (size_t)columns);
    resize(named(f, "calibration"), 16 * (size_t)columns);
    resize(named(f, "baseline"), 8 * (size_t)columns);
    resize(named(f, "scale"), 4 * (size_t)columns);
    if ((s = named(f, "labels")) && (is_word(f, "classes", "type", "str") || is_word(f, "classes", "type", "object"))) {
        if (s->length < 4 * classes) resize(s, 4 * classes);
        for (i = 0, last = 0; i < classes && s->length >= 4 * classes; i++) { /* ends ascend to the last */
            uint64_t end = load(s->data + 4 * i, 4), most = s->length - 4 * classes;
            if (end < last) end = last;
            if (end > most || i + 1 == classes) end = most;
            store(s->data + 4 * i, last = end, 4);
        }
    }
    if ((s = named(f, "transitions"))) {
        size_t cells = (size_t)classes * classes, size = (cells + 31) / 32 * 4;
        if (s->length < size) resize(s, size);
        for (i = cells; i < size * 8 && i < s->length * 8; i++) s->data[i / 8] &= (uint8_t)~(1 << i % 8);
        for (last = 0, i = 0; i < size && i < s->length; i++) last += ones(s->data[i]);
        resize(s, size + 4 * last);
    }
    number_bits = idf;
    if (is_word(f, "rows", "coder", "dense")) resize(named(f, "rows"), (size_t)n * columns);
    if (is_word(f, "rows", "coder", "plain")) {
        uint64_t count = number_of(f, "rows", "count");
        fit_offsets(f, n, count, number_of(f, "rows", "low_bits"));
        resize(named(f, "rows"), count * (columns <= 256 ? 2 : 3));
    }
    if (is_word(f, "rows", "coder", "pool")) {
        while (bits < 31 && (uint64_t)1 << bits < entries) bits++;
        number_bits = bits;
        fit_pool(f, columns);
    }
    if (is_word(f, "rows", "coder", "coded")) {
        number_bits = 0;
        fit_coded(f, n, columns);
    }
    resize(named(f, "slots"), check + number_bits ? (n * (check + number_bits) + 7) / 8 + 8 : 0);
}

/* A table of coded rows becomes another complete code, of short codes or of long ones. */
static void change_table(parts *f) {
    uint64_t levels = number_of(f, "rows", "levels"), groups = number_of(f, "rows", "groups"), runs = number_of(f, "rows", "runs");
    uint64_t tables = number_of(f, "rows", "tables"), symbols = number_of(f, "rows", "symbols"), classes = number_of(f, "classes", "count");
    uint64_t columns = is_word(f, 0, "task", "binary") ? 1 : classes, which = below(tables);
    section *t = named(f, "row_tables");
    uint32_t counts[16] = {1}, n = 1, wanted = below(4) ? 1 + below(24) : 1, i, old;
    size_t at = 5 * levels + 12 * groups + columns * (columns <= 256 ? 1 : 2) + 9 + 3 * (row_class((uint32_t)columns) + 1) + runs;
    int chain = one_in(2);
    uint8_t fresh[16 + 64];
    if (!t || !tables || tables > 15 || levels > 4 || groups > 64 || columns > 1024) return;
    for (; which--; at += 16 + old)
        for (old = 0, i = 0; i < 16; i++) old += at + 16 <= t->length ? t->data[at + i] : 0;
    if (at + 16 > t->length) return;
    for (old = 0, i = 0; i < 16; i++) old += t->data[at + i];
    if (at + 16 + old > t->length) return;
    while (n < wanted) { /* a code becomes two that are longer by a bit */
        for (i = chain ? 14 : below(15); !counts[i]; i = i ? i - 1 : 14) continue;
        counts[i]--;
        counts[i + 1] += 2;
        n++;
    }
    for (i = 0; i < 16; i++) fresh[i] = (uint8_t)counts[i];
    for (i = 0; i < n; i++) fresh[16 + i] = (uint8_t)(one_in(3) ? below(56) : below(one_in(2) ? 4 : 20));
    if (t->length - old + n > SECTION) return;
    memmove(t->data + at + 16 + n, t->data + at + 16 + old, t->length - at - 16 - old);
    memcpy(t->data + at, fresh, 16 + n);
    t->length += n - (size_t)old;
    set_number(f, "rows", "symbols", symbols + n - old);
}

/* -- What libFuzzer calls ---- */

static void change_request(parts *f) {
    static const char *const pieces[] = {" ", "\x1f", "\x1e", "\x1f\x1e", "w1", "w2 w3", "bias", "w=1", "</s>", "__label__", "\xce\xa3", "\xc4\xb0",
        "\xef\xac\x81", "\xea\xb0\x81", "\xcc\x80", "\xed\xa0\x80", "\xf0\x9f\x91\x8d", "\xe3\x80\x80", "\t\n", "play it", "\xff", "\0"};
    uint8_t *request = f->head + HEAD;
    const char *piece = pieces[below(sizeof pieces / sizeof *pieces)];
    size_t n = *piece ? strlen(piece) : 1, at = below(f->request + 1);
    switch (below(6)) {
        case 0: f->head[2] ^= (uint8_t)(1 << below(8)); return;
        case 1: f->head[3] = (uint8_t)(one_in(2) ? below(8) : any()); return;
        case 2: store(f->head + 4, one_in(2) ? 0 : any(), 4); return;
        case 3:
            if (f->request + n > REQUEST) return;
            memmove(request + at + n, request + at, f->request - at);
            memcpy(request + at, piece, n);
            f->request += n;
            return;
        default: f->request = LLVMFuzzerMutate(request, f->request, f->request + 32 < REQUEST ? f->request + 32 : REQUEST);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned int seed) {
    static parts f;
    uint32_t times;
    size_t made;
    state = (uint64_t)seed << 1 | 1;
    if (one_in(50) || !take_apart(&f, data, size)) return LLVMFuzzerMutate(data, size, most);
    for (times = 1 + (one_in(3) ? below(4) : 0); times--;) switch (below(10)) {
            case 0:
            case 1: change_request(&f); break;
            case 2:
            case 3:
            case 4: change_header(&f); break;
            case 5: change_table(&f); break;
            default: change_section(&f);
        }
    if (!one_in(3)) fit(&f);
    made = put_together(&f, data, most);
    return made ? made : LLVMFuzzerMutate(data, size, most);
}

/* A section, the request, or a value of the header of one input in another. */
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t most,
                                 unsigned int seed) {
    static parts f, g;
    static const char *const keys[] = {"namespaces", "steps", "rows", "template", "classes", "task", "link", "requires", "slots", "index"};
    uint32_t i, times = 1 + below(3);
    state = (uint64_t)seed << 1 | 1;
    if (!take_apart(&f, a, a_size) || !take_apart(&g, b, b_size)) return 0;
    while (times--) switch (below(4)) {
            case 0:
                memcpy(f.head, g.head, sizeof f.head);
                f.request = g.request;
                break;
            case 1: {
                const char *key = keys[below(10)];
                size_t to = find_key(&f, 0, key), from = find_key(&g, 0, key);
                if (to && from) replace(&f, to, skip_value(f.header + to, f.size - to), g.header + from, skip_value(g.header + from, g.size - from));
                break;
            }
            default:
                for (i = 0; i < f.count && g.count; i++) {
                    section *s = &f.sections[i], *other = &g.sections[below(g.count)];
                    if (s->name_length != other->name_length || memcmp(s->name, other->name, s->name_length)) continue;
                    memcpy(s->data, other->data, other->length);
                    s->length = other->length;
                    break;
                }
        }
    if (!one_in(3)) fit(&f);
    return put_together(&f, out, most);
}
