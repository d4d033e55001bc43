#include "orchestrator/operations/account_places.h"
#include "orchestrator/operations/erasing.h"
#include "orchestrator/operations/record.h"

#include "base/jid.h"

static const Field erase_input[] = {
        { "jid", FIELD_JID, OPTIONAL, "Whose; yours when absent. Others' are for platform admins." },
        { .type = FIELD_END },
};

typedef struct Subject {
        Text jid;
        bool self;       /* it asks itself */
        Uuid account_id; /* zero: has none */
} Subject;

static bool find_account(OperationContext *context, Subject *subject, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!context_ask_directory(context, QUERY_CALLER_ACCOUNT, VALUES(value_text(subject->jid)), &transaction, &rows,
                                   reterr_failure))
                return false;
        if (rows_count(rows) > 0)
                subject->account_id = rows_uuid(rows, 0, 0);
        return true;
}

static bool find_subject(OperationContext *context, const Input *input, Subject *ret_subject, Failure *reterr_failure) {
        Text jid = input_text(input, "jid");
        *ret_subject = (Subject){ .jid = jid.length > 0 ? jid : context->caller->principal };
        ret_subject->self = context_is_person(context) && text_equal(ret_subject->jid, context->caller->principal);
        if (jid.length == 0 && !ret_subject->self)
                return failure_set(reterr_failure, FAILURE_INVALID, "'jid': say whose");
        if (!ret_subject->self && context->role < ROLE_PLATFORM)
                return failure_set(reterr_failure, FAILURE_FORBIDDEN, "what is others' is for platform admins");
        if (context_serves(context, jid_domain(ret_subject->jid)))
                return failure_set(reterr_failure, FAILURE_INVALID, "'jid': this is the address of an agent");
        return find_account(context, ret_subject, reterr_failure);
}

/* Who is limited would not be afterwards. */
static bool check_limited(OperationContext *context, const Subject *subject, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        const Rows *rows;
        if (!subject->self || context->role == ROLE_PLATFORM)
                return true;
        if (!context_ask_directory(context, QUERY_ACCOUNT_LIMITED, VALUES(value_uuid(subject->account_id)),
                                   &transaction, &rows, reterr_failure))
                return false;
        return rows_count(rows) == 0 ||
               failure_set(reterr_failure, FAILURE_POLICY,
                           "you are limited here, and would not be afterwards: ask whoever runs this installation");
}

/* What must be done first. Said to the person and to platform admins alone, who know these tenants. */
static bool check_hindrances(OperationContext *context, const Subject *subject, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        _cleanup_(text_builder_release) TextBuilder sentence = text_builder(FAILURE_TEXT_LIMIT);
        const Rows *rows;
        if (!context_ask_directory(context, QUERY_ACCOUNT_HINDRANCES, VALUES(value_uuid(subject->account_id)),
                                   &transaction, &rows, reterr_failure))
                return false;
        if (rows_count(rows) == 0)
                return true;
        text_add_string(&sentence, "before that");
        for (size_t row = 0; row < rows_count(rows); row++) {
                text_add_format(&sentence, "%s in %.*s:", row > 0 ? ";" : ",", TEXT_ARGUMENTS(rows_text(rows, row, 0)));
                if (rows_boolean(rows, row, 1))
                        text_add_string(&sentence, " make somebody else an owner, or delete it");
                if (rows_integer(rows, row, 2) > 0)
                        text_add_format(&sentence, "%s give away or delete %lld agent%s",
                                        rows_boolean(rows, row, 1) ? ", and" : "",
                                        (long long) rows_integer(rows, row, 2),
                                        rows_integer(rows, row, 2) == 1 ? "" : "s");
        }
        return failure_set(reterr_failure, FAILURE_CONFLICT, "%.*s", TEXT_ARGUMENTS(text_built(&sentence)));
}

/* Anybody may ask, and each time every tenant is looked through. */
static bool check_often(OperationContext *context, Failure *reterr_failure) {
        return context->role == ROLE_PLATFORM || guesses_take(context->operations->guesses, context->caller->principal,
                                                              context->now.monotonic_us, reterr_failure);
}

static bool check(OperationContext *context, const Subject *subject, Failure *reterr_failure) {
        return uuid_is_zero(subject->account_id) ||
               (check_limited(context, subject, reterr_failure) && check_hindrances(context, subject, reterr_failure));
}

