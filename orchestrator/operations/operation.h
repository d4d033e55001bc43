/* Operations: everything that can be administered, each defined once. One file per operation holds its facts (the row
 * below) and its handler; ad-hoc command, chat text, REST and terminal are derived from the row and answer alike.
 * operation_call() is the only gate: role, validation, idempotency, handler, audit. A door translates and never decides.
 *
 * operation_call() blocks (it talks to the database) and runs on a worker thread. Rows are constants.
 */
#pragma once

#include "base/failure.h"
#include "base/json.h"
#include "base/uuid.h"
#include "orchestrator/directory/directory.h"

typedef enum FieldType {
        FIELD_END,
        FIELD_TEXT,     /* one line */
        FIELD_LONG_TEXT,
        FIELD_NAME,     /* [a-z0-9_-], 1 to 63: an agent's or slug's */
        FIELD_AGENT,    /* an agent's name within the tenant, or its JID */
        FIELD_JID,
        FIELD_UUID,
        FIELD_INTEGER,
        FIELD_REAL,
        FIELD_BOOLEAN,
        FIELD_CHOICE,   /* one of .choices, separated by '|' */
        FIELD_LIST,     /* of texts */
        FIELD_DURATION, /* "90s", "15m", "2h"; seconds when bare */
        FIELD_TIME,     /* RFC 3339 */
} FieldType;

typedef enum FieldNeed { OPTIONAL, REQUIRED } FieldNeed;

typedef struct Field {
        const char *name;
        FieldType type;
        FieldNeed need;
        const char *help;
        const char *choices;
        const char *fallback;         /* the default, as text; NULL = absent */
        int64_t least, most;          /* of INTEGER and REAL, or of the length of text; both 0 = the type's own */
} Field;

typedef enum Effect {
        EFFECT_READ,
        EFFECT_CHANGE,
        EFFECT_DESTROY, /* doors ask for confirmation */
} Effect;

/* Where a caller came from; an operation may not ask, it is for the audit. */
typedef struct Caller {
        Text principal;  /* bare JID, or "uid:0" on the Unix socket */
        bool platform;   /* platform admin */
        Uuid account_id; /* zero when the principal has no account */
        Uuid tenant_id;  /* acting tenant; zero until operation_call() has found it */
        Text tenant;     /* slug asked for; empty = the only one */
        Role role;       /* in that tenant */
        const char *door; /* "rest", "command", "chat", "terminal" */
        Text request_key; /* Idempotency-Key or command session and step; empty = none */
} Caller;

typedef struct Values Values; /* checked input: values_text(values, "agent") … */
typedef struct OperationContext OperationContext;

typedef struct Operation {
        const char *name;    /* noun-verb */
        const char *summary; /* one sentence */
        Role role;           /* least role in the acting tenant; ROLE_PLATFORM = platform admins only */
        bool own_agent;      /* an agent's owner may always, whatever the role */
        bool no_tenant;      /* does not act in a tenant */
        Effect effect;
        const char *method, *path; /* "POST", "/agents/{agent}/pause"; below /api/v1 */
        const Field *input;
        const char *columns; /* of a list's table on a terminal: "name state jid"; NULL = one record */
        bool (*run)(OperationContext *context, const Values *values, Json **ret_result, Failure *reterr_failure);
} Operation;

extern const Operation *const operation_catalogue[]; /* NULL-terminated, in order of help */
