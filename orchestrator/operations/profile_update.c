#include "orchestrator/operations/profile.h"

#include <ctype.h>

#define PICTURE_LIMIT 49152
#define CODE_WAIT_US  (60 * SECONDS)

static const Field update_input[] = {
        { "name", FIELD_TEXT, OPTIONAL, "Your name, as others shall see it.", .least = 1, .most = 200 },
        { "email", FIELD_TEXT, OPTIONAL, "Your e-mail address; given again, another code is sent to it.", .least = 3,
          .most = 254 },
        { "locale", FIELD_TEXT, OPTIONAL, "Your language, such as en or pt-BR.", .least = 2, .most = 35 },
        { "time_zone", FIELD_TEXT, OPTIONAL, "Your time zone, such as Europe/Vienna.", .least = 2, .most = 64 },
        { "picture", FIELD_LONG_TEXT, OPTIONAL, "A PNG, JPEG or WebP of at most 48 KiB, in base64; 'none' removes it.",
          .least = 4, .most = 70000 },
        { .type = FIELD_END },
};

/* RFC 5321 without quoted parts and literals: nothing of it may end a line of a mail's header. */
static bool is_email(Text address) {
        const char *at = memrchr(address.bytes, '@', address.length);
        size_t local = at ? (size_t) (at - address.bytes) : 0;
        if (local < 1 || local > 64 || address.length - local < 4 || !memchr(at, '.', address.length - local))
                return false;
        for (size_t i = 0; i < address.length; i++) {
                unsigned char c = (unsigned char) address.bytes[i];
                bool in_domain = i > local;
                if (i != local && !isalnum(c) && !strchr(in_domain ? ".-" : ".!#$%&'*+/=?^_`{|}~-", c))
                        return false;
        }
        return address.bytes[local + 1] != '.' && address.bytes[address.length - 1] != '.';
}

/* RFC 5646, as far as its looks go. */
static bool is_locale(Text locale) {
        Text part;
        bool first = true;
        for (; text_split(&locale, '-', &part); first = false) {
                if (part.length < 2 || part.length > (first ? 3 : 8))
                        return false;
                for (size_t i = 0; i < part.length; i++)
                        if (!(first ? isalpha((unsigned char) part.bytes[i]) : isalnum((unsigned char) part.bytes[i])))
                                return false;
        }
        return !first;
}

/* By what it is, whatever it is called. */
static const char *picture_type(Text bytes) {
        static const struct {
                const char *type;
                size_t offset;
                Text magic;
        } kinds[] = {
                { "image/png", 0, { "\x89PNG\r\n\x1a\n", 8 } },
                { "image/jpeg", 0, { "\xff\xd8\xff", 3 } },
                { "image/webp", 8, { "WEBPVP8", 7 } },
        };
        for (size_t i = 0; i < COUNT_OF(kinds); i++) {
                Text magic = kinds[i].magic;
                if (bytes.length > kinds[i].offset + magic.length &&
                    memcmp(bytes.bytes + kinds[i].offset, magic.bytes, magic.length) == 0 &&
                    (kinds[i].offset == 0 || memcmp(bytes.bytes, "RIFF", 4) == 0))
                        return kinds[i].type;
        }
        return NULL;
}

static bool read_picture(OperationContext *context, Text encoded, Text *ret_bytes, const char **ret_type,
                         Failure *reterr_failure) {
        TextBuilder packed = text_builder(0);
        encoded = text_trim(encoded);
        for (size_t i = 0; i < encoded.length; i++)
                if (!isspace((unsigned char) encoded.bytes[i]))
                        text_add_char(&packed, encoded.bytes[i]);
        bool decoded = crypto_base64_decode(context->arena, text_built(&packed), ret_bytes);
        text_builder_release(&packed);
        if (!decoded)
                return failure_set(reterr_failure, FAILURE_INVALID, "'picture' must be base64");
        if (ret_bytes->length > PICTURE_LIMIT)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "'picture' has %zu bytes; at most %d are taken",
                                   ret_bytes->length, PICTURE_LIMIT);
        *ret_type = picture_type(*ret_bytes);
        return *ret_type || failure_set(reterr_failure, FAILURE_INVALID, "'picture' must be a PNG, JPEG or WebP");
}

