#include "xmpp/writer.h"

#include <stdint.h>

/* What a byte means to the writer. */
typedef enum ByteClass {
        PLAIN,  /* goes through as it is */
        DROP,   /* a control character */
        ESCAPE, /* has an entity */
        RETURN, /* line ends are line feeds in XML */
        LEAD,   /* begins a character of several bytes, or is bad */
} ByteClass;

static const uint8_t byte_classes[256] = {
        [0x00 ... 0x08] = DROP, [0x0b ... 0x0c] = DROP,   [0x0e ... 0x1f] = DROP,   ['\r'] = RETURN,
        ['&'] = ESCAPE,         ['<'] = ESCAPE,           ['>'] = ESCAPE,           ['"'] = ESCAPE,
        ['\''] = ESCAPE,        [0x80 ... 0xff] = LEAD,
};

#define REPLACEMENT TEXT("\xef\xbf\xbd") /* U+FFFD */

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

/* Length of the character that begins at `bytes`, or 0 with *ret_bad bytes to be replaced by one U+FFFD: the longest
 * beginning of a character that is there (Unicode 3.9, U+FFFD substitution of maximal subparts). */
static size_t character_length(const uint8_t *bytes, size_t left, size_t *ret_bad) {
        uint8_t lead = bytes[0], least = 0x80, most = 0xbf;
        size_t length;

        *ret_bad = 1;
        if (lead >= 0xc2 && lead <= 0xdf)
                length = 2;
        else if (lead >= 0xe0 && lead <= 0xef)
                length = 3;
        else if (lead >= 0xf0 && lead <= 0xf4)
                length = 4;
        else
                return 0;
        if (lead == 0xe0)
                least = 0xa0; /* shorter forms exist */
        else if (lead == 0xed)
                most = 0x9f; /* surrogates */
        else if (lead == 0xf0)
                least = 0x90;
        else if (lead == 0xf4)
                most = 0x8f; /* beyond U+10FFFF */
        for (size_t i = 1; i < length; i++) {
                if (i >= left || bytes[i] < least || bytes[i] > most) {
                        *ret_bad = i;
                        return 0;
                }
                least = 0x80;
                most = 0xbf;
        }
        if (length == 3 && lead == 0xef && bytes[1] == 0xbf && bytes[2] >= 0xbe) {
                *ret_bad = 3; /* U+FFFE and U+FFFF */
                return 0;
        }
        return length;
}

/* One step through the text: how many bytes go through as they are, then how many are replaced by *ret_instead. */
static size_t next_run(Text text, size_t *ret_replaced, Text *ret_instead) {
        const uint8_t *bytes = (const uint8_t *) text.bytes;
        size_t at = 0, length;

        *ret_replaced = 1;
        *ret_instead = TEXT_NONE;
        while (at < text.length) {
                switch ((ByteClass) byte_classes[bytes[at]]) {
                case PLAIN:
                        at++;
                        break;
                case DROP:
                        return at;
                case ESCAPE:
                        *ret_instead = entity_of(text.bytes[at]);
                        return at;
                case RETURN:
                        if (at + 1 >= text.length || bytes[at + 1] != '\n')
                                *ret_instead = TEXT("\n");
                        return at;
                case LEAD:
                        length = character_length(bytes + at, text.length - at, ret_replaced);
                        if (length == 0) {
                                *ret_instead = REPLACEMENT;
                                return at;
                        }
                        at += length;
                        break;
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

bool text_split_part(Text *rest, size_t limit, Text *ret_part) {
        Text trimmed = text_trim(*rest);
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
        *ret_part = text_trim((Text){ trimmed.bytes, fitting });
        *rest = text_trim((Text){ trimmed.bytes + fitting, trimmed.length - fitting });
        return true;
}
