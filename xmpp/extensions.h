/* What each extension (XEP) reads from and writes into a stanza; one file each, named after what it is. The table of
 * readers is in stanza.c. Adding one is a file, a line here and a row there.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "xmpp/stanza.h"

/* Readers are called for each child in their namespace and fill in their fields. */
void receipts_read(const Element *child, Stanza *stanza);    /* XEP-0184 */
void stanza_ids_read(const Element *child, Stanza *stanza);  /* XEP-0359 */
void chat_states_read(const Element *child, Stanza *stanza); /* XEP-0085 */
void delay_read(const Element *child, Stanza *stanza);       /* XEP-0203 */
void carbons_read(const Element *child, Stanza *stanza);     /* XEP-0280 */
void correction_read(const Element *child, Stanza *stanza);  /* XEP-0308 */
void hints_read(const Element *child, Stanza *stanza);       /* XEP-0334 */
void encryption_read(const Element *child, Stanza *stanza);  /* XEP-0380, 0384, 0373, 0027 */
void retraction_read(const Element *child, Stanza *stanza);  /* XEP-0424 */

void receipts_request(Element *message);
void receipts_confirm(Element *message, Text id);
void stanza_ids_set_origin(Element *message, Text id);
void chat_states_set(Element *message, ChatState state);
void correction_set(Element *message, Text id);
void hints_set_no_store(Element *message);

/* XEP-0199 */
bool ping_is(const Stanza *iq);
void ping_request(Element *iq);

/* XEP-0030: results are built from tables. */
typedef struct DiscoIdentity {
        const char *category, *type;
        Text name; /* may be empty */
} DiscoIdentity;
bool disco_is_info(const Stanza *iq);
bool disco_is_items(const Stanza *iq);
void disco_add_info(Element *result, Text node, const DiscoIdentity *identities, size_t identity_count,
                    const char *const *features, size_t feature_count);
/* Add <item/> children to what is returned. */
Element *disco_add_items(Element *result, Text node);
