#include "component/settings/settings.h"

#include <ctype.h>
#include <stdio.h>

static const char *const type_names[] = {
        [SETTING_TEXT] = "text",
        [SETTING_FILE] = "path",
        [SETTING_ENDPOINT] = "`HOST:PORT` or `unix:/PATH`",
        [SETTING_URL] = "URL",
        [SETTING_SMTP] = "`smtp://` or `smtps://` URL",
        [SETTING_REDIS] = "`redis://HOST:PORT/NUMBER` or `unix:/PATH`",
        [SETTING_CONNINFO] = "libpq `name=value` pairs",
        [SETTING_INTEGER] = "whole number",
        [SETTING_BOOLEAN] = "`true` or `false`",
        [SETTING_CHOICE] = "choice",
        [SETTING_LIST] = "list of names",
        [SETTING_PEOPLE] = "list of bare JIDs",
        [SETTING_ADDRESSES] = "list of `KIND=URI`",
        [SETTING_SECRET_FILE] = "path of a secret",
};

static void add_type(TextBuilder *builder, const Setting *setting) {
        if (setting->type == SETTING_INTEGER) {
                text_add_format(builder, "%lld to %lld %s", (long long) setting->least, (long long) setting->most,
                                setting->unit);
                return;
        }
        if (setting->type != SETTING_CHOICE) {
                text_add_string(builder, type_names[setting->type]);
                return;
        }
        Text rest = text_of(setting->choices), choice;
        for (const char *gap = ""; text_split(&rest, '|', &choice); gap = ", ")
                text_add_format(builder, "%s`%.*s`", gap, TEXT_ARGUMENTS(choice));
}

static void add_row(TextBuilder *builder, const Setting *setting) {
        text_add_format(builder, "| `%s` | ", setting->name);
        add_type(builder, setting);
        if (setting->fallback)
                text_add_format(builder, " | `%s` | ", setting->fallback);
        else
                text_add_string(builder, " | – | ");
        text_add_format(builder, "%s | %s |\n", setting->reloadable ? "SIGHUP" : "restart", setting->help);
}

void settings_reference(TextBuilder *builder) {
        text_add_string(
                builder,
                "A setting stands in the YAML file that `--config` or `AIOX_CONFIG` names, in the environment as "
                "`AIOX_` and its name in capitals, or among the options as `--` and its name; the later of these "
                "wins. Whoever changes one and sends the hub SIGHUP has those that are marked so take effect at once, "
                "and "
                "the secret of a provider; the log names each change, and those that wait for a restart. Lists in the "
                "environment are separated by commas. A secret is never a setting: the setting "
                "names its file, or the environment holds it under the name without `_FILE`.\n\n"
                "| setting | value | default | change | meaning |\n| --- | --- | --- | --- | --- |\n");
        for (size_t i = 0; i < settings_count; i++)
                add_row(builder, &settings_table[i]);
}
