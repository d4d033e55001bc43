#include "orchestrator/operations/agent.h"

#include <assert.h>

const Field agent_input[] = {
        { "agent", FIELD_AGENT, REQUIRED, "The agent: its name in the tenant, or its JID." },
        { .type = FIELD_END },
};

bool agent_lock(OperationContext *context, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, QUERY_AGENT_LOCK, VALUES(value_uuid(context->agent.id)), &rows, reterr_failure))
                return false;
        assert(rows_count(rows) == 1);
        context->agent.version_id = rows_uuid(rows, 0, 1);
        return agent_state_from_name(rows_text(rows, 0, 0), &context->agent.state) ||
               failure_set(reterr_failure, FAILURE_INTERNAL,
                           "the agent's row holds a state this program does not know");
}

bool agent_result(OperationContext *context, Uuid agent_id, Json **ret_result, Failure *reterr_failure) {
        const Rows *agent, *version;
        if (!context_run(context, QUERY_AGENT_READ, VALUES(value_uuid(agent_id)), &agent, reterr_failure) ||
            !context_run(context, QUERY_AGENT_VERSION_READ, VALUES(value_uuid(agent_id), value_null()), &version,
                         reterr_failure))
                return false;
        Json *result = *ret_result = json_new_object();
        json_put_text(result, "name", rows_text(agent, 0, 0));
        json_put_text(result, "jid", agent_address(context, rows_text(agent, 0, 0)));
        json_put_text(result, "state", rows_text(agent, 0, 3));
        json_put_text(result, "visibility", rows_text(agent, 0, 2));
        json_put_text(result, "owner", rows_text(agent, 0, 1));
        json_put_integer(result, "version", rows_integer(version, 0, 1));
        return true;
}

bool agent_end_with_state(OperationContext *context, AgentState state, Text reason, Json **ret_result,
                          Failure *reterr_failure) {
        return context_run(context, QUERY_AGENT_SET_STATE,
                           VALUES(value_uuid(context->agent.id), value_string(agent_state_name(state)),
                                  value_text_or_null(reason)),
                           NULL, reterr_failure) &&
               context_announce_agent(context, context->agent.id, reterr_failure) &&
               agent_result(context, context->agent.id, ret_result, reterr_failure);
}

bool agent_may_read(OperationContext *context, int64_t written_us, bool *ret_may, Failure *reterr_failure) {
        const Rows *rows;
        if (!context_run(context, QUERY_MAY_READ_BODIES,
                         VALUES(value_uuid(context->agent.id), value_uuid_or_null(context->account_id),
                                value_text(context->caller->principal), value_text(context->domain),
                                value_time(written_us)),
                         &rows, reterr_failure))
                return false;
        *ret_may = !rows_is_null(rows, 0, 0) && rows_boolean(rows, 0, 0);
        return true;
}

bool agent_find_owner(OperationContext *context, Text jid, Uuid *ret_owner_id, Failure *reterr_failure) {
        const Rows *rows;
        *ret_owner_id = context->account_id;
        if (jid.length == 0 && !uuid_is_zero(context->account_id))
                return true;
        if (jid.length == 0) {
                if (!context_run(context, QUERY_MEMBERS_HOLD, NO_VALUES, NULL, reterr_failure) ||
                    !context_run(context, QUERY_OWNERS_LOCK, NO_VALUES, &rows, reterr_failure))
                        return false;
                if (rows_count(rows) == 0)
                        return failure_set(reterr_failure, FAILURE_INVALID,
                                           "'owner': say whose agent this is; the tenant has no owner yet");
        } else {
                if (!context_run(context, QUERY_MEMBER_FIND, VALUES(value_text(jid)), &rows, reterr_failure))
                        return false;
                if (rows_count(rows) == 0)
                        return failure_set(reterr_failure, FAILURE_INVALID,
                                           "'owner' must be a member of the tenant: `member add` makes one");
                if (context->role < ROLE_ADMIN && !context->owns &&
                    !uuid_equal(rows_uuid(rows, 0, 0), context->account_id))
                        return failure_set(reterr_failure, FAILURE_FORBIDDEN, "only admins give agents to others");
        }
        *ret_owner_id = rows_uuid(rows, 0, 0);
        return true;
}
