/* avx2.h: nluc.h's sum of dense rows with AVX2, for module.c. Half of a long sentence's time goes there, and compilers make
 * less than half as fast code of the portable loop. Chosen at run time: the extension runs on every x86-64 processor. */
#ifndef NLUC_AVX2_H
#define NLUC_AVX2_H

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

static void nluc_add_codes(const uint8_t *const *rows, const double *values, uint32_t count, uint32_t columns, double *sums);

/* Four codes as doubles: from the low four bytes of a vector. */
__attribute__((target("avx2,fma"))) static inline __m256d four(__m128i bytes) {
    return _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(bytes));
}

/* sums += values[0] * rows[0] + values[1] * rows[1] + …: 16 columns of all rows, then the next 16, so that their sums stay in
 * registers; then four at a time, then one. */
__attribute__((target("avx2,fma"))) static void add_codes_avx2(const uint8_t *const *rows, const double *values,
                                                               uint32_t count, uint32_t columns, double *sums) {
    uint32_t column, row;
    for (column = 0; column + 16 <= columns; column += 16) {
        double *at = sums + column;
        __m256d a = _mm256_loadu_pd(at), b = _mm256_loadu_pd(at + 4), c = _mm256_loadu_pd(at + 8), d = _mm256_loadu_pd(at + 12);
        for (row = 0; row < count; row++) {
            __m128i codes = _mm_loadu_si128((const __m128i *)(const void *)(rows[row] + column));
            __m256d value = _mm256_set1_pd(values[row]);
            a = _mm256_fmadd_pd(value, four(codes), a);
            b = _mm256_fmadd_pd(value, four(_mm_srli_si128(codes, 4)), b);
            c = _mm256_fmadd_pd(value, four(_mm_srli_si128(codes, 8)), c);
            d = _mm256_fmadd_pd(value, four(_mm_srli_si128(codes, 12)), d);
        }
        _mm256_storeu_pd(at, a);
        _mm256_storeu_pd(at + 4, b);
        _mm256_storeu_pd(at + 8, c);
        _mm256_storeu_pd(at + 12, d);
    }
    for (; column + 4 <= columns; column += 4) {
        __m256d a = _mm256_loadu_pd(sums + column);
        for (row = 0; row < count; row++) {
            int32_t codes;
            memcpy(&codes, rows[row] + column, 4);
            a = _mm256_fmadd_pd(_mm256_set1_pd(values[row]), four(_mm_cvtsi32_si128(codes)), a);
        }
        _mm256_storeu_pd(sums + column, a);
    }
    for (; column < columns; column++) /* rounded as the vectors are: equal weights have equal sums in any column */
        for (row = 0; row < count; row++) sums[column] = __builtin_fma(values[row], rows[row][column], sums[column]);
}

static int has_avx2; /* set once, when the module is loaded */

#define NLUC_FIND_AVX2() (has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#define NLUC_ADD_CODES(rows, values, count, columns, sums) \
    (has_avx2 ? add_codes_avx2 : nluc_add_codes)(rows, values, count, columns, sums)
#else
#define NLUC_FIND_AVX2() ((void)0)
#endif

#endif
