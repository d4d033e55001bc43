/* A push parser for an XMPP stream: bytes in, one event per element below the stream's root out. The only user of
 * expat. Resolves namespaces of elements, keeps attributes as written, refuses what RFC 6120 §11.1 forbids (comments,
 * processing instructions, DTD, entities) as a broken stream, and skips a well-formed stanza that is over a limit while
 * it arrives, without memory for it. Not the stream's protocol: who may say what when is for the link.
 *
 * Each element has its own arena, which goes to the receiver with the event. expat keeps every name it ever saw; the
 * reader counts its memory and changes the parser between two stanzas before that grows. One thread; never blocks.
 */
#pragma once

#include "base/failure.h"
#include "xmpp/element.h"

typedef struct ReaderLimits {
        size_t stanza_bytes;
        size_t depth;      /* levels, the stanza itself being the first */
        size_t children;   /* of one element */
        size_t attributes; /* of one element; also namespace prefixes in force */
        size_t arena_bytes;
} ReaderLimits;

#define READER_LIMITS ((ReaderLimits){ 256 * 1024, 64, 1000, 64, 1024 * 1024 })

typedef enum ReaderEventKind {
        READER_OPENED,     /* element: the stream's header; xmlns stands among its attributes */
        READER_ELEMENT,    /* element: a whole one */
        READER_OVER_LIMIT, /* element: name, namespace and to, from, id, type of what was skipped */
        READER_CLOSED,     /* the stream's end tag */
        READER_BROKEN,     /* failure says why; nothing more will come */
} ReaderEventKind;

typedef struct ReaderEvent {
        ReaderEventKind kind;
        Arena *arena; /* of OPENED, ELEMENT, OVER_LIMIT: now the receiver's */
        Element *element;
        const char *limit; /* OVER_LIMIT: which one, for people */
        size_t bytes;      /* ELEMENT, OVER_LIMIT: its length on the wire */
        Failure failure;
} ReaderEvent;

typedef struct Reader Reader;

Reader *reader_new(ReaderLimits limits);
/* Room for at least `size` bytes; reader_parse() then says how many were put there. */
void *reader_buffer(Reader *reader, size_t size);
void reader_parse(Reader *reader, size_t length);
/* The same for bytes that are elsewhere. */
void reader_feed(Reader *reader, Text bytes);
/* false when there is none (yet). */
bool reader_next(Reader *reader, ReaderEvent *ret_event);
/* What the parser itself holds, in bytes. */
size_t reader_memory(const Reader *reader);
void reader_free(Reader *reader);
DEFINE_RELEASE(Reader *, reader_free)
