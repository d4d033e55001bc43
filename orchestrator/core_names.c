/* Names: what a sender may still change of a message by naming it: correct it while it waits (XEP-0308), or take it
 * back until it is answered (XEP-0424). A name is the stanza's id, told apart by sender and agent; who else knows it
 * can do nothing with it. */
#include "orchestrator/core_state.h"

static Hash name_of(Text sender, Uuid agent_id, Text id) {
        Text parts[] = { sender, MAP_KEY(agent_id), id };
        return crypto_sha256_parts(parts, COUNT_OF(parts));
}

/* Of two messages under one name the first has it, until the second is known to be its correction. */
void names_enter(Core *core, Message *message, Text replaces) {
        const AcceptedRecord *accepted = &message->accepted;
        Text id = replaces.length ? replaces : accepted->reply_to.stanza_id;

        message->corrects = replaces.length > 0;
        if (!id.length)
                return;
        message->name = name_of(accepted->sender, accepted->agent_id, id);
        if (!map_get(core->named, MAP_KEY(message->name)))
                map_put(core->named, MAP_KEY(message->name), message);
}

void names_leave(Core *core, const Message *message) {
        if (map_get(core->named, MAP_KEY(message->name)) == message)
                map_remove(core->named, MAP_KEY(message->name));
}

void names_correct(Core *core, Message *message) {
        Message *first = message->corrects ? map_get(core->named, MAP_KEY(message->name)) : NULL;

        if (!first || first == message)
                return;
        names_leave(core, first);
        map_put(core->named, MAP_KEY(message->name), message);
        if (first->state == MESSAGE_WAITING)
                message_cancel_own(core, first);
}

void names_retract(Core *core, const Event *event) {
        Sender sender = directory_sender(core->directory, &event->retraction.from);
        const Agent *agent = directory_agent(core->directory, &sender, event->retraction.agent, core->now.wall_us,
                                             NULL);

        if (!agent)
                return;
        Hash name = name_of(sender.bare, agent->id, event->retraction.id);
        Message *message = map_get(core->named, MAP_KEY(name));
        if (message)
                message_cancel_own(core, message);
}

/* In its sender's name: quietly, if nothing was answered yet. */
void message_cancel_own(Core *core, Message *message) {
        core_cancel(core, message->accepted.tenant_id, message->accepted.id, message->accepted.sender, 0);
        turns_cancel(core, message, TEXT_NONE);
}
