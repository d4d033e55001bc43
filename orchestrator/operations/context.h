/* What a handler is given: who calls, the open transaction, what the gate has resolved, and where to put what must
 * follow (changes for the directory, facts for the audit). Handlers read, check, write, announce, and return a result;
 * the gate commits. Only for files of this folder.
 *
 * One thread; everything in it lives until operation_call() returns.
 */
#pragma once

#include "base/clock.h"
#include "orchestrator/operations/call.h"
#include "orchestrator/operations/input.h"

/* The agent that the input names, or whose execution it names. */
typedef struct FoundAgent {
        Uuid id, owner_id, version_id;
        Text name, owner; /* owner: bare JID */
        Visibility visibility;
        AgentState state;
} FoundAgent;

typedef struct Word {
        struct Word *next;
        const char *kind;
        Text who, text;
} Word;

struct OperationContext {
        Operations *operations;
        const Operation *operation;
        const Caller *caller;
        Arena *arena;
        Transaction *transaction; /* of the acting tenant; the installation's without one */
        Moment now;
        Uuid tenant_id;
        Text slug;       /* of the acting tenant; empty when it is about to be made */
        Role role;       /* ROLE_NONE outside of tenants, and of a guest */
        bool nowhere;    /* a guest for whom nothing is there, as if he had named a tenant that is not */
        Uuid account_id; /* zero: the caller has none */
        Text domain;     /* of the caller's JID; empty: it has none */
        FoundAgent agent;
        Uuid execution_id, sender_id; /* sender_id: person */
        bool owns;                    /* the caller owns the agent, or wrote the execution's message */
        DirectoryChange *changes;     /* in memory of its own */
        size_t change_count, change_capacity;
        Word *words;   /* to people, once it is committed */
        Json *facts;   /* of the audit: ids and counts, never bodies */
        Text severity; /* of the audit; "info" unless a handler says more */
};

Uuid context_id(OperationContext *context); /* a new id, ordered by time */
/* A query in the operation's transaction. */
bool context_run(OperationContext *context, Query query, const Value *values, size_t count, const Rows **ret_rows,
                 Failure *reterr_failure) _must_check_;
/* A query of its own, before or beside the operation's: as the directory (what belongs to no tenant), or as the
 * installation (accounts). Rows live in `*ret_transaction`, which the handler ends. */
bool context_ask_directory(OperationContext *context, Query query, const Value *values, size_t count,
                           Transaction **ret_transaction, const Rows **ret_rows, Failure *reterr_failure) _must_check_;

/* Remembers what hubs must hear of once it is committed. Texts live as long as the context. */
void context_announce(OperationContext *context, DirectoryChange change);
/* The same for an agent, read back as the transaction sees it. */
bool context_announce_agent(OperationContext *context, Uuid agent_id, Failure *reterr_failure) _must_check_;

/* Remembers what somebody is to be told in chat by the hub once it is committed; one a minute of a kind. */
void context_tell(OperationContext *context, Text who, const char *kind, Text text);

bool context_sees_all(const OperationContext *context); /* the tenant's agents, whatever their visibility */
/* The account of a bare JID, made when there is none, so that nobody learns whether there was. */
bool account_ensure(OperationContext *context, Text jid, Uuid *ret_account_id, Failure *reterr_failure) _must_check_;
/* Whether a person calls, and not the socket or an agent. */
bool context_is_person(const OperationContext *context);
/* Whether the domain is one of the hub's. */
bool context_serves(const OperationContext *context, Text domain);
/* The domain that names the agent in an input, or the hub's first when it is only a name. */
Text context_agent_domain(const OperationContext *context, Text named);
/* "name.slug@domain", or "name@domain" of the installation's own. */
Text agent_address(OperationContext *context, Text name);

/* Results. */
void json_put_uuid(Json *object, const char *name, Uuid uuid);       /* null when zero */
void json_put_time(Json *object, const char *name, int64_t wall_us); /* RFC 3339; null when 0 */
void json_put_text_or_null(Json *object, const char *name, Text text);
/* "12.50 EUR": units of the installation's currency, exact to the nano-unit. */
void json_put_money(Json *object, const char *name, const OperationContext *context, int64_t nano);
/* Where a list begins that is ordered by ids: null at its start. */
bool list_after_id(const Input *input, Value *ret_after, Failure *reterr_failure) _must_check_;
/* The same of a list of audit records, "microseconds.hub.position"; the empty text at its start. */
bool list_after_record(const Input *input, Value *ret_after, Failure *reterr_failure) _must_check_;
typedef Json *ItemMaker(OperationContext *context, const Rows *rows, size_t row);
/* A list's result from rows that were asked for with one more than the input's limit; `cursor` is the item's member
 * that the next page begins after. */
Json *list_result(OperationContext *context, const Input *input, const Rows *rows, ItemMaker *make, const char *cursor);
