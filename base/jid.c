#include "base/jid.h"

#include <stringprep.h>

#define PART_LIMIT 1023 /* bytes, RFC 7622 §3.2 to §3.4 */

typedef struct Part {
        const char *name;
        const Stringprep_profile *profile;
        bool (*admits)(unsigned char c); /* ASCII that may be in it */
        bool folds_case;
} Part;

static bool is_upper(unsigned char c) {
        return c >= 'A' && c <= 'Z';
}

static bool admits_in_local(unsigned char c) {
        return c > ' ' && c < 0x7F && !strchr("\"&'/:<>@", c);
}

/* Stricter than nameprep, which leaves ASCII alone: what a host name, or an address in brackets, is made of. */
static bool admits_in_domain(unsigned char c) {
        return is_upper(c) || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("-._[]:", c));
}

static bool admits_in_resource(unsigned char c) {
        return c >= ' ' && c < 0x7F;
}

static const Part local_part = { "local part", stringprep_xmpp_nodeprep, admits_in_local, true };
static const Part domain_part = { "domain", stringprep_nameprep, admits_in_domain, true };
static const Part resource_part = { "resource", stringprep_xmpp_resourceprep, admits_in_resource, false };

typedef struct Normalised {
        char bytes[PART_LIMIT + 1];
        size_t length;
} Normalised;

static bool refuse(const Part *part, const char *why, Failure *reterr_failure) {
        return failure_set(reterr_failure, FAILURE_INVALID, "the %s of the address %s", part->name, why);
}

/* Unassigned characters pass (RFC 3454 §7, query strings), as they do at the server that vouches for the address. What
 * would change again when it is normalised again is refused: an address must stay what it is. */
static bool prepare(const Part *part, Normalised *normalised, Failure *reterr_failure) {
        char again[PART_LIMIT + 1];
        normalised->bytes[normalised->length] = '\0';
        int code = stringprep(normalised->bytes, sizeof(normalised->bytes), 0, part->profile);
        if (code == STRINGPREP_TOO_SMALL_BUFFER)
                return refuse(part, "is longer than 1023 bytes", reterr_failure);
        normalised->length = code == STRINGPREP_OK ? strlen(normalised->bytes) : 0;
        memcpy(again, normalised->bytes, normalised->length + 1);
        if (code != STRINGPREP_OK || stringprep(again, sizeof(again), 0, part->profile) != STRINGPREP_OK ||
            strcmp(again, normalised->bytes) != 0)
                return refuse(part, "has a character that is not allowed there", reterr_failure);
        return true;
}

static bool check_ascii(const Part *part, const Normalised *normalised, Failure *reterr_failure) {
        for (size_t i = 0; i < normalised->length; i++) {
                unsigned char c = (unsigned char) normalised->bytes[i];
                if (c < 0x80 && !part->admits(c))
                        return refuse(part, "has a character that is not allowed there", reterr_failure);
        }
        return true;
}

static bool normalise(const Part *part, Text text, Normalised *ret_normalised, Failure *reterr_failure) {
        if (text.length == 0)
                return refuse(part, "is empty", reterr_failure);
        if (text.length > PART_LIMIT)
                return refuse(part, "is longer than 1023 bytes", reterr_failure);
        bool is_ascii = text_ascii_length(text) == text.length;
        if (!is_ascii && (!text_is_utf8(text) || memchr(text.bytes, 0, text.length)))
                return refuse(part, "is not UTF-8", reterr_failure);
        ret_normalised->length = text.length;
        for (size_t i = 0; i < text.length; i++) {
                char c = text.bytes[i];
                ret_normalised->bytes[i] = is_ascii && part->folds_case && is_upper((unsigned char) c)
                                                   ? (char) (c | 0x20)
                                                   : c;
        }
        if (!is_ascii && !prepare(part, ret_normalised, reterr_failure))
                return false;
        /* After normalising: a full-width "@" has become a plain one. */
        if (ret_normalised->length == 0)
                return refuse(part, "is empty", reterr_failure);
        return check_ascii(part, ret_normalised, reterr_failure);
}

