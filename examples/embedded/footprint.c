/* footprint.c: what a device links of nluc.h, and no more: open a file, classify a text, find the label. Its object is what
 * `make size`, `make stack` and `make symbols` look at. Memory is the caller's; the only variable here is the view of the
 * model, so .bss is its size.
 */
#include "nluc.h"

int footprint_open(const uint8_t *file, size_t length);
int footprint_classify(const char *text, size_t length, void *scratch, size_t size, double *scores, uint32_t *best);
const uint8_t *footprint_label(uint32_t number, size_t *length);

static nluc_model model;

int footprint_open(const uint8_t *file, size_t length) {
    nluc_status status = nluc_open(&model, file, length);
#ifdef VERIFY /* of a file that came by radio, say: all checksums, once */
    if (!status) status = nluc_verify(&model);
#endif
    return (int)status;
}

int footprint_classify(const char *text, size_t length, void *scratch, size_t size, double *scores, uint32_t *best) {
    nluc_sample sample;
    nluc_status status;
    nluc_begin(&sample, &model, scratch, size);
    nluc_add_text_everywhere(&sample, (const uint8_t *)text, length);
    if (!(status = nluc_finish(&sample, scores))) *best = nluc_decide(&model, scores);
    return (int)status;
}

const uint8_t *footprint_label(uint32_t number, size_t *length) { return nluc_label_bytes(&model, number, length); }
