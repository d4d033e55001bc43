/* The store cases against the simulated store: what PostgreSQL does is what the simulator's cores were told. */
#include "tests/integration/store/cases.h"
#include "tests/unit/simulator/store.h"

#define SPOILT TEXT("not for this store")

typedef struct SimulatedUnderTest {
        StoreUnderTest store; /* first */
        SimulatedStore *simulated;
} SimulatedUnderTest;

static StoreReport *run(StoreUnderTest *store, const StoreRequest *request, StoreFault fault) {
        return simulated_store_run(((SimulatedUnderTest *) store)->simulated, request, fault, clock_now().wall_us);
}

static StoreReport *ask(StoreUnderTest *store, int client, const StoreRequest *request) {
        (void) client;
        return run(store, request, STORE_FAULT_NONE);
}

static StoreReport *ask_deaf(StoreUnderTest *store, int client, const StoreRequest *request) {
        (void) client;
        return run(store, request, STORE_FAULT_REPLY_LOST);
}

static StoreReport *ask_dumb(StoreUnderTest *store, int client, const StoreRequest *request) {
        (void) client;
        return run(store, request, STORE_FAULT_NOT_REACHED);
}

static void spoil_accepted(StoreUnderTest *store, AcceptedRecord *record) {
        (void) store;
        record->body = SPOILT;
}

static void spoil_concluded(StoreUnderTest *store, ConcludedRecord *record) {
        (void) store;
        record->answer = SPOILT;
}

StoreUnderTest *store_under_test(void) {
        static SimulatedUnderTest store; /* until the case's process ends */

        store = (SimulatedUnderTest){ .store = { .ask = ask,
                                                 .ask_deaf = ask_deaf,
                                                 .ask_dumb = ask_dumb,
                                                 .spoil_accepted = spoil_accepted,
                                                 .spoil_concluded = spoil_concluded,
                                                 .tenant_id = { { 1 } } },
                                      .simulated = simulated_store_new() };
        simulated_store_refuse(store.simulated, SPOILT);
        return &store.store;
}

int main(void) {
        return store_cases_run("simulator/store cases");
}
