/* classify.c: raw text in, label out, with nothing between them but nluc.h.
 *
 *     classify [-a] MODEL.nluc [TEXT...]
 *
 * prints label, tab, score, one line a text; texts are the arguments, or else the lines of standard input. -a prints every
 * class of every text, with all digits. A multilabel model gets the label that is ahead of the others.
 *
 * Only reading the file and printing need a C library: on a device the file is an array in flash, and the scores are an
 * array of as many doubles as the model has columns. The rest of main() stays as it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nluc.h"

#ifndef SCRATCH_BYTES
#define SCRATCH_BYTES 65536 /* n-grams and normalised text of one sample; README.md says how much a text takes */
#endif

static nluc_model model;
static uint64_t scratch[SCRATCH_BYTES / 8]; /* of this type to be aligned to 8 bytes */
static double *scores;

static int fail(const char *what, const char *why) {
    fprintf(stderr, "classify: %.80s: %s\n", what, why);
    return 1;
}

static void print_label(uint32_t number) {
    size_t size;
    const uint8_t *label = nluc_label_bytes(&model, number, &size);
    uint64_t bits = 0;
    if (model.label_type <= NLUC_OBJECT) {
        fwrite(label, 1, size, stdout);
    } else if (model.label_type >= NLUC_FLOAT32) {
        printf("%.17g", size == 4 ? (double)nluc_f32(label) : nluc_f64(label));
    } else { /* little-endian, its sign in the last byte */
        int is_signed = model.label_type >= NLUC_INT8 && model.label_type <= NLUC_INT64;
        int negative = is_signed && label[size - 1] > 0x7F;
        while (size) bits = bits << 8 | (negative ? label[--size] ^ 0xFFu : label[--size]);
        printf(negative ? "-%llu" : "%llu", (unsigned long long)bits + (unsigned)negative);
    }
}

static int classify(const char *text, int all) {
    nluc_sample sample;
    nluc_status status;
    uint32_t i, best;
    nluc_begin(&sample, &model, scratch, sizeof scratch);
    nluc_add_text_everywhere(&sample, (const uint8_t *)text, strlen(text));
    if ((status = nluc_finish(&sample, scores)) != NLUC_OK) return fail(text, nluc_status_name(status));
    best = nluc_decide(&model, scores);
    for (i = all ? 0 : best; i < (all ? model.n_classes : best + 1); i++) {
        print_label(i);
        printf(all ? "\t%.17g\n" : "\t%.9g\n", scores[model.task == NLUC_BINARY ? 0 : i]); /* binary: class 1 if > 0 */
    }
    return 0;
}

int main(int argc, char **argv) {
    static char line[65536];
    int all = argc > 1 && !strcmp(argv[1], "-a"), i = 1 + all, failed = 0;
    const char *path = i < argc ? argv[i++] : "";
    FILE *file = fopen(path, "rb");
    long length = file && !fseek(file, 0, SEEK_END) ? ftell(file) : -1;
    uint8_t *bytes = length < 0 ? NULL : malloc((size_t)length + 1);
    nluc_status status;
    if (!bytes) return fail(path, file ? "not readable as a whole" : "no such file; usage: classify [-a] MODEL [TEXT...]");
    rewind(file);
    if (fread(bytes, 1, (size_t)length, file) != (size_t)length) return fail(path, "not readable as a whole");
    fclose(file);
    if ((status = nluc_open(&model, bytes, (size_t)length)) || (status = nluc_verify(&model)))
        return fail(path, nluc_status_name(status));
    if (!(scores = malloc(model.n_columns * sizeof *scores))) return fail(path, "no memory for the scores");
    if (i < argc)
        while (i < argc && !failed) failed = classify(argv[i++], all);
    else
        while (!failed && fgets(line, sizeof line, stdin)) {
            size_t size = strcspn(line, "\r\n");
            failed = line[size] || feof(stdin) ? 0 : fail("a line", "too long");
            line[size] = 0;
            if (!failed) failed = classify(line, all);
        }
    return failed;
}
