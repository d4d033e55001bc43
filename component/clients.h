/* Clients: whether the client at a full JID says that it shows corrections (XEP-0308), which an answer that grows
 * needs. Asked of it once (XEP-0030) and remembered for an hour. Not who may what; what a client says concerns what is
 * shown on it alone. Bounded: clients share a fixed number of places, and one that loses its place is asked again.
 *
 * Belongs to the hub thread; never blocks.
 */
#pragma once

#include "xmpp/stanza.h"

typedef struct Clients Clients;

Clients *clients_new(void);
/* False while it is not known; then ret_ask says whether it is to be asked now, with clients_ask(). */
bool clients_show_corrections(Clients *clients, Text full, int64_t monotonic_us, bool *ret_ask);
/* The question, from an agent's full JID. */
void clients_ask(OutgoingList *list, Arena *arena, Text agent, Text full);
/* True: the stanza is an answer to it, or an error instead of one; nothing more is to be done about it. */
bool clients_take(Clients *clients, const Stanza *iq, int64_t monotonic_us);
void clients_free(Clients *clients);
DEFINE_RELEASE(Clients *, clients_free)
