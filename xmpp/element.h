/* An XML element as a tree in an arena: name, namespace, attributes, children, text. Character data of an element is
 * one text, whatever children stood between its pieces: XMPP has no mixed content worth keeping. Not a DOM; nothing is
 * ever removed from it.
 *
 * The tree dies with its arena. Names and values are borrowed: they live as long as the tree. A piece that did not fit
 * under the arena's limit marks the root as incomplete, and every function takes the NULL that follows from it, so that
 * building needs no checks; whoever sends the tree looks at the mark once. Any thread, one at a time; never blocks.
 */
#pragma once

#include "base/text.h"

typedef struct Attribute {
        Text name; /* as written, with its prefix: "xml:lang" */
        Text value;
        struct Attribute *next;
} Attribute;

typedef struct Element {
        Text name;  /* without prefix */
        Text space; /* the namespace */
        Text text;
        Attribute *attributes, *last_attribute;
        struct Element *parent, *children, *last_child, *next;
        Arena *arena;
        uint32_t child_count, attribute_count;
        bool incomplete; /* of a root: some piece is missing */
} Element;

/* NULL when the arena's limit is reached. */
Element *element_new(Arena *arena, Text name, Text space);
/* A new last child, in the parent's namespace when `space` is empty. */
Element *element_add(Element *parent, Text name, Text space);
Element *element_add_text(Element *parent, Text name, Text space, Text text);
/* Replaces a value that stands there; an empty value is kept as such. */
void element_set(Element *element, Text name, Text value);
/* The same, unless the value is empty. */
void element_set_optional(Element *element, Text name, Text value);

/* TEXT_NONE when absent. */
Text element_get(const Element *element, Text name);
/* The first child of that name; an empty namespace means the parent's. NULL when there is none. */
const Element *element_child(const Element *element, Text name, Text space);
bool element_is(const Element *element, Text name, Text space);
