/* The names of what a sender fills in. */
#include "harness/param/hole.h"

#include <string.h>

#include "harness/base/str.h"

static const char *const names[HOLE_COUNT] = {
    [HOLE_NONE] = "",           [HOLE_ID] = "id",           [HOLE_SEQ] = "seq",      [HOLE_RANDOM] = "random",
    [HOLE_SESSION] = "session", [HOLE_VANTAGE] = "vantage", [HOLE_ENV] = "env.NAME",
};

enum hole hole_of(const char *name, size_t size)
{
    if (size > strlen("env.") && strncmp(name, "env.", strlen("env.")) == 0) {
        return HOLE_ENV;
    }
    for (int i = HOLE_ID; i < HOLE_ENV; i++) {
        if (strlen(names[i]) == size && strncmp(names[i], name, size) == 0) {
            return (enum hole)i;
        }
    }
    return HOLE_NONE;
}

const char *hole_name(enum hole hole)
{
    return names[hole];
}

int hole_unknown(const char *name, struct err *err)
{
    char hint[96];
    return err_set(err, ERR_INPUT, "unknown '{{%s}}'%s (there are: id, seq, random, session, vantage, env.NAME)", name,
                   str_did_you_mean(name, names + 1, HOLE_COUNT - 1, hint));
}
