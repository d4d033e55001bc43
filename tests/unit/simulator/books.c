/* The one budget that all hubs share, as a cache keeps it: what is spent and what is held of it. It can be away, and it
 * can be lost: then it is closed until it has been summed up from the store's rows, and every hub that lives has said
 * what it holds. What hubs remember of their own calls is theirs and is not lost with it. */
#include "tests/unit/simulator/simulation.h"

#include <assert.h>

typedef enum CallState { CALL_HELD, CALL_SENT, CALL_OVER } CallState;

struct BookedCall {
        CallKey key;
        Life *life;
        Process *process;
        CallState state;
        bool in_cache;
        int64_t nano;
        bool made;        /* the provider has heard of it */
        bool presumed;    /* was sent, and is booked or held as if it had been made */
        BookedCall *next; /* of the same message */
};

/* What the rows say that a message has cost, and which row says it last. */
static int64_t ledger(const StoredMessage *message, int32_t *ret_ordinal) {
        int64_t nano = 0;

        *ret_ordinal = -1;
        if (message->concluded) {
                *ret_ordinal = INT32_MAX;
                return message->concluded->usage.cost_nano;
        }
        for (size_t i = 0; i < message->step_count; i++) {
                const StepRecord *step = &message->steps[i];
                bool says = step->kind == STEP_MODEL_REPLY || step->kind == STEP_PRESUMED;
                if (says && step->ordinal > *ret_ordinal) {
                        *ret_ordinal = step->ordinal;
                        nano = step->spent.units[BUDGET_MONEY];
                }
        }
        return nano;
}

static bool has_lease(const Process *process) {
        const SimulatedStore *store = process->simulation->store;
        int hub = simulated_store_hub(store, text_of(process->hub->name));

        return process->alive && hub >= 0 && simulated_store_epoch(store, hub) == core_counts(process->core).epoch &&
               uuid_equal(simulated_store_process(store, hub), process->id);
}

/* It says what it holds when it is asked. */
static bool is_live(const Process *process) {
        return !process->frozen && has_lease(process);
}

void life_counted(Life *life, Process *process) {
        life->counted = process;
        life->counted_epoch = core_counts(process->core).epoch;
}

/* A process that lost its lease and has another since has let its messages go: what they have cost is for whoever takes
 * them up to ask, and until then nobody can say it when the cache is lost. */
static bool is_known(const Life *life) {
        return life->counted && is_live(life->counted) && core_counts(life->counted->core).epoch == life->counted_epoch;
}

static bool is_open(const Books *books, int64_t now) {
        return !books->closed && now >= books->away_until;
}

static void call_drop(Books *books, BookedCall *call) {
        if (call->in_cache)
                books->reserved_nano -= call->nano;
        call->in_cache = false;
        call->state = CALL_OVER;
}

static void call_put(Books *books, BookedCall *call) {
        if (!call->in_cache)
                books->reserved_nano += call->nano;
        call->in_cache = true;
}

static BookedCall *call_add(Simulation *simulation, CallKey key, Life *life, Process *process, int64_t nano) {
        BookedCall *call = map_get(simulation->books.calls, MAP_KEY(key));

        if (!call) {
                call = run_take(simulation, sizeof(*call));
                *call = (BookedCall){ .key = key, .life = life, .next = life->calls };
                life->calls = call;
                map_put(simulation->books.calls, MAP_KEY(call->key), call);
        }
        call->process = process;
        call->nano = nano;
        call->state = CALL_HELD;
        call_put(&simulation->books, call);
        return call;
}

/* Ends what a row accounts for, and books up to what it says. */
static void settle(Books *books, Life *life, int32_t ordinal, int64_t total) {
        for (BookedCall *call = life->calls; call; call = call->next)
                if (call->state != CALL_OVER && call->key.ordinal < ordinal)
                        call_drop(books, call);
        books->reserved_nano -= life->lost_nano;
        life->lost_nano = 0;
        if (total > life->booked_nano) {
                books->spent_nano += total - life->booked_nano;
                life->booked_nano = total;
        }
}

static bool unavailable(Failure *reterr) {
        return failure_set(reterr, FAILURE_UNAVAILABLE, "The simulated cache cannot say.");
}

static bool is_fenced(const Process *process, const Life *life, CallKey key) {
        return key.ordinal / STEP_ATTEMPT < life->fence || !has_lease(process);
}

