/* Delivery: what our server has taken. Answers go out after their commit, in order of their sequence; a ping's reply on
 * the same stream confirms all that went before it. What a broken stream may have lost is read back from the store and
 * sent again under the same ids, a page at a time. */
#include "orchestrator/core_state.h"

#define PAGE            200
#define PAGE_BYTES      (INT64_C(4) << 20)
#define PING_US         SECONDS
#define RECEIVED_LIMIT  65536
#define RESEND_LIMIT    4096
#define BOUNCE_TRIES    3
#define BOUNCE_PAUSE_US (5 * SECONDS)
#define RESEND_MEMORY   (600 * SECONDS) /* a bounce that comes later is a first one */

static Outlet *outlet_of(Core *core, Text domain) {
        for (Outlet *outlet = core->outlets; outlet; outlet = outlet->next)
                if (text_equal(text_of(outlet->domain), domain))
                        return outlet;
        return NULL;
}

static Source *source_of(Outlet *outlet, Text hub) {
        for (Source *source = outlet->sources; source; source = source->next)
                if (text_equal(text_of(source->hub), hub))
                        return source;
        Source *source = memory_new(sizeof(*source));
        source->hub = memory_new(hub.length + 1);
        memcpy(source->hub, hub.bytes, hub.length);
        source->next = outlet->sources;
        outlet->sources = source;
        return source;
}

void delivery_open(Core *core) {
        Text rest = core->settings.domains, domain;

        while (text_split(&rest, ' ', &domain)) {
                if (!domain.length)
                        continue;
                Outlet *outlet = memory_new(sizeof(*outlet));
                outlet->domain = memory_new(domain.length + 1);
                memcpy(outlet->domain, domain.bytes, domain.length);
                outlet->next = core->outlets;
                core->outlets = outlet;
        }
        core->received = map_new(256);
        core->received_ring = memory_new(sizeof(Uuid) * RECEIVED_LIMIT);
        core->resends = map_new(16);
        core->resends_due_us = INT64_MAX;
}

/* Where sending starts again when the stream broke: what was confirmed a minute ago. A pong proves that our server had
 * read so far, not that it has passed everything on. */
static int64_t source_safe(const Source *source) {
        return source->sample_count < SOURCE_SAMPLES ? source->initial
                                                     : source->samples[source->sample_count % SOURCE_SAMPLES];
}

/* What is on its way of it will be read again: nobody learns from its confirmation. */
static void source_restart(Outlet *outlet, Source *source, int64_t from) {
        for (size_t i = 0; source->unconfirmed && i < outlet->sent_count; i++)
                if (outlet->sent[i].source == source) {
                        outlet->sent[i].source = NULL;
                        source->unconfirmed--;
                }
        source->confirmed = source->read_to = source->initial = from;
        source->sample_count = 0;
        source->behind = true;
}

/* Where nothing waits for a confirmation, all that was read is confirmed: also what was another domain's. Called while
 * no commit is under way, so that what this hub has concluded until now was handed to its stream. */
static void source_rest(Core *core, Source *source) {
        if (source->unconfirmed)
                return;
        if (!source->behind && text_equal(text_of(source->hub), core->settings.hub))
                source->read_to = core_last_sequence(core);
        source->confirmed = source->read_to;
}

void delivery_sample(Core *core) {
        for (Outlet *outlet = core->outlets; outlet; outlet = outlet->next)
                for (Source *source = outlet->sources; source; source = source->next) {
                        source_rest(core, source);
                        source->samples[source->sample_count++ % SOURCE_SAMPLES] = source->confirmed;
                }
}

static bool marks_name(const DeliveredMark *marks, size_t count, Text domain) {
        for (size_t i = 0; i < count; i++)
                if (text_equal(marks[i].domain, domain))
                        return true;
        return false;
}

/* What this hub concluded for a domain that no mark names was never this domain's: it is new to the settings. */
void delivery_start(Core *core, const DeliveredMark *marks, size_t count) {
        for (Outlet *outlet = core->outlets; outlet; outlet = outlet->next)
                source_restart(outlet, source_of(outlet, core->settings.hub),
                               marks_name(marks, count, text_of(outlet->domain)) ? 0 : core_last_sequence(core));
        delivery_adopt(core, marks, count);
}

/* Of a hub that this one sends for already, itself perhaps: the mark is about both then. */
void delivery_adopt(Core *core, const DeliveredMark *marks, size_t count) {
        for (size_t i = 0; i < count; i++) {
                Outlet *outlet = outlet_of(core, marks[i].domain);
                if (!outlet)
                        continue;
                source_restart(outlet, source_of(outlet, marks[i].hub), marks[i].sequence);
        }
}

