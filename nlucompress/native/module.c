/* module.c: nlucompress._native, the only file that sees Python.h. Algorithms are nluc.h's; here are arguments and buffers.
 *
 * A Model holds the buffer of a file and a validated view of it, never changes, and so may be used by many threads at once.
 * Strings are read in place, as the UTF-8 that Python keeps of them; lone surrogates go through "surrogatepass". Many texts
 * are scored without the GIL: their pointers are gathered first, a tuple keeps them alive. One short text is scored with
 * it: letting go of it costs more.
 *
 * Nothing here words an error about a sample: a call returns the number of the sample it stopped at, and Python's analyzers,
 * which see the same sample, say what is wrong with it.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <unistd.h>
#define HAS_MAP 1
#endif

#define NLUC_MAX_NAMESPACES 256 /* what the format allows */
#define NLUC_MAX_STEPS 1024
#define NLUC_STAGE 128
#include "avx2.h"
#include "nluc.h"
#include "template.h"
#include "crf.h"

#define KEEP_GIL_BYTES 4096 /* of texts: about 50 microseconds */
#define KEEP_GIL_NAMES 2048
#define KEEP_GIL_CELLS ((size_t)1 << 14) /* of sequences, T * K^2: about 10 microseconds */
#define KEEP_GIL_TOKENS 256 /* features that a template makes: about 50 microseconds */
#define MOST_AT_ONCE 512 /* features of tokens that are looked up together */
#define MOST_FEATURES ((size_t)1 << 14) /* that a first guess makes room for */

typedef struct {
    PyObject_HEAD
    nluc_model *model; /* without the steps that it does not have */
    void *runs;        /* its tables of runs, or NULL */
    size_t runs_size;
    void *program;     /* its template's, or NULL */
    nluc_template template;
    Py_buffer buffer;
} Model;

typedef struct {
    PyObject *format_error;
} State;

typedef struct {
    const uint8_t *data;
    size_t size;
} Text;

/* -- strings --------------------------------------------------------------------------------------------------------- */

/* The UTF-8 of a str. *owner is the bytes object that holds it, or null where the str does. 1: no str; -1: an exception. */
static int text_of(PyObject *object, Text *text, PyObject **owner) {
    Py_ssize_t size = 0;
    *owner = NULL;
    if (!PyUnicode_Check(object)) return 1;
    text->data = (const uint8_t *)PyUnicode_AsUTF8AndSize(object, &size);
    if (!text->data) {
        char *data;
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return -1;
        PyErr_Clear();
        *owner = PyUnicode_AsEncodedString(object, "utf-8", "surrogatepass");
        if (!*owner || PyBytes_AsStringAndSize(*owner, &data, &size)) {
            Py_CLEAR(*owner);
            return -1;
        }
        text->data = (const uint8_t *)data;
    }
    text->size = (size_t)size;
    return 0;
}

/* The strings of a list or tuple, read in place; `tuple` and `owners` keep them. */
typedef struct {
    PyObject *tuple, *owners;
    nluc_bytes *strings;
    Py_ssize_t count;
    size_t longest;
} Strings;

/* 0; 1 at what is no str, whose place is s->count; -1 with an exception. strings_free in any case. */
static int strings_of(PyObject *sequence, Strings *s) {
    Py_ssize_t count;
    memset(s, 0, sizeof *s);
    if (!(s->tuple = PySequence_Tuple(sequence))) return -1;
    count = PyTuple_Size(s->tuple);
    if (!(s->strings = malloc(((size_t)count + 1) * sizeof *s->strings))) {
        PyErr_NoMemory();
        return -1;
    }
    for (; s->count < count; s->count++) {
        PyObject *owner;
        Text text;
        int failed = text_of(PyTuple_GetItem(s->tuple, s->count), &text, &owner);
        if (failed) return failed;
        if (owner) {
            if (!s->owners) s->owners = PyList_New(0);
            failed = !s->owners || PyList_Append(s->owners, owner);
            Py_DECREF(owner);
            if (failed) return -1;
        }
        s->strings[s->count].data = text.data;
        s->strings[s->count].length = text.size;
        if (text.size > s->longest) s->longest = text.size;
    }
    return 0;
}

static void strings_free(Strings *s) {
    free(s->strings);
    Py_XDECREF(s->owners);
    Py_XDECREF(s->tuple);
}

/* A writable, C-contiguous buffer of exactly so many numbers of `size` bytes. */
static int output(PyObject *object, Py_buffer *buffer, size_t count, size_t size) {
    if (PyObject_GetBuffer(object, buffer, PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS)) return -1;
    if ((size_t)buffer->len != count * size || (uintptr_t)buffer->buf % size) {
        PyErr_Format(PyExc_ValueError, "out: %zd bytes, expected %zu numbers of %zu bytes", buffer->len, count, size);
        PyBuffer_Release(buffer);
        return -1;
    }
    return 0;
}

/* -- scratch memory --------------------------------------------------------------------------------------------------- */

typedef struct {
    void *data;
    size_t size;
} Scratch;

static int scratch_grow(Scratch *scratch, size_t size) {
    if (size <= scratch->size) return 0;
    free(scratch->data);
    scratch->data = malloc(size);
    scratch->size = scratch->data ? size : 0;
    return scratch->data ? 0 : -1;
}

/* A guess at the scratch memory of a text: its n-grams, were they all distinct. A little more costs the clearing of a table,
 * a little less a second try. */
static size_t guess(const nluc_model *m, size_t length) {
    size_t features = 0, room = 64, i, bytes;
    for (i = 0; i < m->n_namespaces && features < MOST_FEATURES; i++) {
        const nluc_namespace *ns = &m->namespaces[i];
        size_t kinds = ns->high - ns->low + 1;
        if (ns->analyzer == NLUC_FASTTEXT && ns->longest) kinds += ns->longest - ns->shortest + 1u;
        if (ns->analyzer < NLUC_FEATURES) features += kinds * (ns->analyzer == NLUC_WORD ? length / 4 + 1 : length + 2);
    }
    if (features > MOST_FEATURES) features = MOST_FEATURES;
    while (room < features) room *= 2;
    bytes = room * 2 * (sizeof(nluc_feature) + 8); /* as nluc_begin divides it */
    return bytes > 48 * length + 4096 ? bytes : 48 * length + 4096;
}

/* -- texts ------------------------------------------------------------------------------------------------------------ */

/* Score texts until one fails; gives how many were, or SIZE_MAX without memory. Touches no Python object. */
static size_t score_all(const nluc_model *m, const Text *texts, size_t count, double *out) {
    Scratch scratch = {NULL, 0};
    size_t i;
    for (i = 0; i < count; i++) {
        size_t size = guess(m, texts[i].size);
        nluc_status status;
        do {
            nluc_sample sample;
            if (scratch_grow(&scratch, size)) {
                free(scratch.data);
                return SIZE_MAX;
            }
            nluc_begin(&sample, m, scratch.data, size);
            nluc_add_text_everywhere(&sample, texts[i].data, texts[i].size);
            status = nluc_finish(&sample, out + i * m->n_columns);
            size *= 2;
        } while (status == NLUC_E_ROOM);
        if (status) break;
    }
    free(scratch.data);
    return i;
}

