#include "component/doors/command.h"

#include "component/doors/command_reply.h"
#include "orchestrator/operations/offer.h"
#include "xmpp/extensions.h"
#include "xmpp/namespaces.h"

#include <stdio.h>

#define DOOR         "command"
#define JOBS_AT_ONCE 64
#define KEY_LENGTH   80
#define SLUG_LENGTH  64

typedef enum JobKind {
        JOB_LIST, /* what may be run here */
        JOB_INFO, /* whether this one may */
        JOB_OPEN, /* the same, to begin it */
        JOB_RUN,
} JobKind;

struct CommandJob {
        DeskCall call; /* first: the desk hands it back */
        JobKind kind;
        CommandDoor *door;
        Arena *arena; /* of the stanza */
        Arena *found; /* of the offers */
        const Stanza *iq;
        Text agent; /* empty: the hub */
        bool guest;
        const OperationOffer *offers; /* LIST, INFO */
        size_t offer_count;
        OperationOffer offer; /* OPEN */
        char session_id[SESSION_ID_SIZE];
        char key[KEY_LENGTH], tenant[SLUG_LENGTH];
};

struct CommandDoor {
        CommandDoorSettings settings;
        Sessions *sessions;
        size_t jobs;
};

/* One stanza, on its way through the door. */
typedef struct Visit {
        CommandDoor *door;
        CommandAsker asker;
        CommandAnswer to;
        Arena *arena; /* of the stanza */
        int64_t now_us;
} Visit;

CommandDoor *command_door_new(const CommandDoorSettings *settings) {
        CommandDoor *door = memory_new(sizeof(*door));
        door->settings = *settings;
        door->sessions = sessions_new(settings->limits);
        return door;
}

void command_door_free(CommandDoor *door) {
        sessions_free(door->sessions);
        free(door);
}

static bool asks(const Stanza *iq, Text space) {
        return iq->kind == STANZA_IQ && iq->type == TYPE_GET && iq->payload &&
               element_is(iq->payload, TEXT("query"), space);
}

bool command_is_for(const Stanza *iq) {
        bool info = asks(iq, TEXT(NS_DISCO_INFO)), items = asks(iq, TEXT(NS_DISCO_ITEMS));
        Text node = info || items ? element_get(iq->payload, TEXT("node")) : TEXT_NONE;
        return adhoc_is(iq) || text_equal(node, TEXT(NS_COMMANDS)) || (info && operation_find(node));
}

/* Jobs */

static bool ask_offers(DeskCall *call, Operations *operations) {
        CommandJob *job = (CommandJob *) call;
        return operations_offered(operations, &call->caller, job->agent, job->found, &job->offers, &job->offer_count,
                                  &call->failure);
}

static bool ask_offer(DeskCall *call, Operations *operations) {
        CommandJob *job = (CommandJob *) call;
        return operation_offered(operations, &call->caller, call->operation, job->agent, job->found, &job->offer,
                                 &call->failure);
}

static void end_job(DeskCall *call) {
        CommandJob *job = (CommandJob *) call;
        job->door->settings.finished(job->door->settings.owner, job);
}

static CommandJob *job_new(const Visit *visit, JobKind kind, const Operation *operation) {
        static bool (*const work[])(DeskCall * call, Operations * operations) = {
                [JOB_LIST] = ask_offers,
                [JOB_INFO] = ask_offers,
                [JOB_OPEN] = ask_offer,
                [JOB_RUN] = NULL,
        };
        const Stanza *iq = visit->to.iq;
        CommandJob *job = memory_new(sizeof(*job));
        job->kind = kind;
        job->door = visit->door;
        job->arena = visit->arena;
        job->found = arena_new(0);
        job->iq = iq;
        job->agent = iq->to.local.length > 0 ? iq->to.bare : TEXT_NONE;
        job->guest = !visit->asker.known && !visit->asker.platform;
        job->call.operation = operation;
        job->call.caller.principal = iq->from.bare;
        job->call.caller.platform = visit->asker.platform;
        job->call.caller.door = DOOR;
        job->call.work = work[kind];
        job->call.done = end_job;
        return job;
}

/* Without the stanza's arena, which others still need. */
static void job_forget(CommandJob *job) {
        json_free(job->call.input);
        json_free(job->call.result);
        arena_free(job->found);
        free(job);
}

void command_job_free(CommandJob *job) {
        arena_free(job->arena);
        job_forget(job);
}

Text command_job_domain(const CommandJob *job) {
        return job->iq->to.domain;
}

