/* `aiox settings check` and `aiox settings reference`; `aiox settings show` is an operation and asks the hub. */
#include "component/terminal/subcommand.h"

#include <stdio.h>

static int print(TextBuilder *builder) {
        fwrite(builder->bytes, 1, builder->length, stdout);
        text_builder_release(builder);
        return 0;
}

int settings_check_main(const Settings *settings, const Arguments *arguments) {
        (void) arguments;
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        TextBuilder builder = text_builder(0);
        for (size_t i = 0; i < settings_count; i++) {
                Text value = settings_value(settings, &settings_table[i], arena);
                text_add_format(&builder, "%-25s %.*s\n", settings_table[i].name,
                                TEXT_ARGUMENTS(value.length ? value : TEXT("(none)")));
        }
        return print(&builder);
}

int settings_reference_main(const Settings *settings, const Arguments *arguments) {
        (void) settings, (void) arguments;
        TextBuilder builder = text_builder(0);
        settings_reference(&builder);
        return print(&builder);
}