PyDoc_STRVAR(score_texts_doc, "score_texts($self, texts, out, /)\n--\n\n"
"Write the scores of each text of a list or tuple to out, a writable buffer of len(texts) * n_columns float64.\n\n"
"Returns how many were scored: fewer than len(texts) if the text at that place is no str, or the model takes no texts.");

static PyObject *score_texts(Model *self, PyObject *const *args, Py_ssize_t n_args) {
    const nluc_model *m = self->model;
    PyObject *tuple, *owner, *owners = NULL, *result = NULL;
    Py_buffer out;
    Text one, *texts = &one;
    Py_ssize_t count, i;
    size_t bytes = 0, done;
    int no_text = 0;
    if (n_args != 2) return PyErr_Format(PyExc_TypeError, "score_texts takes 2 arguments, got %zd", n_args);
    if (!(tuple = PySequence_Tuple(args[0]))) return NULL; /* keeps the strings, whatever becomes of the list meanwhile */
    count = PyTuple_Size(tuple);
    if (output(args[1], &out, (size_t)count * m->n_columns, 8)) {
        Py_DECREF(tuple);
        return NULL;
    }
    if (count > 1 && !(texts = malloc((size_t)count * sizeof *texts))) {
        PyErr_NoMemory();
        goto end;
    }
    for (i = 0; i < count; i++) {
        no_text = text_of(PyTuple_GetItem(tuple, i), &texts[i], &owner);
        if (no_text < 0) goto end;
        if (no_text) break;
        bytes += texts[i].size;
        if (owner) {
            int failed = (!owners && !(owners = PyList_New(0))) || PyList_Append(owners, owner);
            Py_DECREF(owner);
            if (failed) goto end;
        }
    }
    if (bytes > KEEP_GIL_BYTES) {
        Py_BEGIN_ALLOW_THREADS
        done = score_all(m, texts, (size_t)i, out.buf);
        Py_END_ALLOW_THREADS
    } else {
        done = score_all(m, texts, (size_t)i, out.buf);
    }
    result = done == SIZE_MAX ? PyErr_NoMemory() : PyLong_FromSize_t(done);
end:
    if (texts != &one) free(texts);
    Py_XDECREF(owners);
    PyBuffer_Release(&out);
    Py_DECREF(tuple);
    return result;
}

/* -- samples of any kind ---------------------------------------------------------------------------------------------- */

/* Add the features of a dict {name: value}. 0, or -1 with an exception, 1 if something is of the wrong type. */
static int add_features(nluc_sample *sample, uint32_t space, PyObject *features) {
    PyObject *name, *value, *owner;
    Py_ssize_t at = 0;
    while (PyDict_Next(features, &at, &name, &value)) {
        Text text;
        int failed;
        double number = PyFloat_AsDouble(value);
        if (number == -1.0 && PyErr_Occurred()) return -1;
        if ((failed = text_of(name, &text, &owner))) return failed;
        nluc_add_feature(sample, space, text.data, text.size, number);
        Py_XDECREF(owner);
    }
    return 0;
}

/* Add the tokens of a list of str. The buffer gets the tokens, the joined words, and the spans. */
static int add_tokens(nluc_sample *sample, uint32_t space, PyObject *tokens, Scratch *buffer) {
    Py_ssize_t count = PyList_Size(tokens), i;
    size_t bytes = 0, size, at = 0;
    nluc_span *spans;
    uint8_t *text;
    for (i = 0; i < count; i++) {
        Text token;
        PyObject *owner;
        int failed = text_of(PyList_GetItem(tokens, i), &token, &owner);
        if (failed) return failed;
        bytes += token.size;
        Py_XDECREF(owner);
    }
    size = 2 * bytes + (size_t)count;
    if (bytes > UINT32_MAX) return 1;
    if (scratch_grow(buffer, (size_t)count * sizeof *spans + size + 1)) {
        PyErr_NoMemory();
        return -1;
    }
    spans = (nluc_span *)buffer->data;
    text = (uint8_t *)(spans + count);
    for (i = 0; i < count; i++) {
        Text token;
        PyObject *owner;
        int failed = text_of(PyList_GetItem(tokens, i), &token, &owner);
        if (failed) return failed;
        memcpy(text + at, token.data, token.size);
        spans[i].start = (uint32_t)at;
        spans[i].end = (uint32_t)(at += token.size);
        Py_XDECREF(owner);
    }
    nluc_add_tokens(sample, space, text, spans, (size_t)count, text + at, bytes + (size_t)count);
    return 0;
}

PyDoc_STRVAR(score_items_doc, "score_items($self, columns, out, /)\n--\n\n"
"As score_texts, of samples of any kind: columns is a tuple with a list for each namespace, of an item for each sample.\n\n"
"An item is what inputs() says: a text (str), its tokens (a list of str), or features (a dict of names and values). Returns\n"
"how many samples were scored: fewer than there are if one has an item of another kind, or a value that is not finite.");

static PyObject *score_items(Model *self, PyObject *const *args, Py_ssize_t n_args) {
    const nluc_model *m = self->model;
    PyObject *result = NULL, *owner;
    Py_buffer out;
    Scratch scratch = {NULL, 0}, tokens = {NULL, 0};
    Py_ssize_t count = 0, i;
    uint32_t space;
    if (n_args != 2 || !PyTuple_Check(args[0]) || PyTuple_Size(args[0]) != (Py_ssize_t)m->n_namespaces)
        return PyErr_Format(PyExc_TypeError, "score_items takes a tuple of %u lists, and out", (unsigned)m->n_namespaces);
    for (space = 0; space < m->n_namespaces; space++) {
        PyObject *column = PyTuple_GetItem(args[0], (Py_ssize_t)space);
        if (!PyList_Check(column) || (space && PyList_Size(column) != count))
            return PyErr_Format(PyExc_TypeError, "score_items: column %u is not a list as long as the others", (unsigned)space);
        count = PyList_Size(column);
    }
    if (output(args[1], &out, (size_t)count * m->n_columns, 8)) return NULL;
    for (i = 0; i < count; i++) {
        size_t size = 16384;
        nluc_sample sample;
        int failed;
        do {
            if (scratch_grow(&scratch, size)) {
                PyErr_NoMemory();
                goto end;
            }
            nluc_begin(&sample, m, scratch.data, size);
            for (space = 0, failed = 0; space < m->n_namespaces && !failed && !sample.status; space++) {
                PyObject *item = PyList_GetItem(PyTuple_GetItem(args[0], (Py_ssize_t)space), i);
                if (!item) { /* the list became shorter */
                    failed = -1;
                } else if (PyDict_Check(item) && m->namespaces[space].analyzer >= NLUC_FEATURES) {
                    failed = add_features(&sample, space, item);
                } else if (PyList_Check(item)) {
                    failed = add_tokens(&sample, space, item, &tokens);
                } else {
                    Text text;
                    if (!(failed = text_of(item, &text, &owner))) nluc_add_text(&sample, space, text.data, text.size);
                    Py_XDECREF(owner);
                }
            }
            if (failed < 0) goto end;
            if (!failed && count > 1) { /* the n-grams are collected: the longer part needs no Python object */
                Py_BEGIN_ALLOW_THREADS
                nluc_finish(&sample, (double *)out.buf + (size_t)i * m->n_columns);
                Py_END_ALLOW_THREADS
            } else if (!failed) {
                nluc_finish(&sample, (double *)out.buf + (size_t)i * m->n_columns);
            }
            size *= 2;
        } while (sample.status == NLUC_E_ROOM);
        if (failed || sample.status) break;
    }
    result = PyLong_FromSsize_t(i);
end:
    free(scratch.data);
    free(tokens.data);
    PyBuffer_Release(&out);
    return result;
}

