#include "xmpp/writer.h"

#include <stdint.h>

/* What bytes below 0x40 mean to the writer: . as it is, d left out, e has an entity, r a line end to be made a line
 * feed. From there to 0x7f all are as they are, and above that they are parts of characters of several bytes. */
static const char byte_classes[] = "ddddddddd..ddrdd"
                                   "dddddddddddddddd"
                                   "..e...ee........"
                                   "............e.e.";

#define REPLACEMENT TEXT("\uFFFD")
#define INDENT      1000 /* bytes of white space before a line that count as such */

static Text entity_of(char c) {
        switch (c) {
        case '&':
                return TEXT("&amp;");
        case '<':
                return TEXT("&lt;");
        case '>':
                return TEXT("&gt;");
        case '"':
                return TEXT("&quot;");
        default:
                return TEXT("&apos;");
        }
}

/* Length of the character at the start, 0 when XML does not know it; *ret_bad bytes then become one U+FFFD. */
static size_t character_length(Text text, size_t *ret_bad) {
        size_t length = text_character(text);

        *ret_bad = length > 0 ? length : 1;
        if (length == 3 && memcmp(text.bytes, "\xef\xbf", 2) == 0 && (uint8_t) text.bytes[2] >= 0xbe)
                return 0; /* U+FFFE and U+FFFF */
        return length;
}

/* One step through the text: how many bytes go through as they are, then how many are replaced by *ret_instead. */
static size_t next_run(Text text, size_t *ret_replaced, Text *ret_instead) {
        size_t at = 0, length;

        *ret_replaced = 1;
        *ret_instead = TEXT_NONE;
        while (at < text.length) {
                uint8_t byte = (uint8_t) text.bytes[at];
                char class = byte < 0x40 ? byte_classes[byte] : '.';

                if (byte >= 0x80) {
                        length = character_length((Text){ text.bytes + at, text.length - at }, ret_replaced);
                        if (length == 0) {
                                *ret_instead = REPLACEMENT;
                                return at;
                        }
                        at += length;
                } else if (class == '.') {
                        at++;
                } else {
                        if (class == 'e')
                                *ret_instead = entity_of((char) byte);
                        else if (class == 'r' && (at + 1 >= text.length || text.bytes[at + 1] != '\n'))
                                *ret_instead = TEXT("\n");
                        *ret_replaced = 1;
                        return at;
                }
        }
        *ret_replaced = 0;
        return at;
}

void text_add_xml(TextBuilder *out, Text text) {
        while (text.length > 0) {
                size_t replaced;
                Text instead;
                size_t run = next_run(text, &replaced, &instead);

                if (run > 0)
                        text_add(out, (Text){ text.bytes, run });
                if (instead.length > 0)
                        text_add(out, instead);
                text.bytes += run + replaced;
                text.length -= run + replaced;
        }
}

size_t text_xml_length(Text text) {
        size_t length = 0;

        while (text.length > 0) {
                size_t replaced;
                Text instead;
                size_t run = next_run(text, &replaced, &instead);

                length += run + instead.length;
                text.bytes += run + replaced;
                text.length -= run + replaced;
        }
        return length;
}

static void add_attribute(TextBuilder *out, Text name, Text value) {
        text_add_char(out, ' ');
        text_add_xml(out, name);
        text_add(out, TEXT("='"));
        text_add_xml(out, value);
        text_add_char(out, '\'');
}

void element_write(TextBuilder *out, const Element *element, Text outer) {
        text_add_char(out, '<');
        text_add_xml(out, element->name);
        if (!text_equal(element->space, outer))
                add_attribute(out, TEXT("xmlns"), element->space);
        for (const Attribute *attribute = element->attributes; attribute; attribute = attribute->next)
                add_attribute(out, attribute->name, attribute->value);
        if (element->text.length == 0 && !element->children) {
                text_add(out, TEXT("/>"));
                return;
        }
        text_add_char(out, '>');
        text_add_xml(out, element->text);
        for (const Element *child = element->children; child; child = child->next)
                element_write(out, child, element->space);
        text_add(out, TEXT("</"));
        text_add_xml(out, element->name);
        text_add_char(out, '>');
}

/* How many bytes of the text give at most `limit` bytes of XML, never cutting a character. */
static size_t fitting_bytes(Text text, size_t limit) {
        size_t fitting = 0, length = 0;

        while (fitting < text.length) {
                Text rest = { text.bytes + fitting, text.length - fitting };
                size_t replaced;
                Text instead;
                size_t run = next_run(rest, &replaced, &instead);

                if (length + run > limit)
                        return fitting + text_prefix(rest, limit - length).length;
                if (length + run + instead.length > limit)
                        return fitting + run;
                length += run + instead.length;
                fitting += run + replaced;
        }
        return fitting;
}

/* Where to cut the first `fitting` bytes: after the last paragraph, line or word in them, else at their end. */
static size_t cut_at(Text text, size_t fitting) {
        static const char *const bounds[] = { "\n\n", "\n", " " };

        for (size_t i = 0; i < COUNT_OF(bounds); i++) {
                size_t length = strlen(bounds[i]);
                const char *at = NULL;

                /* The bound itself may lie just behind what fits: it is left out anyway. */
                for (size_t end = fitting; end > 0 && !at; end--)
                        if (end + length <= text.length && memcmp(text.bytes + end, bounds[i], length) == 0)
                                at = text.bytes + end;
                if (at && text_trim((Text){ text.bytes, (size_t) (at - text.bytes) }).length > 0)
                        return (size_t) (at - text.bytes);
        }
        return fitting;
}

/* Without empty lines before it, and without white space behind; what its first line is indented by stays. */
static Text trim_lines(Text text) {
        Text trimmed = text_trim(text);
        size_t indent = 0, before = trimmed.length > 0 ? (size_t) (trimmed.bytes - text.bytes) : 0;

        while (indent < before && indent < INDENT && strchr(" \t", trimmed.bytes[-1 - (ptrdiff_t) indent]))
                indent++;
        return (Text){ trimmed.bytes - indent, trimmed.length + indent };
}

bool text_split_part(Text *rest, size_t limit, Text *ret_part) {
        Text trimmed = trim_lines(*rest);
        size_t fitting;

        if (trimmed.length == 0)
                return false;
        if (trimmed.length * 6 <= limit || text_xml_length(*rest) <= limit) {
                *ret_part = *rest;
                *rest = TEXT_NONE;
                return true;
        }
        fitting = fitting_bytes(trimmed, limit);
        if (fitting < trimmed.length)
                fitting = cut_at(trimmed, fitting);
        *ret_part = trim_lines((Text){ trimmed.bytes, fitting });
        bool in_line = fitting < trimmed.length && trimmed.bytes[fitting] != '\n';
        *rest = (Text){ trimmed.bytes + fitting, trimmed.length - fitting };
        *rest = in_line ? text_trim(*rest) : trim_lines(*rest);
        return true;
}
