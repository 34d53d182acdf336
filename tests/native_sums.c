/* What test_native_sums.py calls: sums of rows of all codes, and scores of whole texts, by the way that `wide` chooses: with
 * AVX2 as the extension does where the processor has it, or as the header does it alone.
 */
#include "avx2.h"
#include "nluc.h"

#define API __attribute__((visibility("default")))

API int wide(int wanted);
API void add_codes(const uint8_t *codes, const double *values, uint32_t count, uint32_t columns, double *sums);
API int score(const uint8_t *file, size_t length, const uint8_t *text, size_t size, void *scratch, size_t room, double *scores);

/* Whether sums are now made with AVX2: not where this processor has none. */
int wide(int wanted) {
    NLUC_FIND_AVX2();
#if defined(__x86_64__) && defined(__GNUC__) /* as avx2.h */
    has_avx2 = has_avx2 && wanted;
    return has_avx2;
#else
    return (void)wanted, 0;
#endif
}

/* sums += values * codes, of `count` (at most 256) rows that lie one after the other. */
void add_codes(const uint8_t *codes, const double *values, uint32_t count, uint32_t columns, double *sums) {
    const uint8_t *rows[256];
    uint32_t i;
    for (i = 0; i < count; i++) rows[i] = codes + (size_t)i * columns;
    NLUC_ADD_CODES(rows, values, count, columns, sums);
}

/* The scores of a text, and the status. */
int score(const uint8_t *file, size_t length, const uint8_t *text, size_t size, void *scratch, size_t room, double *scores) {
    static nluc_model model;
    nluc_sample sample;
    nluc_status status = nluc_open(&model, file, length);
    if (status) return (int)status;
    nluc_begin(&sample, &model, scratch, room);
    nluc_add_text_everywhere(&sample, text, size);
    return (int)nluc_finish(&sample, scores);
}
