/* The walk of isolation: every table filled with rows of one tenant, from what the catalogue says of its columns, and
 * every named query run in its role as another tenant. Nothing here knows a table or a query by name, so that those
 * made later are walked too. For tests; one thread.
 */
#pragma once

#include "schema/schema.h"
#include "tests/integration/store/place.h"

/* Whose rows there are, as every uuid in them; lies in the parts of today. And who looks. */
#define FILLED_TENANT isolation_tenant()
#define OTHER_TENANT  "0b000000-0000-4000-8000-00000000000b"
#define FILLED_WORD   "canary"
const char *isolation_tenant(void);

/* Takes foreign keys away, for rows that are made one table at a time. */
void isolation_prepare(void);
/* One row in each table of tenants (`of_tenants`), or in each of the others. Names of the tables that could not be
 * filled, each with why; empty when all could. */
const char *isolation_fill(bool of_tenants);

/* A query's outcome with every choice of values, as text; and how it went at best. */
typedef struct QueryOutcome {
        TextBuilder text;
        bool ran;        /* without an error, or refused by row security, with one choice of values at least */
        bool touched;    /* it returned or changed a row, or met one that is there */
        char error[200]; /* the last */
} QueryOutcome;
QueryOutcome isolation_run(PGconn *session, int query, const char *tenant);
PGconn *isolation_session(const char *role); /* without "aiox_" */
