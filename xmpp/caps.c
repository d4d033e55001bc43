/* XEP-0115: Entity Capabilities. The verification string is made of a disco#info <query/>, whoever built it: our own
 * answers, or those of others. */
#include "base/crypto.h"
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

#include <stdlib.h>

static Text value_of(const Element *field) {
        const Element *value = element_child(field, TEXT("value"), TEXT_NONE);
        return value ? value->text : TEXT_NONE;
}

static Text form_type(const Element *form) {
        for (const Element *field = form->children; field; field = field->next)
                if (text_equal(element_get(field, TEXT("var")), TEXT("FORM_TYPE")))
                        return value_of(field);
        return TEXT_NONE;
}

static int compare_attributes(const Element *a, const Element *b, const char *name) {
        return text_compare(element_get(a, text_of(name)), element_get(b, text_of(name)));
}

static int compare_identities(const void *a, const void *b) {
        static const char *const names[] = { "category", "type", "xml:lang", "name" };
        int order = 0;
        for (size_t i = 0; order == 0 && i < COUNT_OF(names); i++)
                order = compare_attributes(*(const Element *const *) a, *(const Element *const *) b, names[i]);
        return order;
}

static int compare_vars(const void *a, const void *b) {
        return compare_attributes(*(const Element *const *) a, *(const Element *const *) b, "var");
}

static int compare_texts(const void *a, const void *b) {
        return text_compare((*(const Element *const *) a)->text, (*(const Element *const *) b)->text);
}

static int compare_forms(const void *a, const void *b) {
        return text_compare(form_type(*(const Element *const *) a), form_type(*(const Element *const *) b));
}

/* The children of that name, in order; NULL when the arena is full. */
static const Element **sorted(Arena *arena, const Element *parent, Text name, Text space,
                              int (*compare)(const void *, const void *), size_t *ret_count) {
        const Element **list = arena_take_array(arena, const Element *, parent->child_count + 1);
        size_t count = 0;
        for (const Element *child = parent->children; list && child; child = child->next)
                if (element_is(child, name, space))
                        list[count++] = child;
        if (list)
                qsort(list, count, sizeof(*list), compare);
        *ret_count = count;
        return list;
}

static void add_part(TextBuilder *string, Text text) {
        text_add(string, text);
        text_add_char(string, '<');
}

static bool add_fields(TextBuilder *string, Arena *arena, const Element *form) {
        size_t count, value_count;
        const Element **fields = sorted(arena, form, TEXT("field"), form->space, compare_vars, &count);
        add_part(string, form_type(form));
        for (size_t i = 0; fields && i < count; i++) {
                if (text_equal(element_get(fields[i], TEXT("var")), TEXT("FORM_TYPE")))
                        continue;
                const Element **values = sorted(arena, fields[i], TEXT("value"), form->space, compare_texts,
                                                &value_count);
                if (!values)
                        return false;
                add_part(string, element_get(fields[i], TEXT("var")));
                for (size_t j = 0; j < value_count; j++)
                        add_part(string, values[j]->text);
        }
        return fields != NULL;
}

static bool add_identities(TextBuilder *string, Arena *arena, const Element *query) {
        size_t count;
        const Element **identities = sorted(arena, query, TEXT("identity"), query->space, compare_identities, &count);
        for (size_t i = 0; identities && i < count; i++) {
                text_add(string, element_get(identities[i], TEXT("category")));
                text_add_char(string, '/');
                text_add(string, element_get(identities[i], TEXT("type")));
                text_add_char(string, '/');
                text_add(string, element_get(identities[i], TEXT("xml:lang")));
                text_add_char(string, '/');
                add_part(string, element_get(identities[i], TEXT("name")));
        }
        return identities != NULL;
}

static bool add_all(TextBuilder *string, Arena *arena, const Element *query) {
        size_t feature_count, form_count;
        if (!add_identities(string, arena, query))
                return false;
        const Element **features = sorted(arena, query, TEXT("feature"), query->space, compare_vars, &feature_count);
        for (size_t i = 0; features && i < feature_count; i++)
                add_part(string, element_get(features[i], TEXT("var")));
        const Element **forms = sorted(arena, query, TEXT("x"), TEXT(NS_DATA_FORMS), compare_forms, &form_count);
        for (size_t i = 0; forms && i < form_count; i++)
                if (form_type(forms[i]).length > 0 && !add_fields(string, arena, forms[i]))
                        return false;
        return features && forms;
}

Text caps_version(Arena *arena, const Element *query) {
        _cleanup_(text_builder_release) TextBuilder string = text_builder(0);
        uint8_t digest[20];
        if (!query || !add_all(&string, arena, query))
                return TEXT_NONE;
        crypto_sha1(text_built(&string), digest);
        return crypto_base64(arena, (Text){ (const char *) digest, sizeof(digest) });
}

void caps_set(Element *presence, Text version) {
        Element *caps = element_add(presence, TEXT("c"), TEXT(NS_CAPS));
        element_set(caps, TEXT("hash"), TEXT("sha-1"));
        element_set(caps, TEXT("node"), TEXT(CAPS_NODE));
        element_set(caps, TEXT("ver"), version);
}

bool caps_is_node(Text node, Text version) {
        return text_starts_with(node, TEXT(CAPS_NODE "#")) &&
               text_equal((Text){ node.bytes + strlen(CAPS_NODE "#"), node.length - strlen(CAPS_NODE "#") }, version);
}
