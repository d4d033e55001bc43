#include "component/settings/settings_file.h"
#include "tests/fuzz/fuzz.h"

/* Whatever a settings file holds, it is taken or refused with one sentence; what is taken can be written again. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
        _cleanup_(settings_freep) Settings *settings = NULL;
        Failure failure = { 0 };
        PROMISE(settings_load("/dev/null", (char *[]){ NULL }, (const char *[]){ NULL }, &settings, &failure));
        if (!settings_read_yaml(settings, (Text){ (const char *) bytes, size }, "file", &failure)) {
                PROMISE(failure.kind == FAILURE_INVALID);
                PROMISE(text_is_utf8(text_of(failure.text)));
                return 0;
        }
        for (size_t i = 0; i < settings_count; i++) {
                Text value = settings_value(settings, &settings_table[i], settings->arena);
                PROMISE(value.length == 0 || settings_set(settings, text_of(settings_table[i].name), value, &failure));
        }
        return 0;
}
