/* What test_native_text.py calls: the text part of the native header, whole ranges of code points at a time.
 *
 * Compiled with -DNLUC_HEADER='"…"'. As a program (-DPROGRAM) it feeds random pieces of texts, well-formed or not, to every
 * function, in buffers of exactly the promised sizes, for the sanitizers to watch: seed and number of rounds as arguments.
 */
#include NLUC_HEADER

#define API __attribute__((visibility("default")))

/* Prototypes, because strict compilers ask for them. */
API void properties(uint32_t first, uint32_t count, uint8_t *out);
API size_t lines(uint32_t first, uint32_t count, const uint8_t *before, size_t n_before, const uint8_t *after, size_t n_after,
                 int lowercase, int accents, uint8_t *out, size_t room);
API size_t decode(const uint8_t *text, size_t length, uint32_t *out);
API size_t decode_backwards(const uint8_t *text, size_t length, uint32_t *out);
API size_t normalized(const uint8_t *text, size_t length, int lowercase, int accents, uint8_t *out, size_t room);
API size_t tokens(const uint8_t *text, size_t length, int pattern, nluc_span *spans, size_t room);
API int ngrams(int analyzer, const uint8_t *text, size_t length, const nluc_span *spans, size_t n_spans, size_t low,
               size_t high, uint8_t *buffer, size_t room, void *context);
API int time_all(const uint8_t *text, size_t length, uint8_t *buffer, size_t room, nluc_span *spans, size_t n_spans,
                 uint32_t rounds, uint64_t *sum);
API uint32_t growth(int accents);

/* A bit a property, a byte a code point. */
void properties(uint32_t first, uint32_t count, uint8_t *out) {
    uint32_t c;
    for (c = first; c < first + count; c++) *out++ = (uint8_t)(nluc_is_word(c) | nluc_is_space(c) << 1);
}

/* The normalised texts before + c + after, one a line. */
size_t lines(uint32_t first, uint32_t count, const uint8_t *before, size_t n_before, const uint8_t *after, size_t n_after,
             int lowercase, int accents, uint8_t *out, size_t room) {
    uint8_t text[64];
    uint32_t c;
    size_t i, n, size = 0;
    for (c = first; c < first + count; c++) {
        for (n = 0; n < n_before; n++) text[n] = before[n];
        n += nluc_utf8_put(c, text + n);
        for (i = 0; i < n_after; i++) text[n++] = after[i];
        size += nluc_normalize(text, n, lowercase, accents, out + size, room - size);
        if (size >= room) return SIZE_MAX;
        out[size++] = '\n';
    }
    return size;
}

/* The code points of a text, from its front; and from its back. */
size_t decode(const uint8_t *text, size_t length, uint32_t *out) {
    size_t at = 0, n = 0;
    while (at < length) out[n++] = nluc_utf8_next(text, length, &at);
    return n;
}

size_t decode_backwards(const uint8_t *text, size_t length, uint32_t *out) {
    size_t at = length, n = 0;
    while (at > 0) out[n++] = nluc_utf8_before(text, &at);
    return n;
}

size_t normalized(const uint8_t *text, size_t length, int lowercase, int accents, uint8_t *out, size_t room) {
    return nluc_normalize(text, length, lowercase, accents, out, room);
}

size_t tokens(const uint8_t *text, size_t length, int pattern, nluc_span *spans, size_t room) {
    return nluc_tokenize(text, length, pattern, spans, room);
}

/* n-grams as they come: four bytes of length, then the n-gram. size goes on beyond room. */
typedef struct {
    uint8_t *out;
    size_t room, size;
} list;

static void append(void *context, const uint8_t *ngram, size_t length) {
    list *l = (list *)context;
    size_t i;
    if (l->size + 4 + length <= l->room) {
        for (i = 0; i < 4; i++) l->out[l->size + i] = (uint8_t)(length >> 8 * i);
        for (i = 0; i < length; i++) l->out[l->size + 4 + i] = ngram[i];
    }
    l->size += 4 + length;
}

int ngrams(int analyzer, const uint8_t *text, size_t length, const nluc_span *spans, size_t n_spans, size_t low, size_t high,
           uint8_t *buffer, size_t room, void *context) {
    if (analyzer == 0) return nluc_word_ngrams(text, spans, n_spans, low, high, buffer, room, append, context);
    if (analyzer == 1) return nluc_char_ngrams(text, length, low, high, buffer, room, append, context);
    return nluc_char_wb_ngrams(text, length, low, high, buffer, room, append, context);
}

uint32_t growth(int accents) { return accents ? NLUC_GROWTH : NLUC_GROWTH_LOWER; }

/* For a stop-watch: everything that is done to a sentence, with an emit that does next to nothing. */
static void add(void *context, const uint8_t *ngram, size_t length) { *(uint64_t *)context += length + ngram[0]; }

