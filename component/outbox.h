/* The bytes that wait for a socket: stanzas are serialised into it one after another and leave in as few system calls
 * as the socket allows. Not a queue of stanzas: once inside, bytes can only be sent or dropped together.
 *
 * One thread; never blocks.
 */
#pragma once

#include "base/text.h"

typedef struct OutboxChunk OutboxChunk;

typedef struct Outbox {
        OutboxChunk *first, *last, *spare;
        size_t sent_of_first; /* bytes */
        size_t queued;        /* bytes */
} Outbox;

/* Where to add the next bytes; then outbox_added() with the builder's length before. */
TextBuilder *outbox_room(Outbox *outbox);
void outbox_added(Outbox *outbox, size_t length_before);
void outbox_add(Outbox *outbox, Text bytes);
/* Writes what the socket takes; false with errno when it is broken. *ret_sent: bytes. */
bool outbox_flush(Outbox *outbox, int socket, size_t *ret_sent) _must_check_;
void outbox_clear(Outbox *outbox);
void outbox_release(Outbox *outbox);
