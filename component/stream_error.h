/* Stream errors (RFC 6120 §4.9) and other ways in which connecting goes wrong, as sentences that name cause and fix. It
 * only explains; the link decides what follows.
 *
 * Any thread; never blocks.
 */
#pragma once

#include "base/failure.h"
#include "xmpp/element.h"

bool stream_error_is(const Element *element);
void stream_error_explain(const Element *error, Text endpoint, Text domain, Failure *ret_failure);
/* A stream that is not a component's: its header says which namespace it speaks. */
void stream_error_foreign(const Element *header, Text endpoint, Failure *ret_failure);
/* An error of connect(): errno. */
void stream_error_unconnected(int error, Text endpoint, Failure *ret_failure);
