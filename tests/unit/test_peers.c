/* Far sides and groups: what `peer` and lists in a fault's words become for the agents. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "harness/engine/session.h"

static struct topology *topology;

static int load(void **state)
{
    struct err err = {0};
    (void)state;
    return topology_load(DRILL_SOURCE_DIR "/scenarios/topologies/three-region.yaml", "/run/drill/state", "/usr/bin", NULL,
                         &topology, &err);
}

static int unload(void **state)
{
    (void)state;
    topology_free(topology);
    return 0;
}

/* "us-east@us-east->10.2.0.0/24,10.3.0.0/24 …": name, place and far sides of each description, or the error. */
static char *describe(const char *options)
{
    struct target_list list CLEANUP(target_list_clear) = {0};
    struct buf out = {0};
    struct err err = {0};
    AUTO_FREE char *name = NULL;
    AUTO_JSON json_t *json = json_pack("{s:s, s:o}", "fault", "partition", "options", json_loads(options, 0, NULL));
    AUTO_NODE struct node *args = node_from_json(json);
    if (targets_describe(topology, args, "f1", &list, &name, &err) < 0) {
        return xstrdup(err.text);
    }
    for (size_t i = 0; i < list.count; i++) {
        const json_t *target = json_object_get(list.items[i], "target"), *peers = json_object_get(target, "peers");
        buf_printf(&out, "%s%s@%s->", i ? " " : "", json_str(target, "name", ""), json_str(target, "place", ""));
        for (size_t j = 0; j < json_array_size(peers); j++) {
            buf_printf(&out, "%s%s", j ? "," : "", json_str(json_array_get(peers, j), "cidr", ""));
        }
    }
    return buf_take(&out);
}

static void each_word_means_its_prefixes(void **state)
{
    static const struct {
        const char *options, *means;
    } cases[] = {
        {"{\"region\": \"us-east\", \"peer\": \"us-west\"}", "us-east@us-east->10.2.0.0/24"},
        {"{\"region\": \"us-east\", \"peer\": \"rest\"}", "us-east@us-east->10.2.0.0/24,10.3.0.0/24"},
        {"{\"region\": [\"us-east\", \"us-west\"], \"peer\": \"rest\"}",
         "us-east@us-east->10.3.0.0/24 us-west@us-west->10.3.0.0/24"},
        {"{\"region\": \"us-east\", \"peer\": [\"eu-west\", \"us-west-db\"]}", "us-east@us-east->10.3.0.0/24,10.2.0.31/32"},
        {"{\"region\": \"us-east\", \"peer\": \"patroni@us-west-db\"}", "us-east@us-east->10.2.0.31/32"},
        {"{\"host\": \"us-east-db\", \"peer\": \"us-east-app1\"}", "us-east-db@us-east-db->10.1.0.21/32"},
        {"{\"region\": \"us-east\"}", "us-east@us-east->"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *found = describe(cases[i].options);
        assert_string_equal(found, cases[i].means);
    }
}

static void what_is_nobody_is_refused(void **state)
{
    static const struct {
        const char *options, *says;
    } cases[] = {
        {"{\"region\": \"us-east\", \"peer\": \"us-wets\"}", "did you mean 'us-west'"},
        {"{\"region\": \"us-east\", \"peer\": []}", "the list is empty"},
        {"{\"region\": [], \"peer\": \"rest\"}", "the list is empty"},
        {"{\"region\": [\"us-east\", \"us-west\", \"eu-west\"], \"peer\": \"rest\"}", "nobody is left"},
        {"{\"region\": [\"us-east\"], \"role\": [\"store\"]}", "only one of"},
        {"{\"peer\": \"rest\"}", "needs to know what to hit"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        AUTO_FREE char *found = describe(cases[i].options);
        if (!strstr(found, cases[i].says)) {
            fail_msg("'%s' does not say '%s'", found, cases[i].says);
        }
    }
}

static void the_rest_of_a_host_is_all_other_hosts(void **state)
{
    (void)state;
    AUTO_FREE char *found = describe("{\"host\": \"us-east-db\", \"peer\": \"rest\"}");
    size_t commas = 0;
    for (const char *at = found; *at; at++) {
        commas += *at == ',';
    }
    assert_int_equal(commas + 1, topology->host_count - 1);
    assert_null(strstr(found, "10.1.0.31/32"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_word_means_its_prefixes),
        cmocka_unit_test(what_is_nobody_is_refused),
        cmocka_unit_test(the_rest_of_a_host_is_all_other_hosts),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
