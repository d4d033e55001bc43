/* A component that does nothing but answer: for each message the receipt, that an answer is being written, and the
 * text again, at once, and a ping a second, as a hub with builtin/echo sends them, without deciding or remembering
 * anything. What a hub is measured against.
 *
 *     xmpp-nothing ENDPOINT DOMAIN SECRET_FILE
 *
 * Until SIGTERM or SIGINT; then prints one line of JSON: messages, cpu_us (of this process, per message).
 */
#include "base/crypto.h"
#include "component/doors/message.h"
#include "component/link.h"
#include "tests/lab/xmpp_server.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define PING_US SECONDS

static volatile sig_atomic_t stopped;

static void on_signal(int number) {
        (void) number;
        stopped = 1;
}

typedef struct Nothing {
        Link *link;
        UuidGenerator ids;
        int64_t messages, pinged_us;
} Nothing;

static void answer_message(Nothing *nothing, const Stanza *stanza, Arena *arena) {
        const Message message = message_read(stanza);
        if (message.meaning != MESSAGE_SPEECH)
                return;
        const ReplyTo reply_to = { .agent = message.agent.bare,
                                   .address = message.sender.full,
                                   .thread = message.thread,
                                   .stanza_id = message.id,
                                   .states = message.wants_states };
        OutgoingList list = { NULL };
        Failure failure;
        if (message.receipt_wanted)
                message_add_receipt(&list, arena, &reply_to);
        if (reply_to.states)
                message_add_state(&list, arena, &reply_to, STATE_COMPOSING);
        message_add_answer(&list, arena, &reply_to, uuid_make(&nothing->ids, clock_now().wall_us), message.body,
                           FAILURE_NONE, false);
        for (const Outgoing *one = list.first; one; one = one->next)
                if (!link_send(nothing->link, one, &failure))
                        fprintf(stderr, "xmpp-nothing: %s\n", failure.text);
        nothing->messages++;
}

static void take_events(Nothing *nothing) {
        LinkEvent event;
        while (link_next(nothing->link, &event)) {
                if (event.kind == LINK_DOWN)
                        fprintf(stderr, "xmpp-nothing: %s\n", event.failure.text);
                if (event.kind == LINK_STANZA && event.stanza->kind == STANZA_MESSAGE)
                        answer_message(nothing, event.stanza, event.arena);
                if (event.arena)
                        arena_free(event.arena);
        }
}

static void run(Nothing *nothing) {
        while (!stopped) {
                struct pollfd waiting = { .fd = link_descriptor(nothing->link), .events = POLLIN };
                int64_t now_us = clock_now().monotonic_us, wait_us = link_deadline(nothing->link) - now_us;
                if (wait_us > PING_US)
                        wait_us = PING_US;
                poll(&waiting, 1, wait_us <= 0 ? 0 : (int) (wait_us / MILLISECONDS) + 1);
                now_us = clock_now().monotonic_us;
                link_handle(nothing->link, now_us);
                take_events(nothing);
                if (link_is_up(nothing->link) && now_us - nothing->pinged_us >= PING_US) {
                        nothing->pinged_us = now_us;
                        link_ping(nothing->link, 1);
                }
                link_flush(nothing->link);
        }
}

int main(int argc, char **argv) {
        const struct sigaction action = { .sa_handler = on_signal };
        char secret[512];
        Nothing nothing = { 0 };
        Failure failure;
        if (argc != 4 || !crypto_start(NULL)) {
                fprintf(stderr, "usage: xmpp-nothing ENDPOINT DOMAIN SECRET_FILE\n");
                return 64;
        }
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGINT, &action, NULL);
        xmpp_secret_read(argv[3], secret, sizeof(secret));
        const LinkSettings settings = { .endpoint = text_of(argv[1]),
                                        .domain = text_of(argv[2]),
                                        .secret = text_of(secret) };
        if (!link_new(&settings, &nothing.link, &failure)) {
                fprintf(stderr, "xmpp-nothing: %s\n", failure.text);
                return 1;
        }
        link_open(nothing.link);
        run(&nothing);
        struct timespec cpu;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
        double spent_us = (double) cpu.tv_sec * 1e6 + (double) cpu.tv_nsec / 1e3;
        printf("{\"messages\": %lld, \"cpu_us\": %.2f}\n", (long long) nothing.messages,
               nothing.messages > 0 ? spent_us / (double) nothing.messages : 0);
        link_free(nothing.link);
        return 0;
}
