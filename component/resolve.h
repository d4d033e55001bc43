/* Endpoints as socket addresses: "127.0.0.1:5347", "[::1]:5347", "name:5347", "unix:/path". What needs no asking is
 * known at once; a name is looked up by a thread of its own, because libc's look-up blocks. Not a cache.
 *
 * One thread; never blocks.
 */
#pragma once

#include "base/failure.h"

#include <sys/socket.h>

#define RESOLUTION_ADDRESSES 8

typedef struct Address {
        struct sockaddr_storage storage;
        socklen_t length;
} Address;

typedef struct Resolution Resolution;

/* FAILURE_INVALID: not an endpoint. */
bool resolution_check(Text endpoint, Failure *reterr_failure) _must_check_;
bool resolution_start(Text endpoint, Resolution **ret_resolution, Failure *reterr_failure) _must_check_;
/* Readable when resolution_result() has something to say. */
int resolution_descriptor(const Resolution *resolution);
/* FAILURE_UNAVAILABLE: the name has no address, or nobody could be asked. */
bool resolution_result(Resolution *resolution, Address ret_addresses[static RESOLUTION_ADDRESSES], size_t *ret_count,
                       Failure *reterr_failure) _must_check_;
/* Also while it runs: the thread then ends by itself. */
void resolution_free(Resolution *resolution);
DEFINE_RELEASE(Resolution *, resolution_free)
