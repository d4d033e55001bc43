#include "tests/unit/unit.h"

#include "xmpp/forms.h"
#include "xmpp/namespaces.h"
#include "xmpp/reader.h"
#include "xmpp/writer.h"

/* Reads one element as it would come over the wire; its arena is the caller's. */
static const Element *parse(const char *xml, Arena **ret_arena) {
        _cleanup_(reader_freep) Reader *reader = reader_new(READER_LIMITS);
        ReaderEvent event;
        reader_feed(reader, TEXT("<stream xmlns='" NS_DATA_FORMS "'>"));
        ck_assert(reader_next(reader, &event));
        arena_free(event.arena);
        reader_feed(reader, text_of(xml));
        ck_assert_msg(reader_next(reader, &event) && event.kind == READER_ELEMENT, "%s: %s", xml, event.failure.text);
        *ret_arena = event.arena;
        return event.element;
}

static Text write_form(const Form *form, TextBuilder *out) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Element *parent = element_new(arena, TEXT("iq"), TEXT(NS_COMPONENT));
        text_builder_reset(out);
        if (form_write(form, parent))
                element_write(out, parent->children, TEXT(NS_DATA_FORMS));
        ck_assert(!parent->incomplete);
        return text_built(out);
}

#define EVERYTHING                                                                                                     \
        "<x type='form'><title>T</title><instructions>one</instructions><instructions>two</instructions>"              \
        "<field type='hidden' var='FORM_TYPE'><value>urn:k</value></field>"                                            \
        "<field type='fixed'><value>Read this.</value></field>"                                                        \
        "<field type='text-single' var='a' label='A'><desc>d</desc><required/><value>1</value></field>"                \
        "<field type='text-multi' var='b'><value>1</value><value>2</value></field>"                                    \
        "<field type='text-private' var='c'/>"                                                                         \
        "<field type='list-single' var='d'><value>x</value><option label='X'><value>x</value></option>"                \
        "<option><value>y</value></option></field><field type='list-multi' var='e'/>"                                  \
        "<field type='boolean' var='f'><value>1</value></field><field type='jid-single' var='g'/>"                     \
        "<field type='jid-multi' var='h'/></x>"
#define TABLE                                                                                                          \
        "<x type='result'><field type='fixed'><value>Two.</value></field>"                                             \
        "<reported><field type='text-single' var='n' label='Name'/><field type='jid-single' var='j'/></reported>"      \
        "<item><field var='n'><value>a</value></field><field var='j'><value>a@b</value></field></item>"                \
        "<item><field var='n'><value>b</value></field></item></x>"

START_TEST(a_form_that_was_read_is_written_as_it_was) {
        static const char *const forms[] = {
                EVERYTHING, TABLE, "<x type='submit'><field type='text-single' var='a'><value>1</value></field></x>",
                "<x type='cancel'/>"
        };
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        for (size_t i = 0; i < COUNT_OF(forms); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                const Form *form;
                Failure failure;
                ck_assert_done(form_read(parse(forms[i], &arena), &form, &failure), failure);
                ck_assert_text(write_form(form, &out), text_of(forms[i]));
        }
}
END_TEST

START_TEST(a_form_is_built_piece_by_piece) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        Form *form = form_new(arena, FORM_FORM);
        form->title = TEXT("T");
        form_add_instruction(form, TEXT("one"));
        form_add_instruction(form, TEXT("two"));
        form_set_kind(form, TEXT("urn:k"));
        form_add_text(form, TEXT("Read this."));
        FormField *field = form_add_field(form, FORM_TEXT_SINGLE, TEXT("a"), TEXT("A"));
        field->description = TEXT("d");
        field->required = true;
        form_field_add_value(field, TEXT("1"));
        form_field_add_lines(form_add_field(form, FORM_TEXT_MULTI, TEXT("b"), TEXT_NONE), TEXT("1\n2"));
        form_add_field(form, FORM_TEXT_PRIVATE, TEXT("c"), TEXT_NONE);
        field = form_add_field(form, FORM_LIST_SINGLE, TEXT("d"), TEXT_NONE);
        form_field_add_value(field, TEXT("x"));
        form_field_add_option(field, TEXT("x"), TEXT("X"));
        form_field_add_option(field, TEXT("y"), TEXT_NONE);
        form_add_field(form, FORM_LIST_MULTI, TEXT("e"), TEXT_NONE);
        form_field_add_value(form_add_field(form, FORM_BOOLEAN, TEXT("f"), TEXT_NONE), TEXT("1"));
        form_add_field(form, FORM_JID_SINGLE, TEXT("g"), TEXT_NONE);
        form_add_field(form, FORM_JID_MULTI, TEXT("h"), TEXT_NONE);
        ck_assert_text(write_form(form, &out), TEXT(EVERYTHING));
}
END_TEST

