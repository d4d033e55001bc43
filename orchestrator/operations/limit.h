/* What the operations on limits share: which row the input names. Only for files of this folder. */
#pragma once

#include "orchestrator/operations/context.h"

/* Tenants, agents and who writes to them are their admins' to limit; an account, a domain and everybody together are
 * one for all tenants, and a platform admin's, like what stands in a plan's stead. */
typedef struct LimitRow {
        LimitSubject subject;
        Uuid subject_id; /* zero: none */
        Text domain;     /* of a domain or a sender; else empty */
        Text name;       /* of the subject, to be shown; empty: the acting tenant or the whole */
        LimitWhat what;
        int64_t window_us;
} LimitRow;

/* Whose and in which time: window, agent, grant, account, domain, sender, plan, everybody. */
extern const Field limit_fields[];

bool limit_row(OperationContext *context, const Input *input, LimitRow *ret_row, Failure *reterr_failure) _must_check_;
DirectoryChange limit_row_change(const OperationContext *context, const LimitRow *row, Uuid id, int64_t amount);
/* For people: "600 messages per hour", "5.00 EUR per day". */
void limit_show(const OperationContext *context, LimitWhat what, int64_t window_us, int64_t amount,
                char shown[static LIMIT_TEXT_SIZE]);
/* Adds that as `limit`. */
void limit_put_shown(Json *object, const OperationContext *context, LimitWhat what, int64_t window_us, int64_t amount);
/* {"subject", "name", "what", "window_seconds"} */
Json *limit_row_json(const LimitRow *row);
