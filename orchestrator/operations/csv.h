/* Comma-separated values (RFC 4180), one cell at a time; commas and line ends are whoever writes the table's.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "base/text.h"

/* In quotes. For a spreadsheet, which must not take what somebody is called for a formula, that begins with an
 * apostrophe; otherwise the cell holds the very bytes. */
void csv_add(TextBuilder *builder, Text text, bool for_spreadsheet);
