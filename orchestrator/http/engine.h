/* The engine: the one thread that drives all transfers with libcurl's multi-socket interface, one epoll set and one
 * timer wheel. Internal to this folder.
 *
 * engine_submit() and engine_attend() from any thread, without blocking; the rest from the main thread.
 */
#pragma once

#include "base/failure.h"

typedef struct Engine Engine;
typedef struct Transfer Transfer;

bool engine_new(Engine **ret_engine, Failure *reterr_failure) _must_check_;
/* The engine drives it from now on, until transfer->released. */
void engine_submit(Engine *engine, Transfer *transfer);
/* The caller's wishes changed (cancelled, or room for more). Called under the transfer's lock. */
void engine_attend(Engine *engine, Transfer *transfer);
/* On the curl thread: its moment, read once a round; and to look at the transfer's limits at due_us, or sooner. */
int64_t engine_now_us(const Engine *engine);
void engine_look_at(Engine *engine, Transfer *transfer, int64_t due_us);
/* Cancels what runs, waits until all is let go, ends the thread. Nothing may be submitted meanwhile. */
void engine_free(Engine *engine);
