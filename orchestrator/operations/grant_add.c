#include "orchestrator/operations/agent.h"
#include "orchestrator/operations/allowance.h"

static const Field add_input[] = {
        { "agent", FIELD_AGENT, REQUIRED, "The agent." },
        { "who", FIELD_WHO, REQUIRED, "A person's bare JID, an agent's, or a whole domain." },
        { "messages_per_minute", FIELD_INTEGER, OPTIONAL, "How many messages a minute, for all it names together.",
          .least = 1, .most = 1000000 },
        { "not_before", FIELD_TIME, OPTIONAL, "From when on." },
        { "expires", FIELD_TIME, OPTIONAL, "Until when." },
        { "read_bodies", FIELD_BOOLEAN, OPTIONAL, "Also read the prompt and what others wrote to it.",
          .fallback = "false" },
        { .type = FIELD_END },
};

static const char *kind_of(const OperationContext *context, Text who) {
        Text domain = who, local;
        if (!memchr(who.bytes, '@', who.length))
                return "domain";
        text_split(&domain, '@', &local);
        return context_serves(context, domain) ? "agent" : "jid";
}

static bool add_limit(OperationContext *context, Uuid grant_id, int64_t amount, Failure *reterr_failure) {
        Uuid id = context_id(context);
        if (!limit_narrows(context, "messages_per_minute", LIMIT_MESSAGES, LIMIT_MINUTE_US, amount, reterr_failure) ||
            !context_run(context, QUERY_GRANT_LIMIT_ADD,
                         VALUES(value_uuid(id), value_uuid(grant_id), value_integer(amount),
                                value_uuid_or_null(context->account_id)),
                         NULL, reterr_failure))
                return false;
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                                     .id = id,
                                                     .tenant_id = context->tenant_id,
                                                     .subject = LIMIT_OF_GRANT,
                                                     .subject_id = grant_id,
                                                     .what = LIMIT_MESSAGES,
                                                     .window_us = 60 * SECONDS,
                                                     .amount = amount });
        return true;
}

static Value time_or_null(const Input *input, const char *name) {
        return input_has(input, name) ? value_time(input_integer(input, name)) : value_null();
}

static bool insert_grant(OperationContext *context, const Input *input, Uuid id, const char *kind,
                         Failure *reterr_failure) {
        if (context_run(context, QUERY_GRANT_ADD,
                        VALUES(value_uuid(id), value_uuid(context->agent.id), value_string(kind),
                               value_text(input_text(input, "who")), value_boolean(input_boolean(input, "read_bodies")),
                               time_or_null(input, "not_before"), time_or_null(input, "expires"),
                               value_uuid_or_null(context->account_id)),
                        NULL, reterr_failure))
                return true;
        if (reterr_failure->kind == FAILURE_CONFLICT)
                failure_set(reterr_failure, FAILURE_CONFLICT, "this is granted already: remove it first to change it");
        return false;
}

static bool add_grant(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Uuid id = context_id(context);
        Text who = input_text(input, "who");
        const char *kind = kind_of(context, who);
        int64_t now_us = context->now.wall_us, from_us = input_integer(input, "not_before"),
                until_us = input_has(input, "expires") ? input_integer(input, "expires") : INT64_MAX;
        if (until_us <= now_us || until_us <= from_us)
                return failure_set(reterr_failure, FAILURE_INVALID, "'expires' must be in the future%s",
                                   input_has(input, "not_before") ? " and after 'not_before'" : "");
        if (input_boolean(input, "read_bodies") && !uuid_equal(context->agent.owner_id, context->account_id))
                return failure_set(reterr_failure, FAILURE_FORBIDDEN, "only the agent's owner lets others read bodies");
        if (!insert_grant(context, input, id, kind, reterr_failure))
                return false;
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_GRANT,
                                                     .id = id,
                                                     .tenant_id = context->tenant_id,
                                                     .agent_id = context->agent.id,
                                                     .name = who,
                                                     .not_before_us = input_integer(input, "not_before"),
                                                     .expires_us = input_integer(input, "expires") });
        if (input_has(input, "messages_per_minute") &&
            !add_limit(context, id, input_integer(input, "messages_per_minute"), reterr_failure))
                return false;
        json_put_uuid(context->facts, "grant", id);
        Json *result = *ret_result = json_new_object();
        json_put_text(result, "who", who);
        json_put_string(result, "kind", kind);
        bool shared = context->agent.visibility == VISIBILITY_SHARED;
        json_put_boolean(result, "in_force", shared && from_us <= now_us);
        if (!shared)
                json_put_string(result, "note", "grants count while the agent's visibility is shared");
        return true;
}

const Operation grant_add = {
        .name = "grant-add",
        .summary = "Lets a person, a domain or another agent talk to a shared agent.",
        .example = "support carol@elsewhere.org --messages-per-minute 10 --tenant acme",
        .role = ROLE_ADMIN,
        .own_agent = true,
        .effect = EFFECT_CHANGE,
        .method = "POST",
        .path = "/agents/{agent}/grants",
        .input = add_input,
        .run = add_grant,
};
