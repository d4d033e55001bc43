/* Commands in a worker's World: what a message that names an operation needs to be run. */
#include "component/doors/chat_text.h"
#include "component/world.h"
#include "orchestrator/turn.h"

#define EARLIER_LIMIT 32

/* What the same person wrote to the hub lately: a command asks for what it lacks, and they answer. */
static bool read_earlier(const WorldSettings *settings, Transaction *transaction, const TurnInput *input, Arena *arena,
                         ChatRequest *request, Failure *reterr_failure) {
        const Rows *rows;
        Uuid person;

        if (!keyring_person(settings->keyring, input->tenant_id, input->sender, &person, reterr_failure) ||
            !transaction_run(transaction, QUERY_TURN_COMMANDS,
                             VALUES(value_uuid(input->agent_id), value_uuid(person), value_integer(input->conversation),
                                    value_uuid(input->message_id), value_integer(EARLIER_LIMIT)),
                             &rows, reterr_failure))
                return false;
        size_t count = rows_count(rows);
        Text *earlier = arena_take_array(arena, Text, count + 1);
        if (!earlier)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The conversation is too long.");
        for (size_t i = 0; i < count; i++) {
                size_t row = count - 1 - i; /* they come newest first */
                if (!world_unseal_body(settings, input->tenant_id, rows_uuid(rows, row, 0),
                                       (int) rows_integer(rows, row, 1), rows_text(rows, row, 2), arena, &earlier[i],
                                       reterr_failure))
                        return false;
        }
        request->earlier = earlier;
        request->earlier_count = count;
        return true;
}

static bool request_fill(const WorldSettings *settings, const TurnInput *input, bool to_hub, Arena *arena,
                         ChatRequest *request, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;

        if (input->body.length && !to_hub)
                return true;
        if (!transaction_begin(settings->database, DATABASE_TENANT, input->tenant_id, &transaction, reterr_failure) ||
            (!input->body.length &&
             !world_read_body(settings, transaction, input, arena, &request->body, reterr_failure)))
                return false;
        return !to_hub || read_earlier(settings, transaction, input, arena, request, reterr_failure);
}

bool world_operate(World *world, const TurnInput *input, Arena *arena, Text *ret_answer, Failure *reterr_failure) {
        const WorldSettings *settings = ((WorkerWorld *) world)->settings;
        bool to_hub = uuid_equal(input->agent_id, directory_hub_id);
        ChatRequest request = { .message_id = input->message_id,
                                .tenant_id = input->tenant_id,
                                .sender = input->sender,
                                .platform = settings_name_admin(reload_current(settings->reload), input->sender),
                                .agent = to_hub ? TEXT_NONE : input->agent,
                                .thread = input->thread,
                                .body = input->body,
                                .now_us = clock_now().wall_us };

        return request_fill(settings, input, to_hub, arena, &request, reterr_failure) &&
               chat_text_answer(settings->operations, &request, arena, ret_answer, reterr_failure);
}