static void sent_add(Outlet *outlet, Source *source, int64_t sequence, size_t bytes) {
        if (outlet->sent_count == outlet->sent_capacity) {
                outlet->sent_capacity = outlet->sent_capacity ? outlet->sent_capacity * 2 : 64;
                outlet->sent = memory_resize(outlet->sent, outlet->sent_capacity * sizeof(*outlet->sent));
        }
        outlet->sent[outlet->sent_count++] = (Sent){ source, sequence, bytes };
        outlet->sent_bytes += bytes;
        source->read_to = sequence;
        source->unconfirmed++;
}

/* What its sender stopped, corrected or took back before there was a word of an answer. */
static bool is_silent(const ConcludedRecord *concluded) {
        return concluded->outcome == OUTCOME_CANCELLED && !concluded->answer.length && !concluded->explanation.length;
}

static void command_answer(Core *core, const ConcludedRecord *concluded, const ReplyTo *reply_to, bool again) {
        Command *command;

        if (is_silent(concluded))
                return;
        command = core_command(core, COMMAND_ANSWER);
        command->answer.reply_to = *reply_to;
        command->answer.message_id = concluded->id;
        command->answer.outcome = concluded->outcome;
        command->answer.reason = concluded->reason;
        command->answer.text = concluded->answer;
        command->answer.explanation = concluded->explanation;
        command->answer.again = again;
        command->answer.streamed = concluded->streamed;
        core->counts.answered++;
}

static size_t answer_bytes(const ConcludedRecord *concluded) {
        return concluded->answer.length + concluded->explanation.length + 300;
}

/* An answer that has just become durable. While the stream is away or behind, the store keeps it for later. */
void delivery_answer(Core *core, const Message *message) {
        const ConcludedRecord *concluded = &message->concluded;
        Outlet *outlet = outlet_of(core, jid_domain(message->accepted.reply_to.agent));

        if (message->accepted.reply_to.door != DOOR_CHAT || !outlet)
                return;
        Source *source = source_of(outlet, core->settings.hub);
        if (!outlet->up || outlet->sent_bytes > core->settings.waiting_bytes)
                source->behind = true;
        if (source->behind)
                return;
        sent_add(outlet, source, concluded->sequence, answer_bytes(concluded));
        command_answer(core, concluded, &concluded->reply_to, false);
        if (is_silent(concluded) && message->started_us)
                core_command(core, COMMAND_SILENCE)->arrival.reply_to = concluded->reply_to;
}

/* The sender asked again: it hears the same answer under the same id, at the address it asks from now. */
void delivery_repeat(Core *core, const Message *message, const AcceptedFate *fate) {
        ConcludedRecord concluded = { .id = fate->first,
                                      .outcome = fate->outcome,
                                      .reason = fate->reason,
                                      .answer = fate->answer,
                                      .explanation = fate->explanation };
        ReplyTo reply_to = message->accepted.reply_to;

        if (!reply_to.quotes)
                reply_to.quoted_id = TEXT_NONE;
        if (reply_to.door == DOOR_CHAT)
                command_answer(core, &concluded, &reply_to, true);
}

static void resend_at(Core *core, Resend *resend, ResendState state, int64_t due_us) {
        resend->state = state;
        resend->due_us = due_us;
        if (due_us < core->resends_due_us)
                core->resends_due_us = due_us;
}

static void resend_forget(Core *core, Resend *resend) {
        map_remove(core->resends, MAP_KEY(resend->message_id));
        free(resend);
}

/* What is due, one at a time; while nothing is, this costs nothing. */
static bool resend_request(Core *core, StoreRequest *request) {
        Resend *resend, *due = NULL;

        if (core->now.monotonic_us < core->resends_due_us)
                return false;
        core->resends_due_us = INT64_MAX;
        for (size_t i = 0; (resend = map_each(core->resends, &i));) {
                bool is_due = resend->due_us <= core->now.monotonic_us;
                if (is_due && resend->state == RESEND_SENT)
                        resend_forget(core, resend);
                else if (is_due && !due)
                        due = resend;
                else if (resend->due_us < core->resends_due_us)
                        core->resends_due_us = resend->due_us;
        }
        if (!due)
                return false;
        due->due_us = INT64_MAX; /* until the store has answered */
        request->kind = STORE_READ_UNSENT;
        request->other = core->settings.hub;
        request->message_id = due->message_id;
        request->limit = 1;
        return true;
}

