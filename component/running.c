#include "component/running.h"

#include "component/bookkeeper.h"
#include "component/clerk.h"
#include "component/doors/command.h"
#include "component/doors/rest.h"
#include "component/guide.h"
#include "component/loop.h"
#include "component/settings/plaintext.h"
#include "orchestrator/http/http.h"
#include "orchestrator/http/mail.h"
#include "store/keyring_rotate.h"
#include "store/migrate.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>

#define DESK_THREADS         4
#define RECURRING_OPERATIONS 4096
#define ASK_PATIENCE_US      (5 * SECONDS)
#define CLOSE_US             (2 * SECONDS)
#define UNREADABLE_PLACES    4096
#define UNREADABLE_US        (3600 * SECONDS)
#define TOLD_PLACES          4096
#define TOLD_US              (60 * SECONDS)

/* What operations ask of this hub. */
typedef struct HubDoor {
        Hub hub; /* first */
        Queue *inbox;
        Reload *reload;
        Budgets *budgets;
} HubDoor;

static bool hub_announce(Hub *hub, const DirectoryChange *changes, size_t count, Failure *reterr_failure) {
        Note *note = memory_new(sizeof(*note));
        Arena *arena = note->arena = arena_new((size_t) 8 * 1024 * 1024);
        DirectoryChange *copies = arena_take_array(arena, DirectoryChange, count);
        int64_t now_us = clock_now().monotonic_us;

        for (size_t i = 0; copies && i < count; i++) {
                copies[i] = directory_change_copy(arena, &changes[i]);
                copies[i].announced = true;
                copies[i].as_of_us = now_us;
        }
        note->kind = NOTE_DIRECTORY;
        note->event.kind = EVENT_DIRECTORY;
        note->event.directory.changes = copies;
        note->event.directory.count = copies ? count : 0;
        return inbox_ask(((HubDoor *) hub)->inbox, note, ASK_PATIENCE_US, reterr_failure);
}

static bool hub_cancel(Hub *hub, Uuid tenant_id, Uuid message_id, Text by, Failure *reterr_failure) {
        Note *note = memory_new(sizeof(*note));

        note->arena = arena_new(0);
        note->kind = NOTE_CANCEL;
        note->event.kind = EVENT_CANCEL;
        note->event.cancel.message_id = message_id;
        note->event.cancel.tenant_id = tenant_id;
        note->event.cancel.by = text_copy(note->arena, by);
        return inbox_ask(((HubDoor *) hub)->inbox, note, ASK_PATIENCE_US, reterr_failure);
}

static void hub_audit(Hub *hub, const AuditRecord *record) {
        inbox_audit(((HubDoor *) hub)->inbox, record);
}

static void hub_tell(Hub *hub, Text who, Text kind, Text text) {
        inbox_tell(((HubDoor *) hub)->inbox, who, kind, text);
}

static bool hub_snapshot(Hub *hub, Arena *arena, Snapshot *ret_snapshot, Failure *reterr_failure) {
        Note *note = memory_new(sizeof(*note));
        _cleanup_(arena_freep) Arena *taken = NULL;
        Snapshot *snapshot;

        note->arena = arena_new((size_t) 4 * 1024 * 1024);
        note->kind = NOTE_SNAPSHOT;
        note->snapshot = snapshot = arena_take(note->arena, sizeof(*snapshot));
        if (!inbox_ask_for(((HubDoor *) hub)->inbox, note, ASK_PATIENCE_US, &taken, reterr_failure))
                return false;
        return snapshot_copy(snapshot, arena, ret_snapshot) ||
               failure_set(reterr_failure, FAILURE_TOO_LARGE, "The hub's state does not fit an answer.");
}

static Json *hub_settings(Hub *hub) {
        const Settings *settings = reload_current(((HubDoor *) hub)->reload);
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Json *rows = json_new_array();

        for (size_t i = 0; i < settings_count; i++) {
                Json *row = json_new_object();
                json_put_string(row, "name", settings_table[i].name);
                json_put_text(row, "value", settings_value(settings, &settings_table[i], arena));
                json_put_string(row, "change", settings_table[i].reloadable ? "reload" : "restart");
                json_put_string(row, "help", settings_table[i].help);
                json_append(rows, row);
        }
        return rows;
}

static Registration hub_registration(Hub *hub) {
        const Settings *settings = reload_current(((HubDoor *) hub)->reload);
        return settings_registration(settings);
}

