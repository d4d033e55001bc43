/* How a screen of text shows a result, a terminal's or a chat's: tables and records for people, what is nested indented
 * below its name; JSON for programs. Text that came from elsewhere cannot steer the terminal: control characters are
 * shown as U+FFFD. Colours only on a terminal that wants them.
 */
#pragma once

#include "orchestrator/operations/operation.h"

#include <stdio.h>

typedef struct Screen {
        FILE *out;
        FILE *notes;      /* where what is no part of the result goes */
        const char *more; /* how the next page is asked for: what stands before the cursor */
        int width;        /* columns; 0 = unknown, nothing is cut */
        bool colours;
} Screen;

/* Standard output as it is. */
Screen screen_of(FILE *out);
/* A list (by the row's columns) or one record. */
void screen_result(const Screen *screen, const Operation *operation, const Json *result);
void screen_json(const Screen *screen, const Json *result);