bool books_reserve(Process *process, Life *life, const CallBound *bound, int64_t *ret_nano, bool *ret_waits,
                   Failure *reterr) {
        Simulation *simulation = process->simulation;
        Books *books = &simulation->books;
        BookedCall *call = map_get(books->calls, MAP_KEY(bound->key));
        int64_t least = bound->least.units[BUDGET_MONEY], most = bound->most.units[BUDGET_MONEY];

        *ret_waits = false;
        if (!is_open(books, now_us(simulation)) || is_fenced(process, life, bound->key))
                return unavailable(reterr);
        if (call && (call->made || call->state == CALL_SENT))
                check_violated(simulation, "two model calls were given one key");
        if (call && call->state == CALL_HELD && call->in_cache) {
                *ret_nano = call->nano;
                return true;
        }
        int64_t left = books->limit_nano - books->spent_nano;
        int64_t wanted = most <= left ? most : left;
        if (wanted < least) {
                books->refused_calls++;
                return failure_set(reterr, FAILURE_LIMIT, "The budget is spent.");
        }
        *ret_waits = wanted > left - books->reserved_nano;
        if (*ret_waits)
                return failure_set(reterr, FAILURE_LIMIT, "The budget is held by others.");
        if (most > life->largest_nano)
                life->largest_nano = most;
        call_add(simulation, bound->key, life, process, wanted);
        *ret_nano = wanted;
        return true;
}

/* A call that stands in line: it is asked for again and again until it is held or refused, whatever becomes of the turn
 * that wanted it, and then the turn may go on. */
struct BookedWait {
        BookedWait *next; /* of the same message */
        Process *process;
        Life *life;
        CallBound bound;
        int64_t epoch;
        bool over;
};

static BookedWait *wait_find(const Life *life, const Process *process) {
        for (BookedWait *wait = life->waits; wait; wait = wait->next)
                if (wait->process == process && !wait->over)
                        return wait;
        return NULL;
}

static void wait_ask(void *about, uint64_t number) {
        BookedWait *wait = about;
        Process *process = wait->process;
        Simulation *simulation = process->simulation;
        bool waits;
        int64_t nano;
        Failure failure;

        (void) number;
        if (!process->alive || wait->over || core_counts(process->core).epoch != wait->epoch)
                return;
        if (process->frozen) {
                agenda_add(&simulation->agenda, process->frozen_until + 1, wait_ask, wait, 0);
                return;
        }
        wait->over = books_reserve(process, wait->life, &wait->bound, &nano, &waits, &failure) ||
                     (failure.kind == FAILURE_LIMIT && !waits);
        if (wait->over)
                process_post(process, random_delay(&simulation->turns, MILLISECONDS / 20),
                             &(Event){ EVENT_WAIT_OVER, .answer = { .message_id = wait->bound.key.message_id } }, NULL);
        else
                agenda_add(&simulation->agenda, now_us(simulation) + 200 * MILLISECONDS, wait_ask, wait, 0);
}

void books_wait(Process *process, Life *life, const CallBound *bound) {
        Simulation *simulation = process->simulation;
        BookedWait *wait = wait_find(life, process);

        simulation->result->waits++;
        if (!wait) {
                wait = run_take(simulation, sizeof(*wait));
                *wait = (BookedWait){ .next = life->waits, .process = process, .life = life };
                life->waits = wait;
                agenda_add(&simulation->agenda, now_us(simulation) + random_delay(&simulation->turns, MILLISECONDS),
                           wait_ask, wait, 0);
        }
        wait->bound = *bound;
        wait->epoch = core_counts(process->core).epoch;
}

void books_wait_no_more(Process *process, Life *life) {
        BookedWait *wait = wait_find(life, process);

        if (wait)
                wait->over = true;
}

bool books_sent(SimulatedTurn *turn, CallKey key, Failure *reterr) {
        Simulation *simulation = turn->process->simulation;
        Books *books = &simulation->books;
        BookedCall *call = map_get(books->calls, MAP_KEY(key));

        if (!is_open(books, now_us(simulation)) || !call || !call->in_cache || call->state != CALL_HELD ||
            is_fenced(turn->process, turn->life, key)) {
                if (call && call->state == CALL_HELD)
                        call_drop(books, call);
                return unavailable(reterr);
        }
        call->state = CALL_SENT;
        return true;
}

void books_release(SimulatedTurn *turn, CallKey key) {
        BookedCall *call = map_get(turn->process->simulation->books.calls, MAP_KEY(key));

        if (call)
                call_drop(&turn->process->simulation->books, call);
}

