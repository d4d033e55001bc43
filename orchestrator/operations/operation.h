/* Operations: everything that can be administered, each defined once. One file per operation holds its facts (the row
 * below) and its handler; ad-hoc command, chat text, REST and terminal are derived from the row and answer alike. The
 * one way to run an operation is operation_call() (call.h). A door translates and never decides.
 *
 * Rows are constants; this header is all that a door needs to describe them.
 */
#pragma once

#include "base/failure.h"
#include "base/json.h"
#include "base/uuid.h"
#include "orchestrator/directory/directory.h"

typedef enum FieldType {
        FIELD_END,
        FIELD_TEXT,      /* one line */
        FIELD_LONG_TEXT, /* lines; on a terminal "@FILE" and "-" read it from elsewhere */
        FIELD_SECRET,    /* like FIELD_LONG_TEXT, but shown, logged and asked for in chat by nobody; on a terminal typed
                          * without echo, or read from "@FILE" or "-" */
        FIELD_NAME,      /* [a-z0-9_-], 1 to 63 bytes: an agent's name or a tenant's slug */
        FIELD_AGENT,     /* an agent's name within the tenant, or its JID */
        FIELD_JID,       /* bare; normalised */
        FIELD_WHO,       /* whom a grant names: a bare JID, or a domain (also written *@domain) */
        FIELD_UUID,
        FIELD_EXECUTION, /* a message's id; the gate resolves its agent */
        FIELD_INTEGER,
        FIELD_REAL,
        FIELD_BOOLEAN,
        FIELD_CHOICE,   /* one of .choices, separated by '|' */
        FIELD_LIST,     /* of one-line texts; as text separated by commas */
        FIELD_DURATION, /* "90s", "15m", "2h", "7d", or "minute", "hour", "day", "month"; seconds when bare; kept in
                         * seconds */
        FIELD_TIME,     /* RFC 3339; kept in microseconds of Unix time */
        FIELD_TYPE_COUNT,
} FieldType;

typedef enum FieldNeed { OPTIONAL, REQUIRED } FieldNeed;

typedef struct Field {
        const char *name;
        FieldType type;
        FieldNeed need;
        const char *help;
        const char *choices;
        const char *fallback; /* the default, as text; NULL = absent */
        int64_t least, most;  /* of a number or duration, a text's bytes, a list's items; both 0 = the type's own */
} Field;

/* What a field of this type is called in help: "TEXT", "JID" … */
const char *field_type_name(FieldType type);
/* The bounds in force for a field's number, bytes or items. */
void field_bounds(const Field *field, int64_t *ret_least, int64_t *ret_most);

typedef enum Effect {
        EFFECT_READ,
        EFFECT_CHANGE,
        EFFECT_DESTROY, /* doors ask for confirmation */
} Effect;

typedef enum Scope {
        SCOPE_TENANT,       /* acts in one tenant, as its member or guest */
        SCOPE_INSTALLATION, /* acts on what belongs to no tenant; its role is ROLE_PLATFORM, or ROLE_NONE */
        SCOPE_NEW_TENANT,   /* makes the tenant it acts in */
        SCOPE_INVITED,      /* acts in the tenant whose invitation is in its field `code` */
} Scope;

typedef struct Input Input;
typedef struct OperationContext OperationContext;

typedef struct Operation {
        const char *name;    /* noun-verb */
        const char *summary; /* one sentence */
        const char *example; /* what follows `aiox noun verb`; NULL = nothing */
        Role role;           /* least role in the acting tenant; ROLE_PLATFORM = platform admins only; ROLE_NONE = also
                              * guests, who act on what they may talk to */
        Scope scope;
        bool own_agent;           /* the agent's owner may always, whatever the role */
        bool deleted_too;         /* its agent may be a deleted one */
        bool deleted_tenant;      /* its tenant is a deleted one */
        bool outlives_tenant;     /* to platform admins also of one that was deleted or destroyed: what stays of it */
        bool strangers;           /* also for who has no account yet */
        bool recorded;            /* each call is, though it changes nothing */
        bool partial;             /* what is absent stays as it is: no defaults */
        const char *tenant_field; /* the field that names the acting tenant; NULL = none does */
        bool alone;               /* its noun alone runs it on a terminal */
        const char *chat;         /* the word that runs it in a chat with its agent, "new" for /new; NULL = none does */
        Effect effect;
        const char *method, *path; /* "POST", "/agents/{agent}/pause"; below /api/v1 */
        const Field *input;        /* ends with FIELD_END; may be NULL */
        const Field *shared;       /* further fields, of a table that several operations have; may be NULL */
        const char *prints;        /* the member of the result that a terminal prints as it stands; NULL = none */
        const char *columns;       /* of a list's table: "name state jid"; NULL = one record. A result's
                                    * member "total" is its last row */
        const char *items;         /* what such a list is of, for "No limits found."; NULL = no list */
        const char *shown_once;    /* members of the result that are not kept for a repeat: "code link"; NULL = none */
        const char *welcome; /* said to whom it is offered when he writes to the hub without a command; may be NULL */
        /* Whether it is offered to somebody who may run it; NULL = always. It is offered beforehand only: `run` asks
         * again. */
        bool (*offered)(OperationContext *context, bool *ret_offered, Failure *reterr_failure);
        bool (*run)(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure);
} Operation;

extern const Operation *const operation_catalogue[]; /* ends with NULL, in order of help */
const Operation *operation_find(Text name);          /* NULL when there is none */
const Operation *operation_alone(Text noun);         /* what the noun alone runs; NULL when nothing does */
/* "agent" and "pause" of "agent-pause". */
void operation_words(const Operation *operation, Text *ret_noun, Text *ret_verb);

/* The fields of .input, then those of .shared; NULL at the end. */
const Field *operation_input(const Operation *operation, size_t index);
const Field *operation_field(const Operation *operation, Text name); /* hyphen and underscore count as one */

/* The first field of a type; NULL when there is none. */
const Field *operation_field_of(const Operation *operation, FieldType type);

/* What every list takes: limit and after. Its result is {"data": […], "has_more": …, "after": …}. */
extern const Field list_fields[];
/* Everything an agent's version holds: the one table of it. */
extern const Field version_fields[];
