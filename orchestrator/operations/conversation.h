/* What the operations on a caller's own conversation with an agent share. Only for files of this folder. */
#pragma once

#include "orchestrator/conversation.h"
#include "orchestrator/operations/context.h"

/* agent, thread. */
extern const Field conversation_input[];

/* Who the caller is to the agent's tenant. */
bool conversation_person(OperationContext *context, Uuid *ret_person, Failure *reterr_failure) _must_check_;
/* Nothing up to now is remembered any more: in this conversation, or in CONVERSATION_ALL. */
bool conversation_begin_anew(OperationContext *context, int32_t conversation, Failure *reterr_failure) _must_check_;
/* {"agent": its JID} */
Json *conversation_record(OperationContext *context);
