/* Plays the server of a hub, as standard input says line by line, for benches and tests of faults:
 *
 *     xmpp-play ENDPOINT SECRET_FILE [DOMAIN]
 *
 * With DOMAIN it plays that component of the server at ENDPOINT instead, and its load goes through that server.
 *
 *   up [SECONDS]            waits for a component
 *   load AGENT RATE SECONDS [SENDERS [BYTES [DOMAIN [MOST [AGENTS]]]]]
 *                           begins to send; the next lines are obeyed meanwhile (the words: XmppLoadPlan)
 *   ask AGENT RATE SECONDS [SENDERS [MOST]]
 *                           the same of questions (XEP-0030) to the agent's client
 *   stop                    sends no more of the load
 *   wait [SECONDS]          until all that was sent is answered or refused
 *   even [SECONDS]          until all that was sent and receipted is answered, whatever was lost before the receipt
 *   sleep SECONDS
 *   figures                 of the load (tests/lab/xmpp_load.h), and of the server; presences and presences_us: how
 *                           many came since the stream that stands began, and how long after that the last one
 *   send XML                as it is
 *   break | close | error CONDITION       ends the stream
 *   deaf on|off             reads nothing meanwhile
 *   pings on|off            leaves pings unanswered when off
 *   refuse on|off           lets nobody connect meanwhile
 *
 * Each line is answered by one line of JSON when it is done: {"done": true}, with more in `figures`; false when the
 * time was up. ENDPOINT with port 0 takes a free one; the first line printed is {"endpoint": …}. Ends with its input.
 */
#include "base/crypto.h"
#include "tests/lab/xmpp_load.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#define PATIENCE_SECONDS 60.0
#define STEP_US          (100 * MILLISECONDS)

typedef struct Play {
        XmppServer *server;
        XmppLoad *load;
        uint64_t streams, presences; /* presences: of the stream that stands, the last of them at presence_us */
        int64_t stream_us, presence_us;
        TextBuilder input;
        bool ended;
} Play;

/* Lines of input. */

static void read_input(Play *play) {
        char bytes[4096];
        struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
        if (play->ended || poll(&input, 1, 0) != 1)
                return;
        ssize_t length = read(STDIN_FILENO, bytes, sizeof(bytes));
        if (length <= 0)
                play->ended = true;
        else
                text_add(&play->input, (Text){ bytes, (size_t) length });
}

/* Takes the first line off the input; the caller frees it. NULL when there is no whole one. */
static char *take_line(Play *play) {
        char *end = play->input.length > 0 ? memchr(play->input.bytes, '\n', play->input.length) : NULL;
        if (!end)
                return NULL;
        size_t length = (size_t) (end - play->input.bytes);
        char *line = text_keep((Text){ play->input.bytes, length });
        play->input.length -= length + 1;
        memmove(play->input.bytes, end + 1, play->input.length);
        return line;
}

static void answer(Json *object, bool done) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Text text;
        json_put_boolean(object, "done", done);
        if (json_canonical(object, arena, &text))
                printf("%.*s\n", TEXT_ARGUMENTS(text));
        fflush(stdout);
        json_free(object);
}

/* Time */

/* One turn of server and load, of at most STEP_US. */
static void turn(Play *play, int64_t until_us) {
        int64_t now_us = clock_now().monotonic_us, wait_us = STEP_US;
        if (play->load) {
                xmpp_load_step(play->load, play->server, now_us);
                int64_t due_us = xmpp_load_due(play->load);
                if (due_us - now_us < wait_us)
                        wait_us = due_us - now_us;
        }
        if (until_us - now_us < wait_us)
                wait_us = until_us - now_us;
        xmpp_server_step(play->server, wait_us > 0 ? wait_us : 0);
        if (play->server->handshakes == play->streams)
                return;
        play->streams = play->server->handshakes;
        play->presences = 0;
        play->stream_us = play->presence_us = clock_now().monotonic_us;
}

static bool is_up(const Play *play) {
        return xmpp_server_peer(play->server, NULL) != NULL;
}

static bool is_done(const Play *play) {
        return !play->load || xmpp_load_is_done(play->load);
}

static bool is_even(const Play *play) {
        return !play->load || xmpp_load_is_even(play->load);
}

static bool is_never(const Play *play) {
        (void) play;
        return false;
}