START_TEST(a_table_is_built_row_by_row) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        Form *form = form_new(arena, FORM_RESULT);
        form_add_text(form, TEXT("Two."));
        form_add_column(form, FORM_TEXT_SINGLE, TEXT("n"), TEXT("Name"));
        form_add_column(form, FORM_JID_SINGLE, TEXT("j"), TEXT_NONE);
        FormItem *item = form_add_item(form);
        form_item_add(item, TEXT("n"), TEXT("a"));
        form_item_add(item, TEXT("j"), TEXT("a@b"));
        form_item_add(form_add_item(form), TEXT("n"), TEXT("b"));
        ck_assert_text(write_form(form, &out), TEXT(TABLE));
}
END_TEST

START_TEST(what_is_no_form_is_refused) {
        static const char *const wrong[] = {
                "<x/>",
                "<x type='other'/>",
                "<y type='submit'/>",
                "<x type='submit' xmlns='urn:x'/>",
                "<x type='submit'><field><value>1</value></field></x>",
                "<x type='submit'><field var='a'/><field var='a'/></x>",
                "<x type='result'><item><field/></item></x>",
                "<x type='result'><reported><field type='boolean'/></reported></x>",
        };
        for (size_t i = 0; i < COUNT_OF(wrong); i++) {
                _cleanup_(arena_freep) Arena *arena = NULL;
                const Form *form = NULL;
                Failure failure;
                ck_assert_msg(!form_read(parse(wrong[i], &arena), &form, &failure), "%s", wrong[i]);
                ck_assert_int_eq(failure.kind, FAILURE_INVALID);
                ck_assert_ptr_null(form);
        }
}
END_TEST

START_TEST(what_is_unknown_within_a_form_is_left_out) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        _cleanup_(text_builder_release) TextBuilder out = text_builder(0);
        const Form *form;
        Failure failure;
        ck_assert_done(form_read(parse("<x type='submit'><field type='new' var='a'><value>1</value><media "
                                       "xmlns='urn:m'/><odd/></field><page xmlns='urn:p'/><odd/><field var='b' "
                                       "xmlns='urn:f'/></x>",
                                       &arena),
                                 &form, &failure),
                       failure);
        ck_assert_text(write_form(form, &out),
                       TEXT("<x type='submit'><field type='text-single' var='a'><value>1</value></field></x>"));
}
END_TEST

START_TEST(values_are_read_as_text_lines_and_booleans) {
        _cleanup_(arena_freep) Arena *arena = NULL;
        const Form *form;
        Failure failure;
        bool value;
        ck_assert_done(
                form_read(parse("<x type='submit'><field var='lines'><value>a</value><value/><value>b</value></field>"
                                "<field var='none'/><field var='yes'><value>1</value></field><field var='no'>"
                                "<value>false</value></field><field var='odd'><value>maybe</value></field></x>",
                                &arena),
                          &form, &failure),
                failure);
        ck_assert_text(form_field_lines(form_field(form, TEXT("lines")), arena), TEXT("a\n\nb"));
        ck_assert_text(form_field_text(form_field(form, TEXT("lines"))), TEXT("a"));
        ck_assert_text(form_field_lines(form_field(form, TEXT("none")), arena), TEXT_NONE);
        ck_assert_ptr_null(form_field(form, TEXT("absent")));
        ck_assert_ptr_null(form_field(form, TEXT_NONE));
        ck_assert(form_field_boolean(form_field(form, TEXT("yes")), &value) && value);
        ck_assert(form_field_boolean(form_field(form, TEXT("no")), &value) && !value);
        ck_assert(!form_field_boolean(form_field(form, TEXT("odd")), &value));
        ck_assert(!form_field_boolean(form_field(form, TEXT("none")), &value));
}
END_TEST

START_TEST(a_form_that_found_no_room_is_never_sent) {
        _cleanup_(arena_freep) Arena *small = arena_new(600);
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        Form *form = form_new(small, FORM_FORM);
        for (size_t i = 0; i < 20; i++)
                form_field_add_option(form_add_field(form, FORM_LIST_SINGLE, TEXT("a"), TEXT_NONE), TEXT("v"),
                                      TEXT("l"));
        ck_assert(form->incomplete);
        Element *parent = element_new(arena, TEXT("iq"), TEXT(NS_COMPONENT));
        ck_assert_ptr_null(form_write(form, parent));
        ck_assert(parent->incomplete);
        /* Nothing at all is as good. */
        Element *other = element_new(arena, TEXT("iq"), TEXT(NS_COMPONENT));
        ck_assert_ptr_null(form_write(NULL, other));
        ck_assert(other->incomplete);
}
END_TEST

UNIT_TESTS("xmpp/forms", a_form_that_was_read_is_written_as_it_was, a_form_is_built_piece_by_piece,
           a_table_is_built_row_by_row, what_is_no_form_is_refused, what_is_unknown_within_a_form_is_left_out,
           values_are_read_as_text_lines_and_booleans, a_form_that_found_no_room_is_never_sent)
