/* What each extension (XEP) reads from and writes into a stanza; one file each, named after what it is. The table of
 * readers is in stanza.c. Adding one is a file, a line here and a row there.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "xmpp/namespaces.h"
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
void attached_read(const Element *child, Stanza *stanza);    /* XEP-0422 */
void markers_read(const Element *child, Stanza *stanza);     /* XEP-0333 */
void replies_read(const Element *child, Stanza *stanza);     /* XEP-0461 */
void reactions_read(const Element *child, Stanza *stanza);   /* XEP-0444 */

/* XEP-0428: takes what is a fallback for something read above off the body. False when the arena is full. */
bool fallback_strip(Stanza *stanza) _must_check_;

/* XEP-0444: each reaction once, as long as there is room; what is no reaction is left out. */
#define REACTION_BYTES 64
size_t reactions_list(const Element *reactions, Text *ret_list, size_t room);

void receipts_request(Element *message);
void receipts_confirm(Element *message, Text id);
void stanza_ids_set_origin(Element *message, Text id);
void chat_states_set(Element *message, ChatState state);
void correction_set(Element *message, Text id);
void hints_set_no_store(Element *message);
void markers_set_displayed(Element *message, Text id);
void replies_set(Element *message, Text to, Text id);

/* XEP-0199 */
void ping_request(Element *iq);

/* XEP-0012, 0092, 0202: payloads of results. */
void last_activity_add(Element *result, int64_t seconds);
void software_version_add(Element *result, Text name, Text version);
void entity_time_add(Element *result, int64_t wall_us);

/* XEP-0030: results are built from tables. */
typedef struct DiscoIdentity {
        const char *category, *type;
        Text name; /* may be empty */
} DiscoIdentity;
/* Returns the <query/>, for forms (XEP-0128). */
Element *disco_add_info(Element *result, Text node, const DiscoIdentity *identities, size_t identity_count,
                        const char *const *features, size_t feature_count);
/* Add <item/> children to what is returned. */
Element *disco_add_items(Element *result, Text node);
void disco_add_item(Element *query, Text jid, Text node, Text name); /* node and name may be empty */

/* XEP-0115: the verification string of a disco#info <query/>, SHA-1 in base64; TEXT_NONE when the arena is full. */
#define CAPS_NODE NS_AIOX
Text caps_version(Arena *arena, const Element *query);
void caps_set(Element *presence, Text version);
bool caps_is_node(Text node, Text version); /* CAPS_NODE#version */

/* XEP-0059: which page of a list is wanted. */
typedef struct ResultSet {
        bool wanted;         /* the asker knows pages */
        int64_t most, index; /* -1 = not said */
        Text after, before;  /* ids of items; empty = not said */
        bool backwards;      /* the page before `before`, or the last one */
} ResultSet;
/* false: malformed, or it asks for two places at once. */
bool result_sets_read(const Element *query, ResultSet *ret_set) _must_check_;
/* first and last are empty when the page is. */
void result_sets_add(Element *query, Text first, size_t first_index, Text last, size_t count);

/* XEP-0157: addresses are "KIND=URI", of these kinds; the list ends with NULL. */
extern const char *const contact_address_kinds[];
bool contact_address_parse(Text address, Text *ret_kind, Text *ret_uri) _must_check_;
void contact_addresses_add(Element *query, const char *const *addresses);

/* XEP-0060: whether items of a node are asked for; ret_item is empty, or the id of the only one that is. */
bool pubsub_is_request(const Stanza *iq, Text *ret_node, Text *ret_item);
/* The one item of a node; add its payload to what is returned. */
Element *pubsub_add_item(Element *result, Text node, Text id);

/* XEP-0054, 0084, 0153, 0292: what a contact says of itself. */
typedef struct Picture {
        Text bytes;
        const char *media_type;
        size_t width, height;
} Picture;
typedef struct Card {
        Text jid, name, note; /* note may be empty */
        Picture picture;
} Card;
Text picture_hash(Arena *arena, Text bytes); /* SHA-1 in hexadecimal, as 0084 and 0153 want it */
void avatar_add_metadata(Element *item, const Picture *picture, Text hash);
void avatar_add_data(Element *item, const Picture *picture);
void vcard_add(Element *result, const Card *card);
void vcard_set_photo(Element *presence, Text hash);
void vcard4_add(Element *item, const Card *card);
