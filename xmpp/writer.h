/* Elements as bytes. Every name, value and text that leaves us passes the one sanitiser here, because one character
 * that XML 1.0 forbids ends the stream for all agents: control characters are left out, bad UTF-8, surrogates, U+FFFE
 * and U+FFFF become U+FFFD, carriage returns become line feeds.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "xmpp/element.h"

/* outer: the namespace in force around it, so that it is not declared again. */
void element_write(TextBuilder *out, const Element *element, Text outer);
/* Escaped and sanitised, good as text and between quotes of either kind. */
void text_add_xml(TextBuilder *out, Text text);
/* How many bytes text_add_xml() would add. */
size_t text_xml_length(Text text);
/* Cuts a part off *rest whose length as XML is at most `limit`, if possible after a paragraph, else after a line, a
 * word, a character; white space at the cut is left out, save what a line is indented by. false when nothing is left.
 * limit >= 64. */
bool text_split_part(Text *rest, size_t limit, Text *ret_part);
