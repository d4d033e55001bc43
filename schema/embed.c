/* Turns schema/migrations/ and schema/queries/ into C tables when the program is built:
 *
 *     embed QUERIES_H QUERIES_C MIGRATIONS_C FILE.sql …
 *
 * A query is a block that begins with "-- name: noun_verb" and "-- role: tenant …"; a migration is a whole file, named
 * NNNN_name.sql, whose first line is "-- oldest: N". Wrong input ends the build with file and line.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LIMIT 4096

typedef struct Source {
        const char *path;
        int line;
        FILE *stream;
        char text[LINE_LIMIT];
} Source;

static _Noreturn __attribute__((format(printf, 2, 3))) void stop(const Source *source, const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        fprintf(stderr, "%s:%d: ", source->path, source->line);
        vfprintf(stderr, format, arguments);
        fputc('\n', stderr);
        va_end(arguments);
        exit(1);
}

static bool next_line(Source *source) {
        if (!fgets(source->text, sizeof(source->text), source->stream))
                return false;
        source->line++;
        size_t length = strlen(source->text);
        if (length == sizeof(source->text) - 1)
                stop(source, "a line is longer than %d bytes", LINE_LIMIT - 2);
        while (length > 0 && isspace((unsigned char) source->text[length - 1]))
                source->text[--length] = '\0';
        return true;
}

/* The rest of the line after "-- NAME: ", or NULL. */
static char *head(Source *source, const char *name) {
        size_t length = strlen(name);
        if (strncmp(source->text, "-- ", 3) != 0 || strncmp(source->text + 3, name, length) != 0 ||
            strncmp(source->text + 3 + length, ": ", 2) != 0)
                return NULL;
        return source->text + 3 + length + 2;
}

static void put_line(FILE *output, const char *line) {
        fputs("        \"", output);
        for (const char *c = line; *c; c++)
                if (*c == '"' || *c == '\\')
                        fprintf(output, "\\%c", *c);
                else
                        fputc(*c, output);
        fputs("\\n\"\n", output);
}

static void put_upper(FILE *output, const char *name) {
        for (; *name; name++)
                fputc(toupper((unsigned char) *name), output);
}

static void embed_queries(Source *source, FILE *header, FILE *table) {
        bool open = false, with_role = false, with_text = false;
        while (next_line(source)) {
                const char *value;
                if ((value = head(source, "name"))) {
                        if (open && !with_text)
                                stop(source, "the query before this one has no text");
                        if (value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
                                stop(source, "a query's name is [a-z0-9_]");
                        fputs(open ? "        },\n        { \"" : "        { \"", table);
                        fprintf(table, "%s\",\n", value);
                        fputs("        QUERY_", header);
                        put_upper(header, value);
                        fputs(",\n", header);
                        open = true;
                        with_role = with_text = false;
                } else if (open && (value = head(source, "role"))) {
                        fprintf(table, "        \"%s\",\n", value);
                        with_role = true;
                } else if (strncmp(source->text, "--", 2) == 0 || source->text[0] == '\0') {
                        continue;
                } else {
                        if (!open || !with_role)
                                stop(source, "SQL without \"-- name:\" and \"-- role:\" before it");
                        char *end = source->text + strlen(source->text) - 1;
                        if (*end == ';')
                                *end = '\0';
                        put_line(table, source->text);
                        with_text = true;
                }
        }
        if (!with_text)
                stop(source, "the file ends without the text of a query");
        fputs("        },\n", table);
}

static void embed_migration(Source *source, const char *name, FILE *table) {
        const char *oldest;
        if (!next_line(source) || !(oldest = head(source, "oldest")))
                stop(source, "a migration begins with \"-- oldest: N\"");
        fprintf(table, "        { %d, %d, \"%s\",\n", (int) strtol(name, NULL, 10), (int) strtol(oldest, NULL, 10),
                name);
        put_line(table, source->text);
        while (next_line(source))
                put_line(table, source->text);
        fputs("        },\n", table);
}

int main(int count, char **arguments) {
        if (count < 5)
                return 64;
        FILE *header = fopen(arguments[1], "w"), *queries = fopen(arguments[2], "w"), *steps = fopen(arguments[3], "w");
        if (!header || !queries || !steps)
                return perror(arguments[0]), 1;
        fputs("#pragma once\n\ntypedef enum Query {\n", header);
        fputs("#include \"schema/schema.h\"\n\nconst QueryText query_texts[QUERY_COUNT] = {\n", queries);
        fputs("#include \"schema/schema.h\"\n\nconst Migration migrations[] = {\n", steps);
        for (int i = 4; i < count; i++) {
                Source source = { .path = arguments[i], .stream = fopen(arguments[i], "r") };
                if (!source.stream)
                        return perror(arguments[i]), 1;
                const char *slash = strrchr(arguments[i], '/');
                if (strstr(arguments[i], "migrations/"))
                        embed_migration(&source, slash ? slash + 1 : arguments[i], steps);
                else
                        embed_queries(&source, header, queries);
                fclose(source.stream);
        }
        fputs("        QUERY_COUNT\n} Query;\n", header);
        fputs("};\n", queries);
        fputs("};\n\nconst size_t migration_count = sizeof(migrations) / sizeof(migrations[0]);\n", steps);
        return fclose(header) != 0 || fclose(queries) != 0 || fclose(steps) != 0;
}
