#include "orchestrator/memory/passages.h"

#include "orchestrator/memory/cutter.h"
#include "orchestrator/memory/markdown.h"

#define FRONT_MATTER_LIMIT 4096 /* bytes within which a preamble between lines of --- must end */

/* Paragraphs are what empty lines separate; lines within stay lines. */
static bool cut_plain(Cutter *cutter, Text document) {
        _cleanup_(text_builder_release) TextBuilder paragraph = text_builder(0);
        Text line;

        while (text_split(&document, '\n', &line)) {
                while (line.length > 0 && strchr(" \t\r", line.bytes[line.length - 1]))
                        line.length--;
                if (line.length > 0) {
                        text_add_string(&paragraph, paragraph.length > 0 ? "\n" : "");
                        text_add(&paragraph, line);
                        continue;
                }
                if (paragraph.length > 0 && !cutter_block(cutter, text_built(&paragraph), false))
                        return false;
                text_builder_reset(&paragraph);
        }
        return paragraph.length == 0 || cutter_block(cutter, text_built(&paragraph), false);
}

/* Metadata for a site's generator, which some put above their Markdown. */
static Text skip_front_matter(Text document) {
        if (!text_starts_with(document, TEXT("---\n")))
                return document;
        const Text head = { document.bytes,
                            document.length < FRONT_MATTER_LIMIT ? document.length : FRONT_MATTER_LIMIT };
        const char *end = memmem(head.bytes + 3, head.length - 3, "\n---\n", 5);
        if (!end)
                return document;
        const size_t skipped = (size_t) (end - document.bytes) + 5;
        return (Text){ document.bytes + skipped, document.length - skipped };
}

bool passages_split(PassageFormat format, Text document, Arena *arena, PassageList *ret_passages,
                    Failure *reterr_failure) {
        if (document.length > PASSAGE_DOCUMENT_LIMIT)
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The document has more than %d KiB: divide it.",
                                   PASSAGE_DOCUMENT_LIMIT / 1024);
        if (!text_is_utf8(document) || (document.length > 0 && memchr(document.bytes, '\0', document.length)))
                return failure_set(reterr_failure, FAILURE_INVALID, "The document is not text in UTF-8.");
        if (text_starts_with(document, TEXT("\xEF\xBB\xBF")))
                document = (Text){ document.bytes + 3, document.length - 3 };

        _cleanup_(cutter_release) Cutter cutter;
        cutter_begin(&cutter, arena);
        const bool cut = format == PASSAGE_MARKDOWN ? markdown_cut(skip_front_matter(document), &cutter)
                                                    : cut_plain(&cutter, document);
        if (!cut || !cutter_finish(&cutter, ret_passages))
                return failure_set(reterr_failure, FAILURE_TOO_LARGE, "The document is larger than there is room for.");
        return true;
}
