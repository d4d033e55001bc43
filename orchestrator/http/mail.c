#include "orchestrator/http/mail.h"

#include "base/arena.h"
#include "base/crypto.h"
#include "orchestrator/http/address.h"

#include <curl/curl.h>
#include <time.h>

#define PATIENCE_SECONDS 30L

bool mail_url_is_valid(Text url) {
        Text rest = url, scheme;
        if (!text_split(&rest, ':', &scheme) || !text_starts_with(rest, TEXT("//")) || rest.length < 3)
                return false;
        Text user = rest;
        const char *at = memchr(rest.bytes, '@', rest.length);
        if (at)
                user.length = (size_t) (at - rest.bytes);
        /* A password does not belong into a setting. */
        if (at && memchr(user.bytes, ':', user.length))
                return false;
        return text_equal(scheme, TEXT("smtp")) || text_equal(scheme, TEXT("smtps"));
}

static bool is_here(const char *url) {
        bool here = false;
        char *host = NULL;
        Address address;
        CURLU *parsed = curl_url();
        if (parsed && curl_url_set(parsed, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
            curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK)
                here = strcmp(host, "localhost") == 0 ||
                       (address_parse(host, &address) && address_is_loopback(&address));
        curl_free(host);
        curl_url_cleanup(parsed);
        return here;
}

/* RFC 5322, with the one encoding that any text survives. */
static void write_mail(TextBuilder *mail, const char *from, Text to, Text subject, Text body) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        uint8_t id[16];
        char date[64];
        time_t now = time(NULL);
        struct tm when;
        gmtime_r(&now, &when);
        strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &when);
        crypto_random(id, sizeof(id));
        text_add_format(mail, "From: <%s>\r\nTo: <%.*s>\r\nSubject: %.*s\r\nDate: %s\r\nMessage-ID: <", from,
                        TEXT_ARGUMENTS(to), TEXT_ARGUMENTS(subject), date);
        text_add_hex(mail, id, sizeof(id));
        text_add_format(mail,
                        "@%s>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n",
                        strchr(from, '@') ? strchr(from, '@') + 1 : "localhost");
        Text encoded = crypto_base64(arena, body);
        for (size_t at = 0; at < encoded.length; at += 76) {
                text_add(mail, text_prefix((Text){ encoded.bytes + at, encoded.length - at }, 76));
                text_add_string(mail, "\r\n");
        }
}

static size_t read_mail(char *buffer, size_t size, size_t count, void *rest_) {
        Text *rest = rest_;
        size_t length = size * count < rest->length ? size * count : rest->length;
        if (length > 0)
                memcpy(buffer, rest->bytes, length);
        *rest = (Text){ rest->bytes + length, rest->length - length };
        return length;
}

static bool check(CURL *easy, CURLcode code, Failure *reterr_failure) {
        long reply = 0;
        if (code == CURLE_OK)
                return true;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply);
        if (reply >= 500)
                return failure_set(reterr_failure, FAILURE_POLICY, "the mail server refuses this mail (%ld)", reply);
        return failure_set(reterr_failure, FAILURE_UNAVAILABLE, "the mail cannot be sent now: %s",
                           reply >= 400 ? "the mail server wants it later" : curl_easy_strerror(code));
}

bool mail_send(const MailSettings *settings, Text to, Text subject, Text body, Failure *reterr_failure) {
        _cleanup_(arena_freep) Arena *arena = arena_new(0);
        TextBuilder mail = text_builder(0);
        CURL *easy = curl_easy_init();
        const char *recipient = text_string(arena, to), *password = text_string(arena, settings->password);
        if (!easy || !recipient || !password) {
                curl_easy_cleanup(easy);
                return failure_set(reterr_failure, FAILURE_INTERNAL, "the mail cannot be written");
        }
        struct curl_slist *recipients = curl_slist_append(NULL, recipient);
        write_mail(&mail, settings->from, to, subject, body);
        Text rest = text_built(&mail);
        curl_easy_setopt(easy, CURLOPT_URL, settings->url);
        curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
        curl_easy_setopt(easy, CURLOPT_USE_SSL, is_here(settings->url) ? (long) CURLUSESSL_TRY : (long) CURLUSESSL_ALL);
        curl_easy_setopt(easy, CURLOPT_MAIL_FROM, settings->from);
        curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, recipients);
        curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_mail);
        curl_easy_setopt(easy, CURLOPT_READDATA, &rest);
        curl_easy_setopt(easy, CURLOPT_TIMEOUT, PATIENCE_SECONDS);
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        if (settings->password.length > 0)
                curl_easy_setopt(easy, CURLOPT_PASSWORD, password);
        bool sent = check(easy, curl_easy_perform(easy), reterr_failure);
        curl_easy_cleanup(easy);
        curl_slist_free_all(recipients);
        text_builder_release(&mail);
        crypto_wipe((char *) password, settings->password.length);
        return sent;
}