/* Until the condition holds; seconds as written, or PATIENCE_SECONDS. */
static bool wait_until(Play *play, bool (*holds)(const Play *play), const char *seconds) {
        double patience = seconds ? strtod(seconds, NULL) : PATIENCE_SECONDS;
        int64_t until_us = clock_now().monotonic_us + (int64_t) (patience * 1e6);
        while (!holds(play)) {
                if (clock_now().monotonic_us >= until_us)
                        return false;
                turn(play, until_us);
        }
        return true;
}

/* Commands: they are given the words after their name, or NULL where there are no more. */

typedef bool Obey(Play *play, char *const *words, Json *ret_answer);

static bool obey_up(Play *play, char *const *words, Json *ret_answer) {
        (void) ret_answer;
        return wait_until(play, is_up, words[0]);
}

static bool obey_wait(Play *play, char *const *words, Json *ret_answer) {
        (void) ret_answer;
        return wait_until(play, is_done, words[0]);
}

static bool obey_even(Play *play, char *const *words, Json *ret_answer) {
        (void) ret_answer;
        return wait_until(play, is_even, words[0]);
}

static bool obey_sleep(Play *play, char *const *words, Json *ret_answer) {
        (void) ret_answer;
        wait_until(play, is_never, words[0]);
        return true;
}

static void take_stanza(void *listener, XmppPeer *peer, const Element *stanza) {
        Play *play = listener;
        (void) peer;
        if (text_equal(stanza->name, TEXT("presence"))) {
                play->presences++;
                play->presence_us = clock_now().monotonic_us;
        } else if (play->load) {
                xmpp_load_take(play->load, stanza);
        }
}

static bool obey_load(Play *play, char *const *words, Json *ret_answer) {
        int64_t bytes = 100;
        (void) ret_answer;
        if (!words[0] || !strchr(words[0], '@') || !words[1] || !words[2])
                return false;
        XmppLoadPlan plan = { .agent = words[0], .rate = strtod(words[1], NULL), .sender_domain = "localhost" };
        int64_t *const numbers[] = { &plan.senders, &bytes, NULL, &plan.most, &plan.agents };
        plan.count = (int64_t) (plan.rate * strtod(words[2], NULL));
        plan.senders = 100;
        for (size_t i = 0; i < COUNT_OF(numbers) && words[3 + i]; i++)
                if (numbers[i])
                        *numbers[i] = strtoll(words[3 + i], NULL, 10);
                else
                        plan.sender_domain = words[3 + i];
        plan.bytes = (size_t) bytes;
        if (plan.rate <= 0 || plan.count < 1 || plan.senders < 1 || bytes < 0)
                return false;
        if (play->load)
                xmpp_load_free(play->load);
        play->load = xmpp_load_new(&plan, clock_now().monotonic_us);
        return true;
}

static bool obey_ask(Play *play, char *const *words, Json *ret_answer) {
        (void) ret_answer;
        if (!words[0] || !strchr(words[0], '@') || !words[1] || !words[2])
                return false;
        XmppLoadPlan plan = { .agent = words[0],
                              .rate = strtod(words[1], NULL),
                              .sender_domain = "localhost",
                              .senders = words[3] ? strtoll(words[3], NULL, 10) : 100,
                              .asks = true };
        plan.count = (int64_t) (plan.rate * strtod(words[2], NULL));
        plan.most = words[3] && words[4] ? strtoll(words[4], NULL, 10) : 0;
        if (plan.rate <= 0 || plan.count < 1 || plan.senders < 1)
                return false;
        if (play->load)
                xmpp_load_free(play->load);
        play->load = xmpp_load_new(&plan, clock_now().monotonic_us);
        return true;
}

static bool obey_stop(Play *play, char *const *words, Json *ret_answer) {
        (void) words;
        (void) ret_answer;
        if (play->load)
                xmpp_load_stop(play->load);
        return true;
}

static bool obey_figures(Play *play, char *const *words, Json *ret_answer) {
        (void) words;
        if (play->load)
                json_put(ret_answer, "load", xmpp_load_figures(play->load));
        json_put_integer(ret_answer, "connections", (int64_t) play->server->connections);
        json_put_integer(ret_answer, "handshakes", (int64_t) play->server->handshakes);
        json_put_integer(ret_answer, "pings", (int64_t) play->server->pings);
        json_put_integer(ret_answer, "presences", (int64_t) play->presences);
        json_put_integer(ret_answer, "presences_us", play->presence_us - play->stream_us);
        json_put_integer(ret_answer, "stanzas", (int64_t) play->server->stanzas);
        return true;
}

