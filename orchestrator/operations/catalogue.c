#include "orchestrator/operations/catalogue.h"

#include <stddef.h>

#define ADDRESS(operation) &(operation),
const Operation *const operation_catalogue[] = { EACH_OPERATION(ADDRESS) NULL };
