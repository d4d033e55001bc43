/* Pictures of those who have none: a pattern and a colour made of the address, always the same for the same one, as a
 * small PNG. The colour is the one that clients give a name (XEP-0392). Not a drawing library.
 *
 * The bytes live in the arena given. Any thread; never blocks.
 */
#pragma once

#include "xmpp/extensions.h"

/* Bytes are empty when the arena is full. */
Picture picture_of(Arena *arena, Text address);
