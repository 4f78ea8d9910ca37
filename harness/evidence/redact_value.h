/* The value that belongs to a secret's name, in whatever it is written: header, YAML, JSON, Lua, environment, query, flag. Private to
 * redact_find.c. */
#ifndef DRILL_EVIDENCE_REDACT_VALUE_H
#define DRILL_EVIDENCE_REDACT_VALUE_H

#include <stdbool.h>
#include <stddef.h>

struct redact_text {
    const char *data;
    size_t size;
};

struct redact_name {
    size_t begin, end;
    char before;            /* the character in front of it, with its dashes; 0: none */
    bool is_flag, is_query; /* --name; ?name, &name */
};

extern const char redacted_mark[];

/* Where the value begins and ends; false when the name has none, or what is there was taken already. */
bool redact_value(const struct redact_text *text, const struct redact_name *name, size_t *ret_begin, size_t *ret_end);

#endif
