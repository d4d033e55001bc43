#include "xmpp/reader.h"

#include "base/jid.h"

#include <expat.h>
#include <malloc.h>

#define PARSER_MEMORY_CHANGE (4 * 1024 * 1024)  /* above this, the next pause between stanzas changes the parser */
#define PARSER_MEMORY_LIMIT  (32 * 1024 * 1024) /* above this, expat gets no more */
#define TOKEN_LIMIT          (2 * 1024 * 1024) /* of one tag: expat needs it whole and scans it again with each piece */
#define FEED_SHARE           (64 * 1024)
#define STUB_ARENA_LIMIT     (64 * 1024)
#define ID_LIMIT             1024 /* of ids in stubs: an answer repeats them */

/* Events wait in the arenas of what they bring. */
typedef struct WaitingEvent {
        ReaderEvent event;
        struct WaitingEvent *next;
} WaitingEvent;

typedef struct Prefix {
        Text name, space;
        size_t depth; /* of the element that declares it; 1 is the stream */
} Prefix;

struct Reader {
        XML_Parser parser;
        ReaderLimits limits;
        size_t memory;       /* held by the parser */
        size_t fed;          /* bytes given to this parser */
        char *input;         /* where the next bytes are put; after they were given, their end */
        size_t rest;         /* when the parser is to be changed: how many at the end of the input it did not take */
        TextBuilder carried; /* those bytes, between two parsers */

        Arena *arena;     /* of the stream's own names */
        const char *name; /* of the stream's root, as written */
        Prefix *prefixes;
        size_t prefix_count;
        Text *defaults; /* namespace of names without prefix by depth; [0] the stream's, [1] a copy in the stanza's
                           arena */

        size_t depth;         /* open elements; 1 is the stream */
        WaitingEvent *stanza; /* the one that is being read */
        Element *element;     /* the innermost open one; NULL while skipping */
        size_t started;       /* where the stanza began */
        TextBuilder text;     /* character data of `element` since its last child */

        WaitingEvent *first, *last;
        ReaderEvent ending;
        bool ended, ending_told;
};

/* expat asks for memory without saying for whom: the reader that is parsing on this thread. */
static _Thread_local size_t *parser_memory;

static void *parser_resize(void *memory, size_t size) {
        size_t before = memory ? malloc_usable_size(memory) : 0;
        void *resized;

        if (size > PARSER_MEMORY_LIMIT || *parser_memory + size > PARSER_MEMORY_LIMIT + before)
                return NULL;
        resized = realloc(memory, size > 0 ? size : 1);
        if (!resized)
                abort();
        *parser_memory += malloc_usable_size(resized) - before;
        return resized;
}

static void *parser_malloc(size_t size) {
        return parser_resize(NULL, size);
}

static void parser_free(void *memory) {
        *parser_memory -= memory ? malloc_usable_size(memory) : 0;
        free(memory);
}

static void end_stream(Reader *reader, ReaderEventKind kind) {
        reader->ending.kind = kind;
        reader->ended = true;
        XML_StopParser(reader->parser, XML_FALSE);
}

static void break_stream(Reader *reader, const char *cause) {
        failure_set(&reader->ending.failure, FAILURE_INVALID, "%s", cause);
        end_stream(reader, READER_BROKEN);
}

static void add_event(Reader *reader, WaitingEvent *waiting) {
        if (reader->last)
                reader->last->next = waiting;
        else
                reader->first = waiting;
        reader->last = waiting;
}

static WaitingEvent *new_event(size_t arena_limit) {
        Arena *arena = arena_new(arena_limit);
        WaitingEvent *waiting = arena_take(arena, sizeof(WaitingEvent));

        if (!waiting)
                abort(); /* the limits are ours */
        waiting->event.kind = READER_ELEMENT;
        waiting->event.arena = arena;
        return waiting;
}

#ifdef HAVE_BYTE_INDEX_64
#define CURRENT_INDEX XML_GetCurrentByteIndex64
#define CURRENT_COUNT XML_GetCurrentByteCount64
#else
#define CURRENT_INDEX XML_GetCurrentByteIndex
#define CURRENT_COUNT XML_GetCurrentByteCount
#endif

