#include "component/settings_file.h"

#include "base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <yaml.h>

#define FILE_LIMIT  (256 * 1024)
#define VALUE_LIMIT 4096

typedef struct Reader {
        yaml_parser_t parser;
        yaml_event_t event;
        bool has_event;
        const char *path;
        Failure *failure;
} Reader;

static bool refuse(Reader *reader, size_t line, const char *why) {
        return failure_set(reader->failure, FAILURE_INVALID, "%s:%zu: %s", reader->path, line + 1, why);
}

static bool refuse_event(Reader *reader, const char *why) {
        return refuse(reader, reader->event.start_mark.line, why);
}

static bool next(Reader *reader) {
        if (reader->has_event)
                yaml_event_delete(&reader->event);
        reader->has_event = yaml_parser_parse(&reader->parser, &reader->event) == 1;
        if (!reader->has_event)
                return refuse(reader, reader->parser.problem_mark.line,
                              reader->parser.problem ? reader->parser.problem : "not YAML");
        return true;
}

static bool expect(Reader *reader, yaml_event_type_t type, const char *why) {
        return next(reader) && (reader->event.type == type || refuse_event(reader, why));
}

static bool scalar(Reader *reader, Text *ret_text) {
        if (reader->event.type != YAML_SCALAR_EVENT)
                return refuse_event(reader, "expected a plain value");
        if (reader->event.data.scalar.anchor || reader->event.data.scalar.tag)
                return refuse_event(reader, "anchors and tags are not used here");
        *ret_text = (Text){ (const char *) reader->event.data.scalar.value, reader->event.data.scalar.length };
        return true;
}

/* A list becomes the text that the environment would hold: names separated by commas. */
static bool read_list(Reader *reader, TextBuilder *builder) {
        for (;;) {
                Text item;
                if (!next(reader))
                        return false;
                if (reader->event.type == YAML_SEQUENCE_END_EVENT)
                        return true;
                if (!scalar(reader, &item))
                        return false;
                text_add_char(builder, ',');
                text_add(builder, item);
                if (builder->overflowed)
                        return refuse_event(reader, "this list is too long");
        }
}

static bool read_value(Reader *reader, TextBuilder *builder) {
        if (!next(reader))
                return false;
        if (reader->event.type == YAML_SEQUENCE_START_EVENT)
                return read_list(reader, builder);
        Text text;
        if (!scalar(reader, &text))
                return false;
        text_add(builder, text);
        return !builder->overflowed || refuse_event(reader, "this value is too long");
}

static bool read_pair(Reader *reader, Settings *settings, Map *seen) {
        Text name;
        if (!scalar(reader, &name))
                return false;
        size_t line = reader->event.start_mark.line;
        name = text_copy(settings->arena, name);
        if (name.length == 0)
                return refuse(reader, line, "a setting without a name");
        if (map_put(seen, name, seen))
                return refuse(reader, line, "this setting stands here twice");
        TextBuilder value = text_builder(VALUE_LIMIT);
        bool done = read_value(reader, &value) && (settings_set(settings, name, text_built(&value), reader->failure) ||
                                                   failure_prefix(reader->failure, "%s:%zu", reader->path, line + 1));
        text_builder_release(&value);
        return done;
}

static bool read_mapping(Reader *reader, Settings *settings) {
        _cleanup_(map_freep) Map *seen = map_new(32);
        for (;;) {
                if (!next(reader))
                        return false;
                if (reader->event.type == YAML_MAPPING_END_EVENT)
                        return true;
                if (!read_pair(reader, settings, seen))
                        return false;
        }
}

static bool read_document(Reader *reader, Settings *settings) {
        if (!expect(reader, YAML_STREAM_START_EVENT, "not YAML") || !next(reader))
                return false;
        if (reader->event.type == YAML_STREAM_END_EVENT)
                return true; /* an empty file changes nothing */
        if (!expect(reader, YAML_MAPPING_START_EVENT, "expected lines of 'name: value'") ||
            !read_mapping(reader, settings))
                return false;
        return expect(reader, YAML_DOCUMENT_END_EVENT, "expected the end") &&
               expect(reader, YAML_STREAM_END_EVENT, "expected one document only");
}

bool settings_read_yaml(Settings *settings, Text yaml, const char *path, Failure *reterr_failure) {
        Failure failure = { 0 };
        Reader reader = { .path = path, .failure = &failure };
        if (!yaml_parser_initialize(&reader.parser))
                abort();
        yaml_parser_set_input_string(&reader.parser, (const unsigned char *) yaml.bytes, yaml.length);
        yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
        bool done = read_document(&reader, settings);
        if (reader.has_event)
                yaml_event_delete(&reader.event);
        yaml_parser_delete(&reader.parser);
        if (!done && reterr_failure)
                *reterr_failure = failure;
        return done;
}

bool settings_read_file(Settings *settings, const char *path, Failure *reterr_failure) {
        _cleanup_(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "cannot read the settings in %s: %s", path,
                                   strerror(errno));
        _cleanup_(free_memoryp) char *bytes = memory_new(FILE_LIMIT + 1);
        size_t length = 0;
        for (ssize_t got = 1; got != 0 && length <= FILE_LIMIT; length += (size_t) got)
                if ((got = read(fd, bytes + length, FILE_LIMIT + 1 - length)) < 0)
                        return failure_set(reterr_failure, FAILURE_INVALID, "cannot read the settings in %s: %s", path,
                                           strerror(errno));
        if (length > FILE_LIMIT)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "%s is longer than 256 KiB", path);
        return settings_read_yaml(settings, (Text){ bytes, length }, path, reterr_failure);
}