/* False when too much waits: of this person, of all who are unknown, or of everybody. The job is then forgotten. */
static bool submit(const Visit *visit, CommandJob *job) {
        CommandDoor *door = visit->door;
        Text person = job->iq->from.bare;
        bool guest = job->guest;
        if (door->jobs < JOBS_AT_ONCE && sessions_may_ask(door->sessions, person, guest)) {
                /* Counted first: the job may be back before this returns. */
                door->jobs++;
                sessions_begin_answer(door->sessions, person, guest);
                if (door->settings.submit(door->settings.owner, &job->call))
                        return true;
                door->jobs--;
                sessions_end_answer(door->sessions, person, guest);
        }
        job_forget(job);
        command_add_refusal(&visit->to, FAILURE_LIMIT,
                            TEXT("Too many commands wait to be answered; try again in a moment."));
        return false;
}

/* What runs is told apart by session and step, so that a repeat is done once. */
static bool run(const Visit *visit, CommandSession *session) {
        CommandJob *job = job_new(visit, JOB_RUN, session->talk.operation);
        Text tenant = command_tenant(&session->talk);
        snprintf(job->key, sizeof(job->key), "command:%s:%lld", session->id, (long long) session->step);
        snprintf(job->tenant, sizeof(job->tenant), "%.*s", TEXT_ARGUMENTS(tenant));
        memcpy(job->session_id, session->id, sizeof(session->id));
        job->call.caller.request_key = text_of(job->key);
        job->call.caller.tenant = text_of(job->tenant);
        job->call.input = command_input(&session->talk);
        session->busy = true;
        if (!submit(visit, job))
                session->busy = false;
        return session->busy;
}

/* Steps: true when a job has the stanza's arena. */

/* Keeps what was filled in. False: that was too much for all sessions together, and this one is closed. */
static bool fill(const Visit *visit, CommandSession *session, const Form *form, Failure *ret_wrong) {
        Failure failure = { 0 };
        if (command_fill(&session->talk, session->stage, form, ret_wrong))
                ret_wrong->kind = FAILURE_NONE;
        if (session_weigh(visit->door->sessions, session, &failure))
                return true;
        command_add_failure(&visit->to, &failure);
        session_close(visit->door->sessions, session);
        return false;
}

static void show(const Visit *visit, CommandSession *session, size_t stage) {
        session->stage = stage;
        session->step++;
        command_show_stage(&visit->to, session, NULL);
}

static bool go_on(const Visit *visit, CommandSession *session, AdHocAction action, const Form *form) {
        Failure wrong = { 0 };
        if (!fill(visit, session, form, &wrong))
                return false;
        if (wrong.kind != FAILURE_NONE || !command_check(&session->talk, &wrong))
                command_show_stage(&visit->to, session, &wrong);
        else if (action == ADHOC_COMPLETE)
                return run(visit, session);
        else
                show(visit, session, session->stage + 1);
        return false;
}

/* What is wrong with a form is said when it is gone on from. */
static void go_back(const Visit *visit, CommandSession *session, const Form *form) {
        Failure wrong = { 0 };
        if (fill(visit, session, form, &wrong))
                show(visit, session, session->stage - 1);
}

/* A list's further pages. */
static bool turn_page(const Visit *visit, CommandSession *session, AdHocAction action) {
        if (action == ADHOC_NEXT) {
                session->talk.after = text_of(session->next);
                return run(visit, session);
        }
        command_show_end(&visit->to, session, ADHOC_COMPLETED);
        session_close(visit->door->sessions, session);
        return false;
}

static bool same_values(const Json *one, const Json *other) {
        _cleanup_(arena_freep) Arena *arena = arena_new(8 * (size_t) COMMAND_VALUES_LIMIT);
        Text first, second;
        return json_canonical(one, arena, &first) && json_canonical(other, arena, &second) && text_equal(first, second);
}

/* Whether the completion of what is completed is the same once more: its answer may have been lost. */
static bool is_repeat(const CommandSession *session, AdHocAction action, const Form *form) {
        CommandTalk talk = session->talk;
        Failure failure;
        if (action != ADHOC_COMPLETE)
                return false;
        if (session->stage >= command_stage_count(&talk))
                return true;
        talk.values = json_clone(talk.values);
        bool same = command_fill(&talk, session->stage, form, &failure) &&
                    same_values(talk.values, session->talk.values);
        json_free(talk.values);
        return same;
}

static bool has_next(const CommandSession *session) {
        return session->paging || session->stage + 1 < command_stage_count(&session->talk);
}

static bool is_possible(const CommandSession *session, AdHocAction action) {
        switch (action) {
        case ADHOC_NEXT:
                return has_next(session);
        case ADHOC_PREV:
                return !session->paging && session->stage > 0;
        case ADHOC_COMPLETE:
                return session->paging || command_may_complete(&session->talk, session->stage);
        default:
                return false;
        }
}

