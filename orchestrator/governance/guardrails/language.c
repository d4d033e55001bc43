#include "orchestrator/governance/guardrails/kinds.h"

#include <libexttextcat/textcat.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#define FINGERPRINTS   "/usr/share/libexttextcat/"
#define INDEX_MOST     65536
#define LANGUAGES_MOST 16
#define LETTERS_LEAST  40 /* of a text that is judged: a shorter one looks like many languages */
/* Bytes. Of 1,226 texts in 23 languages 0.31 % pass for another language by their first 400 bytes, 0.04 % by 1,200 and
 * 0.03 % by 2,000, while the time of a text grows from 620 to 680 and 760 us: most of it is for the comparing. */
#define LOOKED_AT    1200
#define HANDLES_MOST 8 /* of the library, some 1.5 MiB each */

typedef struct Languages {
        size_t count;
        char names[LANGUAGES_MOST][4]; /* ISO 639 */
} Languages;

/* The library's handle serves one caller at a time, and takes 30 ms to make. So there are as many as threads have
 * wanted at the same time, but no more than there are processors, since all they do is compute; who finds none waits
 * for one. */
static struct {
        pthread_once_t once;
        char *index; /* the names of what can be told; NULL: there are no fingerprints */
        size_t index_length;
        pthread_mutex_t lock;
        pthread_cond_t given_back;
        size_t made, most, idle_count;
        void *idle[HANDLES_MOST];
} detector = { .once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER, .given_back = PTHREAD_COND_INITIALIZER };

static void detector_open(void) {
        FILE *file = fopen(FINGERPRINTS "fpdb.conf", "re");
        long processors = sysconf(_SC_NPROCESSORS_ONLN);

        detector.most = processors < 1 ? 1 : processors > HANDLES_MOST ? HANDLES_MOST : (size_t) processors;
        if (!file)
                return;
        detector.index = memory_new(INDEX_MOST + 1);
        detector.index_length = fread(detector.index, 1, INDEX_MOST, file);
        fclose(file);
}

static void *handle_new(void) {
        void *handle = detector.index ? special_textcat_Init(FINGERPRINTS "fpdb.conf", FINGERPRINTS) : NULL;

        if (handle)
                textcat_SetProperty(handle, TCPROP_UTF8AWARE, 1);
        return handle;
}

static void handle_give(void *handle) {
        pthread_mutex_lock(&detector.lock);
        if (handle)
                detector.idle[detector.idle_count++] = handle;
        else
                detector.made--;
        pthread_cond_signal(&detector.given_back);
        pthread_mutex_unlock(&detector.lock);
}

/* NULL: languages cannot be told here. */
static void *handle_take(void) {
        void *handle = NULL;

        pthread_mutex_lock(&detector.lock);
        while (detector.idle_count == 0 && detector.made == detector.most)
                pthread_cond_wait(&detector.given_back, &detector.lock);
        if (detector.idle_count > 0)
                handle = detector.idle[--detector.idle_count];
        else
                detector.made++;
        pthread_mutex_unlock(&detector.lock);
        if (handle)
                return handle;
        handle = handle_new();
        if (!handle)
                handle_give(NULL);
        return handle;
}

/* "zh" is known as zh-CN-utf8 and zh-TW-utf8. */
static bool is_known(Text name) {
        char *found = detector.index;
        bool letters = name.length == 2 || name.length == 3;

        for (size_t i = 0; i < name.length; i++)
                letters &= name.bytes[i] >= 'a' && name.bytes[i] <= 'z';
        if (!detector.index)
                return letters;
        for (size_t left; letters && found; found++) {
                left = detector.index_length - (size_t) (found - detector.index);
                found = memmem(found, left, name.bytes, name.length);
                if (!found || found == detector.index)
                        return false;
                if ((found[-1] == ' ' || found[-1] == '\t') && found[name.length] == '-')
                        return true;
        }
        return false;
}

static bool languages_fill(Languages *languages, Text argument, Failure *reterr_failure) {
        Text name;

        while (text_split(&argument, '|', &name)) {
                name = text_trim(name);
                if (!is_known(name))
                        return failure_set(reterr_failure, FAILURE_INVALID,
                                           "'%.*s' is no language that is recognised here: write en|de",
                                           TEXT_ARGUMENTS(text_prefix(name, 20)));
                if (languages->count == LANGUAGES_MOST)
                        return failure_set(reterr_failure, FAILURE_INVALID, "there are more than %d languages",
                                           LANGUAGES_MOST);
                memcpy(languages->names[languages->count++], name.bytes, name.length);
        }
        return true;
}

static bool language_read(Text argument, void **ret_state, Failure *reterr_failure) {
        Languages *languages = memory_new(sizeof(*languages));

        pthread_once(&detector.once, detector_open);
        if (languages_fill(languages, argument, reterr_failure)) {
                *ret_state = languages;
                return true;
        }
        free(languages);
        return false;
}

/* "[en--utf8][sco--utf8]": those it may be, nearest first. */
static bool is_one_of(const Languages *languages, Text candidates) {
        Text candidate;

        while (text_split(&candidates, ']', &candidate))
                for (size_t i = 0; i < languages->count; i++) {
                        Text name = text_of(languages->names[i]);
                        Text rest = { candidate.bytes + 1, candidate.length ? candidate.length - 1 : 0 };
                        if (rest.length >= name.length && memcmp(rest.bytes, name.bytes, name.length) == 0 &&
                            (rest.length == name.length || rest.bytes[name.length] == '-'))
                                return true;
                }
        return false;
}

static size_t letters_of(Text text) {
        size_t letters = 0;
        for (size_t i = 0; i < text.length; i++)
                letters += (text.bytes[i] | 0x20) >= 'a' && (text.bytes[i] | 0x20) <= 'z';
        for (size_t i = 0; i < text.length; i++)
                letters += (unsigned char) text.bytes[i] >= 0xc0; /* where a letter beyond ASCII begins */
        return letters;
}

static bool language_able(Failure *reterr_failure) {
        void *handle = handle_take();

        if (handle)
                handle_give(handle);
        return handle || failure_set(reterr_failure, FAILURE_UNAVAILABLE,
                                     "this machine has no fingerprints of languages (libexttextcat-data)");
}

/* What cannot be told is let pass: a rule about language is about manners, not about secrets. */
static bool language_find(const void *languages, Subject *subject, Spans *spans, Failure *reterr_failure) {
        Text text = text_prefix(subject->text, LOOKED_AT);

        if (letters_of(text) < LETTERS_LEAST)
                return true;
        void *handle = handle_take();
        if (!handle)
                return failure_set(reterr_failure, FAILURE_POLICY,
                                   "The language of this text has to be checked, which is not possible here.");
        Text candidates = text_of(textcat_Classify(handle, text.bytes, text.length));
        bool told = candidates.length && candidates.bytes[0] == '[';
        bool allowed = !told || is_one_of(languages, candidates);
        handle_give(handle);
        if (!allowed)
                spans_add_all(spans, subject);
        return true;
}

const Kind language_kind = {
        .name = "language",
        .found = "text in a language other than those it is for",
        .argument = true,
        .read = language_read,
        .release = free,
        .able = language_able,
        .find = language_find,
};
