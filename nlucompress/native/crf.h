/* crf.h: linear-chain CRFs over the index and rows of nluc.h, as freestanding as it. Include it after nluc.h.
 *
 * A .nluc file of the task "tagging" (FORMAT.md, M6) labels sequences. A sequence of T items goes through three tables of
 * doubles that the caller holds, K = model.n_columns:
 *
 *     uint64_t hashes[n][2];                                    of the attributes of all items: nluc_crf_hash
 *     nluc_crf_states(&model, hashes, values, lengths, T, states)   states: T * K
 *     nluc_crf_transitions(&model, transitions)                     K * K, once a model
 *     nluc_crf_viterbi(states, transitions, T, K, best, labels)     best: T * K, labels: T numbers of classes
 *
 * Of a file with a template (section 10) plain tokens take the place of hashes, if template.h is included before:
 *
 *     nluc_template_of(&t, &model, room, size)                  once a model; t.length says how many bytes of room it needs
 *     nluc_crf_token_states(&model, &t, tokens, T, scratch, scratch_size, states)
 *
 * Sums are in the order of the attributes and ties go to the first label, as in CRFsuite (Naoaki Okazaki: CRFsuite, 2007), so
 * the labels are CRFsuite's wherever the weights are. What a call costs: an attribute is a look-up and a row, the best labels
 * T * K^2 additions. Probabilities work on logarithms throughout: no score is too large for them.
 */
#ifndef NLUC_CRF_H
#define NLUC_CRF_H

/* One row of a table of K * K, added to one number, into K maxima: the one function worth another version for wide vectors. */
#ifndef NLUC_CRF_BEST
#define NLUC_CRF_BEST nluc_crf_best
#endif

/* The hash of an attribute. */
NLUC_API void nluc_crf_hash(const nluc_model *m, const uint8_t *name, size_t length, uint64_t hash[2]) {
    nluc_hash128(name, length, m->namespaces[0].seed, hash);
}

/* The transitions as doubles: K * K, the row is the label before. */
NLUC_API void nluc_crf_transitions(const nluc_model *m, double *out) {
    size_t i, cells = (size_t)m->n_columns * m->n_columns;
    const uint8_t *bits = m->transitions.data, *value = bits + (cells + 31) / 32 * 4;
    for (i = 0; i < cells; i++) {
        int there = bits[i / 8] >> i % 8 & 1;
        out[i] = there ? (double)nluc_f32(value) : 0;
        value += 4 * there;
    }
}

/* sums[column] += value * weight of one entry; rule R3: what is out of range counts nothing. book has 256 weights. */
NLUC_INLINE void nluc_crf_add(const nluc_model *m, uint32_t column, uint32_t code, double value, const double *book, double *sums) {
    if (column >= m->n_columns) return;
    sums[column] += value * (m->scale.data ? book[code] * (double)nluc_f32(m->scale.data + 4 * (size_t)column) : book[code]);
}

/* The class of a column of a row: coded rows have an order of their own. */
NLUC_INLINE uint32_t nluc_crf_class(const nluc_model *m, uint32_t column) {
    if (m->coder != NLUC_CODED || column >= m->n_columns) return column;
    return m->n_columns <= 256 ? m->coded.order[column] : nluc_u16(m->coded.order + 2 * (size_t)column);
}

/* sums += value * run: several columns at a time if there are tables for that, and no more classes than the room here. */
NLUC_API void nluc_crf_add_run(const nluc_model *m, const nluc_row *row, double value, const double *book, double *sums) {
    uint8_t codes[256 + NLUC_RUN_ROOM];
    nluc_run run = nluc_run_of(m, row, codes);
    uint64_t bit = run.bit;
    uint32_t i, code;
    int several = run.several && m->n_columns <= 256;
    if (several) nluc_read_run(m, run);
    for (i = 0; i < m->n_columns; i++) {
        code = several ? codes[i] : nluc_run_code(m, row->kind, bit);
        bit += code >> 16;
        nluc_crf_add(m, nluc_crf_class(m, i), code & 255, value, book, sums);
    }
}