static bool act(const Visit *visit, CommandSession *session, AdHocAction action, const Form *form) {
        if (action == ADHOC_CANCEL) {
                command_show_end(&visit->to, session, ADHOC_CANCELED);
                session_close(visit->door->sessions, session);
                return false;
        }
        if (!is_possible(session, action)) {
                command_add_error(&visit->to, ADHOC_BAD_ACTION, TEXT("This cannot be done now."));
                return false;
        }
        if (session->paging)
                return turn_page(visit, session, action);
        if (action != ADHOC_PREV)
                return go_on(visit, session, action, form);
        go_back(visit, session, form);
        return false;
}

/* A form that says cancel cancels, whatever goes with it. */
static bool read_form(const AdHocRequest *request, const Form **ret_form, AdHocAction *action,
                      Failure *reterr_failure) {
        *ret_form = NULL;
        if (*action == ADHOC_CANCEL || !request->form)
                return true;
        if (!form_read(request->form, ret_form, reterr_failure))
                return false;
        if ((*ret_form)->type == FORM_CANCEL)
                *action = ADHOC_CANCEL;
        return *action == ADHOC_CANCEL || (*ret_form)->type == FORM_SUBMIT ||
               failure_set(reterr_failure, FAILURE_INVALID, "The form must be of type submit.");
}

/* Somebody else's session, one that is over and one that never was are alike. */
static bool take_step(const Visit *visit, const AdHocRequest *request) {
        const Stanza *iq = visit->to.iq;
        CommandSession *session = session_find(visit->door->sessions, request->session_id, &iq->from, iq->to.full,
                                               visit->now_us);
        AdHocAction action = request->action;
        const Form *form = NULL;
        Failure failure;
        if (session && !text_equal(request->node, text_of(session->talk.operation->name)))
                session = NULL;
        if (session && session->busy) {
                command_add_refusal(&visit->to, FAILURE_LIMIT, TEXT("This is still being worked on."));
                return false;
        }
        if (session && !read_form(request, &form, &action, &failure)) {
                command_add_error(&visit->to, ADHOC_BAD_PAYLOAD, text_of(failure.text));
                return false;
        }
        if (session && action == ADHOC_EXECUTE)
                action = has_next(session) && !session->done ? ADHOC_NEXT : ADHOC_COMPLETE;
        if (!session || (session->done && !is_repeat(session, action, form))) {
                command_add_error(&visit->to, ADHOC_SESSION_EXPIRED, TEXT("This is over; begin again."));
                return false;
        }
        return session->done ? run(visit, session) : act(visit, session, action, form);
}

/* A server is nobody whom the gate could know. */
static bool begin(const Visit *visit, JobKind kind, const Operation *operation) {
        if (visit->to.iq->from.local.length == 0) {
                command_add_refusal(&visit->to, FAILURE_FORBIDDEN, TEXT("Commands are for people."));
                return false;
        }
        return submit(visit, job_new(visit, kind, operation));
}

static bool take_command(const Visit *visit) {
        AdHocRequest request = adhoc_read(visit->to.iq);
        const Operation *operation = operation_find(request.node);
        if (request.action == ADHOC_ACTION_COUNT)
                command_add_error(&visit->to, ADHOC_MALFORMED_ACTION, TEXT("There is no such action."));
        else if (!operation)
                command_add_refusal(&visit->to, FAILURE_NOT_FOUND, TEXT("There is no such command."));
        else if (request.session_id.length > 0)
                return take_step(visit, &request);
        else if (request.action != ADHOC_EXECUTE)
                command_add_error(&visit->to, ADHOC_BAD_SESSION_ID, TEXT("A command begins with the action execute."));
        else
                return begin(visit, JOB_OPEN, operation);
        return false;
}

/* Discovery */

static void add_info(const CommandAnswer *to, Text node, const DiscoIdentity *identity) {
        static const char *const features[] = { NS_COMMANDS, NS_DATA_FORMS };
        disco_add_info(outgoing_add_result(to->list, to->room, to->iq), node, identity, 1, features,
                       COUNT_OF(features));
}

static void add_items(const CommandAnswer *to, const CommandJob *job) {
        Element *query = disco_add_items(outgoing_add_result(to->list, to->room, to->iq), TEXT(NS_COMMANDS));
        for (size_t i = 0; i < job->offer_count; i++) {
                const Operation *operation = job->offers[i].operation;
                disco_add_item(query, to->iq->to.full, text_of(operation->name), command_title(operation, to->room));
        }
}

static bool take_discovery(const Visit *visit) {
        static const DiscoIdentity list = { "automation", "command-list", { "Commands", sizeof("Commands") - 1 } };
        const Operation *operation = operation_find(element_get(visit->to.iq->payload, TEXT("node")));
        if (operation)
                return begin(visit, JOB_INFO, operation);
        if (asks(visit->to.iq, TEXT(NS_DISCO_ITEMS)))
                return begin(visit, JOB_LIST, NULL);
        add_info(&visit->to, TEXT(NS_COMMANDS), &list);
        return false;
}

