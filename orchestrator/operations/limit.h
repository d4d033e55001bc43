/* What the operations on limits share: which row the input names. Only for files of this folder. */
#pragma once

#include "orchestrator/operations/context.h"

/* Tenants and agents are their admins' to limit; an account, a domain and the whole are one for all tenants, and a
 * platform admin's, like what stands in a plan's stead. */
typedef struct LimitRow {
        LimitSubject subject;
        Uuid subject_id; /* zero: none */
        Text domain;     /* of a domain; else empty */
        Text name;       /* of the subject, to be shown; empty: the acting tenant or the whole */
        LimitWhat what;
        int64_t window_us;
} LimitRow;

/* what, window, agent, account, domain, plan. */
#define LIMIT_FIELDS                                                                                                   \
        { "what", FIELD_CHOICE, REQUIRED, "What is limited.", .choices = LIMIT_NAMES },                                \
                { "window",   FIELD_DURATION,                                                                          \
                  OPTIONAL,   "In which time. Messages: any, a minute when absent. Budgets: minute, day or month.",    \
                  .least = 1, .most = 366 * 86400 },                                                                   \
                { "agent", FIELD_AGENT, OPTIONAL,                                                                      \
                  "Of this agent; when nothing is named, of the whole tenant, or, without a tenant, of all "           \
                  "together." },                                                                                       \
                { "account", FIELD_JID, OPTIONAL, "Of this person, with all tenants." },                               \
                { "domain", FIELD_WHO, OPTIONAL, "Of everybody at this domain, with all tenants." }, {                 \
                "plan", FIELD_BOOLEAN, OPTIONAL, "The tenant's own figure in its plan's stead; for platform admins."   \
        }

bool limit_row(OperationContext *context, const Input *input, LimitRow *ret_row, Failure *reterr_failure) _must_check_;
DirectoryChange limit_row_change(const OperationContext *context, const LimitRow *row, Uuid id, int64_t amount);
/* Adds `limit`, for people: "600 messages per hour", "5.00 EUR per day". */
void limit_put_shown(Json *object, const OperationContext *context, LimitWhat what, int64_t window_us, int64_t amount);
/* {"subject", "name", "what", "window_seconds"} */
Json *limit_row_json(const LimitRow *row);
