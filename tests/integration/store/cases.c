#include "tests/integration/store/cases.h"

#include "tests/integration/store/client.h"
#include "tests/unit/unit.h"

int store_cases_run(const char *module) {
        const TTest *cases[100];
        size_t count = batch_cases(cases);
        count += lease_cases(cases + count);
        return unit_run(module, cases, count);
}