/* sums += value * row, a product for each entry: the order of additions is that of the rows, so sums are CRFsuite's. */
NLUC_API void nluc_crf_add_row(const nluc_model *m, const nluc_row *row, double value, const double *book, double *sums) {
    uint32_t i, number, bits = row->kind & 15u, unit = m->n_columns <= 256 ? 2 : 3;
    const uint8_t *p = row->at;
    if (row->form == NLUC_RUN) {
        nluc_crf_add_run(m, row, value, book, sums);
        return;
    }
    if (row->form == NLUC_SYMBOLS) {
        nluc_weights w;
        for (w = nluc_weights_of(m, row); w.left;) {
            uint32_t column = nluc_next(m, &w, &number);
            nluc_crf_add(m, nluc_crf_class(m, column), nluc_weight_code(m, number) & 255, value, book, sums);
        }
        return;
    }
    if (row->form != NLUC_ALL_CODES)
        for (i = 0; i < row->count; i++, p += unit)
            nluc_crf_add(m, nluc_crf_class(m, unit == 2 ? p[0] : nluc_u16(p)), p[unit - 1], value, book, sums);
    if (row->form == NLUC_ALL_CODES)
        for (i = 0; i < m->n_columns; i++) nluc_crf_add(m, nluc_crf_class(m, i), p[i], value, book, sums);
    if (row->form == NLUC_FIELDS)
        for (i = 0; i < m->n_columns; i++) {
            uint32_t field = (uint32_t)p[i * bits / 8] >> i * bits % 8 & ((1u << bits) - 1);
            nluc_crf_add(m, nluc_crf_class(m, i), nluc_field_code(m, row->kind, field), value, book, sums);
        }
}

/* The state scores of a sequence: T * K. hashes: those of the attributes, item after item; values: theirs, or null if each
 * is 1; lengths: how many attributes each item has. Gives T, or the item at which a sum is not a finite number. */
NLUC_API size_t nluc_crf_states(const nluc_model *m, uint64_t (*hashes)[2], const double *values, const uint32_t *lengths,
                                size_t items, double *states) {
    double book[256];
    size_t i, first, total = 0, item = 0, left, cells = items * m->n_columns;
    for (i = 0; i < 256; i++) book[i] = i < m->n_codes ? (double)nluc_f32(m->codebook.data + 4 * i) : 0;
    for (i = 0; i < cells; i++) states[i] = 0;
    for (i = 0; i < items; i++) total += lengths[i];
    left = items ? lengths[0] : 0;
    for (first = 0; first < total;) {
        nluc_feature stage[NLUC_STAGE];
        uint32_t idf[NLUC_STAGE], count = total - first < NLUC_STAGE ? (uint32_t)(total - first) : NLUC_STAGE, k;
        for (k = 0; k < count; k++) {
            stage[k].is.hash[0] = hashes[first + k][0];
            stage[k].is.hash[1] = hashes[first + k][1];
        }
        nluc_look_up(m, stage, count, idf);
        for (k = 0; k < count; k++, left--) {
            while (!left) left = lengths[++item];
            if (stage[k].found)
                nluc_crf_add_row(m, &stage[k].is.row, values ? values[first + k] : 1, book, states + item * m->n_columns);
        }
        first += count;
    }
    for (i = 0; i < cells; i++)
        if (states[i] - states[i] != 0) return i / m->n_columns;
    return items;
}

#ifdef NLUC_TEMPLATE_H
/* The features of some tokens, as nluc_crf_states takes them; names: the hashes of whole names, by which equal ones of a token
 * are known; first: where the token that is visited begins. */
typedef struct {
    const nluc_model *model;
    uint64_t (*hashes)[2], (*names)[2];
    double *values;
    size_t count, first;
} nluc_crf_gathered;

/* What a token's features go to, each name once with the sum of its values. CRFsuite's look-up of a name ends at a zero byte. */
NLUC_API void nluc_crf_gather(void *context, const uint8_t *name, size_t length, double value) {
    nluc_crf_gathered *g = (nluc_crf_gathered *)context;
    uint64_t *whole = g->names[g->count], *hash = g->hashes[g->count];
    size_t i;
    nluc_crf_hash(g->model, name, length, whole);
    for (i = g->first; i < g->count; i++)
        if (g->names[i][0] == whole[0] && g->names[i][1] == whole[1]) {
            g->values[i] += value;
            return;
        }
    hash[0] = whole[0];
    hash[1] = whole[1];
    for (i = 0; i < length; i++)
        if (!name[i]) {
            nluc_crf_hash(g->model, name, i, hash);
            break;
        }
    g->values[g->count++] = value;
}