static bool check_texts(OperationContext *context, const Input *input, Failure *reterr_failure) {
        const Rows *rows;
        if (input_has(input, "email") && !is_email(input_text(input, "email")))
                return failure_set(reterr_failure, FAILURE_INVALID, "'email' must be an address such as a@example.org");
        if (input_has(input, "locale") && !is_locale(input_text(input, "locale")))
                return failure_set(reterr_failure, FAILURE_INVALID, "'locale' must be a language such as en or pt-BR");
        if (!input_has(input, "time_zone"))
                return true;
        return context_run(context, QUERY_TIME_ZONE_EXISTS, VALUES(value_text(input_text(input, "time_zone"))), &rows,
                           reterr_failure) &&
               (rows_boolean(rows, 0, 0) || failure_set(reterr_failure, FAILURE_INVALID,
                                                        "'time_zone' must be a name such as Europe/Vienna or UTC"));
}

static bool put_profile(OperationContext *context, const Input *input, Uuid account_id, Failure *reterr_failure) {
        Text picture = TEXT_NONE, given = input_text(input, "picture");
        const char *type = NULL;
        bool forget = text_equal(text_trim(given), TEXT("none"));
        if (given.length > 0 && !forget && !read_picture(context, given, &picture, &type, reterr_failure))
                return false;
        return context_run(context, QUERY_PROFILE_PUT,
                           VALUES(value_uuid(account_id), value_text_or_null(input_text(input, "locale")),
                                  value_text_or_null(input_text(input, "time_zone")),
                                  type ? value_bytes(picture) : value_null(), value_string(type),
                                  value_boolean(forget)),
                           NULL, reterr_failure) &&
               (!input_has(input, "name") ||
                context_run(context, QUERY_PROFILE_NAME,
                            VALUES(value_uuid(account_id), value_text(input_text(input, "name"))), NULL,
                            reterr_failure));
}

/* One code a minute, so that nobody is flooded by somebody else's hand. */
static bool put_email(OperationContext *context, const Rows *before, Text email, bool *ret_sent,
                      Failure *reterr_failure) {
        Uuid account_id = rows_uuid(before, 0, 0);
        if (rows_time(before, 0, 9) + CODE_WAIT_US > context->now.wall_us)
                return failure_set(reterr_failure, FAILURE_LIMIT,
                                   "a code was sent less than a minute ago: wait for it, or try again then");
        return context_run(context, QUERY_PROFILE_EMAIL, VALUES(value_uuid(account_id), value_text(email)), NULL,
                           reterr_failure) &&
               profile_send_code(context, account_id, email, ret_sent, reterr_failure);
}

static bool update_profile(OperationContext *context, const Input *input, Json **ret_result, Failure *reterr_failure) {
        bool sent = false, addressed = input_has(input, "email");
        const Rows *before;
        if (!profile_read(context, &before, reterr_failure) || !check_texts(context, input, reterr_failure) ||
            !put_profile(context, input, rows_uuid(before, 0, 0), reterr_failure) ||
            (addressed && !put_email(context, before, input_text(input, "email"), &sent, reterr_failure)) ||
            !profile_result(context, false, ret_result, reterr_failure))
                return false;
        if (addressed)
                json_put_string(*ret_result, "note",
                                sent ? "A code is on its way to your e-mail address: give it to profile-prove."
                                     : "This installation sends no mail, so the e-mail address stays unproved.");
        return true;
}

const Operation profile_update = {
        .name = "profile-update",
        .summary = "Says something of yourself: name, e-mail, language, time zone, picture.",
        .example = "--name 'Alice' --time-zone Europe/Vienna",
        .role = ROLE_NONE,
        .scope = SCOPE_INSTALLATION,
        .partial = true,
        .effect = EFFECT_CHANGE,
        .method = "PATCH",
        .path = "/profile",
        .input = update_input,
        .run = update_profile,
};
