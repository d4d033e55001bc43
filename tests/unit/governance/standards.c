/* Standards of compliance: the built-in one, the example of the docs, and files with mistakes. */
#include "component/settings/standards_file.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

/* What stands in docs/audit.md as the example. */
static char *example_of_the_docs(void) {
        FILE *file = fopen("docs/audit.md", "r");
        char *text = memory_new(64 * 1024), *begin, *end;
        ck_assert_ptr_nonnull(file);
        ck_assert_uint_gt(fread(text, 1, 64 * 1024 - 1, file), 0);
        fclose(file);
        ck_assert_ptr_nonnull(begin = strstr(text, "```yaml\n"));
        ck_assert_ptr_nonnull(end = strstr(begin + 8, "```"));
        char *example = memory_new((size_t) (end - begin) + 1);
        memcpy(example, begin + 8, (size_t) (end - begin) - 8);
        free(text);
        return example;
}

START_TEST(gdpr_is_built_in_and_every_kind_of_evidence_is_in_it) {
        const Standard *gdpr;
        Failure failure;
        bool shown[EVIDENCE_COUNT] = { false };
        ck_assert_done(standard_find(NULL, TEXT("gdpr"), &gdpr, &failure), failure);
        ck_assert_str_eq(gdpr->heading, "Article");
        for (size_t i = 0; i < gdpr->section_count; i++)
                shown[gdpr->sections[i].evidence] = true;
        for (int i = 0; i < EVIDENCE_COUNT; i++)
                ck_assert_msg(shown[i], "evidence %d", i);
}
END_TEST

START_TEST(the_example_of_the_docs_is_a_standard) {
        char *yaml = example_of_the_docs();
        Standards *standards;
        const Standard *standard;
        Failure failure;
        ck_assert_done(standards_read_yaml(text_of(yaml), "example.yaml", &standards, &failure), failure);
        ck_assert_done(standard_find(standards, TEXT("iso-27001-access"), &standard, &failure), failure);
        ck_assert_str_eq(standard->heading, "Control");
        ck_assert_uint_gt(standard->section_count, 2);
        ck_assert_str_eq(standard->sections[0].number, "A.5.15");
        ck_assert_int_eq(standard->sections[0].evidence, EVIDENCE_ACCESS);
        ck_assert(standard->sections[0].note[0] != '\0');
        ck_assert(!standard_find(standards, TEXT("soc2"), &standard, &failure));
        ck_assert_str_eq(failure.text, "there is no standard 'soc2'; there are: gdpr iso-27001-access");
        standards_free(standards);
        free(yaml);
}
END_TEST

#define SECTION "  '1': { title: T, evidence: access }\n"

START_TEST(mistakes_are_named_by_line_and_word) {
        static const struct {
                const char *yaml, *failure;
        } cases[] = {
                { "own:\n  title: Own\n  '1':\n    title: T\n    evidence: acess\n",
                  "f.yaml:5: 'acess' is no evidence; there are: access purposes policies persons violations exports "
                  "deletions" },
                { "own:\n  titel: Own\n" SECTION, "f.yaml:2: 'titel' is not known here; there are: title, heading, and "
                                                  "sections with lines of their own" },
                { "own:\n  title: Own\n  '1':\n    evidense: access\n",
                  "f.yaml:4: 'evidense' is not known here; there are: title, evidence, note" },
                { "own:\n  title: Own\n  '1':\n    title: T\n", "f.yaml:3: a section needs 'title' and 'evidence'" },
                { "own:\n  title: Own\n", "f.yaml:1: a standard needs 'title' and a section" },
                { "own:\n" SECTION, "f.yaml:1: a standard needs 'title' and a section" },
                { "own: 3\n", "f.yaml:1: expected what the standard has, as lines of 'name: value'" },
                { "gdpr:\n  title: Mine\n" SECTION, "f.yaml:1: a standard of this name is built in" },
                { "Own One:\n  title: Own\n" SECTION,
                  "f.yaml:1: a standard's name has 1 to 63 of a-z, 0-9, '_' and '-'" },
                { "own:\n  title: Own\n" SECTION SECTION, "f.yaml:4: this key stands here twice" },
                { "own:\n  title: [a]\n" SECTION, "f.yaml:2: expected a plain value" },
                { "own:\n  title: Own\n  '1':\n    title: [a]\n    evidence: access\n",
                  "f.yaml:4: expected a plain value" },
        };
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Standards *standards;
                Failure failure;
                ck_assert_msg(!standards_read_yaml(text_of(cases[i].yaml), "f.yaml", &standards, &failure), "%s",
                              cases[i].yaml);
                ck_assert_str_eq(failure.text, cases[i].failure);
        }
}
END_TEST

UNIT_TESTS("governance/standards", gdpr_is_built_in_and_every_kind_of_evidence_is_in_it,
           the_example_of_the_docs_is_a_standard, mistakes_are_named_by_line_and_word)
