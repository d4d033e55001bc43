/* Load from a scripted server: messages of many senders at a fixed rate, whether or not answers come (open loop), each
 * timed from the moment it should have been sent. With `most`, which is for finding how much somebody can do rather
 * than how long it takes, it holds back while so many are unanswered. It counts receipts, answers and refusals, and
 * what must never be: a receipted message unanswered, or answered under two ids. The agent must repeat the text it is
 * sent, whatever it says before: the number in it is how an answer is told from another.
 *
 * One thread, that of its server.
 */
#pragma once

#include "base/clock.h"
#include "base/json.h"
#include "tests/lab/xmpp_server.h"

typedef struct XmppLoadPlan {
        const char *agent;         /* bare JID */
        int64_t agents;            /* 0: that one; else agent0@ … agent(agents - 1)@, in turn */
        const char *sender_domain; /* user0@ … user(senders - 1)@ */
        double rate;               /* a second */
        int64_t count;
        int64_t most; /* unanswered at a time, 0 = any number; with it, nothing is sent after count / rate seconds */
        int64_t senders;
        size_t bytes; /* of a body */
        bool asks;    /* service discovery of the agent's client (XEP-0030) instead of messages; no receipts then */
} XmppLoadPlan;

typedef struct XmppLoad XmppLoad;

XmppLoad *xmpp_load_new(const XmppLoadPlan *plan, int64_t now_us);
/* For the server's on_stanza; peer may be NULL. */
void xmpp_load_take(XmppLoad *load, const Element *stanza);
/* Sends what is due, to the component of the agent's domain, or to the server that this one has joined; what is due
 * while there is none counts as unsent. */
void xmpp_load_step(XmppLoad *load, XmppServer *server, int64_t now_us);
/* When the next one is due; INT64_MAX after the last. */
int64_t xmpp_load_due(const XmppLoad *load);
/* Nothing more becomes due. */
void xmpp_load_stop(XmppLoad *load);
/* Everything was sent, and answered or refused. */
bool xmpp_load_is_done(const XmppLoad *load);
/* Every message that was receipted has its answer, or one that says why there is none; and of those sent on the stream
 * that stands, each was receipted, refused or answered. */
bool xmpp_load_is_even(const XmppLoad *load);
/* sent, unsent, receipted, answered, refused, again (the same answer twice), under_two_ids, unanswered (receipted, and
 * its text never repeated), failed (answers that say why there is none), unreceipted (answered without receipt),
 * seconds (from first due to last answer), and receipt_us, answer_us and refusal_us with p50, p95, p99 and most. */
Json *xmpp_load_figures(const XmppLoad *load);
void xmpp_load_free(XmppLoad *load);
DEFINE_RELEASE(XmppLoad *, xmpp_load_free)
