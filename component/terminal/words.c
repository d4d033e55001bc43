#include "component/terminal/words.h"

static bool is_word(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static size_t word_length(Text text) {
        size_t length = 0;

        while (length < text.length && is_word(text.bytes[length]))
                length++;
        return length;
}

/* 'name', of a field or of the tenant that is acted in; returns how long that is. */
static size_t add_option(TextBuilder *builder, const Operation *operation, Text rest) {
        size_t length = word_length((Text){ rest.bytes + 1, rest.length - 1 });
        Text name = { rest.bytes + 1, length };

        if (length == 0 || length + 1 >= rest.length || rest.bytes[length + 1] != '\'' ||
            !(text_equal(name, TEXT("tenant")) || operation_field(operation, name)))
                return 0;
        text_add_string(builder, "--");
        for (size_t i = 0; i < length; i++)
                text_add_char(builder, name.bytes[i] == '_' ? '-' : name.bytes[i]);
        return length + 2;
}

static size_t add_command(TextBuilder *builder, Text rest) {
        Text name = { rest.bytes, word_length(rest) }, noun, verb;
        const Operation *operation = operation_find(name);

        if (operation) {
                operation_words(operation, &noun, &verb);
                text_add_format(builder, "`aiox %.*s %.*s`", TEXT_ARGUMENTS(noun), TEXT_ARGUMENTS(verb));
        } else
                text_add(builder, name);
        return name.length;
}

void terminal_words(TextBuilder *builder, const Operation *operation, Text sentence) {
        bool inside = false; /* of a word, or after what makes one of what follows: a type, a path, an address */

        for (size_t i = 0, used; i < sentence.length; i += used) {
                Text rest = { sentence.bytes + i, sentence.length - i };
                char c = *rest.bytes;
                used = c == '\''               ? add_option(builder, operation, rest)
                       : is_word(c) && !inside ? add_command(builder, rest)
                                               : 0;
                if (used == 0) {
                        text_add_char(builder, c);
                        used = 1;
                }
                inside = used == 1 && (is_word(c) || strchr("./@'`=", c));
        }
}
