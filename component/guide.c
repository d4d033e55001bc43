#include "component/guide.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/queue.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>

#define NAME          "guide"
#define DOCUMENT_SIZE (1024 * 1024)
#define PAUSE         (250 * MILLISECONDS)
#define ATTEMPTS      240 /* pauses in which the hub must get its lease */

struct Guide {
        Operations *operations;
        const Settings *settings;
        pthread_t thread;
        Queue *stop; /* closed when the hub stops: a pause that can be cut short */
        bool stopping;
        char owner[300]; /* an address at the agents' own domain, where no person can log in */
};

static bool call(Guide *guide, const char *operation, Json *input, Json **ret_result, Failure *reterr_failure) {
        const Caller caller = { .principal = TEXT("hub"), .platform = true, .door = "hub" };
        Json *result = NULL;
        bool done = operation_call(guide->operations, &caller, operation_find(text_of(operation)), input, &result,
                                   reterr_failure);
        json_free(input);
        if (done && ret_result)
                *ret_result = result;
        else
                json_free(result);
        return done;
}

static Json *with_text(const char *name, const char *value) {
        Json *input = json_new_object();
        json_put_string(input, name, value);
        return input;
}

/* What answers: the provider's model when one is set up, else passages quoted as they are. */
static void put_model(const Guide *guide, Json *input) {
        char model[256] = "builtin/extractive";
        if (guide->settings->openai_url && guide->settings->openai_model)
                snprintf(model, sizeof(model), "openai/%s", guide->settings->openai_model);
        json_put_string(input, "model", model);
}

static bool create(Guide *guide, Failure *reterr_failure) {
        Json *owner = with_text("jid", guide->owner), *agent = with_text("name", NAME);
        json_put_string(owner, "role", "owner");
        json_put_string(agent, "owner", guide->owner);
        json_put_string(agent, "visibility", "public");
        json_put_string(agent, "display_name", "Guide");
        json_put_string(agent, "description", "Answers questions about this installation from its documentation.");
        json_put_string(agent, "goal",
                        "Help people to use AIOX. Answer from the passages you are given, and say so when they "
                        "do not hold the answer.");
        put_model(guide, agent);
        if (call(guide, "member-add", owner, NULL, reterr_failure))
                return call(guide, "agent-create", agent, NULL, reterr_failure);
        json_free(agent);
        return false;
}

/* Whether somebody has deleted it; then it is not made again. */
static bool was_deleted(Guide *guide, bool *ret_deleted, Failure *reterr_failure) {
        Json *result = NULL;
        *ret_deleted = false;
        if (!call(guide, "agent-list", with_text("state", "deleted"), &result, reterr_failure))
                return false;
        const Json *data = json_member(result, "data");
        for (size_t i = 0; i < json_count(data); i++)
                *ret_deleted = *ret_deleted ||
                               text_equal(json_to_text(json_member(json_item(data, i), "name")), TEXT(NAME));
        json_free(result);
        return true;
}

/* Makes the agent or brings it up to date; *ret_ours says whether its documents are ours to bring. */
static bool prepare_agent(Guide *guide, bool *ret_ours, Failure *reterr_failure) {
        Json *shown = NULL;
        bool deleted;
        if (!call(guide, "agent-show", with_text("agent", NAME), &shown, reterr_failure)) {
                if (reterr_failure->kind != FAILURE_NOT_FOUND || !was_deleted(guide, &deleted, reterr_failure))
                        return false;
                *ret_ours = !deleted;
                return deleted || create(guide, reterr_failure);
        }
        Json *input = with_text("agent", NAME);
        put_model(guide, input);
        *ret_ours = text_equal(json_to_text(json_member(shown, "owner")), text_of(guide->owner));
        bool same = text_equal(json_to_text(json_member(shown, "model")), json_to_text(json_member(input, "model")));
        json_free(shown);
        if (*ret_ours && !same)
                return call(guide, "agent-update", input, NULL, reterr_failure);
        json_free(input);
        return true;
}