/* The next page of what may not have arrived, once the page before is confirmed. */
bool delivery_request(Core *core, StoreRequest *request) {
        if (resend_request(core, request))
                return true;
        for (Outlet *outlet = core->outlets; outlet; outlet = outlet->next) {
                for (Source *source = outlet->up ? outlet->sources : NULL; source; source = source->next) {
                        if (!source->behind || source->unconfirmed)
                                continue;
                        outlet->reading = source;
                        request->kind = STORE_READ_UNSENT;
                        request->other = text_of(source->hub);
                        request->domain = text_of(outlet->domain);
                        request->after = source->read_to;
                        request->limit = PAGE;
                        request->limit_bytes = PAGE_BYTES;
                        return true;
                }
        }
        return false;
}

static void answer_undeliverable(Core *core, const ConcludedRecord *unsent) {
        core_audit(core, unsent->tenant_id, "message.undeliverable", unsent->sender, unsent->id, unsent->agent_id,
                   NULL);
}

/* Anybody may send us an error that names some id; only for an answer that there is something is done. */
static void resend_reported(Core *core, const StoreReport *report) {
        Resend *resend = map_get(core->resends, MAP_KEY(core->request.message_id));
        const ConcludedRecord *unsent = report->unsent;

        if (!resend)
                return;
        if (report->result != STORE_DONE) {
                resend_at(core, resend, resend->state, core->now.monotonic_us + BOUNCE_PAUSE_US);
                return;
        }
        if (report->unsent_count && resend->state == RESEND_FAILED)
                answer_undeliverable(core, unsent);
        if (!report->unsent_count || resend->state == RESEND_FAILED || map_get(core->received, MAP_KEY(unsent->id))) {
                resend_forget(core, resend);
                return;
        }
        const Outlet *outlet = outlet_of(core, jid_domain(unsent->reply_to.agent));
        if (!outlet || !outlet->up) {
                resend_at(core, resend, RESEND_WAITS, core->now.monotonic_us + BOUNCE_PAUSE_US);
                return;
        }
        command_answer(core, unsent, &unsent->reply_to, true);
        resend_at(core, resend, RESEND_SENT, core->now.monotonic_us + RESEND_MEMORY);
}

void delivery_reported(Core *core, const StoreReport *report) {
        Outlet *outlet = core->outlets;

        if (!uuid_is_zero(core->request.message_id)) {
                resend_reported(core, report);
                return;
        }
        while (outlet && !outlet->reading)
                outlet = outlet->next;
        if (!outlet)
                return;
        Source *source = outlet->reading;
        outlet->reading = NULL;
        if (!outlet->up || report->result != STORE_DONE)
                return;
        for (size_t i = 0; i < report->unsent_count; i++) {
                const ConcludedRecord *unsent = &report->unsent[i];
                bool received = map_get(core->received, MAP_KEY(unsent->id)) != NULL;
                sent_add(outlet, source, unsent->sequence, received ? 0 : answer_bytes(unsent));
                if (!received)
                        command_answer(core, unsent, &unsent->reply_to, true);
        }
        if (report->read_to > source->read_to)
                source->read_to = report->read_to;
        source->behind = report->more;
        outlet->pinged_us = 0; /* confirm this page at once */
}

static void outlet_forget(Outlet *outlet) {
        outlet->sent_count = outlet->sent_bytes = 0;
        outlet->ping = 0;
        outlet->reading = NULL;
        for (Source *source = outlet->sources; source; source = source->next)
                source->unconfirmed = 0;
}

void delivery_link(Core *core, const Event *event) {
        Outlet *outlet = outlet_of(core, event->link.domain);

        if (!outlet)
                return;
        if (event->kind == EVENT_LINK_UP) {
                outlet->up = true;
                outlet->pinged_us = 0;
                return;
        }
        outlet->up = false;
        outlet_forget(outlet);
        for (Source *source = outlet->sources; source; source = source->next) {
                if (!event->link.closed_by_us)
                        source_restart(outlet, source, source_safe(source));
                source->read_to = source->confirmed;
                source->behind = true;
        }
}

void delivery_pong(Core *core, const Event *event) {
        Outlet *outlet = outlet_of(core, event->link.domain);

        if (!outlet || !outlet->ping || outlet->ping != event->link.ticket)
                return;
        outlet->ping = 0;
        for (size_t i = 0; i < outlet->ping_covers; i++) {
                Source *source = outlet->sent[i].source;
                if (source) {
                        source->confirmed = outlet->sent[i].sequence;
                        source->unconfirmed--;
                }
                outlet->sent_bytes -= outlet->sent[i].bytes;
        }
        outlet->sent_count -= outlet->ping_covers;
        memmove(outlet->sent, outlet->sent + outlet->ping_covers, outlet->sent_count * sizeof(*outlet->sent));
}

