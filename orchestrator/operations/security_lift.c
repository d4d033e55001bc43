#include "orchestrator/operations/context.h"

static const Field lift_input[] = {
        { "event", FIELD_UUID, REQUIRED, "The event whose limit is to end now: an id of security-list." },
        { .type = FIELD_END },
};

static bool remove_limit(OperationContext *context, Uuid limit_id, Failure *reterr_failure) {
        const Rows *rows;
        LimitSubject subject;
        LimitWhat what;
        if (!context_run(context, QUERY_THROTTLE_REMOVE, VALUES(value_uuid(limit_id)), &rows, reterr_failure))
                return false;
        if (rows_count(rows) > 0 && limit_subject_from_name(rows_text(rows, 0, 0), &subject) &&
            limit_what_from_name(rows_text(rows, 0, 3), &what))
                context_announce(context, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                                             .gone = true,
                                                             .id = limit_id,
                                                             .tenant_id = context->tenant_id,
                                                             .name = text_copy(context->arena, rows_text(rows, 0, 2)),
                                                             .subject = subject,
                                                             .subject_id = rows_uuid(rows, 0, 1),
                                                             .what = what,
                                                             .window_us = rows_integer(rows, 0, 4),
                                                             .amount = rows_integer(rows, 0, 5) });
        return true;
}

static bool lift(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Uuid event_id = input_uuid(input, "event");
        const Rows *rows;
        if (!context_run(context, QUERY_SECURITY_EVENT_FIND, VALUES(value_uuid(event_id)), &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such security event");
        bool limits = !rows_is_null(rows, 0, 0) && rows_is_null(rows, 0, 4);
        if (limits &&
            (!remove_limit(context, rows_uuid(rows, 0, 0), reterr_failure) ||
             !context_run(context, QUERY_SECURITY_EVENT_LIFT, VALUES(value_uuid(event_id)), NULL, reterr_failure)))
                return false;
        json_put_uuid(context->facts, "event", event_id);
        *ret_result = json_new_object();
        json_put_boolean(*ret_result, "lifted", limits);
        return true;
}

const Operation security_lift = {
        .name = "security-lift",
        .summary = "Ends the limit that answered a security event, before its time is over.",
        .example = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b --tenant acme",
        .role = ROLE_ADMIN,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/security/{event}/lift",
        .input = lift_input,
        .run = lift,
};
