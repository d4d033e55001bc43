/* The door of subscriptions: makes an operation of a wish to subscribe or unsubscribe, and has the desk run it without
 * anybody waiting. Wishes of one person about one agent are run one after another, and of those that wait the last one
 * counts; not many run at once, so that a flood leaves the desk to others. Whom the operation let in is told by the
 * roster, when the directory has followed; the door answers nothing itself.
 *
 * Hub thread, save for the desk calling back. Never blocks.
 */
#pragma once

#include "component/desk.h"
#include "component/inbox.h"

typedef struct SubscriptionDoor SubscriptionDoor;

/* domains: those the hub serves, separated by spaces. */
SubscriptionDoor *subscription_door_new(Desk *desk, Queue *inbox, const char *domains);
/* After the desk: nothing runs any more. */
void subscription_door_free(SubscriptionDoor *door);

/* Somebody asks something about presence. False: so often that he is not answered. Taken before anything is looked up.
 */
bool subscription_door_hears(SubscriptionDoor *door, Moment now, const Jid *who);
typedef enum WishKind {
        WISH_BEGIN,
        WISH_KEEP, /* the same, but he did not ask: should it not be granted, he is not told */
        WISH_END,
} WishKind;
/* A wish of `who`; agent is a bare JID. False: too many of his in a short time, or of all together, and nothing will be
 * done. */
bool subscription_door_wish(SubscriptionDoor *door, Moment now, const Jid *who, Text agent, WishKind kind);
/* Whether a wish of his about this agent waits or runs. */
bool subscription_door_has(const SubscriptionDoor *door, Text who, Text agent);
/* The rows of people whose access to an agent ended go: one such call at a time, when the door says that it may be. */
bool subscription_door_may_end(const SubscriptionDoor *door);
void subscription_door_end(SubscriptionDoor *door, Text agent, const Text *people, size_t count);

/* What became of a wish, when that has to be said: it was not granted. */
typedef struct Disappointment {
        Text who, agent; /* bare; live until the door is called again */
        FailureKind reason;
} Disappointment;
/* An operation of this door came back (NOTE_CALL). True: to be told. */
bool subscription_door_done(SubscriptionDoor *door, Moment now, DeskCall *call, Disappointment *ret_disappointment);
/* Gives the desk what it has room for. */
void subscription_door_run(SubscriptionDoor *door, Moment now);
/* When that has to be done although nothing happened; monotonic, INT64_MAX = never. */
int64_t subscription_door_wake(const SubscriptionDoor *door);
