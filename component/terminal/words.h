/* Sentences of operations as they read on a terminal: a field 'billing_day' is the option --billing-day there, and the
 * operation tenant-update is `aiox tenant update`. Every other door says them as they are.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "orchestrator/operations/operation.h"

void terminal_words(TextBuilder *builder, const Operation *operation, Text sentence);
