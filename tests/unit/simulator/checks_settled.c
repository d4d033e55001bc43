/* What must hold when nothing breaks any more and everybody has had time: nothing waits for ever. */
#include "tests/unit/simulator/simulation.h"

static bool life_is_settled(const Life *life) {
        const StoredMessage *message = life->stored;

        const ConcludedRecord *concluded = message->concluded;

        if (!concluded)
                return false;
        /* Its sender stopped it, corrected it or took it back before there was a word of an answer. */
        if (concluded->outcome == OUTCOME_CANCELLED && !concluded->answer.length && !concluded->explanation.length)
                return true;
        return message->accepted.reply_to.door != DOOR_CHAT || life->taken > 0 || life->bounced || life->received ||
               life->excused;
}

bool check_is_settled(Simulation *simulation) {
        size_t count = simulated_store_count(simulation->store);

        while (simulation->settled < count &&
               life_is_settled(simulated_store_at(simulation->store, simulation->settled)->life))
                simulation->settled++;
        if (simulation->settled < count || now_us(simulation) < simulation->store_stalled_until)
                return false;
        for (Process *process = simulation->processes; process; process = process->next)
                if (process->alive && (process->frozen || process->turns))
                        return false;
        return true;
}

static void describe(Simulation *simulation, const Life *life) {
        const StoredMessage *message = life->stored;

        if (!message->concluded)
                check_violated(simulation, "message %lld was accepted by hub %d and never concluded (attempts %d)",
                               (long long) life->note->number, message->hub, message->attempts);
        else
                check_violated(simulation,
                               "the answer to message %lld, concluded by hub %d, outcome %d, was never taken",
                               (long long) life->note->number, message->concluded_hub, message->concluded->outcome);
}

void check_settled(Simulation *simulation) {
        size_t count = simulated_store_count(simulation->store);

        for (size_t i = 0; i < count; i++) {
                const Life *life = simulated_store_at(simulation->store, i)->life;
                if (!life_is_settled(life))
                        describe(simulation, life);
        }
        for (size_t i = 0; i < simulation->writing_count; i++) {
                const Writing *writing = simulation->writings[i];
                bool let_go = writing->arrived && !writing->note->rest && writing->process->losses > writing->losses;
                if (writing->arrived && writing->process->alive && !writing->accepted && !writing->refused && !let_go)
                        check_violated(simulation, "message %lld got neither receipt nor refusal",
                                       (long long) writing->note->number);
        }
        check_books(simulation);
        for (const CancelWatch *watch = simulation->cancels; watch; watch = watch->next)
                if (!watch->done && watch->process->alive)
                        check_violated(simulation, "a request to cancel was never answered");
        if (simulation->plan.calm && simulation->result->failed + simulation->result->cancelled > 0)
                check_violated(simulation, "on a calm day a message was not answered");
}