static bool end_running(OperationContext *context, const AccountPlaces *places, Failure *reterr_failure) {
        int64_t deadline_us = clock_now().monotonic_us + ERASING_PATIENCE;
        for (size_t i = 0; i < places->count; i++)
                if (!erasing_cancel(context, places->items[i].tenant_id, places->items[i].person_id, reterr_failure))
                        return false;
        for (size_t i = 0; i < places->count; i++)
                if (!erasing_wait(context, places->items[i].tenant_id, places->items[i].person_id, deadline_us,
                                  reterr_failure))
                        return false;
        return true;
}

/* The same question as before, now that nobody else can stop being an owner. */
static bool end_membership(OperationContext *context, Transaction *transaction, const AccountPlace *place,
                           const Subject *subject, Failure *reterr_failure) {
        const Rows *owners, *member;
        if (!transaction_run(transaction, QUERY_MEMBERS_HOLD, NO_VALUES, NULL, reterr_failure) ||
            !transaction_run(transaction, QUERY_OWNERS_LOCK, NO_VALUES, &owners, reterr_failure) ||
            !transaction_run(transaction, QUERY_MEMBER_FIND, VALUES(value_text(subject->jid)), &member,
                             reterr_failure) ||
            !transaction_run(transaction, QUERY_KEYS_END, VALUES(value_uuid(subject->account_id)), NULL,
                             reterr_failure))
                return false;
        if (rows_count(member) == 0)
                return true;
        bool last = rows_count(owners) == 1 && uuid_equal(rows_uuid(owners, 0, 0), subject->account_id);
        if (!place->deleted && (last || rows_integer(member, 0, 2) > 0))
                return failure_set(reterr_failure, FAILURE_CONFLICT, "something changed meanwhile: ask again");
        if (!transaction_run(transaction, QUERY_MEMBER_REMOVE, VALUES(value_uuid(subject->account_id)), NULL,
                             reterr_failure))
                return false;
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_MEMBER,
                                                     .gone = true,
                                                     .id = subject->account_id,
                                                     .tenant_id = place->tenant_id });
        return true;
}

static bool is_installation(const AccountPlace *place) {
        return uuid_equal(place->tenant_id, installation_tenant_id);
}

static Erasure erasure_of(const OperationContext *context, const AccountPlace *place, Uuid up_to) {
        return (Erasure){ .tenant_id = place->tenant_id,
                          .person_id = place->person_id,
                          .up_to = up_to,
                          .except = context->caller->message_id };
}

/* With a record in the tenant's audit; the installation's is the operation's own. */
static bool forget_in(OperationContext *context, Transaction *transaction, const AccountPlace *place,
                      const Subject *subject, Uuid up_to, Forgotten *forgotten, Failure *reterr_failure) {
        _cleanup_(json_freep) Json *facts = json_new_object();
        Erasure erasure = erasure_of(context, place, up_to);
        json_put_uuid(facts, "person", place->person_id);
        return transaction_act_for(transaction, place->tenant_id, reterr_failure) &&
               (uuid_is_zero(subject->account_id) ||
                end_membership(context, transaction, place, subject, reterr_failure)) &&
               erasing_forget(context, transaction, &erasure, subject->jid, forgotten, reterr_failure) &&
               (is_installation(place) ||
                record_elsewhere(context, transaction, place->tenant_id, facts, reterr_failure));
}

/* The account becomes a row that leads to nobody; its id stands where somebody did something. */
static bool end_account(OperationContext *context, Transaction *transaction, const Subject *subject,
                        Failure *reterr_failure) {
        Value id = value_uuid(subject->account_id);
        const Rows *limits;
        if (uuid_is_zero(subject->account_id))
                return true;
        if (!transaction_act_for(transaction, installation_tenant_id, reterr_failure) ||
            !transaction_run(transaction, QUERY_ACCOUNT_UNLIMIT, VALUES(id), &limits, reterr_failure) ||
            !transaction_run(transaction, QUERY_PROFILE_ERASE, VALUES(id), NULL, reterr_failure) ||
            !transaction_run(transaction, QUERY_ACCOUNT_ERASE, VALUES(id), NULL, reterr_failure))
                return false;
        context_announce(context, (DirectoryChange){ .kind = DIRECTORY_ACCOUNT,
                                                     .gone = true,
                                                     .id = subject->account_id,
                                                     .name = subject->jid });
        for (size_t row = 0; row < rows_count(limits); row++)
                context_announce(context, (DirectoryChange){ .kind = DIRECTORY_LIMIT,
                                                             .gone = true,
                                                             .id = rows_uuid(limits, row, 0),
                                                             .tenant_id = installation_tenant_id,
                                                             .subject = LIMIT_OF_ACCOUNT,
                                                             .subject_id = subject->account_id });
        return true;
}

