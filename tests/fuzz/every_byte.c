/* every_byte.c: inputs of native.c, their files cut at every length and each byte changed to all other values. What is cut is
 * refused; what is changed is refused by a full verification, and does native.c's questions no harm without one.
 *
 * bin/fuzz native --every-byte. The rest of tests/test_every_byte.py, which asks Python, is one value of each byte.
 */
#include "native.c"

static uint8_t input[HEAD + REQUEST + 8 + (1 << 16)];

static size_t read_input(const char *path) {
    FILE *file = fopen(path, "rb");
    size_t size = file ? fread(input, 1, sizeof input, file) : 0;
    if (!file || size < HEAD || size == sizeof input) {
        fprintf(stderr, "every_byte: %s: not an input of at most %zu bytes\n", path, sizeof input);
        exit(2);
    }
    fclose(file);
    return size;
}

int main(int argc, char **argv) {
    static nluc_model m;
    unsigned long cuts = 0, changes = 0, opened = 0;
    int i;
    for (i = 1; i < argc; i++) {
        size_t size = read_input(argv[i]), start = HEAD + (nluc_u16(input) + 7u) / 8 * 8, length, at;
        uint8_t flags = input[2], *copy;
        MUST(size > start && nluc_open(&m, input + start, size - start) == NLUC_OK && nluc_verify(&m) == NLUC_OK);
        for (length = 0; length < size - start; length++, cuts++) {
            copy = malloc(length ? length : 1); /* so that AddressSanitizer sees a byte too many */
            memcpy(copy, input + start, length);
            MUST(nluc_open(&m, copy, length) != NLUC_OK);
            free(copy);
        }
        input[2] = flags | NO_VERIFY;
        for (at = start; at < size; at++) {
            uint32_t other;
            for (other = 1; other < 256; other++, changes++) {
                input[at] ^= (uint8_t)other;
                if (nluc_open(&m, input + start, size - start) == NLUC_OK) {
                    MUST(nluc_verify(&m) != NLUC_OK);
                    LLVMFuzzerTestOneInput(input, size);
                    opened++;
                }
                input[at] ^= (uint8_t)other;
            }
        }
        printf("%s: %zu bytes\n", argv[i], size - start);
        fflush(stdout);
    }
    printf("%d files cut at %lu lengths; %lu changed bytes, of which %lu opened and were asked\n", argc - 1, cuts, changes, opened);
    return 0;
}