static bool obey_break(Play *play, char *const *words, Json *ret_answer) {
        XmppPeer *peer = xmpp_server_peer(play->server, NULL);
        (void) words;
        (void) ret_answer;
        if (peer)
                xmpp_peer_reset(peer);
        return peer != NULL;
}

static bool obey_close(Play *play, char *const *words, Json *ret_answer) {
        XmppPeer *peer = xmpp_server_peer(play->server, NULL);
        (void) words;
        (void) ret_answer;
        if (peer)
                xmpp_peer_close(peer);
        return peer != NULL;
}

static bool obey_error(Play *play, char *const *words, Json *ret_answer) {
        XmppPeer *peer = xmpp_server_peer(play->server, NULL);
        (void) ret_answer;
        if (peer && words[0])
                xmpp_peer_error(peer, words[0]);
        return peer != NULL;
}

static bool is_on(char *const *words) {
        return words[0] && strcmp(words[0], "on") == 0;
}

static bool obey_deaf(Play *play, char *const *words, Json *ret_answer) {
        (void) ret_answer;
        play->server->is_deaf = is_on(words);
        return true;
}

static bool obey_pings(Play *play, char *const *words, Json *ret_answer) {
        (void) ret_answer;
        play->server->ignores_pings = !is_on(words);
        return true;
}

static bool obey_refuse(Play *play, char *const *words, Json *ret_answer) {
        (void) ret_answer;
        play->server->manner = is_on(words) ? MANNER_HANG_UP : MANNER_COMPONENT;
        return true;
}

static const struct {
        const char *name;
        Obey *obey;
} commands[] = {
        { "up", obey_up },           { "load", obey_load },   { "wait", obey_wait },   { "even", obey_even },
        { "sleep", obey_sleep },     { "break", obey_break }, { "close", obey_close }, { "error", obey_error },
        { "figures", obey_figures }, { "deaf", obey_deaf },   { "pings", obey_pings }, { "refuse", obey_refuse },
        { "stop", obey_stop },       { "ask", obey_ask },
};

static bool send_raw(Play *play, const char *xml) {
        XmppPeer *peer = xmpp_server_peer(play->server, NULL);
        if (peer)
                xmpp_peer_send(peer, text_of(xml));
        return peer != NULL;
}

static void obey(Play *play, char *line) {
        Json *result = json_new_object();
        char *words[10] = { NULL }, *rest = NULL;
        if (strncmp(line, "send ", 5) == 0) {
                answer(result, send_raw(play, line + 5));
                return;
        }
        for (size_t i = 0; i < COUNT_OF(words) - 1; i++)
                words[i] = strtok_r(i == 0 ? line : NULL, " ", &rest);
        for (size_t i = 0; words[0] && i < COUNT_OF(commands); i++)
                if (strcmp(words[0], commands[i].name) == 0) {
                        bool done = commands[i].obey(play, words + 1, result);
                        answer(result, done);
                        return;
                }
        json_put_string(result, "unknown", words[0] ? words[0] : "");
        answer(result, false);
}

int main(int argc, char **argv) {
        char secret[512], *line;
        if (argc < 3 || argc > 4 || !crypto_start(NULL)) {
                fprintf(stderr, "usage: xmpp-play ENDPOINT SECRET_FILE [DOMAIN]\n");
                return 64;
        }
        xmpp_secret_read(argv[2], secret, sizeof(secret));
        Play play = { .server = argc == 4 ? xmpp_server_join(argv[1], argv[3], secret)
                                          : xmpp_server_new(argv[1], secret),
                      .input = text_builder(0) };
        play.server->on_stanza = take_stanza;
        play.server->listener = &play;
        Json *hello = json_new_object();
        json_put_string(hello, "endpoint", play.server->endpoint);
        answer(hello, true);
        while (!play.ended || memchr(play.input.bytes ? play.input.bytes : "", '\n', play.input.length)) {
                read_input(&play);
                line = take_line(&play);
                if (line)
                        obey(&play, line);
                else if (!play.ended)
                        turn(&play, clock_now().monotonic_us + 10 * MILLISECONDS);
                free(line);
        }
        if (play.load)
                xmpp_load_free(play.load);
        xmpp_server_free(play.server);
        text_builder_release(&play.input);
        return 0;
}