/* Leave out what counts nothing: the token's features whose values are 0. Gives how many are left. */
NLUC_API size_t nluc_crf_thin(nluc_crf_gathered *g) {
    size_t i, kept = g->first;
    for (i = g->first; i < g->count; i++)
        if (g->values[i] != 0) {
            g->hashes[kept][0] = g->hashes[i][0];
            g->hashes[kept][1] = g->hashes[i][1];
            g->values[kept++] = g->values[i];
        }
    g->count = kept;
    return kept - g->first;
}

/* The state scores of plain tokens by a template: T * K. tokens: T * t->n_columns strings, all columns of a token side by side.
 * scratch, aligned as a double: half of it is for features, NLUC_CRF_FEATURE bytes each, at least those of one token and best a
 * few hundred; half for names. NLUC_E_ROOM: it is too small; NLUC_E_VALUE: a sum is not a finite number. */
#define NLUC_CRF_FEATURE 48
NLUC_API nluc_status nluc_crf_token_states(const nluc_model *m, const nluc_template *t, const nluc_bytes *tokens, size_t n_tokens,
                                           void *scratch, size_t room, double *states) {
    size_t most = room / 2 / NLUC_CRF_FEATURE, done, i;
    nluc_crf_gathered g;
    uint32_t *lengths;
    if (most < t->n_features || !most) return NLUC_E_ROOM;
    g.model = m;
    g.hashes = (uint64_t (*)[2])scratch;
    g.names = g.hashes + most;
    g.values = (double *)(g.names + most);
    lengths = (uint32_t *)(g.values + most);
    for (done = 0; done < n_tokens; done = i) {
        g.count = 0;
        for (i = done; i < n_tokens && i - done < most && most - g.count >= t->n_features; i++) {
            nluc_status status;
            g.first = g.count;
            status = nluc_template_visit(t, tokens, n_tokens, i, lengths + most, room - 44 * most, nluc_crf_gather, &g);
            if (status) return status;
            lengths[i - done] = (uint32_t)nluc_crf_thin(&g);
        }
        if (nluc_crf_states(m, g.hashes, g.values, lengths, i - done, states + done * m->n_columns) < i - done) return NLUC_E_VALUE;
    }
    return NLUC_OK;
}
#endif

/* best[j] = the largest of before[i] + transitions[i, j] over all i. Four rows at once, so that a maximum is loaded and
 * stored once for four; which i it was is not kept, see nluc_crf_viterbi. */
NLUC_API void nluc_crf_best(const double *before, const double *transitions, uint32_t k, double *restrict best) {
    uint32_t i, j;
    for (j = 0; j < k; j++) best[j] = before[0] + transitions[j];
    for (i = 1; i + 4 <= k; i += 4) {
        const double *a = transitions + (size_t)i * k, *b = a + k, *c = b + k, *d = c + k;
        double va = before[i], vb = before[i + 1], vc = before[i + 2], vd = before[i + 3];
        for (j = 0; j < k; j++) {
            double x = va + a[j], y = vb + b[j], z = vc + c[j], w = vd + d[j];
            x = x > y ? x : y;
            z = z > w ? z : w;
            x = x > z ? x : z;
            best[j] = x > best[j] ? x : best[j];
        }
    }
    for (; i < k; i++)
        for (j = 0; j < k; j++) {
            double x = before[i] + transitions[(size_t)i * k + j];
            best[j] = x > best[j] ? x : best[j];
        }
}

/* The labels of the largest score. best: scratch, T * K. No pointers back are kept: on the way back the label before is the
 * first whose sum is the maximum, which costs K comparisons an item. */
