/* Reactions to answers: kept as what their sender thinks of them, by the operation that every door has for it. They
 * have no receipt, and nobody waits for an answer: what is not his to judge is dropped. */
#include "component/doors/message.h"
#include "component/loop.h"
#include "xmpp/extensions.h"

#define REACTIONS 16

typedef struct Reaction {
        DeskCall call; /* first: the desk hands it back */
        Arena *arena;  /* of the stanza */
} Reaction;

static void reaction_free(Reaction *reaction) {
        json_free(reaction->call.input);
        json_free(reaction->call.result);
        arena_free(reaction->arena);
        free(reaction);
}

static void done(DeskCall *call) {
        if (call->failure.kind != FAILURE_NONE && call->failure.kind != FAILURE_NOT_FOUND)
                log_warning("a reaction was not kept", "cause", LOG_STRING, call->failure.text);
        reaction_free((Reaction *) call);
}

static Json *input_of(const Message *message, Uuid answer) {
        Text list[REACTIONS];
        size_t count = reactions_list(message->reactions, list, COUNT_OF(list));
        Json *input = json_new_object(), *reactions = json_new_array();
        char id[UUID_STRING_SIZE];

        uuid_format(answer, id);
        for (size_t i = 0; i < count; i++)
                json_append(reactions, json_new_text(list[i]));
        json_put_string(input, "id", id);
        json_put(input, "reactions", reactions);
        return input;
}

/* "acme" of support.acme; the installation's own agents have bare names. */
static Text slug_of(Text local) {
        Text rest = local, name;

        text_split(&rest, '.', &name);
        return rest.length > 0 ? rest : TEXT(INSTALLATION_SLUG);
}

void loop_take_reaction(Loop *loop, const Message *message, Arena *arena) {
        Directory *directory = core_directory(loop->core);
        Sender sender = directory_sender(directory, &message->sender);
        Uuid answer;

        if (message->agent.local.length == 0 || !message_answer_id(message->reacts_to, &answer) ||
            !directory_agent(directory, &sender, message->agent.local, loop->now.wall_us, NULL)) {
                arena_free(arena);
                return;
        }
        Reaction *reaction = memory_new(sizeof(*reaction));
        reaction->arena = arena;
        reaction->call = (DeskCall){ .operation = operation_find(TEXT("feedback-add")),
                                     .caller = { .principal = message->sender.bare,
                                                 .tenant = slug_of(message->agent.local),
                                                 .door = "chat" },
                                     .input = input_of(message, answer),
                                     .done = done };
        if (desk_submit(loop->desk, &reaction->call))
                return;
        log_warning("a reaction was not kept", "cause", LOG_STRING, "too much waits to be done");
        reaction_free(reaction);
}
