/* The gate: the only way to run an operation, whatever door it came through. It finds the caller's account, tenant and
 * role, checks the input, resolves the agent named in it, returns the stored result of a request made before, runs the
 * handler in one transaction with its row of operation_log (which holds the audit facts), and has the hub's directory
 * follow. Who is no member of the tenant that an agent's JID names is its guest: he acts without a role, on the agents
 * he may talk to. Absent and forbidden are one FAILURE_NOT_FOUND, after the same work.
 *
 * operation_call() blocks and runs on a worker thread. Operations is shared by all of them.
 */
#pragma once

#include "orchestrator/governance/guesses.h"
#include "orchestrator/governance/meters.h"
#include "orchestrator/governance/recurrence.h"
#include "orchestrator/operations/hub.h"
#include "orchestrator/operations/operation.h"
#include "store/keyring.h"

#define INSTALLATION_SLUG "installation" /* of the reserved tenant, whose agents have bare names */

/* Who calls, as the door vouches for it. */
typedef struct Caller {
        Text principal;   /* bare JID, or "uid:0" on the Unix socket */
        bool platform;    /* a platform admin */
        Text tenant;      /* slug asked for; empty = the only one; a platform admin's is the installation */
        Uuid message_id;  /* of the chat message that asks; zero = none does */
        const char *door; /* "rest", "command", "chat" */
        bool metered;     /* a call of the API, which is counted */
        Text request_key; /* Idempotency-Key, or command session and step; empty = none */
} Caller;

typedef struct Operations {
        Database *database;
        Keyring *keyring;
        Hub *hub;
        Recurrence *recurrence; /* of refusals and reads, for the audit */
        Guesses *guesses;       /* of codes */
        Meters *meters;         /* NULL: calls are not counted */
} Operations;

/* input: an object, or NULL. The result is the caller's to free; on failure there is none. */
bool operation_call(Operations *operations, const Caller *caller, const Operation *operation, const Json *input,
                    Json **ret_result, Failure *reterr_failure) _must_check_;
