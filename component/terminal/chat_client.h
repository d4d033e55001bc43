/* A person's client connection, just large enough to talk to one agent: log-in by SCRAM, presence, messages with
 * receipts (XEP-0184). The only user of libstrophe. Not the link: this is what everybody else's client does.
 *
 * One thread; connecting and waiting block, at most as long as they are told to.
 */
#pragma once

#include "base/clock.h"
#include "base/failure.h"

typedef struct ChatSettings {
        const char *account;  /* bare JID to log in as */
        const char *password; /* wiped by its owner */
        const char *server;   /* HOST:PORT; NULL = ask the DNS */
        bool allow_plaintext; /* log in without TLS beyond this machine */
        const char *agent;    /* bare JID to talk to */
} ChatSettings;

typedef struct ChatClient ChatClient;

typedef enum ChatNews {
        CHAT_NOTHING, /* time is up */
        CHAT_RECEIPT, /* what was sent was durably accepted */
        CHAT_ANSWER,  /* text of the agent's; last: the whole answer is there */
        CHAT_REFUSED, /* failure says why: an error instead of an answer */
        CHAT_CLOSED,  /* the connection ended: failure says why */
} ChatNews;

typedef struct ChatEvent {
        ChatNews news;
        Text text; /* lives until the next call */
        bool last;
        Failure failure; /* of an answer too: it explains a failure */
} ChatEvent;

/* FAILURE_UNAVAILABLE, UNAUTHENTICATED, TIMED_OUT. */
bool chat_connect(const ChatSettings *settings, int64_t deadline_us, ChatClient **ret_client,
                  Failure *reterr_failure) _must_check_;
/* thread may be NULL; only messages of that thread then count as answers. */
void chat_send(ChatClient *client, const char *body, const char *thread);
/* The next thing that happens, or CHAT_NOTHING after wait_us. */
void chat_wait(ChatClient *client, int64_t wait_us, ChatEvent *ret_event);
void chat_close(ChatClient *client);
DEFINE_RELEASE(ChatClient *, chat_close)
