/* How a value of a result reads to a person in a chat or in a form: yes and no, items after commas, whatever else as
 * JSON. Not a record or a table: those are the doors' own.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "base/json.h"

/* The way of one door. */
typedef struct ValueStyle {
        void (*add)(TextBuilder *builder, Text text); /* puts a text as the door needs it */
        const char *nothing;                          /* stands for null */
        size_t json_limit;                            /* bytes; what is longer is left out. 0 = 1 MiB */
} ValueStyle;

void value_add(TextBuilder *builder, const Json *value, const ValueStyle *style);
