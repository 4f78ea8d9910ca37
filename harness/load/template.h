/* A text with holes, one for each kind of request: what is the same for all requests ({{vantage}}, {{env.NAME}}) is put in once, what
 * changes ({{id}}, {{seq}}, {{random}}, {{session}}) has a fixed width and is overwritten in place, in the copy that a slot keeps. Values of the
 * environment are in the text only: no message names them. */
#ifndef DRILL_LOAD_TEMPLATE_H
#define DRILL_LOAD_TEMPLATE_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/cleanup.h"
#include "harness/base/err.h"

enum { TEMPLATE_DIGITS = 9, TEMPLATE_RANDOM_DIGITS = 16 };

enum template_kind {
    TEMPLATE_PLAIN = 1, /* anything goes */
    TEMPLATE_LINE,      /* a header: a variable with control characters is refused, it could begin another header */
    TEMPLATE_URL        /* a variable's value is percent-encoded */
};

struct template;

struct template_fixed {
    const char *vantage, *id_prefix; /* NULL is "" */
};

struct template_values {
    uint64_t id, seq, random, session;
};

/* `what` names the text in messages. A variable that is not set, or empty, is ERR_INPUT. text NULL gives NULL. */
int template_new(const char *text, enum template_kind kind, const char *what, const struct template_fixed *fixed,
                 struct template **ret_template, struct err *err) MUST_CHECK;
void template_free(struct template *template); /* accepts NULL */
DEFINE_CLEANUP(struct template *, template, template_free)
const char *template_text(const struct template *template); /* zeros in its holes; NULL of NULL */
bool template_varies(const struct template *template);      /* it has holes; false of NULL */
/* Write the values into a copy of the template's text. */
void template_fill(const struct template *template, char *copy, const struct template_values *values);

#endif