/* Labels are not empty, so neither is there a dot at the end: RFC 7622 would strip it, but our server takes "a.b" and
 * "a.b." for two domains, and one must not pass for the other. */
static bool check_labels(const Normalised *domain, Failure *reterr_failure) {
        Text rest = { domain->bytes, domain->length }, label;
        if (strstr(domain->bytes, "\u3002"))
                return refuse(&domain_part, "has a character that is not allowed there", reterr_failure);
        if (rest.bytes[0] == '[') {
                if (rest.bytes[rest.length - 1] == ']' && !memchr(rest.bytes + 1, '[', rest.length - 1) &&
                    memchr(rest.bytes, ']', rest.length) == rest.bytes + rest.length - 1)
                        return true;
                return refuse(&domain_part, "has unpaired brackets", reterr_failure);
        }
        if (strpbrk(domain->bytes, "[]:"))
                return refuse(&domain_part, "has a character that is not allowed there", reterr_failure);
        if (rest.bytes[rest.length - 1] == '.')
                return refuse(&domain_part, "ends in a dot", reterr_failure);
        while (text_split(&rest, '.', &label))
                if (label.length == 0)
                        return refuse(&domain_part, "has an empty label", reterr_failure);
        return true;
}

static Text part_of(char **at, const Normalised *normalised) {
        memcpy(*at, normalised->bytes, normalised->length);
        Text text = { *at, normalised->length };
        *at += normalised->length;
        return text;
}

bool jid_parse(Arena *arena, Text text, Jid *ret_jid, Failure *reterr_failure) {
        Normalised local = { .length = 0 }, domain, resource = { .length = 0 };
        const char *slash = text.length > 0 ? memchr(text.bytes, '/', text.length) : NULL;
        size_t bare_length = slash ? (size_t) (slash - text.bytes) : text.length;
        const char *at = bare_length > 0 ? memchr(text.bytes, '@', bare_length) : NULL;
        size_t before_domain = at ? (size_t) (at - text.bytes) + 1 : 0;
        Text domain_text = { text.bytes + before_domain, bare_length - before_domain };

        if (at && !normalise(&local_part, (Text){ text.bytes, before_domain - 1 }, &local, reterr_failure))
                return false;
        if (!normalise(&domain_part, domain_text, &domain, reterr_failure))
                return false;
        domain.bytes[domain.length] = '\0';
        if (!check_labels(&domain, reterr_failure))
                return false;
        Text resource_text = { slash ? slash + 1 : NULL, slash ? text.length - bare_length - 1 : 0 };
        if (slash && !normalise(&resource_part, resource_text, &resource, reterr_failure))
                return false;

        char *made = arena_take(arena, local.length + domain.length + resource.length + 3);
        if (!made)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "no room is left for an address");
        char *end = made;
        ret_jid->local = part_of(&end, &local);
        if (at)
                *end++ = '@';
        ret_jid->domain = part_of(&end, &domain);
        ret_jid->bare = (Text){ made, (size_t) (end - made) };
        if (slash)
                *end++ = '/';
        ret_jid->resource = part_of(&end, &resource);
        ret_jid->full = (Text){ made, (size_t) (end - made) };
        return true;
}

Text jid_bare(Text address) {
        const char *slash = address.length > 0 ? memchr(address.bytes, '/', address.length) : NULL;
        return (Text){ address.bytes, slash ? (size_t) (slash - address.bytes) : address.length };
}

Text jid_domain(Text bare) {
        const char *at = bare.length ? memchr(bare.bytes, '@', bare.length) : NULL;
        size_t before = at ? (size_t) (at - bare.bytes) + 1 : 0;

        return (Text){ bare.bytes + before, bare.length - before };
}

Jid jid_of_bare(Text bare) {
        Jid jid = { .full = bare, .bare = bare, .domain = bare };
        Text rest = bare, local;

        if (text_split(&rest, '@', &local) && rest.length > 0) {
                jid.local = local;
                jid.domain = rest;
        }
        return jid;
}
