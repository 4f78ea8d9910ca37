/* Which parts of the topology a short text selects: for loops, `after:` and `each:`. */
#include "harness/topology/expand.h"

#include <string.h>

#include "harness/base/vec.h"
#include "harness/topology/names.h"

enum match_kind { MATCH_NONE = 0, MATCH_REGIONS, MATCH_HOSTS, MATCH_SERVICE, MATCH_ROLE };

struct match {
    enum match_kind kind;
    char name[64]; /* the service or the role */
    char short_name[64];
    const struct topology_region *region; /* NULL: any */
};

static int set_region(const struct scope *scope, const char *value, struct match *match, struct err *err)
{
    const struct topology_region *region;
    if (str_eq(value, "this")) {
        region = scope->this.region;
    } else if (str_eq(value, "item")) {
        region = scope->in_loop ? scope->item.region : NULL;
    } else {
        const char *name = str_eq(value, "primary") ? scope->topology->primary_region : value;
        region = topology_region_find(scope->topology, name);
        if (!region) {
            return names_no_region(scope->topology, value, err);
        }
    }
    if (!region) {
        return err_set(err, ERR_INPUT, "'region=%s': %s is in no region", value, subject_name(&scope->this));
    }
    match->region = region;
    return 0;
}

static int set_word(const struct scope *scope, const char *word, struct match *match, struct err *err)
{
    char key[32] = "";
    const char *equals = strchr(word, '=');
    const char *value = equals ? equals + 1 : "";
    if (!equals || (size_t)(equals - word) >= sizeof(key)) {
        match->kind = str_eq(word, "regions") ? MATCH_REGIONS : str_eq(word, "hosts") ? MATCH_HOSTS : MATCH_NONE;
    } else {
        memcpy(key, word, (size_t)(equals - word));
    }
    if (str_eq(key, "region")) {
        return set_region(scope, value, match, err);
    }
    if (str_eq(key, "service")) {
        match->kind = MATCH_SERVICE;
        (void)str_copy(match->name, sizeof(match->name), value);
        return names_check_service(scope->topology, value, err);
    }
    if (str_eq(key, "role")) {
        match->kind = MATCH_ROLE;
        (void)str_copy(match->name, sizeof(match->name), value);
        return names_check_role(value, err);
    }
    if (str_eq(key, "short")) {
        (void)str_copy(match->short_name, sizeof(match->short_name), value);
        return 0;
    }
    return match->kind && !*key
               ? 0
               : err_set(err, ERR_INPUT, "'%s': expected regions, hosts, service=NAME or role=NAME, and region=… or short=…",
                         word);
}

static bool fits(const struct match *match, const struct subject *subject)
{
    if (match->region && subject->region != match->region) {
        return false;
    }
    return !*match->short_name || (subject->host && str_eq(subject->host->short_name, match->short_name));
}

struct subjects {
    struct subject *items;
    size_t count, capacity;
};

static void add_if_fits(const struct match *match, struct subject subject, struct subjects *list)
{
    if (fits(match, &subject)) {
        *VEC_ADD(list) = subject;
    }
}

static void collect(const struct topology *topology, const struct match *match, struct subjects *list)
{
    for (size_t i = 0; match->kind == MATCH_REGIONS && i < topology->region_count; i++) {
        add_if_fits(match, subject_of_region(&topology->regions[i]), list);
    }
    for (size_t i = 0; match->kind == MATCH_HOSTS && i < topology->host_count; i++) {
        add_if_fits(match, subject_of_host(&topology->hosts[i]), list);
    }
    for (size_t i = 0; i < topology->service_count; i++) {
        const struct topology_service *service = &topology->services[i];
        bool wanted = (match->kind == MATCH_SERVICE && str_eq(service->service, match->name)) ||
                      (match->kind == MATCH_ROLE && str_eq(service->role, match->name));
        if (wanted) {
            add_if_fits(match, subject_of_service(service), list);
        }
    }
}

int match_subjects(const struct scope *scope, const char *text, struct subject **ret_subjects, size_t *ret_count, struct err *err)
{
    AUTO_FREE char *words = xstrdup(text);
    struct match match = {0};
    char *rest = words, *word;
    while ((word = strsep(&rest, ", "))) {
        if (*word && set_word(scope, word, &match, err) < 0) {
            return -err->code;
        }
    }
    if (!match.kind) {
        return err_set(err, ERR_INPUT, "'%s': say what is meant: regions, hosts, service=NAME or role=NAME", text);
    }
    struct subjects list = {0};
    collect(scope->topology, &match, &list);
    *ret_subjects = list.items;
    *ret_count = list.count;
    return 0;
}