/* Only what a row says may be settled: what is not durable yet would be spent twice, or never. */
static void check_row(Simulation *simulation, const Life *life, int32_t ordinal, int64_t total) {
        const StoredMessage *message = life->stored;

        if (ordinal == INT32_MAX && message->concluded && message->concluded->usage.cost_nano == total)
                return;
        for (size_t i = 0; i < message->step_count; i++)
                if (message->steps[i].ordinal == ordinal && message->steps[i].spent.units[BUDGET_MONEY] == total)
                        return;
        check_violated(simulation, "money was settled that no row accounts for");
}

typedef struct Settling {
        Process *process;
        Life *life;
        int32_t ordinal;
        int64_t total;
} Settling;

static void settle_later(void *about, uint64_t number) {
        const Settling *settling = about;
        Simulation *simulation = settling->process->simulation;

        (void) number;
        if (!settling->process->alive)
                return;
        if (is_open(&simulation->books, now_us(simulation)))
                settle(&simulation->books, settling->life, settling->ordinal, settling->total);
        else
                agenda_add(&simulation->agenda, now_us(simulation) + 200 * MILLISECONDS, settle_later, about, 0);
}

void books_settle(Process *process, Life *life, int32_t ordinal, int64_t total) {
        Simulation *simulation = process->simulation;
        Settling *settling = run_take(simulation, sizeof(*settling));

        check_row(simulation, life, ordinal, total);
        books_wait_no_more(process, life);
        *settling = (Settling){ process, life, ordinal, total };
        agenda_add(&simulation->agenda, now_us(simulation) + random_delay(&simulation->turns, MILLISECONDS / 4),
                   settle_later, settling, 0);
}

/* What earlier attempts sent and no row accounts for; or, when the cache was lost with it, the most they may have. */
bool books_presumed(SimulatedTurn *turn, CallKey key, int32_t covered, int64_t spent, int64_t *ret_nano,
                    Failure *reterr) {
        Simulation *simulation = turn->process->simulation;
        Books *books = &simulation->books;
        int64_t nano = turn->life->lost_nano;

        if (!is_open(books, now_us(simulation)) || is_fenced(turn->process, turn->life, key))
                return unavailable(reterr);
        settle(books, turn->life, covered + 1, spent);
        for (BookedCall *call = turn->life->calls; call; call = call->next) {
                if (call->state == CALL_OVER)
                        continue;
                if (call->state == CALL_SENT && call->in_cache)
                        nano += call->nano;
                call->presumed |= call->state == CALL_SENT;
                call_drop(books, call);
        }
        turn->life->fence = key.ordinal / STEP_ATTEMPT;
        life_counted(turn->life, turn->process);
        if (nano > 0)
                call_add(simulation, key, turn->life, turn->process, nano)->state = CALL_SENT;
        *ret_nano = nano;
        return true;
}

/* A hub's epoch ended: what it held comes back, what it sent and is accounted for is settled. */
void books_clear_up(Simulation *simulation) {
        Books *books = &simulation->books;
        BookedCall *call;

        if (!is_open(books, now_us(simulation)))
                return;
        for (size_t i = 0; (call = map_each(books->calls, &i));) {
                int32_t ordinal;
                int64_t total = ledger(call->life->stored, &ordinal);
                if (call->state == CALL_OVER || has_lease(call->process))
                        continue;
                if (call->state == CALL_HELD)
                        call_drop(books, call);
                else if (call->key.ordinal < ordinal)
                        settle(books, call->life, ordinal, total);
        }
        for (size_t i = 0; i < simulated_store_count(simulation->store); i++) {
                Life *life = simulated_store_at(simulation->store, i)->life;
                if (life->lost_nano > 0 && life->stored->concluded)
                        settle(books, life, INT32_MAX, life->stored->concluded->usage.cost_nano);
        }
}

static void rebuild_message(Simulation *simulation, Life *life) {
        Books *books = &simulation->books;
        int32_t ordinal;

        life->booked_nano = ledger(life->stored, &ordinal);
        life->lost_nano = 0;
        books->spent_nano += life->booked_nano;
        if (life->stored->concluded || life->note->command || is_known(life))
                return;
        life->lost_nano = life->largest_nano;
        books->reserved_nano += life->lost_nano;
}

