/* `aiox chat JID`: talks to an agent as any person would. One question with --ask, a conversation otherwise. */
#include "base/crypto.h"
#include "base/jid.h"
#include "component/terminal/chat_client.h"
#include "component/terminal/subcommand.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>

#define PASSWORD_LIMIT 1024
#define LOGIN_TIME     (30 * SECONDS)
#define LINE_LIMIT     (64 * 1024)

const Option chat_options[] = {
        { "account", "JID", "Log in as this account." },
        { "password-file", "FILE", "Holds that account's password; AIOX_CHAT_PASSWORD in the environment does too." },
        { "server", "HOST:PORT", "Connect there instead of asking the DNS." },
        { "ask", "TEXT", "Ask this one thing, print the answer and exit." },
        { "timeout", "SECONDS", "How long to wait for the answer; 60 when absent." },
        { "allow-plaintext", NULL, "Log in without TLS although the server is not this machine." },
        { NULL },
};

static const char *option(const Arguments *arguments, const char *name) {
        return command_value(chat_options, arguments, name);
}

static bool read_password(const Arguments *arguments, char ret_password[static PASSWORD_LIMIT],
                          Failure *reterr_failure) {
        const char *file = option(arguments, "password-file"), *given = getenv("AIOX_CHAT_PASSWORD");
        if (!file && !given)
                return failure_set(reterr_failure, FAILURE_INVALID,
                                   "give the account's password by --password-file or AIOX_CHAT_PASSWORD");
        if (!file) {
                snprintf(ret_password, PASSWORD_LIMIT, "%s", given);
                return true;
        }
        _cleanup_(close_fdp) int fd = open(file, O_RDONLY | O_CLOEXEC);
        ssize_t length = fd >= 0 ? read(fd, ret_password, PASSWORD_LIMIT - 1) : -1;
        if (length < 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "cannot read %s: %s", file, strerror(errno));
        while (length > 0 && (ret_password[length - 1] == '\n' || ret_password[length - 1] == '\r'))
                length--;
        ret_password[length] = '\0';
        return length > 0 || failure_set(reterr_failure, FAILURE_INVALID, "%s is empty", file);
}

static bool bare_jid(Arena *arena, const char *what, const char *given, const char **ret_jid, Failure *reterr_failure) {
        Jid jid;
        if (!given)
                return failure_set(reterr_failure, FAILURE_INVALID, "give %s", what);
        if (!jid_parse(arena, text_of(given), &jid, reterr_failure))
                return failure_prefix(reterr_failure, "%s", what);
        if (jid.local.length == 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "%s must be an address such as alice@example.org",
                                   what);
        *ret_jid = text_string(arena, jid.bare);
        return true;
}

/* Only the answer goes to standard output, its parts in order. */
static bool ask(ChatClient *client, const char *question, int64_t patience_us, Failure *reterr_failure) {
        char thread[UUID_STRING_SIZE];
        UuidGenerator generator = { 0 };
        int64_t until_us = clock_now().monotonic_us + patience_us;
        bool accepted = false;
        uuid_format(uuid_make(&generator, clock_now().wall_us), thread);
        chat_send(client, question, thread);
        for (;;) {
                ChatEvent event;
                chat_wait(client, until_us - clock_now().monotonic_us, &event);
                switch (event.news) {
                case CHAT_NOTHING:
                        return failure_set(reterr_failure, FAILURE_TIMED_OUT,
                                           "no answer came in time; the message was %s",
                                           accepted ? "accepted" : "not even accepted");
                case CHAT_RECEIPT:
                        accepted = true;
                        break;
                case CHAT_REFUSED:
                case CHAT_CLOSED:
                        *reterr_failure = event.failure;
                        return false;
                case CHAT_ANSWER:
                        if (event.failure.kind != FAILURE_NONE) {
                                *reterr_failure = event.failure;
                                return false;
                        }
                        fwrite(event.text.bytes, 1, event.text.length, stdout);
                        if (event.last) {
                                putchar('\n');
                                return true;
                        }
                }
        }
}

