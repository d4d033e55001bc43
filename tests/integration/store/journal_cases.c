/* The store cases against PostgreSQL. */
#include "tests/integration/store/cases.h"
#include "tests/integration/store/place.h"

#include "tests/unit/unit.h"

#include <stdlib.h>
#include <sys/socket.h>

typedef struct PostgresStore {
        StoreUnderTest store; /* first */
        Database *database;
        Keyring *keyring;
        Journal *journals[STORE_CLIENTS];
} PostgresStore;

static Journal *journal_of(StoreUnderTest *store, int client) {
        return ((PostgresStore *) store)->journals[client];
}

static StoreReport *ask(StoreUnderTest *store, int client, const StoreRequest *request) {
        return place_request(journal_of(store, client), request);
}

/* From now on this end of the connection hears nothing and says nothing more: the server does not notice at once. */
static void cut(Journal *journal) {
        int pair[2];
        ck_assert_int_ge(journal_descriptor(journal), 0);
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        ck_assert_int_ge(dup2(pair[0], journal_descriptor(journal)), 0);
        close(pair[0]);
        close(pair[1]);
}

/* What was sent before the cut is carried out, which shows in the lease being free for others to change again; nothing
 * tells apart a transaction that did not begin yet, so it is asked for until it has. */
static void await_transactions(const char *before) {
        for (int i = 0; i < 2000; i++) {
                const char *now = place_ask_as(
                        "aiox_journal", NULL,
                        "SELECT concat((SELECT count(*) FROM accepted), ' ', (SELECT count(*) FROM "
                        "concluded), ' ', (SELECT count(*) FROM estates))");
                if (strcmp(now, before) != 0)
                        return;
        }
        ck_abort_msg("the request that nobody heard of was not carried out");
}

static StoreReport *ask_deaf(StoreUnderTest *store, int client, const StoreRequest *request) {
        Journal *journal = journal_of(store, client);
        char *before = memory_string(
                place_ask_as("aiox_journal", NULL,
                             "SELECT concat((SELECT count(*) FROM accepted), ' ', (SELECT count(*) "
                             "FROM concluded), ' ', (SELECT count(*) FROM estates))"));
        journal_send(journal, request, clock_now());
        ck_assert_ptr_null(journal_ready(journal, clock_now()));
        cut(journal);
        await_transactions(before);
        free(before);
        return place_await(journal);
}

static StoreReport *ask_dumb(StoreUnderTest *store, int client, const StoreRequest *request) {
        cut(journal_of(store, client));
        return place_request(journal_of(store, client), request);
}

/* A lone byte that is no UTF-8, in a column that is not sealed. */
static void spoil_accepted(StoreUnderTest *store, AcceptedRecord *record) {
        (void) store;
        record->reply_to.agent = TEXT("guide@\xff");
}

static void spoil_concluded(StoreUnderTest *store, ConcludedRecord *record) {
        (void) store;
        record->worker = TEXT("\xff");
}

StoreUnderTest *store_under_test(void) {
        static PostgresStore *store; /* until the case's process ends */
        Failure failure;
        store = memory_new(sizeof(PostgresStore));
        store->database = place_database();
        place_clean(store->database);
        ck_assert_done(keyring_open(store->database, getenv("AIOX_MASTER_KEY_FILE"), &store->keyring, &failure),
                       failure);
        for (int i = 0; i < STORE_CLIENTS; i++)
                store->journals[i] = place_journal(store->keyring);
        store->store = (StoreUnderTest){ .ask = ask,
                                         .ask_deaf = ask_deaf,
                                         .ask_dumb = ask_dumb,
                                         .spoil_accepted = spoil_accepted,
                                         .spoil_concluded = spoil_concluded,
                                         .tenant_id = installation_tenant_id };
        return &store->store;
}

int main(void) {
        return store_cases_run("store/journal cases");
}