static bool hub_mail(Hub *hub, Text address, Text subject, Text body, Failure *reterr_failure) {
        const Settings *settings = reload_current(((HubDoor *) hub)->reload);
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        MailSettings mail = { .url = settings->smtp_url, .from = settings->smtp_from };

        if (!mail.url)
                return failure_set(reterr_failure, FAILURE_UNSUPPORTED, "this installation sends no mail");
        if (!settings_secret(settings, "smtp_password_file", arena, &mail.password, reterr_failure) &&
            reterr_failure->kind != FAILURE_NOT_FOUND)
                return false;
        bool sent = mail_send(&mail, address, subject, body, reterr_failure);
        crypto_wipe((char *) mail.password.bytes, mail.password.length);
        return sent;
}

static bool hub_limits(Hub *hub, LimitUse *uses, size_t count, Failure *reterr_failure) {
        Note *note = memory_new(sizeof(*note));
        _cleanup_(arena_freep) Arena *taken = NULL;
        LimitUse *copies;

        note->arena = arena_new((size_t) 4 * 1024 * 1024);
        note->kind = NOTE_LIMITS;
        note->uses = copies = arena_take_array(note->arena, LimitUse, count);
        for (size_t i = 0; i < count; i++)
                copies[i] = uses[i];
        note->use_count = count;
        if (!inbox_ask_for(((HubDoor *) hub)->inbox, note, ASK_PATIENCE_US, &taken, reterr_failure))
                return false;
        for (size_t i = 0; i < count; i++)
                uses[i] = copies[i];
        return true;
}

static bool hub_budgets(Hub *hub, BudgetSubject subject, const BudgetParties *parties, Text zone, int32_t billing_day,
                        BudgetLook *ret_look, Failure *reterr_failure) {
        return budgets_look(((HubDoor *) hub)->budgets, subject, parties, zone, billing_day, ret_look, reterr_failure);
}

static const Plans *hub_plans(Hub *hub) {
        return reload_plans(((HubDoor *) hub)->reload);
}

static const Standards *hub_standards(Hub *hub) {
        return reload_standards(((HubDoor *) hub)->reload);
}

/* Everything of a running hub. Absent parts are NULL, so that a start that fails half-way can be taken down. */
typedef struct Running {
        Arena *arena;         /* secrets and joined names */
        Plans *plans;         /* NULL: the built-in ones */
        Standards *standards; /* NULL: no further ones */
        Database *database;
        Keyring *keyring;
        Clerk *clerk;
        Bookkeeper *bookkeeper;
        Versions *versions;
        PriceBook *prices;
        TenantPolicies *policies;
        WorldSettings world;
        bool http;
        HubDoor door;
        Operations operations;
        Desk *desk;
        Rest *rest;
        Guide *guide;
        Loop loop;
} Running;

static uint64_t random_number(void *source) {
        (void) source;
        return crypto_random_uint64();
}

static void domains_join(const Settings *settings, TextBuilder *builder) {
        for (const char **domain = settings->domains; *domain; domain++) {
                if (builder->length)
                        text_add_char(builder, ' ');
                text_add_string(builder, *domain);
        }
}

/* Every key opens, by one master key or the other; but the old file must not go yet. */
static void tell_rotation(Database *database) {
        size_t pending;
        Failure failure;

        if (keyring_rotation_pending(database, &pending, &failure) && pending > 0)
                log_warning("a change of the master key was broken off: run `aiox key rotate` again", "keys left",
                            LOG_INTEGER, (int64_t) pending);
}

static bool start_store(Running *running, const Settings *settings, Failure *reterr_failure) {
        DatabaseSettings database = { .conninfo = settings->database, .owner_conninfo = settings->database_owner };
        char application[128];

        snprintf(application, sizeof(application), "aiox %s", settings->hub_name);
        database.application = application;
        running->database = database_new(&database);
        if (!schema_check(running->database, settings->unsafe, reterr_failure) ||
            !keyring_open(running->database, settings->master_key_file, &running->keyring, reterr_failure))
                return false;
        tell_rotation(running->database);
        return true;
}

/* On a thread of the budgets. */
static void budgets_say_go_on(void *inbox, Uuid message_id) {
        Note *note = memory_new(sizeof(*note));

        note->kind = NOTE_WAIT_OVER;
        note->event.kind = EVENT_WAIT_OVER;
        note->event.answer.message_id = message_id;
        inbox_put(inbox, note);
}

