/* Mail: hands one short text in UTF-8 to the installation's mail server (SMTP, RFC 5321), for one address. Not a queue:
 * the server's answer is waited for, and what fails is the caller's to try again.
 *
 * The connection is encrypted, by smtps:// or STARTTLS, save to this machine; certificates are verified. Blocks, at
 * most half a minute; any thread, not the hub's.
 */
#pragma once

#include "base/failure.h"

typedef struct MailSettings {
        const char *url; /* "smtp://user@host:587", "smtps://…" */
        const char *from;
        Text password; /* empty = none; appears in no failure */
} MailSettings;

bool mail_url_is_valid(Text url);
/* to and subject: one line each; the caller has seen that `to` is an address. UNAVAILABLE: the server is away or wants
 * it later; POLICY: it does not want it. */
bool mail_send(const MailSettings *settings, Text to, Text subject, Text body, Failure *reterr_failure) _must_check_;
