#include "orchestrator/governance/budgets_parts.h"

HeldMessage *held_find(Budgets *budgets, Uuid message_id) {
        return map_get(budgets->held, MAP_KEY(message_id));
}

HeldMessage *held_make(Budgets *budgets, const BudgetCall *call) {
        HeldMessage *message = held_find(budgets, call->message_id);
        if (message)
                return message;
        message = memory_new(sizeof(*message));
        message->message_id = call->message_id;
        message->parties = call->parties;
        if (call->parties.domain.length > 0)
                message->parties.domain.bytes = text_keep(call->parties.domain);
        message->zone = text_keep(call->zone);
        message->billing_day = call->billing_day;
        map_put(budgets->held, MAP_KEY(message->message_id), message);
        return message;
}

static void message_free(HeldMessage *message) {
        if (message->parties.domain.length > 0)
                free((void *) message->parties.domain.bytes);
        free(message->zone);
        free(message->calls);
        free(message);
}

/* Nothing is left to be done about it. */
static void forget_if_done(Budgets *budgets, HeldMessage *message) {
        if (message->call_count > 0 || message->settling || message->presumed)
                return;
        map_remove(budgets->held, MAP_KEY(message->message_id));
        message_free(message);
}

HeldCall *held_call(HeldMessage *message, int32_t ordinal) {
        for (size_t i = 0; i < message->call_count; i++)
                if (message->calls[i].ordinal == ordinal)
                        return &message->calls[i];
        return NULL;
}

void held_add(HeldMessage *message, HeldCall call) {
        HeldCall *known = held_call(message, call.ordinal);
        if (known) {
                *known = call;
                return;
        }
        if (message->call_count == message->call_capacity) {
                message->call_capacity = message->call_capacity > 0 ? 2 * message->call_capacity : 2;
                message->calls = memory_resize(message->calls, sizeof(HeldCall) * message->call_capacity);
        }
        message->calls[message->call_count++] = call;
}

void held_drop(Budgets *budgets, HeldMessage *message, int32_t ordinal) {
        size_t left = 0;
        for (size_t i = 0; i < message->call_count; i++)
                if (message->calls[i].ordinal != ordinal)
                        message->calls[left++] = message->calls[i];
        message->call_count = left;
        forget_if_done(budgets, message);
}

void held_settled(Budgets *budgets, HeldMessage *message, int32_t before_ordinal) {
        size_t left = 0;
        for (size_t i = 0; i < message->call_count; i++)
                if (message->calls[i].ordinal >= before_ordinal)
                        message->calls[left++] = message->calls[i];
        message->call_count = left;
        message->presumed = false;
        if (message->settle_ordinal <= before_ordinal)
                message->settling = false;
        forget_if_done(budgets, message);
}

void held_forget(Budgets *budgets, Uuid message_id) {
        HeldMessage *message = map_remove(budgets->held, MAP_KEY(message_id));
        if (message)
                message_free(message);
}

void held_keep_sent(Budgets *budgets) {
        HeldMessage *message;
        for (size_t i = 0; (message = map_each(budgets->held, &i));) {
                size_t left = 0;
                for (size_t k = 0; k < message->call_count; k++)
                        if (message->calls[k].sent && !message->calls[k].free)
                                message->calls[left++] = message->calls[k];
                message->call_count = left;
                forget_if_done(budgets, message);
        }
}

void held_clear(Budgets *budgets) {
        HeldMessage *message;
        for (size_t i = 0; (message = map_each(budgets->held, &i));) {
                map_remove(budgets->held, MAP_KEY(message->message_id));
                message_free(message);
        }
}
