#include "tests/lab/xmpp_load.h"

#include "base/map.h"
#include "component/doors/message.h"
#include "xmpp/namespaces.h"

#include <stddef.h>
#include <stdio.h>

#define ID_PREFIX   "load-"
#define BODY_PREFIX "load "

typedef struct Sent {
        int64_t due_us;
        int64_t receipt_us, answer_us, refusal_us; /* after due_us; 0 = not yet */
        uint64_t stream;                           /* it was sent on; 0 = unsent */
        Uuid answer;
} Sent;

struct XmppLoad {
        XmppLoadPlan plan;
        char *name, *domain, *sender_domain, *padding;
        int64_t started_us, ends_us, next;
        int64_t last_answer_us;
        uint64_t stream; /* which of the server's, that of now */
        int64_t sent, receipted, answered, refused, again, under_two_ids;
        Sent *messages;
        Map *failures; /* ids of answers that say why there is none */
        TextBuilder wire;
};

XmppLoad *xmpp_load_new(const XmppLoadPlan *plan, int64_t now_us) {
        XmppLoad *load = memory_new(sizeof(XmppLoad));
        load->plan = *plan;
        load->name = memory_string(plan->agent);
        load->name[strcspn(load->name, "@")] = '\0';
        load->domain = memory_string(strchr(plan->agent, '@') + 1);
        load->sender_domain = memory_string(plan->sender_domain);
        load->padding = memory_new(plan->bytes + 1);
        for (size_t i = 0; i < plan->bytes; i++)
                load->padding[i] = " etaoinshrdlu"[i % 13];
        load->started_us = now_us;
        load->ends_us = now_us + (int64_t) ((double) plan->count * 1e6 / plan->rate);
        load->messages = memory_new((size_t) plan->count * sizeof(Sent));
        for (int64_t i = 0; i < plan->count; i++)
                load->messages[i].due_us = now_us + (int64_t) ((double) i * 1e6 / plan->rate);
        load->failures = map_new(16);
        load->wire = text_builder(0);
        return load;
}

static void send_message(XmppLoad *load, XmppPeer *peer, int64_t number) {
        char body[32], which[24] = "";
        int length = snprintf(body, sizeof(body), BODY_PREFIX "%lld", (long long) number);
        size_t padding = load->plan.bytes > (size_t) length ? load->plan.bytes - (size_t) length : 0;
        if (load->plan.agents > 0)
                snprintf(which, sizeof(which), "%lld", (long long) (number % load->plan.agents));
        text_builder_reset(&load->wire);
        text_add_format(&load->wire,
                        "<message from='user%lld@%s/load' to='%s%s@%s' type='chat' id='" ID_PREFIX "%lld'><body>%s",
                        (long long) (number % load->plan.senders), load->sender_domain, load->name, which, load->domain,
                        (long long) number, body);
        text_add(&load->wire, (Text){ load->padding, padding });
        text_add_format(&load->wire,
                        "</body><request xmlns='" NS_RECEIPTS "'/><origin-id xmlns='" NS_STANZA_IDS "' id='" ID_PREFIX
                        "%llx-%lld'/></message>",
                        (unsigned long long) load->started_us, (long long) number);
        xmpp_peer_send(peer, text_built(&load->wire));
}

static void send_question(XmppLoad *load, XmppPeer *peer, int64_t number) {
        text_builder_reset(&load->wire);
        text_add_format(&load->wire,
                        "<iq from='user%lld@%s/load' to='%s@%s/aiox' type='get' id='" ID_PREFIX
                        "%lld'><query xmlns='" NS_DISCO_INFO "'/></iq>",
                        (long long) (number % load->plan.senders), load->sender_domain, load->name, load->domain,
                        (long long) number);
        xmpp_peer_send(peer, text_built(&load->wire));
}

/* As many are unanswered as may be. */
static bool is_full(const XmppLoad *load) {
        return load->plan.most > 0 && load->sent - load->answered - load->refused >= load->plan.most;
}

