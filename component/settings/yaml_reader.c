#include "component/settings/yaml_reader.h"

#include "base/map.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define FILE_LIMIT (256 * 1024)

bool yaml_refuse(Yaml *yaml, size_t line, const char *why) {
        return failure_set(yaml->failure, FAILURE_INVALID, "%s:%zu: %s", yaml->path, line + 1, why);
}

bool yaml_refuse_event(Yaml *yaml, const char *why) {
        return yaml_refuse(yaml, yaml->event.start_mark.line, why);
}

bool yaml_next(Yaml *yaml) {
        if (yaml->has_event)
                yaml_event_delete(&yaml->event);
        yaml->has_event = yaml_parser_parse(&yaml->parser, &yaml->event) == 1;
        if (!yaml->has_event)
                return yaml_refuse(yaml, yaml->parser.problem_mark.line,
                                   yaml->parser.problem ? yaml->parser.problem : "not YAML");
        return true;
}

static bool expect(Yaml *yaml, yaml_event_type_t type, const char *why) {
        return yaml_next(yaml) && (yaml->event.type == type || yaml_refuse_event(yaml, why));
}

bool yaml_scalar(Yaml *yaml, Text *ret_text) {
        if (yaml->event.type != YAML_SCALAR_EVENT)
                return yaml_refuse_event(yaml, "expected a plain value");
        if (yaml->event.data.scalar.anchor || yaml->event.data.scalar.tag)
                return yaml_refuse_event(yaml, "anchors and tags are not used here");
        *ret_text = (Text){ (const char *) yaml->event.data.scalar.value, yaml->event.data.scalar.length };
        return true;
}

/* The keys that were seen live as long as the mapping is read. */
bool yaml_mapping(Yaml *yaml, YamlPair *read, void *closure) {
        _cleanup_(map_freep) Map *seen = map_new(32);
        _cleanup_(arena_freep) Arena *keys = arena_new((size_t) 2 * FILE_LIMIT);
        for (;;) {
                Text key;
                if (!yaml_next(yaml))
                        return false;
                if (yaml->event.type == YAML_MAPPING_END_EVENT)
                        return true;
                if (!yaml_scalar(yaml, &key))
                        return false;
                size_t line = yaml->event.start_mark.line;
                if (key.length == 0)
                        return yaml_refuse(yaml, line, "a key without a name");
                key = text_copy(keys, key);
                if (!key.bytes)
                        return yaml_refuse(yaml, line, "these keys are too long");
                if (map_put(seen, key, seen))
                        return yaml_refuse(yaml, line, "this key stands here twice");
                if (!read(yaml, key, line, closure))
                        return false;
        }
}

static bool read_document(Yaml *yaml, YamlPair *read, void *closure) {
        if (!expect(yaml, YAML_STREAM_START_EVENT, "not YAML") || !yaml_next(yaml))
                return false;
        if (yaml->event.type == YAML_STREAM_END_EVENT)
                return true; /* an empty file says nothing */
        if (!expect(yaml, YAML_MAPPING_START_EVENT, "expected lines of 'name: value'") ||
            !yaml_mapping(yaml, read, closure))
                return false;
        return expect(yaml, YAML_DOCUMENT_END_EVENT, "expected the end") &&
               expect(yaml, YAML_STREAM_END_EVENT, "expected one document only");
}

bool yaml_read(Text text, const char *path, YamlPair *read, void *closure, Failure *reterr_failure) {
        Failure failure = { 0 };
        Yaml yaml = { .path = path, .failure = &failure };
        if (!yaml_parser_initialize(&yaml.parser))
                abort();
        yaml_parser_set_input_string(&yaml.parser, (const unsigned char *) text.bytes, text.length);
        yaml_parser_set_encoding(&yaml.parser, YAML_UTF8_ENCODING);
        bool done = read_document(&yaml, read, closure);
        if (yaml.has_event)
                yaml_event_delete(&yaml.event);
        yaml_parser_delete(&yaml.parser);
        if (!done && reterr_failure)
                *reterr_failure = failure;
        return done;
}

bool yaml_read_file(const char *path, const char *what, YamlPair *read_pair, void *closure, Failure *reterr_failure) {
        _cleanup_(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "cannot read the %s in %s: %s", what, path,
                                   strerror(errno));
        _cleanup_(free_memoryp) char *bytes = memory_new(FILE_LIMIT + 1);
        size_t length = 0;
        for (ssize_t got = 1; got != 0 && length <= FILE_LIMIT; length += (size_t) got)
                if ((got = read(fd, bytes + length, FILE_LIMIT + 1 - length)) < 0)
                        return failure_set(reterr_failure, FAILURE_INVALID, "cannot read the %s in %s: %s", what, path,
                                           strerror(errno));
        if (length > FILE_LIMIT)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "%s is longer than 256 KiB", path);
        return yaml_read((Text){ bytes, length }, path, read_pair, closure, reterr_failure);
}
