/* What keeps a hub's memory, which holds keys and what people write, to itself: no core dumps, and no other process of
 * the same user that reads it or attaches to it. Not protection from root.
 *
 * Once, before the first key is read.
 */
#pragma once

#include "base/failure.h"

bool guard_memory(bool allow_core_dumps, Failure *reterr_failure) _must_check_;
