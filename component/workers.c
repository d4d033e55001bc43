#include "component/workers.h"

#include "base/thread.h"

#include <stdio.h>

#define TURN_ARENA_SIZE ((size_t) 8 * 1024 * 1024)
#define STACK_SIZE      ((size_t) 256 * 1024)

typedef struct Task {
        QueueItem item; /* first */
        uint64_t turn;
        const TurnInput *input;
} Task;

typedef struct Worker {
        pthread_t thread;
        Workers *workers;
        char name[32];
        int64_t turns, latency_us; /* of the turns it ran; read without a lock, for show */
        int32_t active;            /* the same: it runs one */
} Worker;

struct Workers {
        WorkersSettings settings;
        Queue *tasks;
        TurnControl *controls;             /* by slot */
        Task *slots;                       /* the turn of each slot */
        QueueItem *waiting, **waiting_end; /* not handed over yet */
        Worker *threads;
};

static void turn_task(Worker *worker, Task *task) {
        Workers *workers = worker->workers;
        TurnControl *control = &workers->controls[task->turn & WORKERS_SLOT_MASK];
        Note *note = memory_new(sizeof(*note));
        Arena *arena = arena_new(TURN_ARENA_SIZE);
        WorkerWorld world = worker_world(workers->settings.world, control, task->turn);
        int64_t before = clock_now().monotonic_us;

        __atomic_store_n(&worker->active, 1, __ATOMIC_RELAXED);
        turn_run(task->input, &world.world, arena, &note->result);
        worker_world_release(&world);
        __atomic_store_n(&worker->active, 0, __ATOMIC_RELAXED);
        __atomic_add_fetch(&worker->turns, 1, __ATOMIC_RELAXED);
        __atomic_add_fetch(&worker->latency_us, clock_now().monotonic_us - before, __ATOMIC_RELAXED);
        note->kind = NOTE_TURN_ENDED;
        note->event.kind = EVENT_TURN_ENDED;
        note->event.ended.turn = task->turn;
        note->event.ended.arena = arena;
        note->event.ended.result = &note->result;
        note->event.ended.worker = text_of(worker->name);
        inbox_put(workers->settings.inbox, note);
}

static void *turn_thread(void *worker_) {
        Worker *worker = worker_;
        QueueItem *item;

        while ((item = queue_take(worker->workers->tasks, -1)))
                turn_task(worker, (Task *) item);
        return NULL;
}

static void control_init(TurnControl *control) {

        pthread_mutex_init(&control->lock, NULL);
        clock_condition_init(&control->changed);
}

static void worker_start(Workers *workers, int32_t index) {
        Worker *worker = &workers->threads[index];
        pthread_attr_t attributes;

        worker->workers = workers;
        snprintf(worker->name, sizeof(worker->name), "%s-%d", workers->settings.pool, index + 1);
        pthread_attr_init(&attributes);
        pthread_attr_setstacksize(&attributes, STACK_SIZE);
        if (thread_start(&worker->thread, &attributes, turn_thread, worker) != 0)
                abort();
        pthread_attr_destroy(&attributes);
}

Workers *workers_new(const WorkersSettings *settings) {
        Workers *workers = memory_new(sizeof(*workers));
        size_t turns = (size_t) settings->turns;

        workers->settings = *settings;
        workers->tasks = queue_new(false);
        workers->waiting_end = &workers->waiting;
        workers->controls = memory_new(turns * sizeof(*workers->controls));
        workers->slots = memory_new(turns * sizeof(*workers->slots));
        workers->threads = memory_new(turns * sizeof(*workers->threads));
        for (int32_t i = 0; i < settings->turns; i++)
                control_init(&workers->controls[i]);
        for (int32_t i = 0; i < settings->turns; i++)
                worker_start(workers, i);
        return workers;
}

void workers_turn(Workers *workers, uint64_t turn, const TurnInput *input) {
        TurnControl *control = &workers->controls[turn & WORKERS_SLOT_MASK];
        Task *task = &workers->slots[turn & WORKERS_SLOT_MASK];

        pthread_mutex_lock(&control->lock);
        control->turn = turn;
        control->stopped = control->step_done = false;
        pthread_mutex_unlock(&control->lock);
        *task = (Task){ .turn = turn, .input = input };
        *workers->waiting_end = &task->item;
        workers->waiting_end = &task->item.next;
}

void workers_flush(Workers *workers) {
        if (!workers->waiting)
                return;
        queue_put_list(workers->tasks, workers->waiting);
        workers->waiting = NULL;
        workers->waiting_end = &workers->waiting;
}

void workers_step_done(Workers *workers, uint64_t turn, const Failure *failure) {
        TurnControl *control = &workers->controls[turn & WORKERS_SLOT_MASK];

        pthread_mutex_lock(&control->lock);
        if (control->turn == turn) {
                control->step_done = true;
                control->step_failure = *failure;
                pthread_cond_signal(&control->changed);
        }
        pthread_mutex_unlock(&control->lock);
}

void workers_stop_turn(Workers *workers, uint64_t turn) {
        TurnControl *control = &workers->controls[turn & WORKERS_SLOT_MASK];

        pthread_mutex_lock(&control->lock);
        if (control->turn == turn) {
                control->stopped = true;
                pthread_cond_signal(&control->changed);
        }
        pthread_mutex_unlock(&control->lock);
}

bool workers_snapshot(Workers *workers, Arena *arena, Snapshot *snapshot) {
        WorkerSnapshot *rows = arena_take_array(arena, WorkerSnapshot, (size_t) workers->settings.turns);

        if (!rows)
                return false;
        for (int32_t i = 0; i < workers->settings.turns; i++) {
                const Worker *worker = &workers->threads[i];
                int64_t turns = __atomic_load_n(&worker->turns, __ATOMIC_RELAXED);
                int64_t latency_us = __atomic_load_n(&worker->latency_us, __ATOMIC_RELAXED);
                rows[i] = (WorkerSnapshot){ .id = worker->name,
                                            .pool = workers->settings.pool,
                                            .health = WORKER_IS_HEALTHY,
                                            .active = __atomic_load_n(&worker->active, __ATOMIC_RELAXED),
                                            .mean_latency_us = turns ? latency_us / turns : 0,
                                            .heartbeat_us = snapshot->now_us };
        }
        snapshot->workers = rows;
        snapshot->worker_count = (size_t) workers->settings.turns;
        return true;
}

/* Also of a turn that waits for a step: there is nobody left to make it durable. */
static void control_stop(TurnControl *control) {
        pthread_mutex_lock(&control->lock);
        control->stopped = control->step_done = control->closed = true;
        failure_set(&control->step_failure, FAILURE_CANCELLED, "The hub stops.");
        pthread_cond_signal(&control->changed);
        pthread_mutex_unlock(&control->lock);
}

void workers_free(Workers *workers) {
        for (int32_t i = 0; i < workers->settings.turns; i++)
                control_stop(&workers->controls[i]);
        queue_close(workers->tasks);
        for (int32_t i = 0; i < workers->settings.turns; i++)
                pthread_join(workers->threads[i].thread, NULL);
        for (int32_t i = 0; i < workers->settings.turns; i++) {
                pthread_cond_destroy(&workers->controls[i].changed);
                pthread_mutex_destroy(&workers->controls[i].lock);
        }
        queue_free(workers->tasks);
        free(workers->controls);
        free(workers->slots);
        free(workers->threads);
        free(workers);
}
