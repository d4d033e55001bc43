/* How a value of a result reads to people, the same at every door: yes and no, items after commas, what is nested by
 * its names, and nothing as JSON. Not tables and forms: those are the doors' own.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "base/json.h"

/* The way of one door. */
typedef struct ValueStyle {
        void (*add)(TextBuilder *builder, Text text); /* puts a text as the door needs it */
        const char *nothing;                          /* stands for null, and for what holds nothing */
        const char *bullet;                           /* before each line of an outline */
} ValueStyle;

/* Null, or a text, a list or an object of nothing. */
bool value_is_empty(const Json *value);
/* "created_at" as "created at", through the style. */
void value_add_name(TextBuilder *builder, Text name, const ValueStyle *style);
/* Of a list of nothing: "No limits found." */
void value_add_none(TextBuilder *builder, const char *items);
/* On one line: "agents: 5, keys: 2". */
void value_add(TextBuilder *builder, const Json *value, const ValueStyle *style);
/* Whether it has names of its own, and so is better shown on lines of its own. */
bool value_is_nested(const Json *value);
/* Whether it is an object that holds nothing nested. */
bool value_is_row(const Json *value);
/* A nested value, each member or item on a line of its own, which a line break begins, indented by depth. */
void value_add_outline(TextBuilder *builder, const Json *value, const ValueStyle *style, int depth);