static void show(const ChatEvent *event, bool terminal) {
        const char *dim = terminal ? "\033[2m" : "", *plain = terminal ? "\033[0m" : "";
        switch (event->news) {
        case CHAT_RECEIPT:
                printf("%s(accepted)%s\n", dim, plain);
                break;
        case CHAT_ANSWER:
                printf("%.*s\n", TEXT_ARGUMENTS(event->text));
                break;
        case CHAT_REFUSED:
                printf("%s(refused: %s)%s\n", dim, event->failure.text, plain);
                break;
        case CHAT_NOTHING:
        case CHAT_CLOSED:
                break;
        }
        fflush(stdout);
}

/* The next line typed, if there is one now; false at the end of input. */
static bool read_line(char line[static LINE_LIMIT], bool *ret_ready) {
        struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
        *ret_ready = false;
        if (poll(&input, 1, 0) <= 0)
                return true;
        if (!fgets(line, LINE_LIMIT, stdin))
                return false;
        line[strcspn(line, "\n")] = '\0';
        *ret_ready = line[0] != '\0';
        return true;
}

/* Lines in, answers out. Input that ends (a pipe) is waited for: as many answers as there were lines. */
static bool converse(ChatClient *client, int64_t patience_us, Failure *reterr_failure) {
        _cleanup_(free_memoryp) char *line = memory_new(LINE_LIMIT);
        bool terminal = isatty(STDOUT_FILENO), more = true, ready;
        int waiting = 0;
        int64_t heard_us = clock_now().monotonic_us;
        setvbuf(stdin, NULL, _IONBF, 0); /* so that poll() sees what is left to read */
        while (more || (waiting > 0 && clock_now().monotonic_us - heard_us < patience_us)) {
                ChatEvent event;
                if (more && (more = read_line(line, &ready)) && ready) {
                        chat_send(client, line, NULL);
                        waiting++;
                }
                chat_wait(client, 100 * MILLISECONDS, &event);
                if (event.news == CHAT_CLOSED) {
                        *reterr_failure = event.failure;
                        return false;
                }
                if (event.news != CHAT_NOTHING)
                        heard_us = clock_now().monotonic_us;
                waiting -= event.news == CHAT_REFUSED || (event.news == CHAT_ANSWER && event.last);
                show(&event, terminal);
        }
        return true;
}

static bool chat(const Arguments *arguments, Arena *arena, char password[static PASSWORD_LIMIT],
                 Failure *reterr_failure) {
        ChatSettings chat_settings = { .password = password,
                                       .server = option(arguments, "server"),
                                       .allow_plaintext = option(arguments, "allow-plaintext") };
        int64_t seconds = 60;
        const char *timeout = option(arguments, "timeout"), *question = option(arguments, "ask");
        if (timeout && (!text_to_int64(text_of(timeout), &seconds) || seconds < 1 || seconds > 86400))
                return failure_set(reterr_failure, FAILURE_INVALID, "--timeout must be 1 to 86400 seconds");
        if (!bare_jid(arena, "the agent's address", arguments->operands[0], &chat_settings.agent, reterr_failure) ||
            !bare_jid(arena, "--account", option(arguments, "account"), &chat_settings.account, reterr_failure) ||
            !read_password(arguments, password, reterr_failure))
                return false;
        _cleanup_(chat_closep) ChatClient *client = NULL;
        if (!chat_connect(&chat_settings, clock_now().monotonic_us + LOGIN_TIME, &client, reterr_failure))
                return false;
        return question ? ask(client, question, seconds * SECONDS, reterr_failure)
                        : converse(client, seconds * SECONDS, reterr_failure);
}

int chat_main(const Settings *settings, const Arguments *arguments) {
        (void) settings;
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        char password[PASSWORD_LIMIT];
        Failure failure;
        bool done = crypto_start(&failure) && chat(arguments, arena, password, &failure);
        crypto_wipe(password, sizeof(password));
        return done ? 0 : command_fail(&failure);
}
