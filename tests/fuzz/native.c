/* native.c: the C core under libFuzzer: one input is a request and a file. The file is opened, verified, looked into and asked
 * twice; MUST says what has to hold of every answer, whatever the bytes. README.md says how to run it.
 *
 * An input (seeds.py writes them, mutate.c changes them): eight bytes, the request's bytes filled up to a multiple of eight,
 * the file. The eight: u16 length of the request; flags; what scratch memory there is; u32 of choices. The file is the end of
 * the input and the bytes before it are poisoned, so that AddressSanitizer sees what is read outside of it.
 */
#ifdef FUZZ_WIDE /* as the Python extension is built; else as a device builds it */
#define NLUC_MAX_NAMESPACES 256
#define NLUC_MAX_STEPS 1024
#define NLUC_STAGE 128
#endif
#include "avx2.h"
#include "nluc.h"
#include "template.h"
#include "crf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif
#endif
#ifndef ASAN_POISON_MEMORY_REGION
#define ASAN_POISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(at, size) ((void)(at), (void)(size))
#endif

enum { NO_VERIFY = 1, ONE_BY_ONE = 2, RUNS = 4, MARGINALS = 8, HASHES = 16, AVX2 = 32, TWICE = 64, SPANS = 128 };
enum { HEAD = 8, REQUEST = 192, NAMES = 64, COLUMNS = 1 << 13, TAGS = 160, ITEMS = 6, ROOM = 1 << 17, ZONE = 256 };

