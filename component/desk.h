/* The desk: threads that run operations for the doors, and questions about operations, so that no door's own thread
 * blocks on the database, and turns that wait for models keep no administrator waiting. Not a scheduler: calls run in
 * the order they came.
 *
 * desk_submit() from any thread, never blocks. desk_free() waits for what runs and refuses what still waits.
 */
#pragma once

#include "base/queue.h"
#include "orchestrator/operations/call.h"

typedef struct Desk Desk;
typedef struct DeskCall DeskCall;

/* Usually the first member of what a door keeps about a request; the door owns it, and all it points to, until done. */
struct DeskCall {
        QueueItem item;
        /* What is to be done; NULL: the operation is called. False: the failure says why. */
        bool (*work)(DeskCall *call, Operations *operations);
        const Operation *operation;
        Caller caller;
        Json *input;  /* NULL = none */
        Json *result; /* the door's to free; NULL on failure */
        Failure failure;
        void (*done)(DeskCall *call); /* on a thread of the desk; or in desk_free() for what had not begun */
};

Desk *desk_new(Operations *operations, int threads);
/* False when too many wait already: nothing was taken over. */
bool desk_submit(Desk *desk, DeskCall *call);
void desk_free(Desk *desk);
DEFINE_RELEASE(Desk *, desk_free)
