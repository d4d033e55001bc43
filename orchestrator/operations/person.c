#include "orchestrator/operations/person.h"

const Field person_input[] = {
        { "jid", FIELD_JID, OPTIONAL, "Whose; yours when absent. Others' are for admins." },
        { "agent", FIELD_AGENT, OPTIONAL, "An agent of the tenant, by its JID: for those who are no members of it." },
        { .type = FIELD_END },
};

bool person_find(OperationContext *context, const Input *input, Person *ret_person, Failure *reterr_failure) {
        const Rows *rows;
        Text jid = input_text(input, "jid");
        bool is_person = context->domain.length > 0;
        *ret_person = (Person){ .jid = jid.length > 0 ? jid : context->caller->principal };
        ret_person->self = is_person && text_equal(ret_person->jid, context->caller->principal);
        if (jid.length == 0 && !is_person)
                return failure_set(reterr_failure, FAILURE_INVALID, "'jid': say whose");
        if (!ret_person->self && context->role < ROLE_ADMIN)
                return failure_set(reterr_failure, FAILURE_FORBIDDEN, "what is others' is for admins");
        if (context->nowhere)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such tenant");
        if (!keyring_person(context->operations->keyring, context->tenant_id, ret_person->jid, &ret_person->id,
                            reterr_failure) ||
            !context_run(context, QUERY_PERSON_KNOWN, VALUES(value_uuid(ret_person->id)), &rows, reterr_failure))
                return false;
        return rows_count(rows) > 0 || context->role > ROLE_NONE || !uuid_is_zero(context->agent.id) ||
               failure_set(reterr_failure, FAILURE_NOT_FOUND, "there is no such tenant");
}