#define MUST(condition) \
    if (!(condition)) fail(#condition, __LINE__)
static void fail(const char *condition, int line) {
    fprintf(stderr, "native.c:%d: does not hold: %s\n", line, condition);
    abort();
}

/* Memory of a size chosen by the input: what lies behind it is poisoned. */
typedef struct {
    uint8_t *at;
    size_t size;
} memory;

static uint8_t arena[2][ROOM + ZONE] __attribute__((aligned(64)));
static memory take(int which, size_t size, int fill) {
    memory m = {arena[which], size < ROOM ? size : ROOM};
    ASAN_UNPOISON_MEMORY_REGION(arena[which], ROOM + ZONE);
    memset(m.at, fill, m.size);
    ASAN_POISON_MEMORY_REGION(m.at + m.size, ZONE);
    return m;
}

/* What was asked: the request, its names (cut at 1F and 1E), the first name of each item (cut at 1E), and what the head says. */
typedef struct {
    uint8_t bytes[REQUEST];
    size_t length, n_names, n_items;
    nluc_bytes names[NAMES];
    uint32_t lengths[NAMES];
    uint8_t flags;
    size_t scratch;
    uint32_t choices;
} request;

static void read_request(request *r, const uint8_t *data, size_t length) {
    static const size_t sizes[8] = {16384, 1024, 1536, 2048, 4096, 8192, 65536, 256};
    size_t i, start = 0;
    memset(r, 0, sizeof *r);
    memcpy(r->bytes, data + HEAD, length);
    r->length = length;
    r->flags = data[2];
    r->scratch = sizes[data[3] & 7] + (data[3] >> 3);
    r->choices = nluc_u32(data + 4);
    for (i = 0; i <= length && r->n_names < NAMES && r->n_items < ITEMS; i++) {
        if (i < length && r->bytes[i] != 0x1E && r->bytes[i] != 0x1F) continue;
        r->names[r->n_names].data = r->bytes + start;
        r->names[r->n_names++].length = i - start;
        r->lengths[r->n_items]++;
        if (i == length || r->bytes[i] == 0x1E) r->n_items++;
        start = i + 1;
    }
}

static double value_of(const request *r, size_t i) {
    static const double values[8] = {1, 0.5, -2, 3, 0, 1e300, 1e-310, 1e308 * 10};
    return values[r->choices >> 3 * (i % 10) & 7];
}

static double size_of(double x) { return x < 0 ? -x : x; }

static double largest(nluc_bytes numbers, uint32_t width) {
    double most = 0;
    size_t i;
    for (i = 0; i < numbers.length; i += width) {
        double x = size_of(width == 4 ? (double)nluc_f32(numbers.data + i) : nluc_f64(numbers.data + i));
        if (x > most) most = x;
    }
    return most;
}

/* Whether no product of a few of the file's numbers comes near what a double holds: then every answer is finite. */
static int is_moderate(const nluc_model *m) {
    uint32_t i;
    for (i = 0; i < m->n_namespaces; i++)
        if (m->namespaces[i].unseen > 1e6) return 0;
    for (i = 0; i < m->n_steps; i++)
        if (size_of(m->steps[i].value) > 1e6) return 0;
    return m->n_steps <= 32 && largest(m->codebook, 4) < 1e6 && largest(m->idf, 4) < 1e6 && largest(m->scale, 4) < 1e6 &&
           largest(m->baseline, 8) < 1e6 && largest(m->intercept, 8) < 1e6 && largest(m->calibration, 8) < 1e6;
}

static int is_inside(nluc_bytes whole, const uint8_t *at, size_t length) {
    return at >= whole.data && length <= whole.length && (size_t)(at - whole.data) <= whole.length - length;
}

/* -- Look-ups ---- */

static void check_slot(const nluc_model *m, uint32_t slot, int full) {
    static uint16_t columns[2 * COLUMNS];
    static uint8_t codes[2 * COLUMNS];
    uint32_t i, count;
    nluc_row row = nluc_row_of(m, slot);
    MUST(is_inside(m->rows, row.at, 0));
    MUST(row.count <= m->n_columns || m->coder == NLUC_CODED || m->coder == NLUC_POOL);
    count = nluc_read_row(m, row, columns, codes);
    MUST(count <= 2 * m->n_columns);
    for (i = 0; i < count && full; i++) {
        MUST(columns[i] < m->n_columns);
        MUST(codes[i] < m->n_codes);
    }
    for (i = 0; i < count && m->coder == NLUC_CODED; i++) MUST(columns[i] < m->n_columns);
}

static void check_look_ups(const nluc_model *m, const request *r, int full) {
    uint32_t space, slot;
    size_t i;
    for (space = 0; space <= m->n_namespaces && space < 3; space++)
        for (i = 0; i < r->n_names && i < 8; i++) {
            slot = nluc_find(m, space, r->names[i].data, r->names[i].length);
            MUST(slot == NLUC_ABSENT || (slot < m->n && space < m->n_namespaces));
            MUST(slot == nluc_find(m, space, r->names[i].data, r->names[i].length));
            if (slot != NLUC_ABSENT) check_slot(m, slot, full);
        }
    for (slot = 0; m->n && slot < 4; slot++) check_slot(m, slot & 1 ? m->n - 1 - slot % m->n : (r->choices + slot) % m->n, full);
}

static void check_labels(const nluc_model *m) {
    uint32_t i;
    size_t length;
    for (i = 0; i < m->n_classes; i++) {
        const uint8_t *label = nluc_label_bytes(m, i, &length);
        MUST(label && is_inside(m->labels, label, length));
    }
    MUST(!nluc_label_bytes(m, m->n_classes, &length) && !length);
    MUST(!nluc_section(m, "no such section").data);
    MUST(nluc_section(m, "labels").data == m->labels.data);
}

/* -- Samples ---- */

/* Tokens of a pattern that is not built in, as a program with a matcher of its own adds them. */
static void add_spans(nluc_sample *s, const request *r, uint32_t space) {
    static uint8_t text[REQUEST * NLUC_GROWTH], room[REQUEST * NLUC_GROWTH];
    static nluc_span spans[NLUC_TOKENS_MOST(sizeof text)];
    const nluc_namespace *ns = &s->model->namespaces[space];
    size_t size = nluc_normalize(r->bytes, r->length, ns->lowercase, ns->accents, text, sizeof text), count;
    MUST(size <= sizeof text);
    count = nluc_tokenize(text, size, (int)(r->choices % 3), spans, sizeof spans / sizeof *spans);
    MUST(count <= NLUC_TOKENS_MOST(size));
    nluc_add_tokens(s, space, text, spans, count, room, size);
}

static nluc_status answer(const nluc_model *m, const request *r, memory scratch, nluc_sample *s, double *scores) {
    uint32_t space;
    size_t i;
    nluc_begin(s, m, scratch.at, scratch.size);
    if (!(r->flags & ONE_BY_ONE)) nluc_add_text_everywhere(s, r->bytes, r->length);
    for (space = 0; r->flags & ONE_BY_ONE && space < m->n_namespaces; space++) {
        const nluc_namespace *ns = &m->namespaces[space];
        if (ns->analyzer >= NLUC_FEATURES)
            for (i = 0; i < r->n_names; i++) nluc_add_feature(s, space, r->names[i].data, r->names[i].length, value_of(r, i));
        else if (ns->analyzer == NLUC_WORD && (ns->pattern == NLUC_PATTERN_OTHER || r->flags & SPANS))
            add_spans(s, r, space);
        else
            nluc_add_text(s, space, r->bytes, r->length);
    }
    return nluc_finish(s, scores);
}

/* The scores anew, weight by weight, of a file that was verified. */
static void check_scores(const nluc_model *m, const nluc_sample *s, const double *scores) {
    static uint16_t columns[2 * COLUMNS];
    static uint8_t codes[2 * COLUMNS];
    static double sums[COLUMNS];
    double total = 0, size = 0, most = largest(m->codebook, 4);
    uint32_t i, k;
    for (i = 0; i < m->n_columns; i++) sums[i] = 0;
    for (i = 0; i < s->count; i++) {
        const nluc_feature *f = &s->features[i];
        uint32_t count;
        if (!f->found) continue;
        total += f->value;
        size += size_of(f->value);
        count = nluc_read_row(m, f->is.row, columns, codes);
        for (k = 0; k < count; k++) sums[columns[k]] += f->value * (double)nluc_f32(m->codebook.data + 4 * (size_t)codes[k]);
    }
    for (i = 0; i < m->n_columns; i++) {
        double scale = m->scale.data ? (double)nluc_f32(m->scale.data + 4 * (size_t)i) : 1;
        double base = m->baseline.data ? nluc_f64(m->baseline.data + 8 * (size_t)i) : 0;
        double bias = nluc_f64(m->intercept.data + 8 * (size_t)i), least = (most + 256 * size_of(m->step)) * size * size_of(scale);
        double wrong = scores[i] - (sums[i] * scale + total * base + bias);
        MUST(size_of(wrong) <= 1e-9 * (1e-6 + least + size * size_of(base) + size_of(bias)));
    }
}

static void check_answers(const nluc_model *m, const double *scores, int finite) {
    static double shares[COLUMNS + 2];
    uint32_t best = nluc_decide(m, scores), top[5], count = nluc_top(m, scores, 5, top), i, k;
    double sum = 0;
    int given;
    MUST(best < m->n_classes);
    MUST(count == (m->n_classes < 5 ? m->n_classes : 5) || !finite);
    MUST(count <= 5);
    MUST(!finite || top[0] == best);
    for (i = 0; i < count; i++) {
        MUST(top[i] < m->n_classes);
        for (k = 0; k < i; k++) MUST(top[k] != top[i]);
    }
    given = nluc_probabilities(m, scores, shares);
    MUST(given == (m->link != NLUC_IDENTITY));
    for (i = 0; given && finite && i < m->n_classes; i++) {
        MUST(shares[i] >= 0 && shares[i] <= 1);
        sum += shares[i];
    }
    MUST(!given || !finite || m->task == NLUC_MULTILABEL || size_of(sum - 1) < 1e-9);
}

static void check_sample(const nluc_model *m, const request *r, int full) {
    static double scores[2][COLUMNS];
    static nluc_sample s;
    uint32_t i, finite = full && is_moderate(m) && (!(r->flags & ONE_BY_ONE) || !r->choices);
    nluc_status status = answer(m, r, take(0, r->scratch, 0), &s, scores[0]);
    MUST(status == NLUC_OK || (status >= NLUC_E_ROOM && status < NLUC_STATUS_COUNT));
    if (status) return;
    for (i = 0; i < m->n_columns && finite; i++) MUST(scores[0][i] - scores[0][i] == 0);
    if (finite) check_scores(m, &s, scores[0]);
    check_answers(m, scores[0], (int)finite);
    if (!(r->flags & TWICE)) return;
    MUST(answer(m, r, take(0, r->scratch, 0xA5), &s, scores[1]) == NLUC_OK);
    MUST(!memcmp(scores[0], scores[1], m->n_columns * sizeof(double)));
}

/* -- Sequences ---- */

static double path(const double *states, const double *transitions, const uint32_t *labels, size_t items, uint32_t k) {
    double sum = 0;
    size_t t;
    for (t = 0; t < items; t++) sum += states[t * k + labels[t]] + (t ? transitions[labels[t - 1] * k + labels[t]] : 0);
    return sum;
}

static void check_sequence(const nluc_model *m, const request *r, const double *states, size_t items) {
    static double transitions[TAGS * TAGS], exponentials[TAGS * TAGS], before[ITEMS * TAGS], marginals[ITEMS * TAGS], room[3 * TAGS];
    uint32_t labels[ITEMS], other[ITEMS], k = m->n_columns, seed = r->choices * 2 + 1, i;
    double best, most, total, size = 1;
    size_t t, n;
    nluc_crf_transitions(m, transitions);
    for (n = 0; n < (size_t)k * k; n++) MUST(transitions[n] - transitions[n] == 0);
    nluc_crf_viterbi(states, transitions, items, k, before, labels);
    for (t = 0; t < items; t++) MUST(labels[t] < k);
    for (t = 0; t < items * k; t++) size += size_of(states[t]);
    for (n = 0; n < (size_t)k * k; n++)
        if (size_of(transitions[n]) > size) size = size_of(transitions[n]);
    if (size > 1e9) return;
    best = path(states, transitions, labels, items, k);
    for (n = 0; n < 16; n++) {
        for (t = 0; t < items; t++) other[t] = n < 8 ? labels[t] : 0;
        for (t = n % 8; t < items; t += n < 8 ? items : 1) other[t] = (seed = seed * 1664525u + 1013904223u) >> 8, other[t] %= k;
        MUST(best >= path(states, transitions, other, items, k) - 1e-9 * size);
    }
    if (!(r->flags & MARGINALS) || k > 40) return;
    most = nluc_crf_exponentials(transitions, k, exponentials);
    total = nluc_crf_marginals(states, transitions, exponentials, most, items, k, before, room, marginals);
    MUST(!items || total >= best - 1e-9 * size);
    for (t = 0; t < items; t++) {
        double sum = 0;
        for (i = 0; i < k; i++) {
            MUST(marginals[t * k + i] >= 0 && marginals[t * k + i] <= 1 + 1e-6);
            sum += marginals[t * k + i];
        }
        MUST(size_of(sum - 1) < 1e-5);
    }
}

static void check_tagging(const nluc_model *m, const request *r) {
    static uint64_t hashes[NAMES][2];
    static double values[NAMES], states[2][ITEMS * TAGS];
    size_t i, done;
    for (i = 0; i < r->n_names; i++) {
        nluc_crf_hash(m, r->names[i].data, r->names[i].length, hashes[i]);
        values[i] = value_of(r, i);
    }
    done = nluc_crf_states(m, hashes, r->choices ? values : 0, r->lengths, r->n_items, states[0]);
    MUST(done <= r->n_items);
    if (done < r->n_items) return;
    check_sequence(m, r, states[0], r->n_items);
    nluc_crf_states(m, hashes, r->choices ? values : 0, r->lengths, r->n_items, states[1]);
    MUST(!memcmp(states[0], states[1], r->n_items * m->n_columns * sizeof(double)));
}

static void check_template(const nluc_model *m, const request *r) {
    static double states[2][ITEMS * TAGS];
    nluc_template t;
    nluc_status status = nluc_template_of(&t, m, 0, 0);
    size_t need = t.length, items, n;
    if (status && status != NLUC_E_ROOM) {
        MUST(status == NLUC_E_INPUT || (status >= NLUC_E_T1 && status <= NLUC_E_T5));
        return;
    }
    MUST((status == NLUC_OK) == (need == 0));
    MUST(need <= 16 * m->header.length);
    if (need > 1) MUST(nluc_template_of(&t, m, take(1, need - 1, 0).at, need - 1) == NLUC_E_ROOM && t.length == need);
    MUST(nluc_template_of(&t, m, take(1, need, 0xFF).at, need) == NLUC_OK && t.length == need);
    MUST(t.n_columns >= 1 && t.n_columns <= NLUC_TEMPLATE_COLUMNS && t.n_features <= NLUC_TEMPLATE_FEATURES);
    items = r->n_names / t.n_columns < ITEMS ? r->n_names / t.n_columns : ITEMS;
    for (n = 0; n < 2; n++) {
        memory scratch = take(0, n && r->flags & TWICE ? ROOM : r->scratch, n ? 0xA5 : 0);
        status = nluc_crf_token_states(m, &t, r->names, items, scratch.at, scratch.size, states[n]);
        MUST(status == NLUC_OK || status == NLUC_E_ROOM || status == NLUC_E_VALUE);
        if (status) return;
    }
    MUST(!memcmp(states[0], states[1], items * m->n_columns * sizeof(double)));
    check_sequence(m, r, states[0], items);
}

/* -- A file ---- */

static void check_file(const uint8_t *file, size_t length, const request *r) {
    static nluc_model m, again;
    static uint64_t tables[NLUC_MOST_TABLES << NLUC_RUN_BITS];
    static uint8_t copy[1 << 16];
    nluc_status status;
    int full;
    status = nluc_open(&m, file, length);
    MUST(status < NLUC_E_ROOM && strcmp(nluc_status_name(status), "unknown"));
    if (r->flags & TWICE) {
        memset(&again, 0x5A, sizeof again);
        MUST(nluc_open(&again, file, length) == status);
        MUST(status || !memcmp(&m, &again, sizeof m));
    }
    if (status) return;
    MUST(m.n_columns <= length / 8 && m.n_classes <= length && m.n <= 8 * length);
    if (m.n_columns > COLUMNS || length > sizeof copy) return;
    memcpy(copy, file, length);
    MUST(nluc_runs_size(&m) <= sizeof tables);
    if (r->flags & RUNS) nluc_make_runs(&m, tables);
    has_avx2 = (r->flags & AVX2) && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    status = r->flags & NO_VERIFY ? NLUC_E_LIMIT : nluc_verify(&m);
    MUST(status < NLUC_E_ROOM);
    full = status == NLUC_OK;
    check_labels(&m);
    check_look_ups(&m, r, full);
    if (m.task != NLUC_TAGGING)
        check_sample(&m, r, full);
    else if (m.n_columns <= TAGS) {
        if (r->flags & HASHES) check_tagging(&m, r);
        check_template(&m, r);
    }
    MUST(!memcmp(copy, file, length));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static request r;
    size_t length, start;
    if (size < HEAD) return 0;
    length = nluc_u16(data);
    start = HEAD + (length + 7) / 8 * 8;
    if (length > REQUEST || start > size) return 0;
    read_request(&r, data, length);
    ASAN_POISON_MEMORY_REGION(data, start);
    check_file(data + start, size - start, &r);
    ASAN_UNPOISON_MEMORY_REGION(data, start);
    return 0;
}
