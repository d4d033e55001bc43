#include "component/doors/command_reply.h"

#include "component/doors/command_result.h"

static AdHocReply reply_in(const CommandAnswer *to, const CommandSession *session, AdHocStatus status) {
        return (AdHocReply){
                .node = text_of(session->talk.operation->name),
                .session_id = text_copy(to->room, text_of(session->id)),
                .status = status,
                .execute = ADHOC_COMPLETE,
        };
}

static void add_note(const CommandAnswer *to, AdHocReply *reply, AdHocNoteType type, const char *sentence) {
        reply->note_type = type;
        reply->note = text_copy(to->room, text_of(sentence));
}

void command_show_stage(const CommandAnswer *to, const CommandSession *session, const Failure *wrong) {
        /* In the form too, because Converse.js 14 shows no note that comes with one. */
        Text complaint = wrong ? text_of(wrong->text) : TEXT_NONE;
        AdHocReply reply = reply_in(to, session, ADHOC_EXECUTING);
        reply.prev = session->stage > 0;
        reply.next = session->stage + 1 < command_stage_count(&session->talk);
        reply.complete = command_may_complete(&session->talk, session->stage);
        reply.execute = reply.next ? ADHOC_NEXT : ADHOC_COMPLETE;
        reply.form = command_stage(&session->talk, session->stage, complaint, to->room);
        if (wrong)
                add_note(to, &reply, ADHOC_ERROR, wrong->text);
        adhoc_add_reply(to->list, to->room, to->iq, &reply);
}

void command_show_result(const CommandAnswer *to, const CommandSession *session, const Json *result) {
        bool more = json_to_boolean(json_member(result, "has_more")), cut;
        AdHocReply reply = reply_in(to, session, more ? ADHOC_EXECUTING : ADHOC_COMPLETED);
        reply.form = command_result(session->talk.operation, result, to->room, &cut);
        reply.next = reply.complete = more;
        reply.execute = more ? ADHOC_NEXT : ADHOC_COMPLETE;
        if (cut)
                add_note(to, &reply, ADHOC_WARN, "This is too long to be shown whole.");
        else if (more)
                add_note(to, &reply, ADHOC_INFO, "There are more.");
        else if (session->talk.operation->effect != EFFECT_READ)
                add_note(to, &reply, ADHOC_INFO, "Done.");
        adhoc_add_reply(to->list, to->room, to->iq, &reply);
}

void command_show_failure(const CommandAnswer *to, const CommandSession *session, const Failure *failure) {
        AdHocReply reply = reply_in(to, session, ADHOC_COMPLETED);
        add_note(to, &reply, ADHOC_ERROR, failure->text);
        adhoc_add_reply(to->list, to->room, to->iq, &reply);
}

void command_show_end(const CommandAnswer *to, const CommandSession *session, AdHocStatus status) {
        AdHocReply reply = reply_in(to, session, status);
        adhoc_add_reply(to->list, to->room, to->iq, &reply);
}

void command_add_failure(const CommandAnswer *to, const Failure *failure) {
        command_add_refusal(to, failure->kind, text_of(failure->text));
}

void command_add_refusal(const CommandAnswer *to, FailureKind kind, Text text) {
        outgoing_add_error(to->list, to->room, to->iq, kind, text_copy(to->room, text));
}

void command_add_error(const CommandAnswer *to, AdHocError error, Text text) {
        adhoc_add_error(to->list, to->room, to->iq, error, text_copy(to->room, text));
}