static size_t position(const Reader *reader) {
        return (size_t) CURRENT_INDEX(reader->parser);
}

/* From here on the stanza is only counted to its end. What was built of it goes at once. */
static void skip_stanza(Reader *reader, const char *limit) {
        static const char *const kept[] = { "to", "from", "id", "type" };
        WaitingEvent *stub = new_event(STUB_ARENA_LIMIT);
        const Element *root = reader->stanza->event.element;
        Arena *arena = stub->event.arena;

        stub->event.kind = READER_OVER_LIMIT;
        stub->event.limit = limit;
        stub->event.element = element_new(arena, text_copy(arena, text_prefix(root->name, ID_LIMIT)),
                                          text_copy(arena, text_prefix(root->space, ID_LIMIT)));
        for (size_t i = 0; i < COUNT_OF(kept); i++) {
                Text value = element_get(root, text_of(kept[i]));

                if (value.length <= (i < 2 ? JID_LIMIT : ID_LIMIT))
                        element_set_optional(stub->event.element, text_of(kept[i]), text_copy(arena, value));
        }
        arena_free(reader->stanza->event.arena);
        reader->stanza = stub;
        reader->element = NULL;
        text_builder_reset(&reader->text);
}

/* Gives the text that was read so far to the open element. */
static void keep_text(Reader *reader) {
        Element *element = reader->element;
        Text piece = text_built(&reader->text), before = element->text;
        char *joined;

        if (piece.length == 0)
                return;
        joined = arena_take(element->arena, before.length + piece.length + 1);
        if (!joined) {
                skip_stanza(reader, "memory");
                return;
        }
        if (before.length > 0)
                memcpy(joined, before.bytes, before.length);
        memcpy(joined + before.length, piece.bytes, piece.length);
        element->text = (Text){ joined, before.length + piece.length };
        text_builder_reset(&reader->text);
}

/* xmlns and xmlns:prefix among the attributes of the element that begins. false: too many prefixes. */
static bool declare_spaces(Reader *reader, const Element *element) {
        for (const Attribute *attribute = element->attributes; attribute; attribute = attribute->next) {
                Text name = attribute->name;
                if (!text_starts_with(name, TEXT("xmlns")))
                        continue;
                if (name.length == 5) {
                        reader->defaults[reader->depth] = attribute->value;
                } else if (name.bytes[5] == ':') {
                        if (reader->prefix_count >= reader->limits.attributes)
                                return false;
                        reader->prefixes[reader->prefix_count++] = (Prefix){ { name.bytes + 6, name.length - 6 },
                                                                             attribute->value,
                                                                             reader->depth };
                }
        }
        return true;
}

/* The namespace of a name as written, whose prefix is `prefix`; false when nobody declared it. */
static bool find_space(const Reader *reader, Arena *arena, Text prefix, Text *ret_space) {
        for (size_t i = reader->prefix_count; i > 0; i--) {
                const Prefix *known = &reader->prefixes[i - 1];

                if (!text_equal(known->name, prefix))
                        continue;
                /* The stream's names stay with the reader: the stanza may outlive it. */
                *ret_space = known->depth == 1 ? text_copy(arena, known->space) : known->space;
                return true;
        }
        *ret_space = TEXT("http://www.w3.org/XML/1998/namespace");
        return text_equal(prefix, TEXT("xml"));
}

static bool is_addressing(const char *name) {
        return strcmp(name, "to") == 0 || strcmp(name, "from") == 0 || strcmp(name, "id") == 0 ||
               strcmp(name, "type") == 0;
}

static Text keep_string(char **memory, const char *string) {
        size_t length = strlen(string);
        Text kept = { memcpy(*memory, string, length), length };
        *memory += length + 1;
        return kept;
}

/* Copies a start tag into the element's arena in one piece: most of what the reader does. The name stays as written.
 * false when there is no room. */
