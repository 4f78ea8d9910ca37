/* A snapshot is a list of things, each with a name and what it is like; comparing two is comparing lists. */
#include "faults/snapshot.h"

#include <errno.h>
#include <string.h>

#include "faults/network/nft.h"
#include "faults/snapshot_net.h"
#include "harness/base/str.h"

static void add_table(const char *family, const char *name, void *context)
{
    struct snapshot *snapshot = context;
    AUTO_FREE char *thing = xasprintf("nft table %s %s", family, name);
    snapshot_add(snapshot, thing, "");
}

void snapshot_add(struct snapshot *snapshot, const char *name, const char *value)
{
    *VEC_ADD(&snapshot->things) = (struct thing){xstrdup(name), xstrdup(value)};
}

static int by_name(const void *a, const void *b)
{
    const struct thing *one = a, *other = b;
    int order = strcmp(one->name, other->name);
    return order ? order : strcmp(one->value, other->value);
}

int snapshot_take(struct snapshot **ret_snapshot, struct err *err)
{
    struct snapshot *snapshot CLEANUP(snapshot_cleanup) = xcalloc(1, sizeof(*snapshot));
    int status = snapshot_add_network(snapshot, err);
    if (status == 0) {
        status = nft_list_tables(add_table, snapshot, err);
        if (status < 0 && err->saved_errno == EPERM) {
            status = 0; /* who may not look at tables cannot have made one */
        }
    }
    if (status == 0) {
        status = snapshot_add_system(snapshot, err);
    }
    if (status < 0) {
        return err_prefix(err, "cannot take a snapshot of this place");
    }
    if (snapshot->things.count) {
        qsort(snapshot->things.items, snapshot->things.count, sizeof(struct thing), by_name);
    }
    *ret_snapshot = TAKE(snapshot);
    return 0;
}

/* Takes text. */
static void tell(json_t *left, char *text)
{
    json_array_append_new(left, json_string(text));
    free(text);
}

/* That a helper has ended is how it should be. */
static void tell_gone(json_t *left, const struct thing *thing)
{
    if (str_starts_with(thing->name, SNAPSHOT_HELPER)) {
        return;
    }
    const char *was = *thing->value ? ", was " : "";
    tell(left, xasprintf("%s is missing%s%s", thing->name, was, thing->value));
}

static void tell_new(json_t *left, const struct thing *thing)
{
    const char *is = *thing->value ? ": " : "";
    tell(left, xasprintf("%s is new%s%s", thing->name, is, thing->value));
}

/* Both lists are sorted by name: one walk through both. */
int snapshot_compare(const struct snapshot *before, json_t *left, struct err *err)
{
    struct snapshot *after CLEANUP(snapshot_cleanup) = NULL;
    int status = snapshot_take(&after, err);
    if (status < 0) {
        return status;
    }
    const struct thing *old = before->things.items, *old_end = old + before->things.count;
    const struct thing *now = after->things.items, *now_end = now + after->things.count;
    while (old < old_end || now < now_end) {
        int order = old == old_end ? 1 : now == now_end ? -1 : strcmp(old->name, now->name);
        if (order < 0) {
            tell_gone(left, old++);
        } else if (order > 0) {
            tell_new(left, now++);
        } else {
            if (!str_eq(old->value, now->value)) {
                tell(left, xasprintf("%s was %s, is %s now", old->name, old->value, now->value));
            }
            old++;
            now++;
        }
    }
    return 0;
}

void snapshot_free(struct snapshot *snapshot)
{
    if (snapshot) {
        VEC_EACH(thing, &snapshot->things)
        {
            free(thing->name);
            free(thing->value);
        }
        VEC_CLEAR(&snapshot->things);
        free(snapshot);
    }
}