static void rebuild(void *about, uint64_t number) {
        Simulation *simulation = about;
        Books *books = &simulation->books;
        BookedCall *call;

        if (books->generation != number)
                return;
        books->closed = false;
        for (size_t i = 0; i < simulated_store_count(simulation->store); i++)
                rebuild_message(simulation, simulated_store_at(simulation->store, i)->life);
        for (size_t i = 0; (call = map_each(books->calls, &i));) {
                int32_t ordinal;
                ledger(call->life->stored, &ordinal);
                if (call->state == CALL_OVER)
                        continue;
                if (is_live(call->process) && call->key.ordinal > ordinal) {
                        call_put(books, call);
                } else if (call->state == CALL_HELD || call->key.ordinal <= ordinal || !has_lease(call->process)) {
                        call->presumed |= call->state == CALL_SENT;
                        call->state = CALL_OVER;
                }
        }
        trace(simulation, "budget rebuilt", 0, (uint64_t) books->spent_nano);
}

bool books_are_open(const Simulation *simulation) {
        return is_open(&simulation->books, now_us(simulation));
}

static void raise(void *about, uint64_t number) {
        Simulation *simulation = about;
        Books *books = &simulation->books;
        int64_t enough = books->spent_nano + simulation->plan.raised_nano;

        if (books->limit_nano < enough && !books->closed)
                books->limit_nano = enough;
        agenda_add(&simulation->agenda, now_us(simulation) + 100 * MILLISECONDS, raise, about, number);
}

void books_begin(Simulation *simulation) {
        simulation->books.limit_nano = simulation->plan.budget_nano;
        if (simulation->plan.raised_nano > 0)
                raise(simulation, 0);
}

void books_lose(Simulation *simulation) {
        Books *books = &simulation->books;
        BookedCall *call;

        books->closed = true;
        books->spent_nano = books->reserved_nano = 0;
        for (size_t i = 0; (call = map_each(books->calls, &i));)
                call->in_cache = false;
        trace(simulation, "budget lost", 0, ++books->generation);
        agenda_add(&simulation->agenda,
                   now_us(simulation) + random_between(&simulation->planning, 10 * MILLISECONDS, 5 * SECONDS), rebuild,
                   simulation, books->generation);
}

/* A hub that stood still after it had said that a call is sent makes it when it goes on, whoever has its lease by then:
 * that is why what was sent is presumed to have been made, and nothing is overspent by it. */
int64_t books_held(const Simulation *simulation, CallKey key) {
        const BookedCall *call = map_get(simulation->books.calls, MAP_KEY(key));

        return call && (call->state == CALL_SENT || call->presumed) && !call->made ? call->nano : -1;
}

void books_made(Simulation *simulation, CallKey key) {
        BookedCall *call = map_get(simulation->books.calls, MAP_KEY(key));

        if (call)
                call->made = true;
}

/* A message that is taken up while the cache cannot say whether anything was sent presumes the most. When nothing was,
 * since all that was billed is booked already, and the hub dies before the cache hears of the presumption, nobody says
 * it again: no call is outstanding by which another hub would find it. What nobody has spent is missing until the next
 * rebuild, and no call is made because of it that another one has paid for. Everything else that rows say is spent. */
static bool is_unheard(const Life *life, int64_t total) {
        const StoredMessage *message = life->stored;
        int64_t presumed = 0;

        for (size_t i = 0; i < message->step_count; i++) {
                const StepRecord *step = &message->steps[i];
                int64_t spent = step->spent.units[BUDGET_MONEY];
                if (spent <= life->booked_nano)
                        continue;
                if (step->kind != STEP_PRESUMED || step->ordinal % STEP_ATTEMPT != 1)
                        return false;
                presumed = spent > presumed ? spent : presumed;
        }
        return life->billed_nano <= life->booked_nano && presumed == total;
}

/* When everything has settled, what is spent is what the rows say, and nothing is held. */
void check_books(Simulation *simulation) {
        Books *books = &simulation->books;
        int64_t sum = 0;

        for (size_t i = 0; i < simulated_store_count(simulation->store); i++) {
                const Life *life = simulated_store_at(simulation->store, i)->life;
                int32_t ordinal;
                int64_t total = ledger(life->stored, &ordinal);
                sum += is_unheard(life, total) ? life->booked_nano : total;
                if (total < life->billed_nano)
                        check_violated(simulation, "message %lld cost %lld nano and its rows say %lld",
                                       (long long) life->note->number, (long long) life->billed_nano,
                                       (long long) total);
        }
        books_clear_up(simulation);
        if (!books->closed && books->spent_nano != sum)
                check_violated(simulation, "rows say that %lld nano are spent, the budget says %lld", (long long) sum,
                               (long long) books->spent_nano);
        if (!books->closed && books->reserved_nano != 0)
                check_violated(simulation, "%lld nano are held for ever", (long long) books->reserved_nano);
}