/* -- sequences -------------------------------------------------------------------------------------------------------- */

/* A C-contiguous buffer of exactly so many doubles. */
static int input(PyObject *object, Py_buffer *buffer, size_t count) {
    if (PyObject_GetBuffer(object, buffer, PyBUF_C_CONTIGUOUS)) return -1;
    if ((size_t)buffer->len != count * 8 || (uintptr_t)buffer->buf % 8) {
        PyErr_Format(PyExc_ValueError, "in: %zd bytes, expected %zu doubles", buffer->len, count);
        PyBuffer_Release(buffer);
        return -1;
    }
    return 0;
}

/* A list's or tuple's item, borrowed; null at the end. */
static PyObject *item_at(PyObject *sequence, Py_ssize_t i) {
    return PyList_Check(sequence) ? PyList_GetItem(sequence, i) : PyTuple_GetItem(sequence, i);
}

static Py_ssize_t size_of(PyObject *sequence) {
    return PyList_Check(sequence) ? PyList_Size(sequence) : PyTuple_Check(sequence) ? PyTuple_Size(sequence) : -1;
}

/* Hashes of the attributes of one item, at most `room` of them. 0, or -1 with an exception, 1 at what is no str. */
static int hash_item(const nluc_model *m, PyObject *item, Py_ssize_t count, uint64_t (*hashes)[2]) {
    Py_ssize_t i, first, n;
    for (first = 0; first < count; first += n) {
        PyObject *names[32];
        n = count - first < 32 ? count - first : 32;
        for (i = 0; i < n; i++) {
            if (!(names[i] = item_at(item, first + i))) return -1;
            NLUC_PREFETCH(names[i]);
        }
        for (i = 0; i < n; i++) {
            Text text;
            PyObject *owner;
            const void *zero;
            int failed = text_of(names[i], &text, &owner);
            if (failed) return failed;
            zero = memchr(text.data, 0, text.size); /* where CRFsuite's look-up ends */
            if (zero) text.size = (size_t)((const uint8_t *)zero - text.data);
            nluc_crf_hash(m, text.data, text.size, hashes[first + i]);
            Py_XDECREF(owner);
        }
    }
    return 0;
}

PyDoc_STRVAR(states_doc, "states($self, items, values, out, /)\n--\n\n"
"Write the state scores of a list of items, each a list or tuple of attributes (str), to out, a writable buffer of\n"
"len(items) * n_columns float64. values: a buffer of as many float64 as there are attributes in all, or None: each is 1.\n\n"
"Returns how many items were scored: fewer than len(items) if the item at that place has anything else in it, or a sum\n"
"that is not finite.");

static PyObject *states(Model *self, PyObject *const *args, Py_ssize_t n_args) {
    const nluc_model *m = self->model;
    Py_ssize_t count, i;
    Py_buffer out, values = {0};
    uint64_t (*hashes)[2] = NULL;
    uint32_t *lengths = NULL;
    size_t total = 0, at = 0, done = 0;
    PyObject *result = NULL;
    if (n_args != 3 || !PyList_Check(args[0])) return PyErr_Format(PyExc_TypeError, "states takes a list, values and out");
    if (m->task != NLUC_TAGGING) return PyErr_Format(PyExc_TypeError, "states: no tagging model");
    count = PyList_Size(args[0]);
    if (output(args[2], &out, (size_t)count * m->n_columns, 8)) return NULL;
    if (!(lengths = malloc((size_t)(count + 1) * sizeof *lengths))) {
        PyErr_NoMemory();
        goto end;
    }
    for (i = 0; i < count; i++) {
        PyObject *item = PyList_GetItem(args[0], i);
        Py_ssize_t size = item ? size_of(item) : -1;
        if (!item) goto end;
        if (size < 0 || size > INT32_MAX) break;
        lengths[i] = (uint32_t)size;
        total += (size_t)size;
    }
    if (i < count) {
        result = PyLong_FromSsize_t(i);
        goto end;
    }
    if (args[1] != Py_None && input(args[1], &values, total)) goto end;
    if (!(hashes = malloc((total + 1) * sizeof *hashes))) {
        PyErr_NoMemory();
        goto end;
    }
    for (i = 0; i < count; i++) {
        PyObject *item = PyList_GetItem(args[0], i);
        int failed = !item ? -1 : size_of(item) < (Py_ssize_t)lengths[i] ? 1 : hash_item(m, item, (Py_ssize_t)lengths[i], hashes + at);
        if (failed < 0) goto end;
        if (failed) {
            result = PyLong_FromSsize_t(i);
            goto end;
        }
        at += lengths[i];
    }
    if (total < KEEP_GIL_NAMES) {
        done = nluc_crf_states(m, hashes, values.buf, lengths, (size_t)count, out.buf);
    } else {
        Py_BEGIN_ALLOW_THREADS
        done = nluc_crf_states(m, hashes, values.buf, lengths, (size_t)count, out.buf);
        Py_END_ALLOW_THREADS
    }
    result = PyLong_FromSize_t(done);
end:
    free(hashes);
    free(lengths);
    if (values.obj) PyBuffer_Release(&values);
    PyBuffer_Release(&out);
    return result;
}

/* The state scores of tokens; scratch memory grows as it needs to. NLUC_E_ROOM: there is none. Touches no Python object. */
static nluc_status score_tokens(const Model *self, const Strings *tokens, size_t count, double *out) {
    const nluc_template *t = &self->template;
    size_t features = MOST_AT_ONCE, size, names = 4 * tokens->longest + 1024;
    Scratch scratch = {NULL, 0};
    nluc_status status;
    if (count < features && count * t->n_features < features) features = count * t->n_features;
    if (features <= t->n_features) features = t->n_features + 1;
    size = 2 * (features * NLUC_CRF_FEATURE > names ? features * NLUC_CRF_FEATURE : names);
    for (status = NLUC_E_ROOM; status == NLUC_E_ROOM && !scratch_grow(&scratch, size); size *= 2)
        status = nluc_crf_token_states(self->model, t, tokens->strings, count, scratch.data, size, out);
    free(scratch.data);
    return status;
}

PyDoc_STRVAR(token_states_doc, "token_states($self, tokens, out, /)\n--\n\n"
"Write the state scores of plain tokens by the model's template to out, a writable buffer of n_columns float64 a token.\n"
"tokens: a sequence of str, all columns of a token one after the other.\n\n"
"Returns whether they were scored: not if one is no str, or a sum is not finite.");