void xmpp_load_step(XmppLoad *load, XmppServer *server, int64_t now_us) {
        XmppPeer *peer = xmpp_server_peer(server, server->joined ? NULL : load->domain);
        load->stream = server->handshakes + 1;
        if (load->plan.most > 0 && now_us >= load->ends_us)
                load->plan.count = load->next;
        while (load->next < load->plan.count && load->messages[load->next].due_us <= now_us && !is_full(load)) {
                if (peer) {
                        (load->plan.asks ? send_question : send_message)(load, peer, load->next);
                        load->messages[load->next].stream = load->stream;
                        load->sent++;
                }
                load->next++;
        }
}

int64_t xmpp_load_due(const XmppLoad *load) {
        if (load->next >= load->plan.count)
                return INT64_MAX;
        return is_full(load) ? load->ends_us : load->messages[load->next].due_us;
}

void xmpp_load_stop(XmppLoad *load) {
        load->plan.count = load->next;
}

/* The message of that number, which stands after the prefix. */
static Sent *find_message(XmppLoad *load, Text text, Text prefix) {
        int64_t number = 0;
        size_t at = prefix.length;
        if (!text_starts_with(text, prefix))
                return NULL;
        for (; at < text.length && text.bytes[at] >= '0' && text.bytes[at] <= '9' && number < load->plan.count; at++)
                number = number * 10 + text.bytes[at] - '0';
        return at > prefix.length && number < load->plan.count ? &load->messages[number] : NULL;
}

/* An answer that says why there is none (docs/rfc-aiox.md §3.3) does not repeat the text, so which message it is of
 * cannot be told. */
static void take_failure(XmppLoad *load, Uuid id) {
        Uuid *kept;

        if (map_get(load->failures, MAP_KEY(id)))
                return;
        kept = memory_new(sizeof(*kept));
        *kept = id;
        map_put(load->failures, MAP_KEY(*kept), kept);
}

static void take_answer(XmppLoad *load, const Element *stanza, Text body, int64_t now_us) {
        const char *text = memmem(body.bytes, body.length, BODY_PREFIX, strlen(BODY_PREFIX));
        Text repeated = text ? (Text){ text, body.length - (size_t) (text - body.bytes) } : TEXT_NONE;
        Sent *message = find_message(load, repeated, TEXT(BODY_PREFIX));
        Uuid id;
        if (!message_answer_id(element_get(stanza, TEXT("id")), &id))
                return;
        if (!message && element_child(stanza, TEXT("error"), TEXT(NS_AIOX)))
                take_failure(load, id);
        if (!message)
                return;
        load->last_answer_us = now_us;
        if (message->answer_us == 0) {
                message->answer_us = now_us - message->due_us;
                message->answer = id;
                load->answered++;
        } else if (uuid_equal(message->answer, id)) {
                load->again++;
        } else {
                load->under_two_ids++;
        }
}

static void take_result(XmppLoad *load, const Element *stanza, int64_t now_us) {
        Sent *message = find_message(load, element_get(stanza, TEXT("id")), TEXT(ID_PREFIX));
        if (!message || message->answer_us != 0)
                return;
        message->answer_us = now_us - message->due_us;
        load->last_answer_us = now_us;
        load->answered++;
}

void xmpp_load_take(XmppLoad *load, const Element *stanza) {
        int64_t now_us = clock_now().monotonic_us;
        Sent *message;
        if (load->plan.asks && text_equal(element_get(stanza, TEXT("type")), TEXT("result")))
                take_result(load, stanza, now_us);
        if (!text_equal(stanza->name, load->plan.asks ? TEXT("iq") : TEXT("message")))
                return;
        const Element *received = element_child(stanza, TEXT("received"), TEXT(NS_RECEIPTS));
        const Element *body = element_child(stanza, TEXT("body"), TEXT_NONE);
        if (text_equal(element_get(stanza, TEXT("type")), TEXT("error"))) {
                message = find_message(load, element_get(stanza, TEXT("id")), TEXT(ID_PREFIX));
                if (message && message->refusal_us == 0) {
                        message->refusal_us = now_us - message->due_us;
                        load->refused++;
                }
        } else if (received) {
                message = find_message(load, element_get(received, TEXT("id")), TEXT(ID_PREFIX));
                if (message && message->receipt_us == 0) {
                        message->receipt_us = now_us - message->due_us;
                        load->receipted++;
                }
        } else if (body) {
                take_answer(load, stanza, body->text, now_us);
        }
}

