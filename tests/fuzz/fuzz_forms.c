#include "tests/fuzz/fuzz.h"
#include "xmpp/forms.h"
#include "xmpp/namespaces.h"
#include "xmpp/reader.h"
#include "xmpp/writer.h"

#define HEADER "<stream xmlns='" NS_DATA_FORMS "'>"

static const ReaderLimits limits = { 4096, 6, 16, 8, 65536 };

/* The first element that the bytes are, after the stream's header; the arena is the caller's. */
static const Element *read_element(Text bytes, ReaderLimits limit, Arena **ret_arena) {
        _cleanup_(reader_freep) Reader *reader = reader_new(limit);
        const Element *element = NULL;
        ReaderEvent event;
        *ret_arena = NULL;
        reader_feed(reader, TEXT(HEADER));
        reader_feed(reader, bytes);
        while (reader_next(reader, &event)) {
                bool first = event.kind == READER_ELEMENT && !element;
                if (first) {
                        element = event.element;
                        *ret_arena = event.arena;
                } else if (event.arena)
                        arena_free(event.arena);
        }
        return element;
}

static Text write_form(const Form *form, Arena *arena, TextBuilder *out) {
        Element *parent = element_new(arena, TEXT("iq"), TEXT(NS_DATA_FORMS));
        PROMISE(form_write(form, parent) && !parent->incomplete);
        element_write(out, parent->children, TEXT(NS_DATA_FORMS));
        return text_built(out);
}

static void look(const Form *form, Arena *arena) {
        for (const FormField *field = form->fields; field; field = field->next) {
                bool value;
                PROMISE(field->name.length == 0 || form_field(form, field->name) == field);
                PROMISE(field->name.length > 0 || field->type == FORM_FIXED);
                PROMISE(form_field_text(field).length <= form_field_lines(field, arena).length + 1);
                form_field_boolean(field, &value);
        }
}

/* What is read is written, and what was written is read as the same. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        _cleanup_(arena_freep) Arena *in = NULL;
        _cleanup_(arena_freep) Arena *again = NULL;
        _cleanup_(arena_freep) Arena *room = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder first = text_builder(0), second = text_builder(0);
        const Form *form, *same;
        Failure failure;
        const Element *element = read_element((Text){ (const char *) bytes, size }, limits, &in);
        if (!element || !form_read(element, &form, &failure))
                return 0;
        look(form, room);
        Text written = write_form(form, room, &first);
        const Element *back = read_element(written, READER_LIMITS, &again);
        PROMISE(back && form_read(back, &same, &failure));
        PROMISE(text_equal(written, write_form(same, room, &second)));
        return 0;
}
