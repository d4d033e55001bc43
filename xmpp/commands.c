#include "xmpp/commands.h"

#include "xmpp/namespaces.h"

static const char *const actions[ADHOC_ACTION_COUNT] = { "execute", "prev", "next", "complete", "cancel" };
static const char *const statuses[ADHOC_STATUS_COUNT] = { "executing", "completed", "canceled" };
static const char *const note_types[ADHOC_NOTE_TYPE_COUNT] = { "info", "warn", "error" };

/* §4.4, table 4. */
static const struct {
        FailureKind kind;
        const char *condition;
} errors[ADHOC_ERROR_COUNT] = {
        [ADHOC_MALFORMED_ACTION] = { FAILURE_INVALID, "malformed-action" },
        [ADHOC_BAD_ACTION] = { FAILURE_INVALID, "bad-action" },
        [ADHOC_BAD_PAYLOAD] = { FAILURE_INVALID, "bad-payload" },
        [ADHOC_BAD_SESSION_ID] = { FAILURE_INVALID, "bad-sessionid" },
        [ADHOC_SESSION_EXPIRED] = { FAILURE_POLICY, "session-expired" },
};

bool adhoc_is(const Stanza *iq) {
        return iq->kind == STANZA_IQ && iq->type == TYPE_SET && iq->payload &&
               element_is(iq->payload, TEXT("command"), TEXT(NS_COMMANDS));
}

AdHocRequest adhoc_read(const Stanza *iq) {
        const Element *command = iq->payload;
        Text action = element_get(command, TEXT("action"));
        int known = ADHOC_EXECUTE;

        while (action.length > 0 && known < ADHOC_ACTION_COUNT && !text_equal(action, text_of(actions[known])))
                known++;
        return (AdHocRequest){
                .node = element_get(command, TEXT("node")),
                .session_id = element_get(command, TEXT("sessionid")),
                .action = (AdHocAction) known,
                .form = element_child(command, TEXT("x"), TEXT(NS_DATA_FORMS)),
        };
}

static void add_actions(Element *command, const AdHocReply *reply) {
        const bool possible[ADHOC_ACTION_COUNT] = {
                [ADHOC_PREV] = reply->prev,
                [ADHOC_NEXT] = reply->next,
                [ADHOC_COMPLETE] = reply->complete,
        };
        Element *element = element_add(command, TEXT("actions"), TEXT_NONE);

        element_set(element, TEXT("execute"), text_of(actions[reply->execute]));
        for (int action = 0; action < ADHOC_ACTION_COUNT; action++)
                if (possible[action])
                        element_add(element, text_of(actions[action]), TEXT_NONE);
}

void adhoc_add_reply(OutgoingList *list, Arena *arena, const Stanza *iq, const AdHocReply *reply) {
        Element *command = element_add(outgoing_add_result(list, arena, iq), TEXT("command"), TEXT(NS_COMMANDS));

        element_set(command, TEXT("node"), reply->node);
        element_set_optional(command, TEXT("sessionid"), reply->session_id);
        element_set(command, TEXT("status"), text_of(statuses[reply->status]));
        if (reply->status == ADHOC_EXECUTING)
                add_actions(command, reply);
        if (reply->note.length > 0)
                element_set(element_add_text(command, TEXT("note"), TEXT_NONE, reply->note), TEXT("type"),
                            text_of(note_types[reply->note_type]));
        if (reply->form)
                form_write(reply->form, command);
}

void adhoc_add_error(OutgoingList *list, Arena *arena, const Stanza *iq, AdHocError error, Text text) {
        const Outgoing *before = list->last;

        outgoing_add_error(list, arena, iq, errors[error].kind, text);
        if (list->last != before)
                element_add(list->last->element->last_child, text_of(errors[error].condition), TEXT(NS_COMMANDS));
}
