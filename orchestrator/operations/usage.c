#include "orchestrator/operations/usage.h"

#include "base/log.h"

#include <stdio.h>

#define TRANSACTIONS 8 /* that somebody who asks waits for */

/* What was used a moment ago is shown, too. */
void usage_catch_up(OperationContext *context) {
        Operations *operations = context->operations;
        Failure failure;
        bool done = (!operations->meters || meters_write(operations->meters, operations->database, &failure)) &&
                    usage_count(operations->database, TRANSACTIONS, NULL, &failure);
        if (!done)
                log_warning("usage is shown as it was last counted", "cause", LOG_STRING, failure.text);
}

/* Empty is no day. */
static bool is_day(Text text) {
        static const char form[] = "9999-99-99";
        char moment[32];
        int64_t wall_us;
        if (text.length != strlen(form) || text.bytes[0] == '0')
                return false;
        for (size_t i = 0; i < text.length; i++)
                if (form[i] == '9' ? text.bytes[i] < '0' || text.bytes[i] > '9' : text.bytes[i] != form[i])
                        return false;
        snprintf(moment, sizeof(moment), "%.*sT00:00:00Z", TEXT_ARGUMENTS(text));
        return time_parse(text_of(moment), &wall_us);
}

static bool read_day(const Input *input, const char *name, Text *day, Failure *reterr_failure) {
        if (!input_has(input, name))
                return true;
        *day = input_text(input, name);
        return is_day(*day) ||
               failure_set(reterr_failure, FAILURE_INVALID, "'%s' must be a day, such as 2026-01-31", name);
}

bool usage_days(OperationContext *context, const Input *input, UsageQuestion *question, Failure *reterr_failure) {
        const Rows *rows;
        bool previous = text_equal(input_text(input, "period"), TEXT("previous"));
        if (!context_run(context, QUERY_USAGE_PERIOD, VALUES(value_boolean(previous)), &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such tenant");
        question->from = text_copy(context->arena, rows_text(rows, 0, 0));
        question->to = text_copy(context->arena, rows_text(rows, 0, 1));
        question->zone = text_copy(context->arena, rows_text(rows, 0, 2));
        if (input_has(input, "period") && (input_has(input, "from") || input_has(input, "to")))
                return failure_set(reterr_failure, FAILURE_INVALID, "say 'period', or 'from' and 'to', not both");
        if (input_has(input, "to") && !input_has(input, "from"))
                return failure_set(reterr_failure, FAILURE_INVALID, "'from' is missing: the first day");
        if (!read_day(input, "from", &question->from, reterr_failure) ||
            !read_day(input, "to", &question->to, reterr_failure))
                return false;
        return text_compare(question->from, question->to) <= 0 ||
               failure_set(reterr_failure, FAILURE_INVALID, "'from' must not be after 'to'");
}

/* Others than oneself are for admins, and for the agent's owner. */
static bool find_person(OperationContext *context, const Input *input, Value *ret_person, Failure *reterr_failure) {
        bool everybody = context_sees_all(context) || (input_has(input, "agent") && context->owns);
        Text asked = input_text(input, "account"), own = context->caller->principal;
        Uuid person;
        *ret_person = value_null();
        if (everybody && asked.length == 0)
                return true;
        if (!everybody && asked.length > 0 && !text_equal(asked, own))
                return failure_set(reterr_failure, FAILURE_FORBIDDEN, "what others used is for admins");
        if (!keyring_person(context->operations->keyring, context->tenant_id, asked.length > 0 ? asked : own, &person,
                            reterr_failure))
                return false;
        *ret_person = value_uuid(person);
        return true;
}

bool usage_question(OperationContext *context, const Input *input, UsageQuestion *ret_question,
                    Failure *reterr_failure) {
        *ret_question = (UsageQuestion){ .agent = value_uuid_or_null(context->agent.id) };
        if (!usage_days(context, input, ret_question, reterr_failure) ||
            !find_person(context, input, &ret_question->person, reterr_failure))
                return false;
        usage_catch_up(context);
        return true;
}

struct UsagePeople {
        size_t count;
        struct {
                Uuid id;
                Text jid;
        } of[];
};

bool usage_people(OperationContext *context, UsagePeople **ret_people, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, QUERY_USAGE_PEOPLE, NO_VALUES, &rows, reterr_failure))
                return false;
        size_t count = rows_count(rows);
        UsagePeople *people = *ret_people = arena_take(context->arena, sizeof(*people) + count * sizeof(people->of[0]));
        if (!people)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "the tenant has too many members to name");
        for (people->count = 0; people->count < count; people->count++) {
                size_t i = people->count;
                people->of[i].jid = text_copy(context->arena, rows_text(rows, i, 0));
                if (!keyring_person(context->operations->keyring, context->tenant_id, people->of[i].jid,
                                    &people->of[i].id, reterr_failure))
                        return false;
        }
        return true;
}

Text usage_person(const UsagePeople *people, Uuid id) {
        for (size_t i = 0; i < people->count; i++)
                if (uuid_equal(people->of[i].id, id))
                        return people->of[i].jid;
        return TEXT_NONE;
}

void usage_put_counts(OperationContext *context, Json *item, const Rows *rows, size_t row, int column) {
        static const char *const names[] = { "messages",      "model_calls",       "tool_runs",    "api_calls",
                                             "prompt_tokens", "completion_tokens", "cached_tokens" };
        for (int i = 0; i < (int) COUNT_OF(names); i++)
                json_put_integer(item, names[i], rows_integer(rows, row, column + i));
        json_put_integer(item, "compute_ms", rows_integer(rows, row, column + 7) / 1000);
        json_put_integer(item, "byte_hours", rows_integer(rows, row, column + 8));
        json_put_integer(item, "cost_nano", rows_integer(rows, row, column + 9));
        json_put_money(item, "cost", context, rows_integer(rows, row, column + 9));
}