static bool copy_tag(Element *element, const char *name, const char **attributes, bool addressing_only) {
        size_t count = 0, bytes = strlen(name) + 1;
        for (const char **at = attributes; *at; at += 2) {
                if (addressing_only && !is_addressing(at[0]))
                        continue;
                bytes += strlen(at[0]) + strlen(at[1]) + 2;
                count++;
        }
        Attribute *attribute = arena_take(element->arena, count * sizeof(Attribute) + bytes);
        if (!attribute)
                return false;
        char *strings = (char *) (attribute + count);
        element->name = keep_string(&strings, name);
        element->attributes = count > 0 ? attribute : NULL;
        element->attribute_count = (uint32_t) count;
        for (const char **at = attributes; *at; at += 2) {
                if (addressing_only && !is_addressing(at[0]))
                        continue;
                attribute->name = keep_string(&strings, at[0]);
                attribute->value = keep_string(&strings, at[1]);
                attribute->next = --count > 0 ? attribute + 1 : NULL;
                element->last_attribute = attribute++;
        }
        return true;
}

/* Splits the name as written into namespace and name; false when its prefix was not declared. */
static bool resolve_name(const Reader *reader, Element *element) {
        Text name = element->name;
        const char *colon = memchr(name.bytes, ':', name.length);
        element->space = reader->defaults[reader->depth];
        if (!colon)
                return true;
        element->name = (Text){ colon + 1, name.length - (size_t) (colon + 1 - name.bytes) };
        return find_space(reader, element->arena, (Text){ name.bytes, (size_t) (colon - name.bytes) }, &element->space);
}

static size_t count_attributes(const char **attributes) {
        size_t count = 0;

        while (attributes[2 * count])
                count++;
        return count;
}

/* The one element with which everything begins: its namespaces hold for the whole stream, so the reader keeps a copy of
 * its own. */
static void open_stream(Reader *reader, const char *name, const char **attributes) {
        WaitingEvent *opened = new_event(reader->limits.arena_bytes);
        Element *header = element_new(opened->event.arena, TEXT_NONE, TEXT_NONE);
        reader->arena = arena_new(reader->limits.arena_bytes);
        Element *kept = element_new(reader->arena, TEXT_NONE, TEXT_NONE);
        opened->event.kind = READER_OPENED;
        opened->event.element = header;
        add_event(reader, opened);
        if (count_attributes(attributes) > reader->limits.attributes || !copy_tag(kept, name, attributes, false) ||
            !copy_tag(header, name, attributes, false) || !declare_spaces(reader, kept)) {
                break_stream(reader, "the header of the stream is too large");
                return;
        }
        reader->name = kept->name.bytes;
        reader->defaults[0] = reader->defaults[1];
        if (!resolve_name(reader, header))
                break_stream(reader, "the header of the stream uses a namespace prefix that it does not declare");
        header->space = text_copy(opened->event.arena, header->space);
}

/* element: a new one, root of the stanza or child of the open one; NULL when there was no room for it. */
static void enter_element(Reader *reader, Element *element, const char *name, const char **attributes) {
        bool crowded = count_attributes(attributes) > reader->limits.attributes;
        if (!element) {
                skip_stanza(reader, "memory");
                return;
        }
        reader->element = element;
        reader->defaults[reader->depth] = reader->defaults[reader->depth - 1];
        if (!copy_tag(element, name, attributes, crowded))
                skip_stanza(reader, "memory");
        else if (crowded || !declare_spaces(reader, element))
                skip_stanza(reader, "attributes");
        else if (!resolve_name(reader, element))
                break_stream(reader, "an element uses a namespace prefix that nobody declared");
}

static void begin_stanza(Reader *reader, const char *name, const char **attributes) {
        ReaderEvent *event;

        reader->stanza = new_event(reader->limits.arena_bytes);
        reader->started = position(reader);
        event = &reader->stanza->event;
        reader->defaults[1] = text_copy(event->arena, reader->defaults[0]); /* as in find_space() */
        event->element = element_new(event->arena, TEXT_NONE, TEXT_NONE);
        enter_element(reader, event->element, name, attributes);
}

