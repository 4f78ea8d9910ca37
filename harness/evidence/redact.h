/* Secrets do not get into evidence: every text passes here before it is written. What is secret is told by name, not guessed from how
 * it looks: headers, settings, flags and query parameters of certain names, the user part of a URL, and a few kinds of token that say
 * themselves what they are. The built-in names are in redact_find.c; a topology or a scenario adds its own (`redact: [x-tenant]`).
 *
 * It rather takes too much: an unquoted value goes to the end of its line. A value of at least 12 characters with letters and digits
 * that was taken once is taken wherever it turns up again, also without its name. No trace of a secret stays, neither its length nor
 * a hash: a hash of something short is soon guessed. */
#ifndef DRILL_EVIDENCE_REDACT_H
#define DRILL_EVIDENCE_REDACT_H

#include <stddef.h>

#include "harness/base/buf.h"
#include "harness/base/json.h"

#define REDACTED "[redacted]"

struct redactor; /* opaque; remembers what it took where */

struct redactor *redactor_new(void);           /* with the built-in rules */
void redactor_free(struct redactor *redactor); /* accepts NULL */
DEFINE_CLEANUP(struct redactor *, redactor, redactor_free)
/* One more name, in any case: letters, digits, "-", "_", ".". */
int redactor_add(struct redactor *redactor, const char *name, struct err *err) MUST_CHECK;

/* In all of these `where` is the name of the file that it is for. Without a redactor (NULL) nothing is changed. */
void redactor_text(struct redactor *redactor, const char *where, const char *text, size_t size, struct buf *out);
char *redactor_string(struct redactor *redactor, const char *where, const char *text);   /* the caller frees */
json_t *redactor_json(struct redactor *redactor, const char *where, const json_t *json); /* new reference, a copy */
/* The text of a file, as JSON or as text by the ending of its name. */
void redactor_document(struct redactor *redactor, const char *name, const char *text, size_t size, struct buf *out);
/* A text file, replaced as a whole. */
int redactor_file(struct redactor *redactor, const char *where, const char *path, struct err *err) MUST_CHECK;

/* The last look at a file that was written piece by piece: what became known as a secret later is taken out. */
int redactor_known_values(struct redactor *redactor, const char *where, const char *path, struct err *err) MUST_CHECK;

/* {"names", "parameters", "patterns", "added": lists of rules, "redacted": [{"file", "rule", "count"}]}; new reference. */
json_t *redactor_list(const struct redactor *redactor);

#endif
