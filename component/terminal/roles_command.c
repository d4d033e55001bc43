/* `aiox roles reference`: who may run what, from the operations' rows. */
#include "component/terminal/subcommand.h"
#include "orchestrator/operations/operation.h"

#include <stdio.h>

/* Who has no account yet, and who has one and is no member, and then the roles. */
static const struct {
        const char *title;
        Role role;
        bool stranger;
} columns[] = {
        { "anybody", ROLE_NONE, true },
        { "account", ROLE_NONE, false },
        { "viewer", ROLE_VIEWER, false },
        { "operator", ROLE_OPERATOR, false },
        { "admin", ROLE_ADMIN, false },
        { "owner", ROLE_OWNER, false },
        { "platform admin", ROLE_PLATFORM, false },
};

/* Whether no account is needed, be it as somebody who may talk to an agent. */
static bool is_for_strangers(const Operation *operation) {
        return operation->strangers || operation->scope == SCOPE_TENANT;
}

static const char *cell(const Operation *operation, size_t column) {
        if (columns[column].role >= operation->role && (!columns[column].stranger || is_for_strangers(operation)))
                return "yes";
        return operation->own_agent && columns[column].role > ROLE_NONE ? "own" : "–";
}

static void add_row(TextBuilder *builder, const Operation *operation) {
        static const char *const effects[] = {
                [EFFECT_READ] = "reads", [EFFECT_CHANGE] = "changes", [EFFECT_DESTROY] = "destroys"
        };
        text_add_format(builder, "| `%s` | %s |", operation->name, effects[operation->effect]);
        for (size_t i = 0; i < COUNT_OF(columns); i++)
                text_add_format(builder, " %s |", cell(operation, i));
        text_add_char(builder, '\n');
}

int roles_reference_main(const Settings *settings, const Arguments *arguments) {
        (void) settings, (void) arguments;
        TextBuilder builder = text_builder(0);
        text_add_string(&builder, "| operation | effect |");
        for (size_t i = 0; i < COUNT_OF(columns); i++)
                text_add_format(&builder, " %s |", columns[i].title);
        text_add_string(&builder, "\n| --- | --- |");
        for (size_t i = 0; i < COUNT_OF(columns); i++)
                text_add_string(&builder, " --- |");
        text_add_char(&builder, '\n');
        for (const Operation *const *row = operation_catalogue; *row; row++)
                add_row(&builder, *row);
        fwrite(builder.bytes, 1, builder.length, stdout);
        text_builder_release(&builder);
        return 0;
}