bool command_take(CommandDoor *door, const CommandAsker *asker, const Stanza *iq, Arena *arena, Moment now, Arena *room,
                  OutgoingList *list) {
        const Visit visit = { door, *asker, { iq, room, list }, arena, now.monotonic_us };
        return adhoc_is(iq) ? take_command(&visit) : take_discovery(&visit);
}

/* What jobs found */

static void finish_info(const CommandAnswer *to, const CommandJob *job) {
        const Operation *operation = job->call.operation;
        const DiscoIdentity identity = { "automation", "command-node", command_title(operation, to->room) };
        for (size_t i = 0; i < job->offer_count; i++)
                if (job->offers[i].operation == operation) {
                        add_info(to, text_of(operation->name), &identity);
                        return;
                }
        command_add_refusal(to, FAILURE_NOT_FOUND, TEXT_NONE);
}

/* Goes on as the operation's run when there is nothing to ask. */
static bool finish_open(const Visit *visit, const CommandJob *job) {
        const Stanza *iq = job->iq;
        CommandSession *session;
        Failure failure;
        CommandTalk talk = { .operation = job->call.operation,
                             .agent = job->agent,
                             .tenants = job->offer.tenants,
                             .tenant_count = job->offer.tenant_count,
                             .platform = job->call.caller.platform,
                             .values = json_new_object() };
        if (!session_open(visit->door->sessions, &iq->from, iq->to.full, job->guest, &talk, visit->now_us, &session,
                          &failure)) {
                json_free(talk.values);
                command_add_failure(&visit->to, &failure);
                return false;
        }
        if (command_stage_count(&session->talk) > 0) {
                command_show_stage(&visit->to, session, NULL);
                return false;
        }
        bool runs = run(visit, session);
        if (!runs)
                session_close(visit->door->sessions, session);
        return runs;
}

/* What a person can mend is asked again; what passes may be tried again; anything else ends it. */
static void finish_failed_run(const Visit *visit, CommandSession *session, const Failure *failure) {
        const char *type = failure_form(failure->kind)->xmpp_type;
        bool mends = strcmp(type, "modify") == 0 || failure->kind == FAILURE_CONFLICT ||
                     failure->kind == FAILURE_NOT_FOUND || failure->kind == FAILURE_POLICY;
        bool asks = command_stage_count(&session->talk) > 0;
        if (mends && asks && !session->paging && !session->done) {
                command_show_stage(&visit->to, session, failure);
                return;
        }
        if (mends)
                command_show_failure(&visit->to, session, failure);
        else
                command_add_failure(&visit->to, failure);
        /* Of one that asked nothing and has shown nothing, nobody knows yet. */
        if (strcmp(type, "wait") != 0 || !(asks || session->paging || session->done))
                session_close(visit->door->sessions, session);
}

/* One that changed something may be repeated. */
static void finish_run(const Visit *visit, CommandJob *job) {
        Sessions *sessions = visit->door->sessions;
        CommandSession *session = session_by_id(sessions, text_of(job->session_id));
        const Json *result = job->call.result;
        if (!session)
                return;
        session->busy = false;
        if (job->call.failure.kind != FAILURE_NONE) {
                finish_failed_run(visit, session, &job->call.failure);
                return;
        }
        command_show_result(&visit->to, session, result);
        session_turn_page(session, json_to_boolean(json_member(result, "has_more"))
                                           ? json_to_text(json_member(result, "after"))
                                           : TEXT_NONE);
        if (session->paging)
                return;
        if (session->talk.operation->effect == EFFECT_READ)
                session_close(sessions, session);
        else if (!session->done)
                session_set_done(sessions, session, visit->now_us);
}

bool command_finish(CommandDoor *door, CommandJob *job, Moment now, Arena *room, OutgoingList *list) {
        const CommandAsker asker = { .platform = job->call.caller.platform, .known = !job->guest };
        const Visit visit = { door, asker, { job->iq, room, list }, job->arena, now.monotonic_us };
        door->jobs--;
        sessions_end_answer(door->sessions, job->iq->from.bare, job->guest);
        if (job->kind == JOB_RUN)
                finish_run(&visit, job);
        else if (job->call.failure.kind != FAILURE_NONE)
                command_add_failure(&visit.to, &job->call.failure);
        else if (job->kind == JOB_LIST)
                add_items(&visit.to, job);
        else if (job->kind == JOB_INFO)
                finish_info(&visit.to, job);
        else if (finish_open(&visit, job)) {
                job_forget(job); /* the run has the stanza */
                return true;
        }
        return false;
}
