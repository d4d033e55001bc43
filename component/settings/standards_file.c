#include "component/settings/standards_file.h"

#include "component/settings/yaml_reader.h"
#include "orchestrator/operations/input.h"

#define STANDARDS_LIMIT 64
#define SECTIONS_LIMIT  200
#define TEXT_LIMIT      1000

typedef struct Section {
        const char *title, *note; /* NULL: not given */
        Evidence evidence;
        bool shows; /* evidence was given */
} Section;

static bool unknown(Yaml *yaml, size_t line, Text key, const char *known) {
        Text shown = text_prefix(key, 64);
        failure_set(yaml->failure, FAILURE_INVALID, "%s:%zu: '%.*s' is not known here; there are: %s", yaml->path,
                    line + 1, TEXT_ARGUMENTS(shown), known);
        return false;
}

static bool read_text(Yaml *yaml, size_t line, const char **place) {
        Text value;
        if (!yaml_scalar(yaml, &value))
                return false;
        if (value.length > TEXT_LIMIT)
                return yaml_refuse(yaml, line, "this value is longer than 1000 bytes");
        free((char *) *place);
        *place = text_keep(value);
        return true;
}

static bool read_evidence(Yaml *yaml, size_t line, Section *section) {
        Text value;
        if (!yaml_scalar(yaml, &value))
                return false;
        section->shows = evidence_from_name(value, &section->evidence, yaml->failure);
        return section->shows || failure_prefix(yaml->failure, "%s:%zu", yaml->path, line + 1);
}

static bool read_part(Yaml *yaml, Text key, size_t line, void *section_) {
        Section *section = section_;
        if (!yaml_next(yaml))
                return false;
        if (text_equal(key, TEXT("title")))
                return read_text(yaml, line, &section->title);
        if (text_equal(key, TEXT("note")))
                return read_text(yaml, line, &section->note);
        return text_equal(key, TEXT("evidence")) ? read_evidence(yaml, line, section)
                                                 : unknown(yaml, line, key, "title, evidence, note");
}

static bool read_section(Yaml *yaml, Text number, size_t line, Standard *standard) {
        Section section = { 0 };
        if (standard->section_count == SECTIONS_LIMIT)
                return yaml_refuse(yaml, line, "there are more than 200 sections");
        bool done = yaml_mapping(yaml, read_part, &section);
        if (done && (!section.title || !section.shows))
                done = yaml_refuse(yaml, line, "a section needs 'title' and 'evidence'");
        if (done) {
                StandardSection *added = standard_add(standard, number, section.evidence);
                free((char *) added->title);
                added->title = section.title;
                section.title = NULL;
                if (section.note) {
                        free((char *) added->note);
                        added->note = section.note;
                        section.note = NULL;
                }
        }
        free((char *) section.title);
        free((char *) section.note);
        return done;
}

static bool read_entry(Yaml *yaml, Text key, size_t line, void *standard_) {
        Standard *standard = standard_;
        if (!yaml_next(yaml))
                return false;
        if (yaml->event.type == YAML_MAPPING_START_EVENT)
                return read_section(yaml, key, line, standard);
        if (text_equal(key, TEXT("title")))
                return read_text(yaml, line, &standard->title);
        return text_equal(key, TEXT("heading"))
                       ? read_text(yaml, line, &standard->heading)
                       : unknown(yaml, line, key, "title, heading, and sections with lines of their own");
}

static bool read_standard(Yaml *yaml, Text name, size_t line, void *standards_) {
        Standards *standards = standards_;
        const Standard *there;
        if (!is_name(name))
                return yaml_refuse(yaml, line, "a standard's name has 1 to 63 of a-z, 0-9, '_' and '-'");
        if (standard_find(NULL, name, &there, NULL))
                return yaml_refuse(yaml, line, "a standard of this name is built in");
        if (standards->count == STANDARDS_LIMIT)
                return yaml_refuse(yaml, line, "there are more than 64 standards");
        Standard *standard = standards_add(standards, name);
        if (!yaml_next(yaml))
                return false;
        if (yaml->event.type != YAML_MAPPING_START_EVENT)
                return yaml_refuse_event(yaml, "expected what the standard has, as lines of 'name: value'");
        if (!yaml_mapping(yaml, read_entry, standard))
                return false;
        return (standard->title[0] && standard->section_count > 0) ||
               yaml_refuse(yaml, line, "a standard needs 'title' and a section");
}

bool standards_read_yaml(Text yaml, const char *path, Standards **ret_standards, Failure *reterr_failure) {
        _cleanup_(standards_freep) Standards *standards = standards_new();
        if (!yaml_read(yaml, path, read_standard, standards, reterr_failure))
                return false;
        *ret_standards = standards;
        standards = NULL;
        return true;
}

bool standards_read_file(const char *path, Standards **ret_standards, Failure *reterr_failure) {
        _cleanup_(standards_freep) Standards *standards = standards_new();
        if (!yaml_read_file(path, "standards", read_standard, standards, reterr_failure))
                return false;
        *ret_standards = standards;
        standards = NULL;
        return true;
}