static void add_child(Reader *reader, const char *name, const char **attributes) {
        keep_text(reader);
        if (!reader->element)
                return;
        if (reader->depth - 1 > reader->limits.depth)
                skip_stanza(reader, "depth");
        else if (reader->element->child_count >= reader->limits.children)
                skip_stanza(reader, "children");
        else if (position(reader) - reader->started > reader->limits.stanza_bytes)
                skip_stanza(reader, "size");
        else
                enter_element(reader, element_add(reader->element, TEXT_NONE, TEXT_NONE), name, attributes);
}

static void on_start(void *user, const XML_Char *name, const XML_Char **attributes) {
        Reader *reader = user;

        if (reader->ended)
                return;
        reader->depth++;
        if (reader->depth == 1)
                open_stream(reader, name, attributes);
        else if (reader->depth == 2)
                begin_stanza(reader, name, attributes);
        else if (reader->element)
                add_child(reader, name, attributes);
}

static void end_stanza(Reader *reader, size_t end) {
        ReaderEvent *event = &reader->stanza->event;

        event->bytes = end - reader->started;
        if (event->kind == READER_ELEMENT && event->bytes > reader->limits.stanza_bytes) {
                skip_stanza(reader, "size");
                reader->stanza->event.bytes = end - reader->started;
        }
        add_event(reader, reader->stanza);
        reader->stanza = NULL;
        reader->element = NULL;
        if (reader->memory > PARSER_MEMORY_CHANGE) {
                reader->rest = reader->fed - end;
                XML_StopParser(reader->parser, XML_TRUE);
        }
}

static void on_end(void *user, const XML_Char *name) {
        Reader *reader = user;

        (void) name;
        if (reader->ended)
                return;
        if (reader->element)
                keep_text(reader);
        while (reader->prefix_count > 0 && reader->prefixes[reader->prefix_count - 1].depth == reader->depth)
                reader->prefix_count--;
        reader->depth--;
        if (reader->element && reader->depth > 1)
                reader->element = reader->element->parent;
        if (reader->depth == 1)
                end_stanza(reader, position(reader) + (size_t) CURRENT_COUNT(reader->parser));
        else if (reader->depth == 0)
                end_stream(reader, READER_CLOSED);
}

static void on_text(void *user, const XML_Char *bytes, int length) {
        Reader *reader = user;

        if (reader->ended || !reader->element)
                return;
        if (position(reader) - reader->started + (size_t) length > reader->limits.stanza_bytes)
                skip_stanza(reader, "size");
        else
                text_add(&reader->text, (Text){ bytes, (size_t) length });
}

static void on_doctype(void *user, const XML_Char *name, const XML_Char *system, const XML_Char *public_id,
                       int subset) {
        (void) name;
        (void) system;
        (void) public_id;
        (void) subset;
        break_stream(user, "the stream holds a document type declaration");
}

static void on_instruction(void *user, const XML_Char *target, const XML_Char *bytes) {
        (void) target;
        (void) bytes;
        break_stream(user, "the stream holds a processing instruction");
}

static void on_comment(void *user, const XML_Char *bytes) {
        (void) bytes;
        break_stream(user, "the stream holds a comment");
}

/* begin: a start tag that the parser shall have seen, so that it knows the stream to be open; may be empty. */
static void start_parser(Reader *reader, Text begin) {
        static const XML_Memory_Handling_Suite suite = { parser_malloc, parser_resize, parser_free };
        XML_Parser parser = XML_ParserCreate_MM("UTF-8", &suite, NULL);

        if (!parser || XML_Parse(parser, begin.bytes, (int) begin.length, XML_FALSE) != XML_STATUS_OK)
                abort(); /* far below the limit, and a name that was parsed before */
#ifdef HAVE_REPARSE_DEFERRAL
        XML_SetReparseDeferralEnabled(parser, XML_FALSE);
#endif
        XML_SetUserData(parser, reader);
        XML_SetElementHandler(parser, on_start, on_end);
        XML_SetCharacterDataHandler(parser, on_text);
        XML_SetStartDoctypeDeclHandler(parser, on_doctype);
        XML_SetProcessingInstructionHandler(parser, on_instruction);
        XML_SetCommentHandler(parser, on_comment);
        reader->parser = parser;
        reader->fed = begin.length;
}

