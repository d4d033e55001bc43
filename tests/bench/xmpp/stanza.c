/* What one message costs the hub in XML: read from the wire and understood, its receipt and its answer built, stamped
 * and written. Prints microseconds of this thread's CPU per message, the median of five rounds.
 */
#include "base/crypto.h"
#include "component/doors/message.h"
#include "xmpp/namespaces.h"
#include "xmpp/reader.h"
#include "xmpp/writer.h"

#include <stdio.h>
#include <time.h>

#define MESSAGES   100000
#define ROUNDS     5
#define READ_BYTES (64 * 1024)
#define WIRE_BYTES 700

/* As Conversations sends it through ejabberd, with a body that fills it up. */
static void write_message(TextBuilder *out, int number) {
        size_t begin = out->length;
        text_add_format(out,
                        "<message xml:lang='en' to='guide@agents.localhost' from='user%d@localhost/Conversations.xyz' "
                        "type='chat' id='0193a5f0-7b1c-7c4e-8a2d-%012d'><archived by='user@localhost' "
                        "id='1732140000000000' xmlns='urn:xmpp:mam:tmp'/><stanza-id by='user@localhost' "
                        "id='1732140000000000' xmlns='urn:xmpp:sid:0'/><request xmlns='urn:xmpp:receipts'/><origin-id "
                        "id='0193a5f0-7b1c-7c4e-8a2d-%012d' xmlns='urn:xmpp:sid:0'/><markable "
                        "xmlns='urn:xmpp:chat-markers:0'/><body>",
                        number % 1000, number, number);
        while (out->length - begin < WIRE_BYTES - strlen("</body></message>"))
                text_add_char(out, " etaoinshrdlu"[out->length % 13]);
        text_add_string(out, "</body></message>");
}

static double cpu_us(void) {
        struct timespec now;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
        return (double) now.tv_sec * 1e6 + (double) now.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;
        return (x > y) - (x < y);
}

static double median(double *values) {
        qsort(values, ROUNDS, sizeof(*values), compare);
        return values[ROUNDS / 2];
}

/* Reads the wire as the link does; answers each message when `out` is not NULL. Returns the number of messages. */
static int run(Text wire, TextBuilder *out) {
        _cleanup_(reader_freep) Reader *reader = reader_new(READER_LIMITS);
        const Uuid uuid = { { 1, 2, 3 } };
        int count = 0;
        while (wire.length > 0) {
                size_t share = wire.length < READ_BYTES ? wire.length : READ_BYTES;
                memcpy(reader_buffer(reader, READ_BYTES), wire.bytes, share);
                reader_parse(reader, share);
                wire = (Text){ wire.bytes + share, wire.length - share };
                for (ReaderEvent event; reader_next(reader, &event);) {
                        _cleanup_(arena_freep) Arena *arena = event.arena;
                        Stanza stanza;
                        OutgoingList list = { NULL };
                        if (event.kind != READER_ELEMENT || !stanza_read(event.element, &stanza, NULL))
                                continue;
                        const Message message = message_read(&stanza);
                        count += message.meaning == MESSAGE_SPEECH;
                        if (!out)
                                continue;
                        const ReplyTo reply_to = { .agent = message.agent.bare,
                                                   .address = message.sender.full,
                                                   .stanza_id = message.id };
                        message_add_receipt(&list, arena, &reply_to);
                        message_add_answer(&list, arena, &reply_to, uuid, message.body, FAILURE_NONE, false);
                        for (const Outgoing *one = list.first; one; one = one->next)
                                if (stanza_stamp(one, TEXT("agents.localhost"), NULL))
                                        element_write(out, one->element, TEXT(NS_COMPONENT));
                }
                if (out)
                        text_builder_reset(out);
        }
        return count;
}

int main(void) {
        _cleanup_(text_builder_release) TextBuilder wire = text_builder((size_t) 256 * 1024 * 1024),
                                                    out = text_builder(0);
        double reading[ROUNDS], both[ROUNDS];
        if (!crypto_start(NULL))
                return 1;
        text_add_string(&wire, "<stream:stream xmlns='" NS_COMPONENT "' xmlns:stream='" NS_STREAMS "' id='1'>");
        for (int i = 0; i < MESSAGES; i++)
                write_message(&wire, i);
        for (int round = 0; round < ROUNDS; round++) {
                double started = cpu_us();
                if (run(text_built(&wire), NULL) != MESSAGES)
                        return 1;
                double read = cpu_us();
                if (run(text_built(&wire), &out) != MESSAGES)
                        return 1;
                reading[round] = (read - started) / MESSAGES;
                both[round] = (cpu_us() - read) / MESSAGES;
        }
        double read = median(reading), answered = median(both);
        printf("message of %d bytes: read %.2f us, receipt and answer %.2f us, together %.2f us\n", WIRE_BYTES, read,
               answered - read, answered);
        return 0;
}
