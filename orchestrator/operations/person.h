/* A person in a tenant, as it asks for what is its own or an admin asks for it. Only for operations on persons.
 *
 * Blocks; one thread.
 */
#pragma once

#include "orchestrator/operations/context.h"

extern const Field person_input[]; /* jid, agent */

typedef struct Person {
        Text jid;
        Uuid id;
        bool self; /* it asks itself */
} Person;

/* Others' is for admins. Who is no member, names no agent of it and was never here hears that
 * there is no such tenant. */
bool person_find(OperationContext *context, const Input *input, Person *ret_person,
                 Failure *reterr_failure) _must_check_;
