#include "orchestrator/operations/agent.h"

#define SUBSCRIBERS_LIMIT 100000 /* of one agent, so that nobody fills every hub's memory */

static const Field add_input[] = {
        { "agent", FIELD_AGENT, REQUIRED, "The agent, by the JID whose presence is wanted." },
        { .type = FIELD_END },
};

/* Nothing changed: there is one already, or there are too many. */
static bool check_kept(OperationContext *context, Text domain, Failure *reterr_failure) {
        const Rows *rows;
        return context_run(context, QUERY_SUBSCRIPTION_FIND,
                           VALUES(value_uuid(context->agent.id), value_text(context->caller->principal),
                                  value_text(domain)),
                           &rows, reterr_failure) &&
               (rows_count(rows) > 0 ||
                failure_set(reterr_failure, FAILURE_LIMIT, "this agent has as many subscribers as it may have"));
}

static bool add_subscription(OperationContext *context, const Input *input, Json **ret_result,
                             Failure *reterr_failure) {
        Text who = context->caller->principal, domain = context_agent_domain(context, input_text(input, "agent"));
        const Rows *rows;
        if (context->domain.length == 0 || context_serves(context, context->domain))
                return failure_set(reterr_failure, FAILURE_INVALID, "only people subscribe, each for himself");
        if (!context_run(context, QUERY_SUBSCRIPTION_PUT,
                         VALUES(value_uuid(context->agent.id), value_text(who), value_text(domain),
                                value_integer(SUBSCRIBERS_LIMIT)),
                         &rows, reterr_failure))
                return false;
        bool changed = rows_changed(rows) > 0;
        if (!changed && !check_kept(context, domain, reterr_failure))
                return false;
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_SUBSCRIPTION,
                                                     .tenant_id = context->tenant_id,
                                                     .agent_id = context->agent.id,
                                                     .name = who,
                                                     .domain = domain });
        *ret_result = json_new_object();
        json_put_text(*ret_result, "agent", agent_address(context, context->agent.name));
        json_put_text(*ret_result, "who", who);
        json_put_boolean(*ret_result, "changed", changed);
        return true;
}

const Operation subscription_add = {
        .name = "subscription-add",
        .summary = "Subscribes you to an agent's presence.",
        .example = "support.acme@agents.example.org",
        .role = ROLE_NONE,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/agents/{agent}/subscriptions",
        .input = add_input,
        .run = add_subscription,
};
