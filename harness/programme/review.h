/* Reviews: what people make of a drill days later. A draft is filled in by hand, checked, and sealed beside the drill by another key.
 * The newest review of a drill says how its actions stand. */
#ifndef DRILL_PROGRAMME_REVIEW_H
#define DRILL_PROGRAMME_REVIEW_H

#include "harness/programme/fields.h"
#include "harness/programme/history.h"

extern const struct field review_fields[];

/* A draft for that drill: its missed objectives and findings to confirm, the earlier review's actions to bring up to date. */
void review_template(const struct past_drill *drill, struct buf *out);

struct review {
    char *text; /* as read */
    size_t size;
    json_t *values; /* the fields, and drill_id, name, verdict and what the drill's own bundle is known by */
};

/* Read a filled-in draft and check it against the drill: it is of this drill; there is a reviewer and a sign-off; the reviewer, who
 * signed it as reviewed, is not the drill's operator; each action has owner, due day and the reason for it; a
 * drill that failed has an action or an accepted risk. ERR_INPUT says what is missing and where. review_clear after success. */
int review_read(const char *file, const struct past_drill *drill, struct review *ret_review, struct err *err) MUST_CHECK;
void review_clear(struct review *review);

#endif
