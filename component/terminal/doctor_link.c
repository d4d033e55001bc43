/* What the hub says of itself while one runs: its budgets, and its component listener, which is tried by a handshake of
 * our own otherwise. */
#include "base/json.h"
#include "component/link.h"
#include "component/terminal/doctor.h"
#include "orchestrator/http/http.h"

#include <poll.h>

#define PATIENCE (10 * SECONDS)

#define FIX "Compare server and component_secret_file with the XMPP server's component listener."

static void judge_links(const Json *status, Finding *finding) {
        const Json *links = json_member(status, "links");
        for (size_t i = 0; i < json_count(links); i++) {
                const Json *link = json_item(links, i);
                Text domain = json_to_text(json_member(link, "domain")),
                     trouble = json_to_text(json_member(link, "trouble"));
                if (text_equal(json_to_text(json_member(link, "state")), TEXT("up")))
                        continue;
                finding_bad(finding, FIX, FAILURE_UNAVAILABLE, "the hub's link for %.*s is down%s%.*s",
                            TEXT_ARGUMENTS(domain), trouble.length ? ": " : "", TEXT_ARGUMENTS(trouble));
                return;
        }
        finding_good(finding, "the running hub is connected for %zu domain%s", json_count(links),
                     json_count(links) == 1 ? "" : "s");
}

static void judge_budgets(const Json *status, Finding *finding) {
        Text state = json_to_text(json_member(status, "budgets"));
        if (text_equal(state, TEXT("open")))
                finding_good(finding, "the running hub checks what calls may cost");
        else if (text_equal(state, TEXT("away")))
                finding_bad(finding, "Look why Redis or Valkey does not answer the hub.", FAILURE_UNAVAILABLE,
                            "the running hub cannot check them, so that it refuses what costs money");
        else
                finding_bad(finding, "Wait a moment; if it lasts, look into the hub's log.", FAILURE_UNAVAILABLE,
                            "the running hub sums up what was spent, and refuses what costs money until then");
}

static void ask_hub(Doctor *doctor, Finding *finding, void (*judge)(const Json *status, Finding *finding)) {
        const HttpRequest request = {
                .method = "GET",
                .url = TEXT("http://hub/api/v1/hub"),
                .unix_socket = doctor->settings->api_socket,
                .deadline_us = clock_now().monotonic_us + PATIENCE,
        };
        HttpReply reply;
        Failure failure;
        _cleanup_(json_freep) Json *status = NULL;
        if (!http_request(&request, doctor->arena, &reply, &failure) || !json_parse(reply.body, 0, &status, &failure))
                finding_failed(finding, &failure, "Look into the hub's log.");
        else if (reply.status != 200)
                finding_bad(finding, "Run this as root or as the hub's user.", FAILURE_FORBIDDEN,
                            "the hub does not tell: %.*s", TEXT_ARGUMENTS(json_to_text(json_member(status, "detail"))));
        else
                judge(status, finding);
}

void check_budgets(Doctor *doctor, Finding *finding) {
        if (doctor->hub_runs)
                ask_hub(doctor, finding, judge_budgets);
        else
                finding_skipped(finding, "no hub runs that could tell");
}

/* True once the first attempt has ended one way or the other. */
static bool attempt_ended(Link *link, Finding *finding) {
        LinkEvent event;
        bool ended = false;
        while (link_next(link, &event)) {
                if (event.kind == LINK_UP && !ended)
                        finding_good(finding, "the XMPP server takes the handshake for %.*s",
                                     TEXT_ARGUMENTS(link_domain(link)));
                else if (event.kind == LINK_DOWN && !ended)
                        finding_failed(finding, &event.failure, FIX);
                ended = ended || event.kind == LINK_UP || event.kind == LINK_DOWN;
                if (event.arena)
                        arena_free(event.arena);
        }
        return ended;
}

static void run_link(Link *link, Finding *finding) {
        int64_t until_us = clock_now().monotonic_us + PATIENCE;
        link_open(link);
        finding_bad(finding, FIX, FAILURE_TIMED_OUT, "the XMPP server did not answer in time");
        while (!attempt_ended(link, finding)) {
                int64_t now_us = clock_now().monotonic_us;
                if (now_us >= until_us)
                        return;
                struct pollfd descriptor = { .fd = link_descriptor(link), .events = POLLIN };
                poll(&descriptor, 1, 100);
                link_handle(link, clock_now().monotonic_us);
        }
}

void check_component(Doctor *doctor, Finding *finding) {
        Failure failure;
        Text secret;
        Link *link;
        if (doctor->hub_runs) {
                ask_hub(doctor, finding, judge_links);
                return;
        }
        if (!settings_secret(doctor->settings, "component_secret_file", doctor->arena, &secret, &failure)) {
                finding_skipped(finding, "there is no secret to try it with");
                return;
        }
        const LinkSettings settings = { .endpoint = text_of(doctor->settings->server),
                                        .domain = text_of(doctor->settings->domains[0]),
                                        .secret = secret };
        if (!link_new(&settings, &link, &failure)) {
                finding_failed(finding, &failure, FIX);
                return;
        }
        run_link(link, finding);
        link_free(link);
}
