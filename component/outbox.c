#include "component/outbox.h"

#include <errno.h>
#include <sys/socket.h>

#define CHUNK_BYTES    (64 * 1024)
#define CHUNKS_AT_ONCE 64

struct OutboxChunk {
        TextBuilder text;
        OutboxChunk *next;
};

static OutboxChunk *take_chunk(Outbox *outbox) {
        OutboxChunk *chunk = outbox->spare;
        outbox->spare = NULL;
        if (chunk)
                return chunk;
        chunk = memory_new(sizeof(OutboxChunk));
        chunk->text = text_builder(0);
        return chunk;
}

static void free_chunk(OutboxChunk *chunk) {
        text_builder_release(&chunk->text);
        free(chunk);
}

/* One chunk of usual size is kept for the next batch. */
static void drop_first(Outbox *outbox) {
        OutboxChunk *chunk = outbox->first;
        outbox->first = chunk->next;
        outbox->sent_of_first = 0;
        if (!outbox->first)
                outbox->last = NULL;
        if (outbox->spare || chunk->text.capacity > 2 * CHUNK_BYTES) {
                free_chunk(chunk);
                return;
        }
        text_builder_reset(&chunk->text);
        chunk->next = NULL;
        outbox->spare = chunk;
}

TextBuilder *outbox_room(Outbox *outbox) {
        if (!outbox->last || outbox->last->text.length >= CHUNK_BYTES) {
                OutboxChunk *chunk = take_chunk(outbox);
                if (outbox->last)
                        outbox->last->next = chunk;
                else
                        outbox->first = chunk;
                outbox->last = chunk;
        }
        return &outbox->last->text;
}

void outbox_added(Outbox *outbox, size_t length_before) {
        outbox->queued += outbox->last->text.length - length_before;
}

void outbox_add(Outbox *outbox, Text bytes) {
        TextBuilder *room = outbox_room(outbox);
        size_t before = room->length;
        text_add(room, bytes);
        outbox_added(outbox, before);
}

static void forget_sent(Outbox *outbox, size_t sent) {
        outbox->queued -= sent;
        while (outbox->first) {
                size_t left = outbox->first->text.length - outbox->sent_of_first;
                if (sent < left) {
                        outbox->sent_of_first += sent;
                        return;
                }
                sent -= left;
                drop_first(outbox);
        }
}

bool outbox_flush(Outbox *outbox, int socket, size_t *ret_sent) {
        *ret_sent = 0;
        while (outbox->queued > 0) {
                struct iovec pieces[CHUNKS_AT_ONCE];
                struct msghdr message = { .msg_iov = pieces };
                size_t offset = outbox->sent_of_first, wanted = 0;
                for (OutboxChunk *chunk = outbox->first; chunk && message.msg_iovlen < CHUNKS_AT_ONCE;
                     chunk = chunk->next) {
                        pieces[message.msg_iovlen++] = (struct iovec){ chunk->text.bytes + offset,
                                                                       chunk->text.length - offset };
                        wanted += chunk->text.length - offset;
                        offset = 0;
                }
                ssize_t sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
                if (sent < 0 && errno == EINTR)
                        continue;
                if (sent < 0)
                        return errno == EAGAIN || errno == EWOULDBLOCK;
                *ret_sent += (size_t) sent;
                forget_sent(outbox, (size_t) sent);
                if ((size_t) sent < wanted)
                        break;
        }
        return true;
}

void outbox_clear(Outbox *outbox) {
        while (outbox->first)
                drop_first(outbox);
        outbox->queued = 0;
}

void outbox_release(Outbox *outbox) {
        outbox_clear(outbox);
        if (outbox->spare)
                free_chunk(outbox->spare);
        outbox->spare = NULL;
}
