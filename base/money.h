/* Money as people read it: int64_t nano-units of the installation's currency, which is not known here.
 *
 * Pure; any thread.
 */
#pragma once

#include <stdint.h>

#define MONEY_SIZE 32

/* "2.50", "0.0045": two decimals or as many as it takes, without the currency. */
void money_format(int64_t nano, char string[static MONEY_SIZE]);