static PyObject *token_states(Model *self, PyObject *const *args, Py_ssize_t n_args) {
    nluc_status status = NLUC_E_INPUT;
    PyObject *result = NULL;
    Py_buffer out = {0};
    Strings tokens;
    size_t count;
    int failed;
    if (n_args != 2) return PyErr_Format(PyExc_TypeError, "token_states takes tokens and out");
    if (!self->program) return PyErr_Format(PyExc_TypeError, "token_states: the model has no template");
    if ((failed = strings_of(args[0], &tokens))) {
        if (failed > 0) result = PyBool_FromLong(0);
        goto end;
    }
    count = (size_t)tokens.count / self->template.n_columns;
    if ((size_t)tokens.count % self->template.n_columns) {
        PyErr_Format(PyExc_ValueError, "%zd strings are no rows of %u columns", tokens.count, (unsigned)self->template.n_columns);
        goto end;
    }
    if (output(args[1], &out, count * self->model->n_columns, 8)) goto end;
    if (count < KEEP_GIL_TOKENS && count * self->template.n_features < KEEP_GIL_TOKENS) {
        status = score_tokens(self, &tokens, count, out.buf);
    } else {
        Py_BEGIN_ALLOW_THREADS
        status = score_tokens(self, &tokens, count, out.buf);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&out);
    result = status == NLUC_E_ROOM ? PyErr_NoMemory() : PyBool_FromLong(!status);
end:
    strings_free(&tokens);
    return result;
}

PyDoc_STRVAR(viterbi_doc, "viterbi($self, states, transitions, count, /)\n--\n\n"
"The numbers of the labels of the largest score, a list of count. states: a buffer of count * n_columns float64,\n"
"transitions: one of n_columns * n_columns.");

static PyObject *viterbi(Model *self, PyObject *const *args, Py_ssize_t n_args) {
    uint32_t k = self->model->n_columns, *labels = NULL;
    Py_buffer scores, transitions;
    PyObject *result = NULL;
    size_t count, i;
    double *best;
    if (n_args != 3) return PyErr_Format(PyExc_TypeError, "viterbi takes states, transitions and a number");
    count = PyLong_AsSize_t(args[2]);
    if (PyErr_Occurred()) return NULL;
    if (count > PY_SSIZE_T_MAX / 16 / k) return PyErr_NoMemory();
    if (input(args[0], &scores, count * k)) return NULL;
    if (input(args[1], &transitions, (size_t)k * k)) {
        PyBuffer_Release(&scores);
        return NULL;
    }
    best = malloc((count * k + 1) * sizeof *best + count * sizeof *labels);
    if (!best) {
        PyErr_NoMemory();
        goto end;
    }
    labels = (uint32_t *)(best + count * k + 1);
    if (count * k * k < KEEP_GIL_CELLS) {
        nluc_crf_viterbi(scores.buf, transitions.buf, count, k, best, labels);
    } else {
        Py_BEGIN_ALLOW_THREADS
        nluc_crf_viterbi(scores.buf, transitions.buf, count, k, best, labels);
        Py_END_ALLOW_THREADS
    }
    result = PyList_New((Py_ssize_t)count);
    for (i = 0; result && i < count; i++) {
        PyObject *number = PyLong_FromUnsignedLong(labels[i]);
        if (!number || PyList_SetItem(result, (Py_ssize_t)i, number)) Py_CLEAR(result);
    }
end:
    free(best);
    PyBuffer_Release(&scores);
    PyBuffer_Release(&transitions);
    return result;
}

PyDoc_STRVAR(transitions_doc, "transitions($self, out, /)\n--\n\n"
"Write the transitions to out, a writable buffer of n_columns * n_columns float64; the row is the label before.");

