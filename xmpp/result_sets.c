/* XEP-0059: Result Set Management: lists in pages. An absent number is -1. */
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

#include <stdio.h>

static bool read_number(const Element *set, const char *name, int64_t *ret_number) {
        const Element *child = element_child(set, text_of(name), TEXT_NONE);
        *ret_number = -1;
        return !child || (text_to_int64(child->text, ret_number) && *ret_number >= 0);
}

bool result_sets_read(const Element *query, ResultSet *ret_set) {
        const Element *set = element_child(query, TEXT("set"), TEXT(NS_RESULT_SETS));
        *ret_set = (ResultSet){ .most = -1, .index = -1 };
        if (!set)
                return true;
        const Element *after = element_child(set, TEXT("after"), TEXT_NONE);
        const Element *before = element_child(set, TEXT("before"), TEXT_NONE);
        ret_set->wanted = true;
        ret_set->after = after ? after->text : TEXT_NONE;
        ret_set->before = before ? before->text : TEXT_NONE;
        ret_set->backwards = before != NULL;
        return read_number(set, "max", &ret_set->most) && read_number(set, "index", &ret_set->index) &&
               !(after && before && after->text.length > 0);
}

static Text number(Arena *arena, size_t value) {
        char text[24];
        snprintf(text, sizeof(text), "%zu", value);
        return text_copy(arena, text_of(text));
}

void result_sets_add(Element *query, Text first, size_t first_index, Text last, size_t count) {
        Element *set = element_add(query, TEXT("set"), TEXT(NS_RESULT_SETS));
        if (!set)
                return;
        if (last.length > 0) {
                element_set(element_add_text(set, TEXT("first"), TEXT_NONE, first), TEXT("index"),
                            number(set->arena, first_index));
                element_add_text(set, TEXT("last"), TEXT_NONE, last);
        }
        element_add_text(set, TEXT("count"), TEXT_NONE, number(set->arena, count));
}
