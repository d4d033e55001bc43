#include "base/jid.h"
#include "orchestrator/operations/agent.h"

static const Field remove_input[] = {
        { "agent", FIELD_AGENT, REQUIRED, "The agent; by its JID, only at that domain." },
        { "who", FIELD_LIST, OPTIONAL, "Bare JIDs of those whose subscriptions end; yours when absent.", .least = 1,
          .most = 500 },
        { .type = FIELD_END },
};

static bool find_people(OperationContext *context, const Input *input, const Text **ret_people, size_t *ret_count,
                        Failure *reterr_failure) {
        const Text *given;
        size_t count = input_has(input, "who") ? input_list(input, "who", &given) : 0;
        Text *people = arena_take_array(context->arena, Text, count > 0 ? count : 1);
        if (!people)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "'who' is too long");
        *ret_people = people;
        *ret_count = count > 0 ? count : 1;
        if (count == 0) {
                people[0] = context->caller->principal;
                return context->domain.length > 0 ||
                       failure_set(reterr_failure, FAILURE_INVALID, "'who': say whose subscription ends");
        }
        for (size_t i = 0; i < count; i++) {
                Jid jid;
                if (!jid_parse(context->arena, given[i], &jid, reterr_failure))
                        return failure_prefix(reterr_failure, "'who'");
                people[i] = jid.bare;
        }
        return (count == 1 && text_equal(people[0], context->caller->principal)) || context->owns ||
               context->role >= ROLE_ADMIN ||
               failure_set(reterr_failure, FAILURE_FORBIDDEN,
                           "others' subscriptions end by the agent's owner and by admins");
}

static bool remove_subscriptions(OperationContext *context, const Input *input, Json **ret_result,
                                 Failure *reterr_failure) {
        Text named = input_text(input, "agent");
        bool is_address = memchr(named.bytes, '@', named.length) != NULL;
        Text domain = is_address ? context_agent_domain(context, named) : TEXT_NONE;
        const Text *people;
        size_t count;
        const Rows *rows;
        if (!find_people(context, input, &people, &count, reterr_failure) ||
            !context_run(context, QUERY_SUBSCRIPTIONS_REMOVE,
                         VALUES(value_uuid(context->agent.id), value_texts(people, count), value_text_or_null(domain)),
                         &rows, reterr_failure))
                return false;
        for (size_t row = 0; row < rows_count(rows); row++)
                context_announce(context,
                                 (DirectoryChange){ .kind = DIRECTORY_SUBSCRIPTION,
                                                    .gone = true,
                                                    .tenant_id = context->tenant_id,
                                                    .agent_id = context->agent.id,
                                                    .name = text_copy(context->arena, rows_text(rows, row, 0)),
                                                    .domain = text_copy(context->arena, rows_text(rows, row, 1)) });
        json_put_integer(context->facts, "removed", (int64_t) rows_count(rows));
        *ret_result = json_new_object();
        json_put_text(*ret_result, "agent", agent_address(context, context->agent.name));
        json_put_integer(*ret_result, "removed", (int64_t) rows_count(rows));
        return true;
}

const Operation subscription_remove = {
        .name = "subscription-remove",
        .summary = "Ends your subscription to an agent's presence, or, as its owner, those of others.",
        .example = "support.acme@agents.example.org",
        .role = ROLE_NONE,
        .effect = EFFECT_DESTROY,
        .method = "DELETE",
        .path = "/agents/{agent}/subscriptions",
        .input = remove_input,
        .run = remove_subscriptions,
};
