/* An office for tests of operations: a fresh database with a hub's lease, two tenants with people in every role, and a
 * hub that only notes what it is told.
 */
#pragma once

#include "orchestrator/governance/plans.h"
#include "orchestrator/operations/call.h"
#include "tests/integration/store/place.h"
#include "tests/unit/unit.h"

#define HEARD_LIMIT 64

typedef struct Office {
        Hub hub; /* first */
        Operations operations;
        DirectoryKind heard[HEARD_LIMIT]; /* kinds of changes announced, in order */
        size_t heard_count;
        DirectoryChange last; /* of AGENT; its texts are gone */
        Uuid cancelled;
        const Plans *plans; /* the built-in ones until a test says otherwise */
        int64_t audited;    /* events put into the audit beside operations' own */
        char told[400];     /* whom the hub was to tell last, and what */
        bool budgets_away;  /* nobody can say what is spent */
        int budgets_asked;
        char budget_calendar[100]; /* zone and billing day they were asked with last */
        Registration registration; /* closed until a test opens it */
        bool mails;                /* there is a mail server */
        char mailed_to[256], mailed[1024];
        char acme[UUID_STRING_SIZE];
        Failure failure; /* of the last call */
} Office;

/* Platform admin. */
#define ROOT "uid:0"
/* A platform admin who is a person. */
#define PLATFORM "petra@localhost"
/* Tenant acme: one of each role; tenant other: its owner; and somebody without an account. */
#define OWNER    "olga@example.org"
#define ADMIN    "adam@example.org"
#define OPERATOR "otto@example.org"
#define VIEWER   "vera@example.org"
#define FOREIGN  "fred@example.org"
#define STRANGER "sally@example.org"
/* Of the hub's own server. */
#define LOCAL "lena@localhost"

Office *office_open(void);
void office_close(Office *office);

/* principal in tenant ("" = not named) runs operation with input (JSON). The result as canonical JSON, which lives
 * until the next call; NULL on failure, which is then in office->failure. */
const char *office_call(Office *office, const char *principal, const char *tenant, const char *operation,
                        const char *input);
const char *office_call_keyed(Office *office, const char *principal, const char *tenant, const char *operation,
                              const char *input, const char *key);
/* The same, and the test fails when the call does. */
const char *office_do(Office *office, const char *principal, const char *tenant, const char *operation,
                      const char *input);
/* place_ask() and place_execute() with acme's rows in sight. */
const char *office_ask(Office *office, const char *sql);
void office_execute(Office *office, const char *sql);
/* The test fails unless the call is refused like this. */
void office_refuse(Office *office, const char *principal, const char *tenant, const char *operation, const char *input,
                   FailureKind kind);
