/* What tests of stanzas share: one as it came over the wire, and what would go out over it. Arenas are the caller's. */
#pragma once

#include "tests/unit/unit.h"
#include "xmpp/stanza.h"

const Element *wire_parse(const char *xml, Arena **ret_arena);
Stanza wire_read(const char *xml, Arena **ret_arena);
/* Stamped by agents.localhost; the text lives in the builder. */
Text wire_write(const OutgoingList *list, TextBuilder *out);
/* The element alone, in the stream's namespace. */
Text wire_element(const Element *element, TextBuilder *out);
