/* What stands in for libFuzzer where it is not used: gives every file of the folder in the first argument to the
 * target, and then a few thousand random alterations of each, the same in every run. Not a search; that is
 * `tests/fuzz/run`.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>

#define LARGEST_SEED (1024 * 1024)
#define ALTERATIONS  2000

static uint64_t random_state = 1;

static size_t random_below(size_t bound) {
        random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (size_t) (random_state >> 33) % bound;
}

/* Each run of the target gets a copy of exactly the input's size, so that AddressSanitizer sees a byte too many. */
static void run_copy(const uint8_t *bytes, size_t size) {
        uint8_t *copy = malloc(size > 0 ? size : 1);
        if (!copy)
                abort();
        if (size > 0)
                memcpy(copy, bytes, size);
        LLVMFuzzerTestOneInput(copy, size);
        free(copy);
}

static void alter(uint8_t *bytes, size_t *size) {
        size_t at = random_below(*size);
        switch (random_below(4)) {
        case 0:
                bytes[at] = (uint8_t) random_below(256);
                break;
        case 1:
                bytes[at] ^= (uint8_t) (1 << random_below(8));
                break;
        case 2:
                *size = at;
                break;
        default:
                memmove(bytes + at, bytes + random_below(*size), *size - at > 8 ? 8 : 1);
                break;
        }
}

static bool replay(const char *path) {
        static uint8_t seed[LARGEST_SEED], altered[LARGEST_SEED];
        FILE *file = fopen(path, "rb");
        if (!file)
                return false;
        size_t seed_size = fread(seed, 1, sizeof(seed), file);
        fclose(file);
        run_copy(seed, seed_size);
        for (size_t i = 0; i < ALTERATIONS; i++) {
                size_t size = seed_size;
                memcpy(altered, seed, size);
                for (size_t changes = 1 + random_below(4); changes > 0 && size > 0; changes--)
                        alter(altered, &size);
                run_copy(altered, size);
        }
        return true;
}

int main(int argc, char **argv) {
        DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
        if (!folder) {
                fprintf(stderr, "usage: %s FOLDER-OF-SEEDS\n", argv[0]);
                return 2;
        }
        size_t count = 0;
        for (const struct dirent *entry; (entry = readdir(folder));) {
                char path[4096];
                if (entry->d_name[0] == '.')
                        continue;
                snprintf(path, sizeof(path), "%s/%s", argv[1], entry->d_name);
                if (!replay(path)) {
                        fprintf(stderr, "%s: cannot be read\n", path);
                        return 1;
                }
                count++;
        }
        closedir(folder);
        printf("%zu seeds\n", count);
        return count > 0 ? 0 : 1;
}