Reader *reader_new(ReaderLimits limits) {
        Reader *reader = memory_new(sizeof(Reader));

        reader->limits = limits;
        reader->prefixes = memory_new(limits.attributes * sizeof(Prefix));
        reader->defaults = memory_new((limits.depth + 2) * sizeof(Text));
        reader->text = text_builder(2 * limits.stanza_bytes);
        parser_memory = &reader->memory;
        start_parser(reader, TEXT_NONE);
        return reader;
}

/* The names that expat keeps go with it; the new one is told that the stream is open. */
static enum XML_Status change_parser(Reader *reader) {
        _cleanup_(text_builder_release) TextBuilder begin = text_builder(0);
        TextBuilder carried = text_builder(0);

        text_add(&carried, (Text){ reader->input - reader->rest, reader->rest });
        text_builder_release(&reader->carried);
        reader->carried = carried;
        XML_ParserFree(reader->parser);
        text_add_format(&begin, "<%s>", reader->name);
        start_parser(reader, text_built(&begin));
        reader->input = reader->carried.bytes + reader->carried.length;
        reader->fed += reader->carried.length;
        return XML_Parse(reader->parser, reader->carried.bytes, (int) reader->carried.length, XML_FALSE);
}

void *reader_buffer(Reader *reader, size_t size) {
        parser_memory = &reader->memory;
        reader->input = XML_GetBuffer(reader->parser, (int) size);
        if (!reader->input && !reader->ended)
                break_stream(reader, "a stanza needs more memory than the parser may take");
        return reader->input;
}

void reader_parse(Reader *reader, size_t length) {
        enum XML_Status status;

        if (reader->ended)
                return;
        parser_memory = &reader->memory;
        reader->input += length;
        reader->fed += length;
        status = XML_ParseBuffer(reader->parser, (int) length, XML_FALSE);
        while (status == XML_STATUS_SUSPENDED)
                status = change_parser(reader);
        if (reader->ended)
                return;
        if (status == XML_STATUS_ERROR) {
                failure_set(&reader->ending.failure, FAILURE_INVALID, "the stream is not well-formed XML: %s",
                            XML_ErrorString(XML_GetErrorCode(reader->parser)));
                end_stream(reader, READER_BROKEN);
        } else if (reader->fed > TOKEN_LIMIT && position(reader) < reader->fed - TOKEN_LIMIT) {
                break_stream(reader, "a tag is larger than any stanza may be");
        }
}

void reader_feed(Reader *reader, Text bytes) {
        while (bytes.length > 0 && !reader->ended) {
                size_t share = bytes.length < FEED_SHARE ? bytes.length : FEED_SHARE;
                void *buffer = reader_buffer(reader, share);

                if (!buffer)
                        return;
                memcpy(buffer, bytes.bytes, share);
                reader_parse(reader, share);
                bytes = (Text){ bytes.bytes + share, bytes.length - share };
        }
}

bool reader_next(Reader *reader, ReaderEvent *ret_event) {
        WaitingEvent *waiting = reader->first;

        if (waiting) {
                reader->first = waiting->next;
                if (!reader->first)
                        reader->last = NULL;
                *ret_event = waiting->event;
                return true;
        }
        if (!reader->ended || reader->ending_told)
                return false;
        reader->ending_told = true;
        *ret_event = reader->ending;
        return true;
}

size_t reader_memory(const Reader *reader) {
        return reader->memory;
}

void reader_free(Reader *reader) {
        ReaderEvent event;

        parser_memory = &reader->memory;
        XML_ParserFree(reader->parser);
        while (reader_next(reader, &event))
                if (event.arena)
                        arena_free(event.arena);
        if (reader->stanza)
                arena_free(reader->stanza->event.arena);
        if (reader->arena)
                arena_free(reader->arena);
        text_builder_release(&reader->text);
        text_builder_release(&reader->carried);
        free(reader->prefixes);
        free(reader->defaults);
        free(reader);
}
