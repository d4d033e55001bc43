/* The cutter: takes a document's blocks in order and puts them together to passages, as large as they may be and no
 * larger, each under its headings. Knows no markup. Internal to this folder.
 *
 * One thread at a time; never blocks. Everything lives in the arena; false means that its limit is reached.
 */
#pragma once

#include "orchestrator/memory/passages.h"

#define CUTTER_LEVELS 6

typedef struct CutterNode {
        struct CutterNode *next;
        Passage passage;
} CutterNode;

typedef struct Cutter {
        Arena *arena;
        Text headings[CUTTER_LEVELS];
        Text path;           /* the headings joined */
        TextBuilder current; /* the passage that is being filled */
        CutterNode *first, **end;
        size_t count;
} Cutter;

void cutter_begin(Cutter *cutter, Arena *arena);
/* level 1 to 6; ends the passage. */
bool cutter_heading(Cutter *cutter, unsigned level, Text text) _must_check_;
/* joined: goes on right below the block before, as list items do, without an empty line. */
bool cutter_block(Cutter *cutter, Text text, bool joined) _must_check_;
bool cutter_finish(Cutter *cutter, PassageList *ret_passages) _must_check_;
void cutter_release(Cutter *cutter); /* for _cleanup_ */