static bool start_budgets(Running *running, const Settings *settings, Failure *reterr_failure) {
        BudgetsSettings budgets = { .address = settings->redis,
                                    .currency = settings->currency,
                                    .database = running->database,
                                    .lease_us = settings->lease_seconds * SECONDS,
                                    .go_on = budgets_say_go_on,
                                    .listener = running->loop.inbox };
        Text secret;

        if (settings_secret(settings, "redis_secret_file", running->arena, &secret, reterr_failure))
                budgets.password = text_string(running->arena, secret);
        else if (reterr_failure->kind != FAILURE_NOT_FOUND) /* there need not be one */
                return false;
        return budgets_new(&budgets, &running->loop.budgets, reterr_failure);
}

static bool start_core(Running *running, const Settings *settings, Failure *reterr_failure) {
        TextBuilder domains = text_builder(0);
        CoreSettings core = core_defaults();

        domains_join(settings, &domains);
        core.hub = text_of(settings->hub_name);
        core.domains = text_built(&domains);
        crypto_random(core.process.bytes, sizeof(core.process.bytes));
        core.workers = (int32_t) settings->workers;
        core.batch_messages = (int32_t) settings->batch_messages;
        core.lease_us = settings->lease_seconds * SECONDS;
        core.drain_us = settings->drain_seconds * SECONDS;
        core.turn_us = settings->turn_seconds * SECONDS;
        core.sender_rate = (Rate){ (int32_t) settings->sender_rate, (int32_t) settings->sender_rate };
        core.domain_rate = (Rate){ (int32_t) settings->domain_rate, (int32_t) settings->domain_rate };
        core.random = random_number;
        Directory *directory = directory_new(domains.bytes, installation_tenant_id);
        running->door.hub.domains = text_string(running->arena, text_built(&domains));
        running->loop.core = core_new(&core, directory);
        text_builder_release(&domains);
        running->clerk = clerk_new(running->database, running->keyring);
        if (!plans_load(settings, &running->plans, reterr_failure) ||
            !standards_load(settings, &running->standards, reterr_failure) ||
            !clerk_load(running->clerk, directory, reterr_failure))
                return false;
        directory_set_plans(directory, running->plans ? running->plans : plans_builtin());
        running->loop.roster = roster_new(directory, settings->domains);
        return true;
}

static bool start_models(Running *running, const Settings *settings, Failure *reterr_failure) {
        HttpSettings http = { .allow_plaintext = settings->allow_plaintext_models };

        if (!http_start(&http, reterr_failure))
                return false;
        running->http = true;
        return reload_models(settings, reterr_failure);
}

static void start_workers(Running *running, const Settings *settings) {
        Loop *loop = &running->loop;

        running->versions = versions_new();
        running->prices = price_book_new(running->database);
        running->policies = tenant_policies_new();
        running->world.database = running->database;
        running->world.keyring = running->keyring;
        running->world.versions = running->versions;
        running->world.prices = running->prices;
        running->world.policies = running->policies;
        running->world.operations = &running->operations;
        running->world.reload = loop->reload;
        running->world.inbox = loop->inbox;
        running->world.budgets = loop->budgets;
        loop->settler = settler_new(loop->budgets);
        WorkersSettings workers = {
                .turns = (int32_t) settings->workers, .pool = "local", .inbox = loop->inbox, .world = &running->world
        };
        loop->workers = workers_new(&workers);
}

static bool start_scribe(Running *running, const Settings *settings, Failure *reterr_failure) {
        Loop *loop = &running->loop;
        ScribeSettings scribe = { running->database, running->keyring, loop->reload, loop->inbox, settings };

        if (!scribe_new(&scribe, &loop->scribe, reterr_failure))
                return false;
        running->door.hub.audit_key = scribe_public_key(loop->scribe);
        return true;
}

static bool open_rest(void *running_, Failure *reterr_failure) {
        Running *running = running_;
        const Settings *settings = running->loop.settings;

        if (settings->api_socket && !rest_start(settings->api_socket, running->desk, &running->rest, reterr_failure))
                return false;
        running->guide = guide_start(&running->operations, settings);
        return true;
}

