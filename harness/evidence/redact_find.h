/* Finding the next secret in a text. Private to redact.c. */
#ifndef DRILL_EVIDENCE_REDACT_FIND_H
#define DRILL_EVIDENCE_REDACT_FIND_H

#include <stdbool.h>
#include <stddef.h>

struct redact_names { /* of the user, besides the built-in ones */
    char **items;
    size_t count, capacity;
};

struct redact_span {
    size_t begin, end; /* what is to be replaced; never empty */
    const char *rule;  /* static, or one of the names */
};

/* The rule that a name falls under: "password" for "PGPASSWORD"; NULL when it is no secret. */
const char *redact_rule_of(const struct redact_names *names, const char *word, size_t length);
/* The first secret at or after `from`; false when there is none. */
bool redact_find(const struct redact_names *names, const char *text, size_t size, size_t from, struct redact_span *ret_span);
/* The built-in rules, NULL-terminated: endings of names, parameters of queries, and what is found without a name. */
extern const char *const redact_endings[], *const redact_parameters[], *const redact_patterns[];

#endif
