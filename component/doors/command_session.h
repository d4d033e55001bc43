/* Sessions of commands (XEP-0050): what somebody has begun and not ended. Each belongs to the full JID that began it
 * and to the address it was begun at; to anybody else it is not there. Bounded in number, for each person and in all,
 * in bytes, and in time. Held in memory only: a hub that starts again knows none. Not what happens in them: command.c.
 *
 * One thread, the hub's; never blocks. Times are of the monotonic clock.
 */
#pragma once

#include "base/clock.h"
#include "base/jid.h"
#include "component/doors/command_form.h"

#define SESSION_ID_SIZE 33 /* 128 random bits in hexadecimal, and NUL */

typedef struct SessionLimits {
        int64_t idle_us; /* then it is over */
        int64_t done_us; /* the same for one that is completed, and waits for a repeat only */
        size_t each;     /* of one person */
        size_t guests;   /* of all who have no account */
        size_t all;
        size_t bytes; /* of all that was filled in */
} SessionLimits;

#define SESSION_LIMITS ((SessionLimits){ 600 * SECONDS, 60 * SECONDS, 8, 500, 2000, 64 * 1024 * 1024 })

typedef struct Sessions Sessions;
typedef struct Person Person;

typedef struct CommandSession {
        char id[SESSION_ID_SIZE];
        CommandTalk talk;
        size_t stage; /* which page is shown */
        int64_t step; /* how often it has changed */
        bool paging;  /* a page of a list is shown, and there are more */
        bool done;    /* completed: only its completion may be repeated */
        bool busy;    /* an answer is being worked on; it stays until then */
        bool guest;   /* of somebody without an account */
        Arena *arena; /* of its constant texts */
        Text owner;   /* full JID */
        Text address; /* full */
        char *next;   /* of a list: where the next page begins */
        int64_t used_us;
        size_t bytes;
        Person *person;
        struct CommandSession *older, *newer;               /* among all that are as done as it is */
        struct CommandSession *older_of_his, *newer_of_his; /* of one person */
} CommandSession;

Sessions *sessions_new(SessionLimits limits);
void sessions_free(Sessions *sessions);
DEFINE_RELEASE(Sessions *, sessions_free)
size_t sessions_count(const Sessions *sessions);

/* A new one, for which the oldest idle one of the same person may have to go. FAILURE_LIMIT when there is none. The
 * talk's texts are copied, its values taken over when this succeeds. */
bool session_open(Sessions *sessions, const Jid *owner, Text address, bool guest, const CommandTalk *talk,
                  int64_t now_us, CommandSession **ret_session, Failure *reterr_failure) _must_check_;
/* NULL: there is none of that id for this owner at this address, or it is over. Counts as use. */
CommandSession *session_find(Sessions *sessions, Text id, const Jid *owner, Text address, int64_t now_us);
/* The same for what belongs to a session and knows its id. */
CommandSession *session_by_id(Sessions *sessions, Text id);
/* Counts what its values hold now. FAILURE_LIMIT: all sessions together hold too much; this one is then to be
 * closed. */
bool session_weigh(Sessions *sessions, CommandSession *session, Failure *reterr_failure) _must_check_;
void session_set_done(Sessions *sessions, CommandSession *session, int64_t now_us);
/* A page of its list is shown, after which there is one that begins here; empty: none. */
void session_turn_page(CommandSession *session, Text next);
void session_close(Sessions *sessions, CommandSession *session);

/* How many answers are being worked on for one person, and for all who have no account. */
bool sessions_may_ask(Sessions *sessions, Text bare, bool guest);
void sessions_begin_answer(Sessions *sessions, Text bare, bool guest);
void sessions_end_answer(Sessions *sessions, Text bare, bool guest);