static PyObject *transitions(Model *self, PyObject *object) {
    Py_buffer out;
    if (self->model->task != NLUC_TAGGING) return PyErr_Format(PyExc_TypeError, "transitions: no tagging model");
    if (output(object, &out, (size_t)self->model->n_columns * self->model->n_columns, 8)) return NULL;
    nluc_crf_transitions(self->model, out.buf);
    PyBuffer_Release(&out);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(exponentials_doc, "exponentials($self, transitions, out, /)\n--\n\n"
"Write e^(transition - the largest one) to out and return the largest: what marginals takes. Both are buffers of\n"
"n_columns * n_columns float64.");

static PyObject *exponentials(Model *self, PyObject *const *args, Py_ssize_t n_args) {
    uint32_t k = self->model->n_columns;
    Py_buffer transitions, out;
    double most;
    if (n_args != 2) return PyErr_Format(PyExc_TypeError, "exponentials takes transitions and out");
    if (input(args[0], &transitions, (size_t)k * k)) return NULL;
    if (output(args[1], &out, (size_t)k * k, 8)) {
        PyBuffer_Release(&transitions);
        return NULL;
    }
    most = nluc_crf_exponentials(transitions.buf, k, out.buf);
    PyBuffer_Release(&transitions);
    PyBuffer_Release(&out);
    return PyFloat_FromDouble(most);
}

PyDoc_STRVAR(marginals_doc, "marginals($self, states, transitions, exponentials, most, out, /)\n--\n\n"
"Write the probability of each label at each item to out and return the logarithm of the sum of e^score over all labels.\n\n"
"states and out: buffers of T * n_columns float64; exponentials and most: what exponentials() gives.");

static PyObject *marginals(Model *self, PyObject *const *args, Py_ssize_t n_args) {
    uint32_t k = self->model->n_columns;
    Py_buffer in[3], out;
    double most, total = 0, *scratch = NULL;
    PyObject *result = NULL;
    size_t count;
    int held = 0;
    if (n_args != 5) return PyErr_Format(PyExc_TypeError, "marginals takes states, transitions, exponentials, most and out");
    most = PyFloat_AsDouble(args[3]);
    if (PyErr_Occurred()) return NULL;
    if (PyObject_GetBuffer(args[4], &out, PyBUF_WRITABLE | PyBUF_C_CONTIGUOUS)) return NULL;
    count = (size_t)out.len / 8 / k;
    if ((size_t)out.len != count * k * 8 || (uintptr_t)out.buf % 8) {
        PyErr_Format(PyExc_ValueError, "out: %zd bytes are not rows of %u doubles", out.len, (unsigned)k);
        goto end;
    }
    for (; held < 3; held++)
        if (input(args[held], &in[held], held ? (size_t)k * k : count * k)) goto end;
    if (!(scratch = calloc((count + 3) * k, sizeof *scratch))) {
        PyErr_NoMemory();
        goto end;
    }
    Py_BEGIN_ALLOW_THREADS
    total = nluc_crf_marginals(in[0].buf, in[1].buf, in[2].buf, most, count, k, scratch + 3 * (size_t)k, scratch, out.buf);
    Py_END_ALLOW_THREADS
    result = PyFloat_FromDouble(total);
end:
    free(scratch);
    while (held) PyBuffer_Release(&in[--held]);
    PyBuffer_Release(&out);
    return result;
}

/* -- look-up ---------------------------------------------------------------------------------------------------------- */

/* The hashes of the strings of a list from `first` on; gives how many were, less than count at what is no str, -1 with an
 * exception. The strings lie anywhere in memory: each is asked for before the first is read. */
static Py_ssize_t hash_some(PyObject *list, Py_ssize_t first, Py_ssize_t count, uint32_t seed, uint64_t (*hashes)[2]) {
    Py_ssize_t done = 0;
    while (done < count) {
        PyObject *items[NLUC_STAGE];
        int n = count - done < NLUC_STAGE ? (int)(count - done) : NLUC_STAGE, i;
        for (i = 0; i < n; i++) {
            if (!(items[i] = PyList_GetItem(list, first + done + i))) return -1;
            NLUC_PREFETCH(items[i]);
            NLUC_PREFETCH((const char *)(const void *)items[i] + 64);
        }
        for (i = 0; i < n; i++) {
            Text text;
            PyObject *owner;
            int failed = text_of(items[i], &text, &owner);
            if (failed) return failed < 0 ? -1 : done + i;
            nluc_hash128(text.data, text.size, seed, hashes[done + i]);
            Py_XDECREF(owner);
        }
        done += n;
    }
    return done;
}

static void find_some(const nluc_model *m, uint64_t (*hashes)[2], Py_ssize_t count, int64_t *out, uint8_t *found) {
    Py_ssize_t first, i;
    for (first = 0; first < count; first += NLUC_STAGE) {
        uint32_t slots[NLUC_STAGE];
        Py_ssize_t n = count - first < NLUC_STAGE ? count - first : NLUC_STAGE;
        nluc_find_stage(m, hashes[first], sizeof *hashes, (uint32_t)n, slots);
        for (i = 0; i < n; i++) {
            found[first + i] = slots[i] != NLUC_ABSENT;
            out[first + i] = found[first + i] ? (int64_t)slots[i] : -1;
        }
    }
}

PyDoc_STRVAR(find_doc, "find($self, names, namespace, slots, found, /)\n--\n\n"
"Write the slot of each name of a list, or -1, to slots, a writable buffer of len(names) int64, and whether there is one to\n"
"found, of as many bools.\n\n"
"Returns how many were looked up: fewer than len(names) if the name at that place is no str.");

static PyObject *find(Model *self, PyObject *const *args, Py_ssize_t n_args) {
    const nluc_model *m = self->model;
    uint64_t few[NLUC_STAGE][2], (*hashes)[2] = few;
    Py_ssize_t count, done, some;
    Py_buffer out, found;
    unsigned long space;
    uint32_t seed;
    if (n_args != 4 || !PyList_Check(args[0]))
        return PyErr_Format(PyExc_TypeError, "find takes a list, a number, slots and found");
    space = PyLong_AsUnsignedLong(args[1]);
    if (PyErr_Occurred()) return NULL;
    if (space >= m->n_namespaces) return PyErr_Format(PyExc_IndexError, "namespace %lu", space);
    seed = m->namespaces[space].seed;
    count = PyList_Size(args[0]);
    if (output(args[2], &out, (size_t)count, 8)) return NULL;
    if (output(args[3], &found, (size_t)count, 1)) {
        PyBuffer_Release(&out);
        return NULL;
    }
    if (count < KEEP_GIL_NAMES) {
        for (done = 0; done < count; done += some) {
            Py_ssize_t most = count - done < NLUC_STAGE ? count - done : NLUC_STAGE;
            if ((some = hash_some(args[0], done, most, seed, hashes)) > 0)
                find_some(m, hashes, some, (int64_t *)out.buf + done, (uint8_t *)found.buf + done);
            if (some < most) {
                done = some < 0 ? -1 : done + some;
                break;
            }
        }
    } else if (!(hashes = malloc((size_t)count * sizeof *hashes))) {
        PyErr_NoMemory();
        done = -1;
    } else {
        done = hash_some(args[0], 0, count, seed, hashes);
        if (done > 0) {
            Py_BEGIN_ALLOW_THREADS
            find_some(m, hashes, done, out.buf, found.buf);
            Py_END_ALLOW_THREADS
        }
        free(hashes);
    }
    PyBuffer_Release(&out);
    PyBuffer_Release(&found);
    return done < 0 ? NULL : PyLong_FromSsize_t(done);
}

PyDoc_STRVAR(slot_doc, "slot($self, name, namespace, /)\n--\n\n"
"The slot of one name, or None. Raises TypeError of what is no str, IndexError of a namespace that is not there.");

static PyObject *slot(Model *self, PyObject *const *args, Py_ssize_t n_args) {
    const nluc_model *m = self->model;
    PyObject *owner;
    unsigned long space;
    uint32_t found;
    Text text;
    int failed;
    if (n_args != 2) return PyErr_Format(PyExc_TypeError, "slot takes a name and a number");
    space = PyLong_AsUnsignedLong(args[1]);
    if (PyErr_Occurred()) {
        if (!PyErr_ExceptionMatches(PyExc_OverflowError)) return NULL;
        PyErr_Clear();
        space = m->n_namespaces;
    }
    if (space >= m->n_namespaces)
        return PyErr_Format(PyExc_IndexError, "namespace %R is not in 0..%d", args[1], (int)m->n_namespaces - 1);
    if ((failed = text_of(args[0], &text, &owner)) < 0) return NULL;
    if (failed) return PyErr_Format(PyExc_TypeError, "expected a feature, a str, got %R", Py_TYPE(args[0]));
    found = nluc_find(m, (uint32_t)space, text.data, text.size);
    Py_XDECREF(owner);
    if (found == NLUC_ABSENT) Py_RETURN_NONE;
    return PyLong_FromUnsignedLong(found);
}

PyDoc_STRVAR(row_doc, "row($self, slot, /)\n--\n\n"
"The weights of a slot's row as the file has them, in its order: a list of (column, code). Raises IndexError of a slot that is not there.");

static PyObject *row(Model *self, PyObject *number) {
    const nluc_model *m = self->model;
    unsigned long slot = PyLong_AsUnsignedLong(number);
    PyObject *list;
    uint16_t *columns;
    uint8_t *codes;
    uint32_t i, count;
    if (PyErr_Occurred()) return NULL;
    if (slot >= m->n) return PyErr_Format(PyExc_IndexError, "slot %lu is not below %u", slot, (unsigned)m->n);
    if (!(columns = malloc((size_t)m->n_columns * 6))) return PyErr_NoMemory();
    codes = (uint8_t *)(columns + 2 * (size_t)m->n_columns);
    count = nluc_read_row(m, nluc_row_of(m, (uint32_t)slot), columns, codes);
    list = PyList_New((Py_ssize_t)count);
    for (i = 0; list && i < count; i++) {
        PyObject *entry = Py_BuildValue("II", (unsigned)columns[i], (unsigned)codes[i]);
        if (!entry || PyList_SetItem(list, (Py_ssize_t)i, entry)) Py_CLEAR(list);
    }
    free(columns);
    return list;
}

PyDoc_STRVAR(rows_doc, "rows($self, slots, lengths, columns, codes, /)\n--\n\n"
"The rows of slots, as row has them, one after the other; returns how many weights they have.\n\n"
"slots: a buffer of int64. Written are lengths, as many int64, and columns (uint16) and codes (uint8), which have room for\n"
"2 * n_columns weights a slot. Raises IndexError of a slot that is not there.");

static PyObject *rows(Model *self, PyObject *const *args, Py_ssize_t n_args) {
    const nluc_model *m = self->model;
    PyObject *result = NULL;
    Py_buffer slots, out[3];
    static const size_t sizes[] = {8, 2, 1};
    size_t used = 0, count, i;
    int held;
    if (n_args != 4) return PyErr_Format(PyExc_TypeError, "rows takes slots, lengths, columns and codes");
    if (PyObject_GetBuffer(args[0], &slots, PyBUF_C_CONTIGUOUS)) return NULL;
    count = (size_t)slots.len / 8;
    for (held = 0; held < 3; held++)
        if (output(args[held + 1], &out[held], held ? 2 * count * m->n_columns : count, sizes[held])) goto end;
    for (i = 0; i < count; i++) {
        int64_t slot;
        uint32_t length;
        memcpy(&slot, (const char *)slots.buf + 8 * i, 8);
        if (slot < 0 || slot >= (int64_t)m->n) {
            PyErr_Format(PyExc_IndexError, "slot %lld is not below %u", (long long)slot, (unsigned)m->n);
            goto end;
        }
        length = nluc_read_row(m, nluc_row_of(m, (uint32_t)slot), (uint16_t *)out[1].buf + used, (uint8_t *)out[2].buf + used);
        ((int64_t *)out[0].buf)[i] = (int64_t)length;
        used += length;
    }
    result = PyLong_FromSize_t(used);
end:
    while (held--) PyBuffer_Release(&out[held]);
    PyBuffer_Release(&slots);
    return result;
}

PyDoc_STRVAR(inputs_doc, "inputs($self, /)\n--\n\n"
"What each namespace takes: \"text\"; \"tokens\", where the token pattern is none of those built in; or \"features\".");

static PyObject *inputs(Model *self, PyObject *unused) {
    const nluc_model *m = self->model;
    PyObject *tuple = PyTuple_New((Py_ssize_t)m->n_namespaces);
    uint32_t i;
    (void)unused;
    for (i = 0; tuple && i < m->n_namespaces; i++) {
        const nluc_namespace *ns = &m->namespaces[i];
        PyObject *word = PyUnicode_FromString(ns->analyzer >= NLUC_FEATURES ? "features"
                                              : ns->analyzer == NLUC_WORD && ns->pattern == NLUC_PATTERN_OTHER ? "tokens" : "text");
        if (!word || PyTuple_SetItem(tuple, (Py_ssize_t)i, word)) Py_CLEAR(tuple);
    }
    return tuple;
}

PyDoc_STRVAR(verify_doc, "verify($self, /)\n--\n\nCheck the whole file: every checksum, rank and row. Raises FormatError.");

static PyObject *refuse(PyTypeObject *type, nluc_status status) {
    State *state = PyType_GetModuleState(type);
    if (state) PyErr_Format(state->format_error, "the native reader refuses the file (%s)", nluc_status_name(status));
    return NULL;
}

static PyObject *verify(Model *self, PyObject *unused) {
    nluc_status status;
    (void)unused;
    Py_BEGIN_ALLOW_THREADS
    status = nluc_verify(self->model);
    Py_END_ALLOW_THREADS
    if (status) return refuse(Py_TYPE((PyObject *)self), status);
    Py_RETURN_NONE;
}

/* A validated view without the steps that it does not have. Its memory is whole pages of its own: of thousands of models
 * that come and go in many threads, malloc's arenas would keep a sixth more than what lives in them. */
static size_t view_size(const nluc_model *m) { return offsetof(nluc_model, steps) + m->n_steps * sizeof *m->steps; }

#ifdef HAS_MAP
static size_t in_pages(size_t size) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (size + page - 1) / page * page;
}

