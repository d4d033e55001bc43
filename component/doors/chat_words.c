#include "component/doors/chat_words.h"

#include "component/shown/screen.h"
#include "component/shown/value.h"

/* So that names and values look as they are, whatever Markdown makes of their characters. */
static void add_plain(TextBuilder *answer, Text text) {
        static const char special[] = "\\`*_[]<>#~|";

        for (size_t i = 0; i < text.length; i++) {
                if (memchr(special, text.bytes[i], sizeof(special) - 1))
                        text_add_char(answer, '\\');
                text_add_char(answer, text.bytes[i] == '\n' ? ' ' : text.bytes[i]);
        }
}

static const ValueStyle plain = { add_plain, "–", "- " };

static void add_table(TextBuilder *answer, const Operation *operation, const Json *result) {
        char *text = NULL;
        size_t length = 0;
        FILE *out = open_memstream(&text, &length);
        Screen screen = { .out = out, .notes = out, .more = "after=" };

        screen_result(&screen, operation, result);
        fclose(out);
        text_add_string(answer, "```\n");
        text_add(answer, (Text){ text, length });
        text_add_string(answer, "```");
        free(text);
}

void words_result(TextBuilder *answer, const Operation *operation, const Json *result) {
        if (operation->columns && json_count(json_member(result, "data")) == 0)
                value_add_none(answer, operation->items);
        else if (operation->columns)
                add_table(answer, operation, result);
        else if (json_count(result) == 0)
                text_add_string(answer, "Done.");
        else {
                TextBuilder lines = text_builder(0);
                value_add_outline(&lines, result, &plain, 0);
                text_add(answer, (Text){ lines.bytes + 1, lines.length - 1 });
                text_builder_release(&lines);
        }
}

/* What may be said, where it is no free text. */
static void add_wanted(TextBuilder *answer, const Field *field) {
        Text rest = text_of(field->type == FIELD_CHOICE ? field->choices : ""), choice;
        const char *before = " One of ";

        for (; text_split(&rest, '|', &choice); before = ", ")
                text_add_format(answer, "%s`%.*s`", before, TEXT_ARGUMENTS(choice));
        if (field->type == FIELD_CHOICE)
                text_add_char(answer, '.');
        if (field->type == FIELD_LIST)
                text_add_string(answer, " Several are separated by commas.");
}

void words_question(TextBuilder *answer, const Operation *operation, const Field *field, const char *complaint) {
        if (complaint)
                text_add_format(answer, "%s\n\n", complaint);
        text_add_format(answer, "/%s needs `%s`: %s", operation->name, field->name, field->help);
        add_wanted(answer, field);
        text_add_string(answer, " Write it as your next message.");
}

void words_confirm(TextBuilder *answer, const Operation *operation, const char *code, bool wrong, bool at_hub) {
        if (wrong)
                text_add_string(answer, "That is not the code, and nothing was done. ");
        text_add_format(answer, "/%s cannot be undone: %s\n\n",
                        at_hub || !operation->chat ? operation->name : operation->chat, operation->summary);
        if (!at_hub)
                text_add_format(answer, "To do it, write `/%s %s`.", operation->chat, code);
        else if (wrong)
                text_add_format(answer, "To do it, write the command again, with code=%s at its end.", code);
        else
                text_add_format(answer, "To do it, write %s.", code);
}

void words_usage(TextBuilder *answer, const Operation *operation, bool at_hub) {
        const Field *field;

        words_listed(answer, operation, at_hub);
        for (size_t i = 0; at_hub && (field = operation_input(operation, i)); i++) {
                text_add_format(answer, "\n- `%s` (%s", field->name, field->need == REQUIRED ? "needed" : "optional");
                if (field->fallback)
                        text_add_format(answer, ", %s when absent", field->fallback);
                text_add_format(answer, "): %s", field->help);
                add_wanted(answer, field);
        }
        if (at_hub && operation_input(operation, 0))
                text_add_string(answer,
                                "\n\nWrite values in this order, or as name=\"value\". What is needed and missing is "
                                "asked for.");
}

void words_listed(TextBuilder *answer, const Operation *operation, bool at_hub) {
        text_add_format(answer, "/%s: %s", at_hub ? operation->name : operation->chat, operation->summary);
}
