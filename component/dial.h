/* Dialing: from an endpoint to a connected socket, trying one address of it after the other. Not what is said on it.
 *
 * One thread; never blocks.
 */
#pragma once

#include "base/failure.h"

typedef struct Dial Dial;

typedef enum DialResult {
        DIAL_GOING_ON,
        DIAL_CONNECTED, /* the socket is the caller's, non-blocking */
        DIAL_FAILED,
} DialResult;

/* FAILURE_INVALID: not an endpoint. */
bool dial_start(Text endpoint, Dial **ret_dial, Failure *reterr_failure) _must_check_;
/* Readable when dial_result() may have something else to say; stays the same. */
int dial_descriptor(const Dial *dial);
/* Goes on as far as it can. */
DialResult dial_result(Dial *dial, int *ret_socket, Failure *reterr_failure) _must_check_;
/* What it waits for, for people. */
const char *dial_waits_for(const Dial *dial);
void dial_free(Dial *dial);
DEFINE_RELEASE(Dial *, dial_free)
