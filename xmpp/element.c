#include "xmpp/element.h"

static void mark_incomplete(Element *element) {
        while (element->parent)
                element = element->parent;
        element->incomplete = true;
}

Element *element_new(Arena *arena, Text name, Text space) {
        Element *element = arena_take(arena, sizeof(Element));

        if (!element)
                return NULL;
        element->name = name;
        element->space = space;
        element->arena = arena;
        return element;
}

Element *element_add(Element *parent, Text name, Text space) {
        Element *element;

        if (!parent)
                return NULL;
        element = element_new(parent->arena, name, space.length > 0 ? space : parent->space);
        if (!element) {
                mark_incomplete(parent);
                return NULL;
        }
        element->parent = parent;
        if (parent->last_child)
                parent->last_child->next = element;
        else
                parent->children = element;
        parent->last_child = element;
        parent->child_count++;
        return element;
}

Element *element_add_text(Element *parent, Text name, Text space, Text text) {
        Element *element = element_add(parent, name, space);

        if (element)
                element->text = text;
        return element;
}

void element_set(Element *element, Text name, Text value) {
        Attribute *attribute;

        if (!element)
                return;
        for (attribute = element->attributes; attribute; attribute = attribute->next)
                if (text_equal(attribute->name, name)) {
                        attribute->value = value;
                        return;
                }
        attribute = arena_take(element->arena, sizeof(Attribute));
        if (!attribute) {
                mark_incomplete(element);
                return;
        }
        attribute->name = name;
        attribute->value = value;
        if (element->last_attribute)
                element->last_attribute->next = attribute;
        else
                element->attributes = attribute;
        element->last_attribute = attribute;
        element->attribute_count++;
}

void element_set_optional(Element *element, Text name, Text value) {
        if (value.length > 0)
                element_set(element, name, value);
}

Text element_get(const Element *element, Text name) {
        for (const Attribute *attribute = element->attributes; attribute; attribute = attribute->next)
                if (text_equal(attribute->name, name))
                        return attribute->value;
        return TEXT_NONE;
}

const Element *element_child(const Element *element, Text name, Text space) {
        if (space.length == 0)
                space = element->space;
        for (const Element *child = element->children; child; child = child->next)
                if (element_is(child, name, space))
                        return child;
        return NULL;
}

bool element_is(const Element *element, Text name, Text space) {
        return text_equal(element->name, name) && text_equal(element->space, space);
}
