/* What the operations on limits share: which row the input names. Only for files of this folder. */
#pragma once

#include "orchestrator/operations/context.h"

/* Tenants and agents are their admins' to limit; an account, a domain and the whole are one for all tenants, and a
 * platform admin's. */
typedef struct LimitRow {
        LimitSubject subject;
        Uuid subject_id; /* zero: none */
        Text domain;     /* of a domain; else empty */
        Text name;       /* of the subject, to be shown; empty: the acting tenant or the whole */
        LimitWhat what;
        int64_t window_us;
} LimitRow;

/* agent, account, domain, what, window. */
#define LIMIT_FIELDS                                                                                                   \
        { "what", FIELD_CHOICE, REQUIRED, "What is limited.", .choices = "messages|body-bytes" },                      \
                { "window",   FIELD_DURATION,                                                                          \
                  OPTIONAL,   "In which time: a minute when absent; body-bytes have none.",                            \
                  .least = 1, .most = 366 * 86400 },                                                                   \
                { "agent", FIELD_AGENT, OPTIONAL, "Of this agent; of the whole tenant when nothing is named." },       \
                { "account", FIELD_JID, OPTIONAL, "Of this person, with all tenants." }, {                             \
                "domain", FIELD_WHO, OPTIONAL, "Of everybody at this domain, with all tenants."                        \
        }

bool limit_row(OperationContext *context, const Input *input, LimitRow *ret_row, Failure *reterr_failure) _must_check_;
DirectoryChange limit_row_change(const OperationContext *context, const LimitRow *row, Uuid id, int64_t amount);
/* {"subject", "name", "what", "window_seconds"} */
Json *limit_row_json(const LimitRow *row);