NLUC_API void nluc_crf_viterbi(const double *states, const double *transitions, size_t items, uint32_t k, double *best, uint32_t *labels) {
    size_t t;
    uint32_t i;
    for (t = 0; t < items; t++) {
        double *now = best + t * k;
        for (i = 0; i < k; i++) now[i] = 0;
        if (t) NLUC_CRF_BEST(now - k, transitions, k, now);
        for (i = 0; i < k; i++) now[i] += states[t * k + i];
    }
    for (t = items; t--;) {
        const double *now = best + t * k, *column = t + 1 < items ? transitions + labels[t + 1] : 0;
        double most = now[0] + (column ? column[0] : 0);
        labels[t] = 0;
        for (i = 1; i < k; i++) {
            double x = now[i] + (column ? column[(size_t)i * k] : 0);
            if (x > most) {
                most = x;
                labels[t] = i;
            }
        }
    }
}

/* The exponentials of transitions, each less the largest of them, which is given: for nluc_crf_marginals, once a model. */
NLUC_API double nluc_crf_exponentials(const double *transitions, uint32_t k, double *out) {
    size_t i, cells = (size_t)k * k;
    double most = transitions[0];
    for (i = 1; i < cells; i++) most = transitions[i] > most ? transitions[i] : most;
    for (i = 0; i < cells; i++) out[i] = nluc_exp(transitions[i] - most);
    return most;
}

/* out[j] = ln of the sum over i of e^(from[i] + transitions[i, j]): of the transposed table if `back`. The sum is of products
 * of exponentials, K of them computed; where it is so small that some may have been lost, it is computed anew, from the
 * logarithms. weights: scratch, K. */
NLUC_API void nluc_crf_log_sums(const double *from, const double *transitions, const double *exponentials, double most, uint32_t k,
                                int back, double *weights, double *restrict out) {
    double top = from[0];
    uint32_t i, j;
    for (i = 1; i < k; i++) top = from[i] > top ? from[i] : top;
    for (i = 0; i < k; i++) weights[i] = nluc_exp(from[i] - top);
    for (j = 0; j < k; j++) out[j] = 0;
    for (i = 0; i < k; i++) {
        const double *row = exponentials + (size_t)i * k;
        if (back)
            for (j = 0; j < k; j++) out[i] += weights[j] * row[j];
        else
            for (j = 0; j < k; j++) out[j] += weights[i] * row[j];
    }
    for (j = 0; j < k; j++) {
        const double *at = back ? transitions + (size_t)j * k : transitions + j;
        size_t step = back ? 1 : k;
        double high, sum = 0;
        if (out[j] > 1e-200) {
            out[j] = top + most + nluc_log(out[j]);
            continue;
        }
        for (high = from[0] + at[0], i = 1; i < k; i++) high = from[i] + at[i * step] > high ? from[i] + at[i * step] : high;
        for (i = 0; i < k; i++) sum += nluc_exp(from[i] + at[i * step] - high);
        out[j] = high + nluc_log(sum);
    }
}

/* The probability of each label at each item: marginals, T * K; gives the logarithm of the sum of e^score over all labels.
 * before, scratch: T * K and 3 * K doubles. */
NLUC_API double nluc_crf_marginals(const double *states, const double *transitions, const double *exponentials, double most,
                                   size_t items, uint32_t k, double *before, double *scratch, double *marginals) {
    double *after = scratch, *sum = scratch + k, *weights = scratch + 2 * (size_t)k, total = 0, high;
    size_t t;
    uint32_t i;
    if (!items) return 0;
    for (i = 0; i < k; i++) before[i] = states[i];
    for (t = 1; t < items; t++) {
        double *now = before + t * k;
        nluc_crf_log_sums(now - k, transitions, exponentials, most, k, 0, weights, now);
        for (i = 0; i < k; i++) now[i] += states[t * k + i];
    }
    for (high = before[(items - 1) * k], i = 1; i < k; i++)
        if (before[(items - 1) * k + i] > high) high = before[(items - 1) * k + i];
    for (i = 0; i < k; i++) total += nluc_exp(before[(items - 1) * k + i] - high);
    total = high + nluc_log(total);
    for (i = 0; i < k; i++) after[i] = 0;
    for (t = items; t--;) {
        for (i = 0; i < k; i++) marginals[t * k + i] = nluc_exp(before[t * k + i] + after[i] - total);
        if (!t) break;
        for (i = 0; i < k; i++) sum[i] = after[i] + states[t * k + i];
        nluc_crf_log_sums(sum, transitions, exponentials, most, k, 1, weights, after);
    }
    return total;
}

#endif