static void start_doors(Running *running, const Settings *settings) {
        running->door.hub.installation = installation_tenant_id;
        running->door.hub.announce = hub_announce;
        running->door.hub.cancel = hub_cancel;
        running->door.hub.audit = hub_audit;
        running->door.hub.tell = hub_tell;
        running->door.hub.snapshot = hub_snapshot;
        running->door.hub.settings = hub_settings;
        running->door.hub.registration = hub_registration;
        running->door.hub.mail = hub_mail;
        running->door.hub.limits = hub_limits;
        running->door.hub.plans = hub_plans;
        running->door.hub.standards = hub_standards;
        running->door.hub.budgets = hub_budgets;
        running->door.budgets = running->loop.budgets;
        running->door.inbox = running->loop.inbox;
        running->door.reload = running->loop.reload;
        running->door.hub.name = settings->hub_name;
        running->door.hub.currency = settings->currency;
        running->operations = (Operations){ running->database,  running->keyring,
                                            &running->door.hub, recurrence_new(RECURRING_OPERATIONS),
                                            guesses_new(),      meters_new() };
        running->desk = desk_new(&running->operations, DESK_THREADS);
        loop_open_commands(&running->loop, running->desk);
        running->loop.subscriptions = subscription_door_new(running->desk, running->loop.inbox,
                                                            running->door.hub.domains);
        running->loop.registrations = registration_door_new(running->desk, running->loop.inbox);
        running->loop.open_door = open_rest;
        running->loop.owner = running;
}

static bool start_loop(Running *running, const Settings *settings, Failure *reterr_failure) {
        Loop *loop = &running->loop;
        sigset_t signals;
        JournalSettings journal = { .conninfo = settings->database, .unsafe = settings->unsafe };

        loop->settings = settings;
        loop->reload = reload_new(settings, running->plans ? running->plans : plans_builtin(), running->standards,
                                  loop->inbox);
        loop->uuids.random = random_number;
        loop->started_us = clock_now().wall_us;
        loop->cancels = map_new(16);
        loop->clients = clients_new();
        loop->drafts = memory_new((size_t) settings->workers * sizeof(*loop->drafts));
        loop->unreadable = seldom_new(UNREADABLE_PLACES, UNREADABLE_US);
        loop->told = seldom_new(TOLD_PLACES, TOLD_US);
        while (settings->domains[loop->link_count])
                loop->link_count++;
        loop->links = memory_new(loop->link_count * sizeof(*loop->links));
        loop->link_since_us = memory_new(loop->link_count * sizeof(*loop->link_since_us));
        loop->link_trouble = memory_new(loop->link_count * sizeof(*loop->link_trouble));
        sigemptyset(&signals);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGHUP);
        loop->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
        loop->epoll = epoll_create1(EPOLL_CLOEXEC);
        loop->journal = journal_new(&journal, running->keyring);
        return settings_secret(settings, "component_secret_file", running->arena, &loop->component_secret,
                               reterr_failure);
}

static bool start_sharer(Running *running, const Settings *settings, Failure *reterr_failure) {
        RateStream *stream;
        Text secret = TEXT_NONE;

        if (!settings_secret(settings, "redis_secret_file", running->arena, &secret, reterr_failure) &&
            reterr_failure->kind != FAILURE_NOT_FOUND)
                return false;
        const char *password = secret.length ? text_string(running->arena, secret) : NULL;
        if (!rate_stream_new(settings->redis, password, &stream, reterr_failure))
                return false;
        running->loop.sharer = sharer_start(stream, running->loop.inbox);
        return true;
}

static bool running_start(Running *running, const Settings *settings, Failure *reterr_failure) {
        running->arena = arena_new(0);
        running->loop.inbox = queue_new(true);
        if (!plaintext_check(settings, reterr_failure) || !start_store(running, settings, reterr_failure) ||
            !start_budgets(running, settings, reterr_failure) || !start_core(running, settings, reterr_failure) ||
            !start_models(running, settings, reterr_failure) || !start_loop(running, settings, reterr_failure) ||
            !start_scribe(running, settings, reterr_failure))
                return false;
        start_doors(running, settings);
        start_workers(running, settings);
        clerk_start(running->clerk, running->loop.inbox);
        running->bookkeeper = bookkeeper_start(running->database, running->operations.meters);
        return start_sharer(running, settings, reterr_failure);
}

