/* XEP-0428: Fallback Indication: the part of a body that only repeats, for others, what an extension says. It is left
 * out for the extensions that are read here. Positions count characters, not bytes. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

#define RANGES 8

typedef struct Range {
        int64_t start, end;
} Range;

static bool is_understood(Text space, const Stanza *stanza) {
        static const char *const understood[] = { NS_REPLIES, NS_REACTIONS, NS_RETRACTION };

        for (size_t i = 0; i < COUNT_OF(understood); i++)
                if (text_equal(space, text_of(understood[i])))
                        return true;
        return space.length == 0 && (stanza->reacts_to.length > 0 || stanza->retracts.length > 0);
}

static int64_t position(const Element *part, Text name, int64_t otherwise) {
        Text text = element_get(part, name);
        int64_t value;

        return text.length > 0 && text_to_int64(text, &value) ? value : otherwise;
}

/* Without any <body/> or <subject/> in it, all of the body is meant. */
static size_t read_ranges(const Element *fallback, Range *ranges, size_t room) {
        size_t count = 0;

        if (!fallback->children && room > 0) {
                ranges[0] = (Range){ 0, INT64_MAX };
                return 1;
        }
        for (const Element *part = fallback->children; part && count < room; part = part->next)
                if (text_equal(part->name, TEXT("body")))
                        ranges[count++] = (Range){ position(part, TEXT("start"), 0),
                                                   position(part, TEXT("end"), INT64_MAX) };
        return count;
}

static bool is_within(const Range *ranges, size_t count, int64_t place) {
        for (size_t i = 0; i < count; i++)
                if (place >= ranges[i].start && place < ranges[i].end)
                        return true;
        return false;
}

static Text without(Text body, const Range *ranges, size_t count, char *copy) {
        size_t kept = 0;

        for (int64_t place = 0; body.length > 0; place++) {
                size_t length = text_character(body);
                length = length > 0 ? length : 1;
                if (!is_within(ranges, count, place)) {
                        memcpy(copy + kept, body.bytes, length);
                        kept += length;
                }
                body = (Text){ body.bytes + length, body.length - length };
        }
        return (Text){ kept > 0 ? copy : NULL, kept };
}

bool fallback_strip(Stanza *stanza) {
        Range ranges[RANGES];
        size_t count = 0;

        for (const Element *child = stanza->element->children; child && count < RANGES; child = child->next)
                if (text_equal(child->name, TEXT("fallback")) &&
                    (text_equal(child->space, TEXT(NS_FALLBACK)) ||
                     text_equal(child->space, TEXT(NS_FALLBACK_LEGACY))) &&
                    is_understood(element_get(child, TEXT("for")), stanza))
                        count += read_ranges(child, ranges + count, RANGES - count);
        if (count == 0 || stanza->body.length == 0)
                return true;
        char *copy = arena_take(stanza->element->arena, stanza->body.length);
        if (!copy)
                return false;
        stanza->body = without(stanza->body, ranges, count, copy);
        return true;
}
