/* Plants a defect: copies a source file and replaces one piece of it, as a file in defects/ says, so that a test can
 * show that the simulator finds it. The products' sources know nothing of this. It fails when the piece is not there
 * exactly once: then the source has changed and the defect must be thought through again.
 *
 *      plant DEFECT SOURCE OUTPUT
 *
 * A defect's file: lines of comment, a line "--- replace", the piece, a line "--- with", what stands there instead, and
 * a line "--- end".
 */
#include "base/text.h"

#include <stdio.h>

static Text read_file(const char *path) {
        FILE *file = fopen(path, "r");
        TextBuilder text = text_builder(0);
        char buffer[4096];
        size_t count;

        if (!file) {
                perror(path);
                exit(1);
        }
        while ((count = fread(buffer, 1, sizeof(buffer), file)) > 0)
                text_add(&text, (Text){ buffer, count });
        fclose(file);
        return text_built(&text);
}

static const char *find(Text text, Text piece) {
        return memmem(text.bytes, text.length, piece.bytes, piece.length);
}

static Text between(Text text, Text first, Text last) {
        const char *begin = find(text, first), *end = find(text, last);

        if (!begin || !end || begin + first.length > end)
                return TEXT_NONE;
        return (Text){ begin + first.length, (size_t) (end - begin) - first.length };
}

static bool write_file(const char *path, Text before, Text middle, Text after) {
        FILE *file = fopen(path, "w");

        if (!file)
                return false;
        bool ok = fwrite(before.bytes, 1, before.length, file) == before.length &&
                  fwrite(middle.bytes, 1, middle.length, file) == middle.length &&
                  fwrite(after.bytes, 1, after.length, file) == after.length;
        return fclose(file) == 0 && ok;
}

int main(int count, char **strings) {
        if (count != 4) {
                fprintf(stderr, "plant DEFECT SOURCE OUTPUT\n");
                return 64;
        }
        Text defect = read_file(strings[1]), source = read_file(strings[2]);
        Text piece = between(defect, TEXT("--- replace\n"), TEXT("--- with\n"));
        Text instead = between(defect, TEXT("--- with\n"), TEXT("--- end\n"));
        const char *place = piece.length ? find(source, piece) : NULL;
        Text before = { source.bytes, place ? (size_t) (place - source.bytes) : 0 };
        Text after = { place ? place + piece.length : NULL, place ? source.length - before.length - piece.length : 0 };
        if (!place || find(after, piece)) {
                fprintf(stderr, "%s: the piece to replace is %s %s\n", strings[1],
                        place ? "more than once in" : "not in", strings[2]);
                return 1;
        }
        if (!write_file(strings[3], before, instead, after)) {
                perror(strings[3]);
                return 1;
        }
        free((char *) defect.bytes);
        free((char *) source.bytes);
        return 0;
}
