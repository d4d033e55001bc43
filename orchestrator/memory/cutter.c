#include "orchestrator/memory/cutter.h"

#define HEADING_SIZE 120 /* bytes of one heading in a path */

void cutter_begin(Cutter *cutter, Arena *arena) {
        *cutter = (Cutter){ .arena = arena, .current = text_builder(0) };
        cutter->end = &cutter->first;
}

void cutter_release(Cutter *cutter) {
        text_builder_release(&cutter->current);
}

static bool flush(Cutter *cutter) {
        const Text content = text_trim(text_built(&cutter->current));

        if (content.length > 0) {
                CutterNode *node = arena_take(cutter->arena, sizeof(*node));
                if (!node)
                        return false;
                node->passage = (Passage){ .heading = cutter->path, .content = text_copy(cutter->arena, content) };
                if (!node->passage.content.bytes)
                        return false;
                *cutter->end = node;
                cutter->end = &node->next;
                cutter->count++;
        }
        text_builder_reset(&cutter->current);
        return true;
}

static bool join_headings(Cutter *cutter) {
        _cleanup_(text_builder_release) TextBuilder path = text_builder(0);

        for (size_t i = 0; i < CUTTER_LEVELS; i++) {
                if (cutter->headings[i].length == 0)
                        continue;
                text_add_string(&path, path.length > 0 ? " \u203A " : "");
                text_add(&path, cutter->headings[i]);
        }
        cutter->path = text_copy(cutter->arena, text_built(&path));
        return cutter->path.bytes != NULL;
}

bool cutter_heading(Cutter *cutter, unsigned level, Text text) {
        const Text name = text_prefix(text_trim(text), HEADING_SIZE);

        if (!flush(cutter))
                return false;
        for (size_t i = level - 1; i < CUTTER_LEVELS; i++)
                cutter->headings[i] = TEXT_NONE;
        cutter->headings[level - 1] = text_copy(cutter->arena, name);
        return cutter->headings[level - 1].bytes && join_headings(cutter);
}

static bool is_cut(Text text, size_t at, int way) {
        const char before = text.bytes[at - 1];

        switch (way) {
        case 0: /* a line */
                return before == '\n';
        case 1: /* a sentence */
                return before == ' ' && at >= 2 && strchr(".!?", text.bytes[at - 2]);
        default: /* a word */
                return before == ' ';
        }
}

/* Where a text that is too long is best cut: at a line, a sentence, a word, at any rate between characters. */
static size_t find_cut(Text text) {
        for (int way = 0; way < 3; way++)
                for (size_t at = PASSAGE_SIZE; at > PASSAGE_SIZE / 2; at--)
                        if (is_cut(text, at, way))
                                return at;
        return text_prefix(text, PASSAGE_SIZE).length;
}

bool cutter_block(Cutter *cutter, Text text, bool joined) {
        const Text separator = joined ? TEXT("\n") : TEXT("\n\n");

        if (cutter->current.length > 0 && cutter->current.length + separator.length + text.length > PASSAGE_SIZE &&
            !flush(cutter))
                return false;
        while (text.length > PASSAGE_SIZE) {
                const size_t cut = find_cut(text);
                text_add(&cutter->current, (Text){ text.bytes, cut });
                text = (Text){ text.bytes + cut, text.length - cut };
                if (!flush(cutter))
                        return false;
        }
        if (cutter->current.length > 0)
                text_add(&cutter->current, separator);
        text_add(&cutter->current, text);
        return true;
}

bool cutter_finish(Cutter *cutter, PassageList *ret_passages) {
        if (!flush(cutter))
                return false;
        Passage *items = arena_take_array(cutter->arena, Passage, cutter->count + 1);
        if (!items)
                return false;
        size_t count = 0;
        for (const CutterNode *node = cutter->first; node; node = node->next)
                items[count++] = node->passage;
        *ret_passages = (PassageList){ .items = items, .count = count };
        return true;
}
