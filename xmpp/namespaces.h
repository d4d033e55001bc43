/* The namespaces we speak, by the names their specifications use. Names only. */
#pragma once

#define NS_STREAMS         "http://etherx.jabber.org/streams"    /* RFC 6120 §4.8.1 */
#define NS_STREAM_ERRORS   "urn:ietf:params:xml:ns:xmpp-streams" /* RFC 6120 §4.9.2 */
#define NS_STANZA_ERRORS   "urn:ietf:params:xml:ns:xmpp-stanzas" /* RFC 6120 §8.3.2 */
#define NS_COMPONENT       "jabber:component:accept"             /* XEP-0114 */
#define NS_CLIENT          "jabber:client"
#define NS_DISCO_INFO      "http://jabber.org/protocol/disco#info"            /* XEP-0030 */
#define NS_DISCO_ITEMS     "http://jabber.org/protocol/disco#items"           /* XEP-0030 */
#define NS_DATA_FORMS      "jabber:x:data"                                    /* XEP-0004 */
#define NS_LAST_ACTIVITY   "jabber:iq:last"                                   /* XEP-0012 */
#define NS_VCARD_TEMP      "vcard-temp"                                       /* XEP-0054 */
#define NS_RESULT_SETS     "http://jabber.org/protocol/rsm"                   /* XEP-0059 */
#define NS_PUBSUB          "http://jabber.org/protocol/pubsub"                /* XEP-0060 */
#define NS_PUBSUB_RETRIEVE "http://jabber.org/protocol/pubsub#retrieve-items" /* XEP-0060 §6.5 */
#define NS_AVATAR_DATA     "urn:xmpp:avatar:data"                             /* XEP-0084 */
#define NS_AVATAR_METADATA "urn:xmpp:avatar:metadata"                         /* XEP-0084 */
#define NS_REGISTER        "jabber:iq:register"                               /* XEP-0077 */
#define NS_COMMANDS        "http://jabber.org/protocol/commands"              /* XEP-0050 */
#define NS_CHAT_STATES     "http://jabber.org/protocol/chatstates"            /* XEP-0085 */
#define NS_VERSION         "jabber:iq:version"                                /* XEP-0092 */
#define NS_CAPS            "http://jabber.org/protocol/caps"                  /* XEP-0115 */
#define NS_VCARD_UPDATE    "vcard-temp:x:update"                              /* XEP-0153 */
#define NS_SERVER_INFO     "http://jabber.org/network/serverinfo"             /* XEP-0157 */
#define NS_RECEIPTS        "urn:xmpp:receipts"                                /* XEP-0184 */
#define NS_PING            "urn:xmpp:ping"                                    /* XEP-0199 */
#define NS_TIME            "urn:xmpp:time"                                    /* XEP-0202 */
#define NS_DELAY           "urn:xmpp:delay"                                   /* XEP-0203 */
#define NS_CARBONS         "urn:xmpp:carbons:2"                               /* XEP-0280 */
#define NS_VCARD4          "urn:ietf:params:xml:ns:vcard-4.0"                 /* XEP-0292 */
#define NODE_VCARD4        "urn:xmpp:vcard4"                                  /* XEP-0292: a node of PEP */
#define NS_CORRECTION      "urn:xmpp:message-correct:0"                       /* XEP-0308 */
#define NS_MARKERS         "urn:xmpp:chat-markers:0"                          /* XEP-0333 */
#define NS_HINTS           "urn:xmpp:hints"                                   /* XEP-0334 */
#define NS_STANZA_IDS      "urn:xmpp:sid:0"                                   /* XEP-0359 */
#define NS_ENCRYPTION      "urn:xmpp:eme:0"                                   /* XEP-0380 */
#define NS_OMEMO           "urn:xmpp:omemo:2"                                 /* XEP-0384 */
#define NS_OMEMO_LEGACY    "eu.siacs.conversations.axolotl" /* XEP-0384 0.3, what most clients speak */
#define NS_OPENPGP         "urn:xmpp:openpgp:0"             /* XEP-0373 */
#define NS_OPENPGP_LEGACY  "jabber:x:encrypted"             /* XEP-0027 */
#define NS_ATTACHING       "urn:xmpp:fasten:0"              /* XEP-0422 */
#define NS_RETRACTION      "urn:xmpp:message-retract:1"     /* XEP-0424 */
#define NS_STYLING         "urn:xmpp:styling:0"             /* XEP-0393 */
#define NS_RETRACT_LEGACY  "urn:xmpp:message-retract:0"     /* XEP-0424 0.3, within XEP-0422 */
#define NS_FALLBACK        "urn:xmpp:fallback:0"            /* XEP-0428 */
#define NS_FALLBACK_LEGACY "urn:xmpp:feature-fallback:0"    /* XEP-0461 0.1 */
#define NS_REACTIONS       "urn:xmpp:reactions:0"           /* XEP-0444 */
#define NS_REPLIES         "urn:xmpp:reply:0"               /* XEP-0461 */
#define NS_AIOX            "urn:aiox:0"                     /* our own payloads, docs/rfc-aiox.md */
