#include "component/settings/settings_file.h"

#include "component/settings/yaml_reader.h"

#define VALUE_LIMIT 4096

/* A list becomes the text that the environment would hold: names separated by commas. */
static bool read_list(Yaml *yaml, TextBuilder *builder) {
        for (;;) {
                Text item;
                if (!yaml_next(yaml))
                        return false;
                if (yaml->event.type == YAML_SEQUENCE_END_EVENT)
                        return true;
                if (!yaml_scalar(yaml, &item))
                        return false;
                text_add_char(builder, ',');
                text_add(builder, item);
                if (builder->overflowed)
                        return yaml_refuse_event(yaml, "this list is too long");
        }
}

static bool read_value(Yaml *yaml, TextBuilder *builder) {
        if (!yaml_next(yaml))
                return false;
        if (yaml->event.type == YAML_SEQUENCE_START_EVENT)
                return read_list(yaml, builder);
        Text text;
        if (!yaml_scalar(yaml, &text))
                return false;
        text_add(builder, text);
        return !builder->overflowed || yaml_refuse_event(yaml, "this value is too long");
}

static bool read_pair(Yaml *yaml, Text name, size_t line, void *settings) {
        TextBuilder value = text_builder(VALUE_LIMIT);
        bool done = read_value(yaml, &value) && (settings_set(settings, name, text_built(&value), yaml->failure) ||
                                                 failure_prefix(yaml->failure, "%s:%zu", yaml->path, line + 1));
        text_builder_release(&value);
        return done;
}

bool settings_read_yaml(Settings *settings, Text yaml, const char *path, Failure *reterr_failure) {
        return yaml_read(yaml, path, read_pair, settings, reterr_failure);
}

bool settings_read_file(Settings *settings, const char *path, Failure *reterr_failure) {
        return yaml_read_file(path, "settings", read_pair, settings, reterr_failure);
}