int time_all(const uint8_t *text, size_t length, uint8_t *buffer, size_t room, nluc_span *spans, size_t n_spans,
             uint32_t rounds, uint64_t *sum) {
    int status = 0;
    while (rounds--) {
        size_t n = nluc_normalize(text, length, 1, NLUC_ACCENTS_KEEP, buffer, room), found;
        if (n > room) return 1;
        found = nluc_tokenize(buffer, n, NLUC_TOKENS_LONG, spans, n_spans);
        if (found > n_spans) return 1;
        status |= nluc_word_ngrams(buffer, spans, found, 1, 2, buffer + n, room - n, add, sum);
        status |= nluc_char_wb_ngrams(buffer, n, 2, 5, buffer + n, room - n, add, sum);
    }
    return status;
}

#ifdef PROGRAM
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint32_t draw(uint32_t below) {
    state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((state >> 33) % below);
}

/* Some bytes: ASCII, any code point, a beginning of one, a byte that stands for itself alone, or a special character. */
static size_t piece(uint8_t *out) {
    static const char *const special[] = {"\xCE\xA3", "\xC4\xB0", "\xEF\xB7\xBA", "\xCC\x81", " ", "\t", "\xC2\x85", "\xE3\x80\x80",
                                          "'", "\xEA\xB0\x81", "\xED\xA0\x80", "\xF0\x9D\x85\x9E", "\xC2\xAD", "ABCDEFGHIJ"};
    static const uint32_t limits[] = {0x80, 0x250, 0x3000, 0x10000, 0x110000};
    const char *s = special[draw(sizeof special / sizeof *special)];
    size_t n;
    switch (draw(5)) {
        case 0: out[0] = (uint8_t)draw(256); return 1;
        case 1: return nluc_utf8_put(draw(limits[draw(5)]), out);
        case 2: n = nluc_utf8_put(draw(limits[draw(5)]), out); return n > 1 ? n - 1 : n;
        case 3: out[0] = (uint8_t)('A' + draw(58)); return 1;
        default: memcpy(out, s, strlen(s)); return strlen(s);
    }
}

static void *room_for(size_t size) {
    void *p = malloc(size ? size : 1);
    if (!p) exit(3);
    return p;
}

/* One text in a block of its own size, so that a byte read beyond it is seen. */
static void one(const uint8_t *bytes, size_t length, uint64_t *sum) {
    uint8_t *text = room_for(length);
    int lowercase = (int)draw(2), pattern = (int)draw(3), status;
    size_t low = 1 + draw(6), high = low + draw(5), most, n, found, room;
#ifdef NLUC_NO_ACCENTS
    int accents = 0;
#else
    int accents = (int)draw(3);
#endif
    memcpy(text, bytes, length);
    most = length * (accents ? NLUC_GROWTH : NLUC_GROWTH_LOWER);
    {
        uint8_t *normal = room_for(most), *buffer;
        nluc_span *spans;
        n = nluc_normalize(text, length, lowercase, accents, normal, most);
        if (n > most) exit(4);
        room = draw((uint32_t)n + 1); /* a buffer that may be too small must be as unharmed */
        buffer = room_for(room);
        if (nluc_normalize(text, length, lowercase, accents, buffer, room) != n) exit(5);
        if (room == n && memcmp(buffer, normal, n)) exit(6);
        free(buffer);
        if (draw(4) == 0 && length <= most) { /* n-grams of a text that is not normalised: no sense, but no harm */
            memcpy(normal, bytes, length);
            n = length;
        }
        buffer = room_for(n);
        memcpy(buffer, normal, n);
        free(normal);
        normal = buffer;
        spans = room_for(NLUC_TOKENS_MOST(n) * sizeof *spans);
        found = nluc_tokenize(normal, n, pattern, spans, NLUC_TOKENS_MOST(n));
        if (found > NLUC_TOKENS_MOST(n)) exit(7);
        for (room = 0; room <= n + 2; room += room + 3 < n ? 1 + draw((uint32_t)n / 2 + 1) : 1) {
            buffer = room_for(room);
            status = nluc_word_ngrams(normal, spans, found, low, high, buffer, room, add, sum);
            if (status && room >= n) exit(8);
            status = nluc_char_ngrams(normal, n, low, high, buffer, room, add, sum);
            if (status != (room < n)) exit(9);
            status = nluc_char_wb_ngrams(normal, n, low, high, buffer, room, add, sum);
            if (status != (room < n + 2)) exit(10);
            free(buffer);
        }
        free(spans);
        spans = room_for(found / 2 * sizeof *spans);
        if (nluc_tokenize(normal, n, pattern, spans, found / 2) != found) exit(11);
        free(spans);
        free(normal);
    }
    free(text);
}

int main(int count, char **arguments) {
    uint64_t sum = 0;
    long rounds;
    if (count != 3) return 2;
    state = strtoull(arguments[1], NULL, 10);
    for (rounds = strtol(arguments[2], NULL, 10); rounds > 0; rounds--) {
        uint8_t bytes[512];
        size_t length = 0, most = draw(draw(8) ? 40 : 480);
        while (length < most) length += piece(bytes + length);
        one(bytes, length, &sum);
    }
    printf("%llu\n", (unsigned long long)sum);
    return 0;
}
#endif