/* Sends what is ready and ends the streams in good order, within a moment. */
static void links_end(Loop *loop) {
        int64_t deadline_us = clock_now().monotonic_us + CLOSE_US;
        LinkEvent event;

        for (size_t i = 0; i < loop->link_count; i++) {
                Link *link = loop->links[i];
                bool ended = !link || !link_is_up(link);
                int64_t now_us = clock_now().monotonic_us;
                if (!ended)
                        link_close(link, now_us);
                while (!ended && now_us < deadline_us) {
                        struct pollfd ready = { .fd = link_descriptor(link), .events = POLLIN };
                        poll(&ready, 1, 50);
                        now_us = clock_now().monotonic_us;
                        link_handle(link, now_us);
                        while (link_next(link, &event)) {
                                ended |= event.kind == LINK_DOWN;
                                if (event.kind == LINK_STANZA || event.kind == LINK_OVER_LIMIT)
                                        arena_free(event.arena);
                        }
                }
        }
}

/* Who waits for an answer of the hub thread gets one: that there will be none; and so does who asks from now on. */
static void inbox_drain(Loop *loop) {
        Failure failure;
        QueueItem *item;
        Note *note;

        failure_set(&failure, FAILURE_UNAVAILABLE, "The hub stops.");
        queue_close(loop->inbox);
        for (size_t i = 0; (note = map_each(loop->cancels, &i));)
                inbox_answer(note, &failure);
        while ((item = queue_take(loop->inbox, 0))) {
                note = (Note *) item;
                if (note->kind == NOTE_TURN_ENDED)
                        arena_free(note->event.ended.arena);
                if (note->kind == NOTE_COMMAND)
                        command_job_free(note->job);
                if (note->kind == NOTE_REGISTER)
                        registration_call_free(note->call);
                inbox_answer(note, &failure);
        }
}

static void running_stop(Running *running) {
        Loop *loop = &running->loop;

        if (loop->links) {
                loop_say_goodbye(loop);
                links_end(loop);
        }
        if (running->rest)
                rest_close(running->rest);
        if (running->clerk)
                clerk_free(running->clerk);
        if (loop->sharer)
                sharer_free(loop->sharer);
        if (loop->scribe) {
                loop_sign_heads(loop, true);
                scribe_free(loop->scribe);
        }
        if (loop->workers)
                workers_free(loop->workers);
        if (loop->settler)
                settler_free(loop->settler);
        if (loop->budgets)
                budgets_free(loop->budgets);
        if (loop->cancels)
                inbox_drain(loop);
        if (running->desk)
                desk_free(running->desk);
        if (loop->adhoc)
                command_door_free(loop->adhoc);
        subscription_door_free(loop->subscriptions);
        registration_door_free(loop->registrations);
        guide_free(running->guide);
        recurrence_free(running->operations.recurrence);
        guesses_free(running->operations.guesses);
        if (running->rest)
                rest_stop(running->rest);
        bookkeeper_free(running->bookkeeper);
        meters_free(running->operations.meters);
        reload_free(loop->reload);
        if (running->http) {
                model_stop();
                http_stop();
        }
        if (loop->links)
                loop_close_links(loop);
        if (loop->journal)
                journal_free(loop->journal);
        roster_free(loop->roster);
        if (loop->core)
                core_free(loop->core);
        if (running->plans)
                plans_free(running->plans);
        if (running->standards)
                standards_free(running->standards);
        if (running->versions)
                versions_free(running->versions);
        price_book_free(running->prices);
        if (running->policies)
                tenant_policies_free(running->policies);
        if (running->keyring)
                keyring_free(running->keyring);
        if (running->database)
                database_free(running->database);
        commands_release(&loop->commands);
        free(loop->levels.items);
        if (loop->cancels)
                map_free(loop->cancels);
        seldom_free(loop->unreadable);
        seldom_free(loop->told);
        clients_free(loop->clients);
        free(loop->drafts);
        free(loop->links);
        free(loop->link_since_us);
        free(loop->link_trouble);
        if (loop->inbox)
                queue_free(loop->inbox);
        arena_free(running->arena);
}

bool hub_run(const Settings *settings, Failure *reterr_failure) {
        Running running = { .loop = { .epoll = -1, .signals = -1, .journal_descriptor = -1 } };
        bool ok = running_start(&running, settings, reterr_failure);

        if (ok) {
                log_info("hub started", "hub", LOG_STRING, settings->hub_name, "server", LOG_STRING, settings->server,
                         "version", LOG_STRING, AIOX_VERSION);
                ok = loop_run(&running.loop);
                if (!ok)
                        *reterr_failure = running.loop.exit_failure;
        }
        running_stop(&running);
        return ok;
}