static void *view_new(size_t size) {
    void *data = mmap(NULL, in_pages(size), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return data == MAP_FAILED ? NULL : data;
}

static void view_free(void *m, size_t size) { munmap(m, in_pages(size)); }
#else
static size_t in_pages(size_t size) { return size; }
static void *view_new(size_t size) { return malloc(size); }
static void view_free(void *m, size_t size) {
    (void)size;
    free(m);
}
#endif

PyDoc_STRVAR(own_bytes_doc, "own_bytes($self, /)\n--\n\n"
"How many bytes of memory the model has of its own, besides the buffer: this object, the validated view, tables of runs, a template.");

static PyObject *own_bytes(Model *self, PyObject *unused) {
    (void)unused;
    return PyLong_FromSize_t(sizeof(Model) + in_pages(view_size(self->model)) + in_pages(self->runs_size) +
                             (self->program ? self->template.length : 0));
}

/* -- the type --------------------------------------------------------------------------------------------------------- */

static PyObject *model_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    PyObject *source;
    nluc_model *model;
    nluc_status status;
    Model *self;
    if (keywords && PyDict_Size(keywords)) return PyErr_Format(PyExc_TypeError, "Model takes no keywords");
    if (!PyArg_ParseTuple(args, "O:Model", &source)) return NULL;
    if (!(self = (Model *)allocate(type, 0))) return NULL; /* all zero: nothing to release yet */
    if (PyObject_GetBuffer(source, &self->buffer, PyBUF_SIMPLE)) goto failed;
    if (!self->buffer.readonly) {
        PyErr_SetString(PyExc_ValueError, "Model: the buffer can be written to; give bytes or a read-only map");
        goto failed;
    }
    if (!(model = malloc(sizeof *model))) {
        PyErr_NoMemory();
        goto failed;
    }
    if ((status = nluc_open(model, self->buffer.buf, (size_t)self->buffer.len))) {
        free(model);
        refuse(type, status);
        goto failed;
    }
    /* Tables of runs are worth their memory where they are not more than the file: without them runs are read more slowly. */
    if (nluc_runs_size(model) && nluc_runs_size(model) <= (size_t)self->buffer.len) {
        self->runs_size = nluc_runs_size(model);
        if (!(self->runs = view_new(self->runs_size))) {
            free(model);
            PyErr_NoMemory();
            goto failed;
        }
        nluc_make_runs(model, self->runs);
    }
    status = nluc_template_of(&self->template, model, NULL, 0);
    if (status == NLUC_E_ROOM || !status) {
        if (!(self->program = malloc(self->template.length + 1))) {
            free(model);
            PyErr_NoMemory();
            goto failed;
        }
        status = nluc_template_of(&self->template, model, self->program, self->template.length);
    }
    if (status && status != NLUC_E_INPUT) {
        free(model);
        refuse(type, status);
        goto failed;
    }
    if ((self->model = view_new(view_size(model)))) memcpy(self->model, model, view_size(model));
    free(model);
    if (!self->model) {
        PyErr_NoMemory();
        goto failed;
    }
    return (PyObject *)self;
failed:
    Py_DECREF(self);
    return NULL;
}

