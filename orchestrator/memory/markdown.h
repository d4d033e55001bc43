/* Markdown to blocks of plain text for the cutter. Internal to this folder.
 *
 * Emphasis, links and images leave their text, lists their marks, tables their cells between bars, code all of it; raw
 * HTML leaves nothing. Any thread; never blocks.
 */
#pragma once

#include "orchestrator/memory/cutter.h"

/* False when the cutter has no more room. */
bool markdown_cut(Text document, Cutter *cutter) _must_check_;