static bool read_file(const char *path, char *bytes, size_t *ret_length, Failure *reterr_failure) {
        _cleanup_(close_fdp) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        ssize_t got = 0;
        *ret_length = 0;
        while (fd >= 0 && *ret_length < DOCUMENT_SIZE &&
               (got = read(fd, bytes + *ret_length, DOCUMENT_SIZE - *ret_length)) > 0)
                *ret_length += (size_t) got;
        if (fd < 0 || got < 0)
                return failure_set(reterr_failure, FAILURE_INVALID, "cannot read %s: %s", path, strerror(errno));
        return true;
}

/* `path` in docs_folder, quoted by its place in there. */
static void add_document(Guide *guide, const char *path, char *bytes) {
        const char *folder = guide->settings->docs_folder, *name = path + strlen(folder);
        size_t length;
        Failure failure;
        name += *name == '/';
        if (!read_file(path, bytes, &length, &failure)) {
                log_warning("a document was left out", "failure", LOG_STRING, failure.text);
                return;
        }
        Json *input = with_text("agent", NAME);
        json_put_string(input, "name", name);
        json_put_text(input, "content", (Text){ bytes, length });
        if (!call(guide, "knowledge-add", input, NULL, &failure))
                log_warning("a document was left out", "document", LOG_STRING, name, "failure", LOG_STRING,
                            failure.text);
}

static bool is_markdown(const FTSENT *entry) {
        return entry->fts_info == FTS_F && entry->fts_namelen > 3 &&
               strcmp(entry->fts_name + entry->fts_namelen - 3, ".md") == 0;
}

static int by_name(const FTSENT **a, const FTSENT **b) {
        return strcmp((*a)->fts_name, (*b)->fts_name);
}

static void add_documents(Guide *guide) {
        char *folder = memory_string(guide->settings->docs_folder);
        _cleanup_(free_memoryp) char *bytes = memory_new(DOCUMENT_SIZE);
        FTS *tree = fts_open((char *[]){ folder, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
        FTSENT *entry;
        int64_t count = 0;
        while (tree && !__atomic_load_n(&guide->stopping, __ATOMIC_ACQUIRE) && (entry = fts_read(tree)))
                if (is_markdown(entry)) {
                        add_document(guide, entry->fts_path, bytes);
                        count++;
                }
        if (tree)
                fts_close(tree);
        free(folder);
        log_info("guide knows its documents", "documents", LOG_INTEGER, count);
}

/* Until the hub has its lease, operations are refused as unavailable. */
static void *prepare(void *argument) {
        Guide *guide = argument;
        Failure failure = { 0 };
        for (int i = 0; i < ATTEMPTS && !__atomic_load_n(&guide->stopping, __ATOMIC_ACQUIRE); i++) {
                bool ours = false;
                if (prepare_agent(guide, &ours, &failure)) {
                        if (ours)
                                add_documents(guide);
                        return NULL;
                }
                if (failure.kind != FAILURE_UNAVAILABLE)
                        break;
                queue_take(guide->stop, PAUSE);
        }
        if (!__atomic_load_n(&guide->stopping, __ATOMIC_ACQUIRE))
                log_error("guide is not ready", "failure", LOG_STRING, failure.text);
        return NULL;
}

Guide *guide_start(Operations *operations, const Settings *settings) {
        if (!settings->docs_folder)
                return NULL;
        Guide *guide = memory_new(sizeof(*guide));
        guide->operations = operations;
        guide->settings = settings;
        guide->stop = queue_new(false);
        snprintf(guide->owner, sizeof(guide->owner), "aiox@%s", settings->domains[0]);
        if (thread_start(&guide->thread, NULL, prepare, guide) != 0)
                abort();
        return guide;
}

void guide_free(Guide *guide) {
        if (!guide)
                return;
        __atomic_store_n(&guide->stopping, true, __ATOMIC_RELEASE);
        queue_close(guide->stop);
        pthread_join(guide->thread, NULL);
        queue_free(guide->stop);
        free(guide);
}