static void model_free(Model *self) {
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    if (self->model) view_free(self->model, view_size(self->model));
    if (self->runs) view_free(self->runs, self->runs_size);
    free(self->program);
    PyBuffer_Release(&self->buffer);
    release(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(model_doc, "Model(buffer, /)\n--\n\n"
"A validated view of the bytes of a .nluc file, which it holds. The buffer must be read-only.\n\n"
"Raises FormatError with the rule of FORMAT.md that the file breaks.");

/* METH_FASTCALL functions have another type than PyCFunction says; a cast by way of void (*)(void) is the documented one. */
#define FAST(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef model_methods[] = {
    {"score_texts", FAST(score_texts), METH_FASTCALL, score_texts_doc},
    {"score_items", FAST(score_items), METH_FASTCALL, score_items_doc},
    {"states", FAST(states), METH_FASTCALL, states_doc},
    {"token_states", FAST(token_states), METH_FASTCALL, token_states_doc},
    {"viterbi", FAST(viterbi), METH_FASTCALL, viterbi_doc},
    {"transitions", (PyCFunction)transitions, METH_O, transitions_doc},
    {"exponentials", FAST(exponentials), METH_FASTCALL, exponentials_doc},
    {"marginals", FAST(marginals), METH_FASTCALL, marginals_doc},
    {"find", FAST(find), METH_FASTCALL, find_doc},
    {"slot", FAST(slot), METH_FASTCALL, slot_doc},
    {"row", FAST(row), METH_O, row_doc},
    {"rows", FAST(rows), METH_FASTCALL, rows_doc},
    {"inputs", FAST(inputs), METH_NOARGS, inputs_doc},
    {"verify", FAST(verify), METH_NOARGS, verify_doc},
    {"own_bytes", FAST(own_bytes), METH_NOARGS, own_bytes_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot model_slots[] = {
    {Py_tp_doc, (void *)(uintptr_t)model_doc},
    {Py_tp_new, (void *)model_new},
    {Py_tp_dealloc, (void *)model_free},
    {Py_tp_methods, model_methods},
    {0, NULL},
};

static PyType_Spec model_spec = {
    .name = "nlucompress._native.Model",
    .basicsize = sizeof(Model),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = model_slots,
};

/* -- a part of a file, mapped ------------------------------------------------------------------------------------------
 *
 * mmap.mmap keeps a descriptor open for each map and starts at a page; of a store's models there are thousands, anywhere in
 * a file. The map is shared and read-only, and of its own: the system makes pages resident in no other's range, so that it
 * takes exactly size() bytes while it lives, and none after.
 */
#ifdef HAS_MAP
typedef struct {
    PyObject_HEAD
    uint8_t *base;
    size_t mapped, skip, length;
} Map;

PyDoc_STRVAR(map_doc, "Map(fd, offset, length, populate, /)\n--\n\n"
"Bytes offset..offset + length of a file, mapped read-only: a buffer. The descriptor may be closed afterwards.\n\n"
"populate: make all pages resident at once. Raises OSError; ValueError if the file ends before.");

static PyObject *map_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    long long offset, length;
    long page = sysconf(_SC_PAGESIZE);
    int fd, populate, flags = MAP_SHARED;
    off_t end;
    Map *self;
    if (keywords && PyDict_Size(keywords)) return PyErr_Format(PyExc_TypeError, "Map takes no keywords");
    if (!PyArg_ParseTuple(args, "iLLp:Map", &fd, &offset, &length, &populate)) return NULL;
    if ((end = lseek(fd, 0, SEEK_END)) < 0) return PyErr_SetFromErrno(PyExc_OSError);
    if (offset < 0 || length <= 0 || offset > end || length > end - offset || (unsigned long long)length > PY_SSIZE_T_MAX / 2)
        return PyErr_Format(PyExc_ValueError, "offset %lld + length %lld exceeds the file's %lld bytes", offset, length,
                            (long long)end);
    if (!(self = (Map *)allocate(type, 0))) return NULL;
    self->skip = (size_t)(offset % page);
    self->length = (size_t)length;
    self->mapped = (self->skip + self->length + (size_t)page - 1) / (size_t)page * (size_t)page;
#ifdef MAP_POPULATE
    if (populate) flags |= MAP_POPULATE;
#endif
    Py_BEGIN_ALLOW_THREADS
    self->base = mmap(NULL, self->mapped, PROT_READ, flags, fd, (off_t)(offset - (long long)self->skip));
    Py_END_ALLOW_THREADS
    if (self->base == MAP_FAILED) {
        self->base = NULL;
        PyErr_SetFromErrno(PyExc_OSError);
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void map_free(Map *self) {
    PyTypeObject *type = Py_TYPE((PyObject *)self);
    freefunc release = (freefunc)PyType_GetSlot(type, Py_tp_free);
    if (self->base) munmap(self->base, self->mapped);
    release(self);
    Py_DECREF(type);
}

static int map_buffer(Map *self, Py_buffer *view, int flags) {
    return PyBuffer_FillInfo(view, (PyObject *)self, self->base + self->skip, (Py_ssize_t)self->length, 1, flags);
}

PyDoc_STRVAR(map_size_doc, "size($self, /)\n--\n\nThe bytes mapped: whole pages.");

static PyObject *map_size(Map *self, PyObject *unused) {
    (void)unused;
    return PyLong_FromSize_t(self->mapped);
}

static PyMethodDef map_methods[] = {
    {"size", FAST(map_size), METH_NOARGS, map_size_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot map_slots[] = {
    {Py_tp_doc, (void *)(uintptr_t)map_doc},
    {Py_tp_new, (void *)map_new},
    {Py_tp_dealloc, (void *)map_free},
    {Py_tp_methods, map_methods},
    {Py_bf_getbuffer, (void *)map_buffer},
    {0, NULL},
};

static PyType_Spec map_spec = {
    .name = "nlucompress._native.Map",
    .basicsize = sizeof(Map),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = map_slots,
};
#endif

/* -- the module ------------------------------------------------------------------------------------------------------- */

PyDoc_STRVAR(hash_names_doc, "hash_names(names, seed, /)\n--\n\n"
"MurmurHash3_x64_128 of each str of a list, of its UTF-8: two little-endian u64 each, one after the other.\n\n"
"Raises TypeError at what is no str.");

static PyObject *hash_names(PyObject *module, PyObject *const *args, Py_ssize_t n_args) {
    PyObject *result;
    Py_ssize_t count, done = 0, some;
    unsigned long seed;
    char *out;
    (void)module;
    if (n_args != 2 || !PyList_Check(args[0])) return PyErr_Format(PyExc_TypeError, "hash_names takes a list and a seed");
    seed = PyLong_AsUnsignedLong(args[1]);
    if (PyErr_Occurred()) return NULL;
    if (seed > 0xFFFFFFFFul) return PyErr_Format(PyExc_ValueError, "seed %lu is not a u32", seed);
    count = PyList_Size(args[0]);
    if (count > PY_SSIZE_T_MAX / 16) return PyErr_NoMemory();
    if (!(result = PyBytes_FromStringAndSize(NULL, 16 * count))) return NULL;
    out = PyBytes_AsString(result);
    while (done < count) {
        uint64_t hashes[NLUC_STAGE][2];
        Py_ssize_t most = count - done < NLUC_STAGE ? count - done : NLUC_STAGE, i;
        some = hash_some(args[0], done, most, (uint32_t)seed, hashes);
        if (some < most) {
            if (some >= 0) PyErr_Format(PyExc_TypeError, "name %zd is not a str", done + some);
            Py_DECREF(result);
            return NULL;
        }
        for (i = 0; i < some; i++) {
            int k;
            for (k = 0; k < 16; k++) out[16 * (done + i) + k] = (char)(hashes[i][k / 8] >> k % 8 * 8);
        }
        done += some;
    }
    return result;
}

/* -- token templates -------------------------------------------------------------------------------------------------- */

/* What becomes of the features of a token: a list of (name, value); null after an error. */
static void append_pair(void *context, const uint8_t *name, size_t length, double value) {
    PyObject **list = (PyObject **)context, *text, *pair = NULL;
    if (!*list) return;
    text = PyUnicode_DecodeUTF8((const char *)name, (Py_ssize_t)length, "surrogatepass");
    if (text) pair = Py_BuildValue("Nd", text, value);
    if (!pair || PyList_Append(*list, pair)) Py_CLEAR(*list);
    Py_XDECREF(pair);
}

/* The features of token i, in a list. Scratch memory grows as it needs to. */
static PyObject *visited(const nluc_template *template, const nluc_bytes *tokens, size_t count, size_t i, Scratch *scratch) {
    for (;;) {
        PyObject *list = PyList_New(0);
        nluc_status status;
        if (!list) return NULL;
        status = nluc_template_visit(template, tokens, count, i, scratch->data, scratch->size, append_pair, &list);
        if (!list || !status) return list;
        Py_DECREF(list);
        if (scratch_grow(scratch, 2 * scratch->size)) return PyErr_NoMemory();
    }
}

PyDoc_STRVAR(template_features_doc, "template_features(description, tokens, /)\n--\n\n"
"The features of each token by a template: a list of (name, value), in the template's order, for each.\n\n"
"description is the template's plain form in msgpack; tokens is a list of str, all columns of a token one after the other.\n"
"Raises ValueError with the rule of FORMAT.md that the description breaks, TypeError at what is no str.");

static PyObject *template_features(PyObject *module, PyObject *const *args, Py_ssize_t n_args) {
    Strings tokens = {NULL, NULL, NULL, 0, 0};
    Scratch program = {NULL, 0}, scratch = {NULL, 0};
    PyObject *result = NULL;
    nluc_template template;
    nluc_status status;
    const uint8_t *data;
    Py_ssize_t count, i;
    Py_buffer buffer;
    int failed;
    (void)module;
    if (n_args != 2) return PyErr_Format(PyExc_TypeError, "template_features takes 2 arguments, got %zd", n_args);
    if (PyObject_GetBuffer(args[0], &buffer, PyBUF_SIMPLE)) return NULL;
    data = (const uint8_t *)buffer.buf;
    status = nluc_header_check(data, data + buffer.len) ? NLUC_OK : NLUC_E_H1;
    if (!status) status = nluc_template_open(&template, data, data + buffer.len, NULL, 0);
    if (status == NLUC_E_ROOM) {
        if (scratch_grow(&program, template.length)) {
            PyErr_NoMemory();
            goto end;
        }
        status = nluc_template_open(&template, data, data + buffer.len, program.data, program.size);
    }
    if (status) {
        PyErr_Format(PyExc_ValueError, "the native reader refuses the template (%s)", nluc_status_name(status));
        goto end;
    }
    if ((failed = strings_of(args[1], &tokens))) {
        if (failed > 0) PyErr_Format(PyExc_TypeError, "string %zd is no str", tokens.count);
        goto end;
    }
    if (tokens.count % (Py_ssize_t)template.n_columns) {
        PyErr_Format(PyExc_ValueError, "%zd strings are no rows of %u columns", tokens.count, (unsigned)template.n_columns);
        goto end;
    }
    if (scratch_grow(&scratch, 4 * tokens.longest + 1024)) {
        PyErr_NoMemory();
        goto end;
    }
    count = tokens.count / (Py_ssize_t)template.n_columns;
    result = PyList_New(count);
    for (i = 0; result && i < count; i++) {
        PyObject *list = visited(&template, tokens.strings, (size_t)count, (size_t)i, &scratch);
        if (!list || PyList_SetItem(result, i, list)) Py_CLEAR(result);
    }
end:
    strings_free(&tokens);
    free(program.data);
    free(scratch.data);
    PyBuffer_Release(&buffer);
    return result;
}

PyDoc_STRVAR(holds_h1_doc, "holds_h1(header, /)\n--\n\n"
"Whether a header's bytes hold rule H1 of FORMAT.md: one map within the limits, and nothing behind it.");

static PyObject *holds_h1(PyObject *module, PyObject *header) {
    Py_buffer buffer;
    int holds;
    (void)module;
    if (PyObject_GetBuffer(header, &buffer, PyBUF_SIMPLE)) return NULL;
    holds = nluc_header_check((const uint8_t *)buffer.buf, (const uint8_t *)buffer.buf + buffer.len);
    PyBuffer_Release(&buffer);
    return PyBool_FromLong(holds);
}

static PyMethodDef functions[] = {
    {"holds_h1", (PyCFunction)holds_h1, METH_O, holds_h1_doc},
    {"template_features", FAST(template_features), METH_FASTCALL, template_features_doc},
    {"hash_names", FAST(hash_names), METH_FASTCALL, hash_names_doc},
    {NULL, NULL, 0, NULL},
};

static int add_type(PyObject *module, PyType_Spec *spec) {
    PyObject *type = PyType_FromModuleAndSpec(module, spec, NULL);
    int failed = !type || PyModule_AddType(module, (PyTypeObject *)type);
    Py_XDECREF(type);
    return failed ? -1 : 0;
}

static int execute(PyObject *module) {
    State *state = PyModule_GetState(module);
    PyObject *errors;
#if defined(__POPCNT__) && defined(__GNUC__)
    if (!__builtin_cpu_supports("popcnt")) {
        PyErr_SetString(PyExc_ImportError, "this build of nlucompress needs a processor with POPCNT (of 2008 or later)");
        return -1;
    }
#endif
    NLUC_FIND_AVX2();
    if (!(errors = PyImport_ImportModule("nlucompress.errors"))) return -1;
    state->format_error = PyObject_GetAttrString(errors, "FormatError");
    Py_DECREF(errors);
    if (!state->format_error) return -1;
    if (PyModule_AddStringConstant(module, "UNICODE", NLUC_UNICODE)) return -1;
#ifdef HAS_MAP
    if (add_type(module, &map_spec)) return -1;
#endif
    return add_type(module, &model_spec);
}

static int traverse(PyObject *module, visitproc visit, void *arg) {
    State *state = PyModule_GetState(module);
    if (state) Py_VISIT(state->format_error);
    return 0;
}

static int clear(PyObject *module) {
    State *state = PyModule_GetState(module);
    if (state) Py_CLEAR(state->format_error);
    return 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, (void *)execute},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "nlucompress._native",
    .m_doc = "The native runtime: nluc.h as a Python extension. nlucompress.native is its one user.",
    .m_size = sizeof(State),
    .m_methods = functions,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
};

PyMODINIT_FUNC PyInit__native(void) { return PyModuleDef_Init(&definition); }
