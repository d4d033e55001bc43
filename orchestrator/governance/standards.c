#include "orchestrator/governance/standards.h"

/* Regulation (EU) 2016/679. What only its controller can know (his name, his lawful basis) is not in here. */
static StandardSection gdpr[] = {
        { "15(1)(a)", "Purposes of the processing", "What each agent is for, and the model that works for it.",
          EVIDENCE_PURPOSES },
        { "15(1)(c)", "Recipients to whom data was disclosed",
          "Who could write to which agent, who manages it, and who may read what was written.", EVIDENCE_ACCESS },
        { "15(3)", "Copies that were given out", "Every export, by whom and when.", EVIDENCE_EXPORTS },
        { "17, 19", "Erasure", "Everything that was deleted or erased, by whom and when.", EVIDENCE_DELETIONS },
        { "30(1)(b)", "Record of processing: purposes", "", EVIDENCE_PURPOSES },
        { "30(1)(c)", "Record of processing: categories of persons",
          "People who wrote to agents, counted. Their messages and addresses are sealed (AES-256-GCM) under a key of "
          "the tenant.",
          EVIDENCE_PERSONS },
        { "30(1)(d)", "Record of processing: recipients", "", EVIDENCE_ACCESS },
        { "30(1)(g)", "Record of processing: measures of security",
          "Policies in force. Audit chains are signed every minute and verified by `aiox audit verify`.",
          EVIDENCE_POLICIES },
        { "33(5)", "Breaches and what was done", "Refusals, violations and unusual events, as the audit has them.",
          EVIDENCE_VIOLATIONS },
};

static Standard builtin_items[] = {
        { "gdpr", "General Data Protection Regulation, articles 15 and 30", "Article", gdpr, COUNT_OF(gdpr) },
};
static const Standards builtin = { builtin_items, COUNT_OF(builtin_items) };

static const char *const evidence_names[EVIDENCE_COUNT] = {
        [EVIDENCE_ACCESS] = "access",         [EVIDENCE_PURPOSES] = "purposes", [EVIDENCE_POLICIES] = "policies",
        [EVIDENCE_PERSONS] = "persons",       [EVIDENCE_EXPORTS] = "exports",   [EVIDENCE_DELETIONS] = "deletions",
        [EVIDENCE_VIOLATIONS] = "violations",
};

Standards *standards_new(void) {
        return memory_new(sizeof(Standards));
}

Standard *standards_add(Standards *standards, Text name) {
        standards->items = memory_resize(standards->items, (standards->count + 1) * sizeof(*standards->items));
        Standard *standard = &standards->items[standards->count++];
        *standard = (Standard){ .name = text_keep(name), .title = memory_string(""), .heading = memory_string("") };
        return standard;
}

StandardSection *standard_add(Standard *standard, Text number, Evidence evidence) {
        standard->sections = memory_resize(standard->sections,
                                           (standard->section_count + 1) * sizeof(*standard->sections));
        StandardSection *section = &standard->sections[standard->section_count++];
        *section = (StandardSection){
                .number = text_keep(number), .title = memory_string(""), .note = memory_string(""), .evidence = evidence
        };
        return section;
}

void standards_free(Standards *standards) {
        for (size_t i = 0; i < standards->count; i++) {
                Standard *standard = &standards->items[i];
                for (size_t k = 0; k < standard->section_count; k++) {
                        free((char *) standard->sections[k].number);
                        free((char *) standard->sections[k].title);
                        free((char *) standard->sections[k].note);
                }
                free(standard->sections);
                free((char *) standard->name);
                free((char *) standard->title);
                free((char *) standard->heading);
        }
        free(standards->items);
        free(standards);
}

static const Standard *find_in(const Standards *standards, Text name, TextBuilder *names) {
        for (size_t i = 0; standards && i < standards->count; i++) {
                if (text_equal(text_of(standards->items[i].name), name))
                        return &standards->items[i];
                text_add_char(names, ' ');
                text_add_string(names, standards->items[i].name);
        }
        return NULL;
}

bool standard_find(const Standards *further, Text name, const Standard **ret_standard, Failure *reterr_failure) {
        _cleanup_(text_builder_release) TextBuilder names = text_builder(FAILURE_TEXT_LIMIT);
        const Standard *standard = find_in(&builtin, name, &names);
        if (!standard)
                standard = find_in(further, name, &names);
        if (!standard)
                return failure_set(reterr_failure, FAILURE_INVALID, "there is no standard '%.*s'; there are:%.*s",
                                   TEXT_ARGUMENTS(name), TEXT_ARGUMENTS(text_built(&names)));
        *ret_standard = standard;
        return true;
}

bool evidence_from_name(Text name, Evidence *ret_evidence, Failure *reterr_failure) {
        _cleanup_(text_builder_release) TextBuilder names = text_builder(FAILURE_TEXT_LIMIT);
        Text shown = text_prefix(name, 64);
        for (int i = 0; i < EVIDENCE_COUNT; i++) {
                if (text_equal(name, text_of(evidence_names[i]))) {
                        *ret_evidence = (Evidence) i;
                        return true;
                }
                text_add_char(&names, ' ');
                text_add_string(&names, evidence_names[i]);
        }
        return failure_set(reterr_failure, FAILURE_INVALID, "'%.*s' is no evidence; there are:%.*s",
                           TEXT_ARGUMENTS(shown), TEXT_ARGUMENTS(text_built(&names)));
}
