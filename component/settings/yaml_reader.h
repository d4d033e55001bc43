/* YAML: a file of names and values, read event by event with libyaml, of which this is the only user, so that a mistake
 * is named with its line. Not a general reader: anchors, tags and a second document are refused; what may nest is its
 * caller's to say.
 *
 * yaml_read_file() blocks on the file. A reader belongs to one thread.
 */
#pragma once

#include "base/failure.h"
#include "base/text.h"

#include <yaml.h>

typedef struct Yaml {
        yaml_parser_t parser;
        yaml_event_t event; /* the last one */
        bool has_event;
        const char *path; /* in failures */
        Failure *failure;
} Yaml;

/* Reads one document whose top is a mapping: read(reader, closure) is called once for each of its keys, with the key as
 * the reader's event, and takes what follows. An empty text has no keys. */
typedef bool YamlPair(Yaml *yaml, Text key, size_t line, void *closure);
bool yaml_read(Text yaml, const char *path, YamlPair *read, void *closure, Failure *reterr_failure) _must_check_;
/* The same from a file of at most 256 KiB; `what` says in failures what stands in it. */
bool yaml_read_file(const char *path, const char *what, YamlPair *read, void *closure,
                    Failure *reterr_failure) _must_check_;

/* For the caller's read(). Each returns false with the reader's failure set. */
bool yaml_next(Yaml *yaml);
bool yaml_scalar(Yaml *yaml, Text *ret_text);                 /* the event is one */
bool yaml_mapping(Yaml *yaml, YamlPair *read, void *closure); /* after its start; a key that stands twice is refused */
bool yaml_refuse(Yaml *yaml, size_t line, const char *why);   /* line: from 0 */
bool yaml_refuse_event(Yaml *yaml, const char *why);