bool xmpp_load_is_done(const XmppLoad *load) {
        return load->next == load->plan.count && load->answered + load->refused >= load->sent;
}

static int64_t count_unanswered(const XmppLoad *load) {
        int64_t count = 0;
        for (int64_t i = 0; i < load->next; i++)
                count += load->messages[i].receipt_us != 0 && load->messages[i].answer_us == 0;
        return count;
}

/* What was sent on a stream that broke may have been lost with it; what was sent on this one is on its way. */
static bool is_on_its_way(const XmppLoad *load, const Sent *message) {
        return message->stream == load->stream && message->receipt_us == 0 && message->answer_us == 0 &&
               message->refusal_us == 0;
}

bool xmpp_load_is_even(const XmppLoad *load) {
        for (int64_t i = 0; i < load->next; i++)
                if (is_on_its_way(load, &load->messages[i]))
                        return false;
        return load->next == load->plan.count && count_unanswered(load) <= (int64_t) map_count(load->failures);
}

static int compare(const void *a, const void *b) {
        int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
        return (x > y) - (x < y);
}

/* values: sorted; 0 when there are none. */
static int64_t percentile(const int64_t *values, int64_t count, int percent) {
        return count > 0 ? values[(count - 1) * percent / 100] : 0;
}

/* offset: of the time within Sent. */
static Json *describe_times(const XmppLoad *load, size_t offset) {
        int64_t *times = memory_new((size_t) (load->next + 1) * sizeof(int64_t)), count = 0;
        for (int64_t i = 0; i < load->next; i++) {
                int64_t time = *(const int64_t *) ((const char *) &load->messages[i] + offset);
                if (time != 0)
                        times[count++] = time;
        }
        qsort(times, (size_t) count, sizeof(int64_t), compare);
        Json *described = json_new_object();
        json_put_integer(described, "p50", percentile(times, count, 50));
        json_put_integer(described, "p95", percentile(times, count, 95));
        json_put_integer(described, "p99", percentile(times, count, 99));
        json_put_integer(described, "most", percentile(times, count, 100));
        free(times);
        return described;
}

Json *xmpp_load_figures(const XmppLoad *load) {
        int64_t unreceipted = 0;
        for (int64_t i = 0; i < load->next && !load->plan.asks; i++)
                unreceipted += load->messages[i].answer_us != 0 && load->messages[i].receipt_us == 0;
        int64_t lasted_us = load->answered > 0 ? load->last_answer_us - load->started_us : 0;
        Json *figures = json_new_object();
        json_put_integer(figures, "sent", load->sent);
        json_put_integer(figures, "unsent", load->next - load->sent);
        json_put_integer(figures, "receipted", load->receipted);
        json_put_integer(figures, "answered", load->answered);
        json_put_integer(figures, "refused", load->refused);
        json_put_integer(figures, "again", load->again);
        json_put_integer(figures, "under_two_ids", load->under_two_ids);
        json_put_integer(figures, "unanswered", count_unanswered(load));
        json_put_integer(figures, "failed", (int64_t) map_count(load->failures));
        json_put_integer(figures, "unreceipted", unreceipted);
        json_put(figures, "seconds", json_new_real((double) lasted_us / 1e6));
        json_put(figures, "receipt_us", describe_times(load, offsetof(Sent, receipt_us)));
        json_put(figures, "answer_us", describe_times(load, offsetof(Sent, answer_us)));
        json_put(figures, "refusal_us", describe_times(load, offsetof(Sent, refusal_us)));
        return figures;
}

void xmpp_load_free(XmppLoad *load) {
        Uuid *kept;
        for (size_t i = 0; (kept = map_each(load->failures, &i));)
                free(kept);
        map_free(load->failures);
        free(load->name);
        free(load->domain);
        free(load->sender_domain);
        free(load->padding);
        free(load->messages);
        text_builder_release(&load->wire);
        free(load);
}
