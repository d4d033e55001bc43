/* The namespaces we speak, by the names their specifications use. Names only. */
#pragma once

#define NS_STREAMS        "http://etherx.jabber.org/streams"    /* RFC 6120 §4.8.1 */
#define NS_STREAM_ERRORS  "urn:ietf:params:xml:ns:xmpp-streams" /* RFC 6120 §4.9.2 */
#define NS_STANZA_ERRORS  "urn:ietf:params:xml:ns:xmpp-stanzas" /* RFC 6120 §8.3.2 */
#define NS_COMPONENT      "jabber:component:accept"             /* XEP-0114 */
#define NS_CLIENT         "jabber:client"
#define NS_DATA_FORMS     "jabber:x:data"                          /* XEP-0004 */
#define NS_DISCO_INFO     "http://jabber.org/protocol/disco#info"  /* XEP-0030 */
#define NS_DISCO_ITEMS    "http://jabber.org/protocol/disco#items" /* XEP-0030 */
#define NS_COMMANDS       "http://jabber.org/protocol/commands"    /* XEP-0050 */
#define NS_CHAT_STATES    "http://jabber.org/protocol/chatstates"  /* XEP-0085 */
#define NS_RECEIPTS       "urn:xmpp:receipts"                      /* XEP-0184 */
#define NS_PING           "urn:xmpp:ping"                          /* XEP-0199 */
#define NS_DELAY          "urn:xmpp:delay"                         /* XEP-0203 */
#define NS_CARBONS        "urn:xmpp:carbons:2"                     /* XEP-0280 */
#define NS_CORRECTION     "urn:xmpp:message-correct:0"             /* XEP-0308 */
#define NS_HINTS          "urn:xmpp:hints"                         /* XEP-0334 */
#define NS_STANZA_IDS     "urn:xmpp:sid:0"                         /* XEP-0359 */
#define NS_ENCRYPTION     "urn:xmpp:eme:0"                         /* XEP-0380 */
#define NS_OMEMO          "urn:xmpp:omemo:2"                       /* XEP-0384 */
#define NS_OMEMO_LEGACY   "eu.siacs.conversations.axolotl"         /* XEP-0384 0.3, what most clients speak */
#define NS_OPENPGP        "urn:xmpp:openpgp:0"                     /* XEP-0373 */
#define NS_OPENPGP_LEGACY "jabber:x:encrypted"                     /* XEP-0027 */
#define NS_RETRACTION     "urn:xmpp:message-retract:1"             /* XEP-0424 */
#define NS_AIOX           "urn:aiox:0"                             /* our own payloads, docs/rfc-aiox.md */
