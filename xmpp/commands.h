/* XEP-0050: Ad-Hoc Commands, as structs: what somebody asks of a command, and what it answers. Not sessions and not
 * rules: which action is allowed when is the door's to know.
 *
 * Everything points into the element's arena. Any thread; never blocks.
 */
#pragma once

#include "xmpp/forms.h"
#include "xmpp/stanza.h"

typedef enum AdHocAction {
        ADHOC_EXECUTE,
        ADHOC_PREV,
        ADHOC_NEXT,
        ADHOC_COMPLETE,
        ADHOC_CANCEL,
        ADHOC_ACTION_COUNT, /* one that the XEP does not know */
} AdHocAction;

typedef enum AdHocStatus {
        ADHOC_EXECUTING,
        ADHOC_COMPLETED,
        ADHOC_CANCELED, /* spelt as the XEP does */
        ADHOC_STATUS_COUNT,
} AdHocStatus;

typedef enum AdHocNoteType { ADHOC_INFO, ADHOC_WARN, ADHOC_ERROR, ADHOC_NOTE_TYPE_COUNT } AdHocNoteType;

/* Errors of its own, §4.4; each goes along with a condition of RFC 6120. */
typedef enum AdHocError {
        ADHOC_MALFORMED_ACTION, /* an action nobody knows */
        ADHOC_BAD_ACTION,       /* one that is not possible now */
        ADHOC_BAD_PAYLOAD,
        ADHOC_BAD_SESSION_ID,
        ADHOC_SESSION_EXPIRED,
        ADHOC_ERROR_COUNT,
} AdHocError;

typedef struct AdHocRequest {
        Text node;
        Text session_id; /* empty: a new one */
        AdHocAction action;
        const Element *form; /* jabber:x:data; NULL when there is none */
} AdHocRequest;

typedef struct AdHocReply {
        Text node, session_id;
        AdHocStatus status;
        bool prev, next, complete; /* actions that are possible */
        AdHocAction execute;       /* which of them `execute` stands for */
        AdHocNoteType note_type;
        Text note;        /* empty = none */
        const Form *form; /* NULL = none */
} AdHocReply;

/* An iq set whose payload is a command. */
bool adhoc_is(const Stanza *iq);
AdHocRequest adhoc_read(const Stanza *iq);

void adhoc_add_reply(OutgoingList *list, Arena *arena, const Stanza *iq, const AdHocReply *reply);
/* text may be empty. */
void adhoc_add_error(OutgoingList *list, Arena *arena, const Stanza *iq, AdHocError error, Text text);