void delivery_run(Core *core) {
        for (Outlet *outlet = core->outlets; outlet; outlet = outlet->next) {
                bool hurry = core->draining || outlet->sent_bytes > core->settings.waiting_bytes / 4;
                if (!outlet->up || outlet->ping || !outlet->sent_count)
                        continue;
                if (!hurry && outlet->pinged_us && core->now.monotonic_us - outlet->pinged_us < PING_US)
                        continue;
                outlet->ping = ++core->tickets;
                outlet->ping_covers = outlet->sent_count;
                outlet->pinged_us = core->now.monotonic_us;
                Command *command = core_command(core, COMMAND_PING);
                command->ping.domain = text_of(outlet->domain);
                command->ping.ticket = outlet->ping;
        }
}

bool delivery_left(const Core *core) {
        for (const Outlet *outlet = core->outlets; outlet; outlet = outlet->next)
                for (const Source *source = outlet->sources; source; source = source->next)
                        if (source->behind || source->unconfirmed)
                                return true;
        return false;
}

bool delivery_settled(const Core *core) {
        for (const Outlet *outlet = core->outlets; outlet; outlet = outlet->next) {
                if (!outlet->up)
                        continue;
                if (outlet->sent_count)
                        return false;
                for (const Source *source = outlet->sources; source; source = source->next)
                        if (source->behind)
                                return false;
        }
        return true;
}

void delivery_received(Core *core, Uuid message_id) {
        Uuid *place = &core->received_ring[core->received_count % RECEIVED_LIMIT];

        if (map_get(core->received, MAP_KEY(message_id)))
                return;
        if (core->received_count++ >= RECEIVED_LIMIT)
                map_remove(core->received, MAP_KEY(*place));
        *place = message_id;
        map_put(core->received, MAP_KEY(*place), place);
}

void delivery_bounced(Core *core, Uuid message_id, bool retry) {
        Resend *resend = map_get(core->resends, MAP_KEY(message_id));

        if (!resend) {
                if (map_count(core->resends) >= RESEND_LIMIT)
                        return;
                resend = memory_new(sizeof(*resend));
                resend->message_id = message_id;
                map_put(core->resends, MAP_KEY(resend->message_id), resend);
        } else if (resend->state != RESEND_SENT) {
                return; /* each part of a long answer comes back */
        }
        if (!retry || resend->tries == BOUNCE_TRIES)
                resend_at(core, resend, RESEND_FAILED, core->now.monotonic_us);
        else
                resend_at(core, resend, RESEND_WAITS, core->now.monotonic_us + (BOUNCE_PAUSE_US << ++resend->tries));
}

size_t delivery_marks(Core *core, bool exact, DeliveredMark **ret_marks) {
        size_t count = 0;

        for (Outlet *outlet = core->outlets; outlet; outlet = outlet->next)
                for (Source *source = outlet->sources; source; source = source->next)
                        count++;
        core->marks = memory_resize(core->marks, (count + 1) * sizeof(*core->marks));
        count = 0;
        for (Outlet *outlet = core->outlets; outlet; outlet = outlet->next)
                for (Source *source = outlet->sources; source; source = source->next) {
                        int64_t sequence = exact ? source->confirmed : source_safe(source);
                        core->marks[count++] = (DeliveredMark){ text_of(source->hub), text_of(outlet->domain),
                                                                sequence };
                }
        *ret_marks = core->marks;
        return count;
}

static void sources_free(Outlet *outlet) {
        for (Source *source = outlet->sources, *next; source; source = next) {
                next = source->next;
                free(source->hub);
                free(source);
        }
        outlet->sources = NULL;
}

void outlets_reset(Core *core) {
        for (Outlet *outlet = core->outlets; outlet; outlet = outlet->next) {
                outlet->up = false;
                outlet_forget(outlet);
                sources_free(outlet);
        }
}

void delivery_free(Core *core) {
        for (Outlet *outlet = core->outlets, *next; outlet; outlet = next) {
                next = outlet->next;
                sources_free(outlet);
                free(outlet->sent);
                free(outlet->domain);
                free(outlet);
        }
        Resend *resend;
        for (size_t i = 0; (resend = map_each(core->resends, &i));)
                free(resend);
        map_free(core->resends);
        map_free(core->received);
        free(core->received_ring);
        free(core->marks);
}
