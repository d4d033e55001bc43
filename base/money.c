#include "base/money.h"

#include <stdio.h>
#include <string.h>

#define NANO INT64_C(1000000000)

void money_format(int64_t nano, char string[static MONEY_SIZE]) {
        uint64_t size = nano < 0 ? -(uint64_t) nano : (uint64_t) nano;
        int length = snprintf(string, MONEY_SIZE, "%s%llu.%09llu", nano < 0 ? "-" : "",
                              (unsigned long long) (size / NANO), (unsigned long long) (size % NANO));
        const char *least = strchr(string, '.') + 3;
        while (string + length > least && string[length - 1] == '0')
                string[--length] = '\0';
}
