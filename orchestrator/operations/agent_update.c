#include "orchestrator/operations/agent.h"
#include "orchestrator/operations/version.h"

static const Field update_input[] = {
        { "agent", FIELD_AGENT, REQUIRED, "The agent: its name in the tenant, or its JID." },
        { "visibility", FIELD_CHOICE, OPTIONAL, "Who may talk to it.", .choices = "private|tenant|shared|public" },
        { "owner", FIELD_JID, OPTIONAL,
          "A member to give it to. Unless its owner gives it, what was written before stays unreadable to them." },
        { .type = FIELD_END },
};

static bool changes_version(const Input *input) {
        for (const Field *field = version_fields; field->type != FIELD_END; field++)
                if (input_has(input, field->name))
                        return true;
        return input_has(input, "owner");
}

/* The first of them that is given; NULL: none. */
static const char *names_way_out(const Input *input) {
        const char *const *way = version_ways_out;
        while (*way && !input_has(input, *way))
                way++;
        return *way;
}

/* Whether the agent is given to another by somebody else than its owner: then the past is not the new owner's. */
static bool is_taken(const OperationContext *context, const VersionDocument *version) {
        return !context->owns && !uuid_is_zero(version->owner_id) &&
               !uuid_equal(version->owner_id, context->agent.owner_id);
}

/* What is its former owner's goes to no provider of the present one: the prompt, and documents. */
static bool check_what_would_go(OperationContext *context, const Input *input, const VersionDocument *version,
                                Failure *reterr_failure) {
        const char *way = names_way_out(input);
        const Rows *rows;
        if (!way)
                return true;
        if (version->hidden && version->prompt.length > 0)
                return failure_set(reterr_failure, FAILURE_FORBIDDEN,
                                   "'%s' would tell the prompt, which is its former owner's: give it one of your own "
                                   "first",
                                   way);
        if (!context_run(context, QUERY_DOCUMENTS_OF_FORMER_OWNER, VALUES(value_uuid(context->agent.id)), &rows,
                         reterr_failure))
                return false;
        return rows_count(rows) == 0 ||
               failure_set(reterr_failure, FAILURE_FORBIDDEN,
                           "'%s' would tell documents of its former owner, such as '%.*s': remove them first "
                           "(knowledge-remove)",
                           way, TEXT_ARGUMENTS(text_prefix(rows_text(rows, 0, 0), 64)));
}

/* A version names its owner, so that a turn can compare: a new owner is a new version too. */
static bool add_version(OperationContext *context, const Input *input, VersionDocument *version,
                        Failure *reterr_failure) {
        Text owner = input_text(input, "owner");
        if (!version_read(context, context->agent.id, 0, version, reterr_failure) ||
            (owner.length > 0 && !agent_find_owner(context, owner, &version->owner_id, reterr_failure)))
                return false;
        version->hidden = version->hidden || is_taken(context, version);
        version_overlay(version, input);
        return check_what_would_go(context, input, version, reterr_failure) && version_check(version, reterr_failure) &&
               version_check_price(context, version, input, reterr_failure) &&
               version_add(context, context->agent.id, context_id(context), version, reterr_failure);
}

static void tell_former_owner(OperationContext *context, Text owner) {
        _cleanup_(text_builder_release) TextBuilder text = text_builder(0);
        text_add_format(&text,
                        "Your agent %.*s of %.*s was given to %.*s by %.*s. What was written to it before, and its "
                        "prompt, they cannot read.",
                        TEXT_ARGUMENTS(context->agent.name), TEXT_ARGUMENTS(context->slug), TEXT_ARGUMENTS(owner),
                        TEXT_ARGUMENTS(context->caller->principal));
        context_tell(context, context->agent.owner, "agent-owner", text_built(&text));
}

static bool update_agent(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        _cleanup_(version_release) VersionDocument version = { 0 };
        if (!version_check_way_out(context, names_way_out(input), reterr_failure) ||
            !agent_lock(context, reterr_failure) ||
            (changes_version(input) && !add_version(context, input, &version, reterr_failure)))
                return false;
        bool taken = is_taken(context, &version);
        if (!context_run(context, QUERY_AGENT_CHANGE,
                         VALUES(value_uuid(context->agent.id), value_null(), value_uuid_or_null(version.owner_id),
                                value_text_or_null(input_text(input, "visibility")), value_uuid_or_null(version.id),
                                value_boolean(taken)),
                         NULL, reterr_failure) ||
            !context_announce_agent(context, context->agent.id, reterr_failure))
                return false;
        if (version.number > 0)
                json_put_integer(context->facts, "version", version.number);
        if (input_has(input, "owner")) {
                json_put_uuid(context->facts, "owner", version.owner_id);
                json_put_uuid(context->facts, "owner_before", context->agent.owner_id);
        }
        if (input_has(input, "visibility"))
                json_put_text(context->facts, "visibility", input_text(input, "visibility"));
        if (taken) {
                context->severity = TEXT("warning");
                tell_former_owner(context, input_text(input, "owner"));
        }
        return agent_result(context, context->agent.id, ret_result, reterr_failure);
}

const Operation agent_update = {
        .name = "agent-update",
        .summary = "Changes an agent; what shapes its behaviour becomes a new version.",
        .example = "support --prompt @prompt.txt --visibility public --tenant acme",
        .role = ROLE_ADMIN,
        .own_agent = true,
        .partial = true,
        .effect = EFFECT_CHANGE,
        .method = "PATCH",
        .path = "/agents/{agent}",
        .input = update_input,
        .shared = version_fields,
        .run = update_agent,
};