/* Whatever needs the name goes from everywhere in one transaction, which acts for one tenant after the other: from then
 * on `aiox keep` can finish the rest. */
static bool forget_everywhere(OperationContext *context, const AccountPlaces *places, const Subject *subject,
                              Uuid up_to, Forgotten *forgotten, Failure *reterr_failure) {
        _cleanup_(transaction_endp) Transaction *transaction = NULL;
        if (!transaction_begin(context->operations->database, DATABASE_TENANT, installation_tenant_id, &transaction,
                               reterr_failure) ||
            !transaction_run(transaction, QUERY_ACCOUNT_LOCK, VALUES(value_uuid(subject->account_id)), NULL,
                             reterr_failure))
                return false;
        for (size_t i = 0; i < places->count; i++)
                if (!forget_in(context, transaction, &places->items[i], subject, up_to, forgotten, reterr_failure))
                        return false;
        return end_account(context, transaction, subject, reterr_failure) &&
               transaction_commit(transaction, reterr_failure);
}

/* The installation last: what is broken off before is in its audit by `aiox keep`. */
static bool erase_everywhere(OperationContext *context, const AccountPlaces *places, Uuid up_to, int64_t *ret_messages,
                             Failure *reterr_failure) {
        *ret_messages = 0;
        for (int last = 0; last < 2; last++)
                for (size_t i = 0; i < places->count; i++) {
                        Erasure erasure = erasure_of(context, &places->items[i], up_to);
                        size_t messages;
                        if (is_installation(&places->items[i]) != (last == 1))
                                continue;
                        if (!erase_person(context->operations->database, &erasure, &messages, reterr_failure))
                                return false;
                        *ret_messages += (int64_t) messages;
                }
        return true;
}

static int64_t tenant_count(const AccountPlaces *places) {
        int64_t count = 0;
        for (size_t i = 0; i < places->count; i++)
                count += !is_installation(&places->items[i]);
        return count;
}

/* Which tenants these are is not said: some of them may have named a person who knows nothing of it. */
static bool erase(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        Subject subject;
        AccountPlaces places;
        Forgotten forgotten = { 0 };
        int64_t messages;
        Uuid person, up_to;
        if (!find_subject(context, input, &subject, reterr_failure) || !check_often(context, reterr_failure) ||
            !check(context, &subject, reterr_failure) ||
            !account_places(context, subject.jid, subject.account_id, &places, reterr_failure) ||
            !keyring_person(context->operations->keyring, installation_tenant_id, subject.jid, &person, reterr_failure))
                return false;
        if (places.count == 0)
                return failure_set(reterr_failure, FAILURE_NOT_FOUND, "nothing is kept of this address");
        context->severity = TEXT("warning");
        if (!end_running(context, &places, reterr_failure))
                return false;
        up_to = context_id(context);
        if (!forget_everywhere(context, &places, &subject, up_to, &forgotten, reterr_failure) ||
            !erase_everywhere(context, &places, up_to, &messages, reterr_failure))
                return false;
        Json *result = *ret_result = json_new_object();
        json_put_uuid(result, "account", subject.account_id);
        json_put_integer(result, "tenants", tenant_count(&places));
        json_put_integer(result, "messages", messages);
        erasing_put(result, &forgotten);
        json_put_uuid(context->facts, "account", subject.account_id);
        json_put_uuid(context->facts, "person", person);
        json_put_integer(context->facts, "tenants", tenant_count(&places));
        json_put_integer(context->facts, "messages", messages);
        return true;
}

/* Who has none may repeat what he asked when he had one. */
static bool is_offered(OperationContext *context, bool *ret_offered, Failure *reterr_failure) {
        (void) reterr_failure;
        *ret_offered = !uuid_is_zero(context->account_id) || context->caller->platform;
        return true;
}

const Operation account_erase = {
        .name = "account-erase",
        .summary =
                "Erases you here: account, profile, memberships, and what you wrote in every tenant; audits keep ids.",
        .example = "--jid carol@example.org",
        .role = ROLE_NONE,
        .scope = SCOPE_INSTALLATION,
        .strangers = true,
        .effect = EFFECT_DESTROY,
        .method = "DELETE",
        .path = "/account",
        .input = erase_input,
        .offered = is_offered,
        .run = erase,
};
