#include "xmpp/registration.h"

#include "xmpp/forms.h"
#include "xmpp/namespaces.h"

bool registration_is(const Stanza *iq) {
        return iq->kind == STANZA_IQ && (iq->type == TYPE_GET || iq->type == TYPE_SET) && iq->payload &&
               element_is(iq->payload, TEXT("query"), TEXT(NS_REGISTER));
}

static Text child_text(const Element *query, const char *name) {
        const Element *child = element_child(query, text_of(name), TEXT_NONE);
        return child ? text_trim(child->text) : TEXT_NONE;
}

static Text field_text(const Form *form, const char *name) {
        const FormField *field = form_field(form, text_of(name));
        return field ? text_trim(form_field_text(field)) : TEXT_NONE;
}

bool registration_read(const Stanza *iq, RegistrationRequest *ret_request, Failure *reterr_failure) {
        const Element *query = iq->payload, *x = element_child(query, TEXT("x"), TEXT(NS_DATA_FORMS));
        const Form *form;
        *ret_request = (RegistrationRequest){ .wish = iq->type == TYPE_GET ? REGISTRATION_ASKED : REGISTRATION_SENT };
        if (iq->type == TYPE_GET)
                return true;
        if (element_child(query, TEXT("remove"), TEXT_NONE)) {
                ret_request->wish = REGISTRATION_REMOVE;
                return true;
        }
        if (!x) {
                ret_request->name = child_text(query, "username");
                ret_request->title = child_text(query, "name");
                ret_request->code = child_text(query, "key");
                return true;
        }
        if (!form_read(x, &form, reterr_failure))
                return false;
        if (form->type == FORM_CANCEL)
                ret_request->wish = REGISTRATION_GIVEN_UP;
        ret_request->name = field_text(form, "username");
        ret_request->title = field_text(form, "name");
        ret_request->code = field_text(form, "x-code");
        return true;
}

static Form *form_of(Arena *arena, const RegistrationOffer *offer) {
        Form *form = form_new(arena, FORM_FORM);
        if (!form)
                return NULL;
        form->title = TEXT("A workspace");
        form_set_kind(form, TEXT(NS_REGISTER));
        form_add_instruction(form, offer->instructions);
        FormField *name = form_add_field(form, FORM_TEXT_SINGLE, TEXT("username"), TEXT("Short name"));
        if (name)
                name->required = true;
        form_add_field(form, FORM_TEXT_SINGLE, TEXT("name"), TEXT("Name shown to people"));
        FormField *code = form_add_field(form, FORM_TEXT_SINGLE, TEXT("x-code"), TEXT("Invitation code"));
        if (code)
                code->required = offer->code_needed;
        return form;
}

void registration_add_offer(OutgoingList *list, Arena *arena, const Stanza *iq, const RegistrationOffer *offer) {
        Element *query = element_add(outgoing_add_result(list, arena, iq), TEXT("query"), TEXT(NS_REGISTER));
        Form *form = form_of(arena, offer);
        if (offer->registered)
                element_add(query, TEXT("registered"), TEXT_NONE);
        element_add_text(query, TEXT("instructions"), TEXT_NONE, offer->instructions);
        element_add_text(query, TEXT("username"), TEXT_NONE, offer->name);
        element_add_text(query, TEXT("name"), TEXT_NONE, offer->title);
        element_add(query, TEXT("key"), TEXT_NONE);
        if (form)
                form_write(form, query);
}
