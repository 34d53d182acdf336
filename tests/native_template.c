/* What test_template.py calls: a template run in scratch memory of a given size. Compiled with -DTEMPLATE_HEADER='"…"'. */
#include TEMPLATE_HEADER

#define API __attribute__((visibility("default")))

API int room(void);
API size_t opened(const uint8_t *p, size_t length, void *program, size_t size, int *status);
API int visited(const uint8_t *p, size_t length, void *program, size_t size, const uint8_t *const *texts, const size_t *lengths,
                size_t count, size_t i, void *scratch, size_t scratch_size, void *out);

/* The status of too little room. */
int room(void) { return NLUC_E_ROOM; }

/* How many bytes a program takes. */
size_t opened(const uint8_t *p, size_t length, void *program, size_t size, int *status) {
    nluc_template t;
    *status = (int)nluc_template_open(&t, p, p + length, program, size);
    return t.length;
}

/* Names as they come, each after its length in four bytes. */
typedef struct {
    uint8_t *out;
    size_t size;
} list;

static void append(void *context, const uint8_t *name, size_t length, double value) {
    list *l = (list *)context;
    size_t i;
    (void)value;
    for (i = 0; i < 4; i++) l->out[l->size++] = (uint8_t)(length >> 8 * i);
    for (i = 0; i < length; i++) l->out[l->size++] = name[i];
}

/* The features of token i; a status, and what was visited in out, which has room for it, after its size (size_t). */
int visited(const uint8_t *p, size_t length, void *program, size_t size, const uint8_t *const *texts, const size_t *lengths,
            size_t count, size_t i, void *scratch, size_t scratch_size, void *out) {
    nluc_bytes tokens[16];
    nluc_template t;
    list found;
    size_t k;
    int status = (int)nluc_template_open(&t, p, p + length, program, size);
    if (status) return status;
    for (k = 0; k < count && k < 16; k++) {
        tokens[k].data = texts[k];
        tokens[k].length = lengths[k];
    }
    found.out = (uint8_t *)out + sizeof(size_t);
    found.size = 0;
    status = (int)nluc_template_visit(&t, tokens, count / t.n_columns, i, scratch, scratch_size, append, &found);
    memcpy(out, &found.size, sizeof(size_t));
    return status;
}
