/* Finding drills in the archive. */
#include "harness/cli/lookup.h"

#include "harness/archive/archive.h"
#include "harness/base/digest.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"

int lookup_drill(const char *archive, const struct history *history, const char *word, const struct past_drill **ret_drill,
                 struct err *err)
{
    struct archive_list list CLEANUP(archive_list_clear) = {0};
    const struct archive_drill *found = NULL;
    int status = archive_read(archive, &list, err);
    if (status == 0) {
        status = archive_find(&list, word, &found, err);
    }
    if (status < 0) {
        return status;
    }
    VEC_EACH(past, history)
    {
        if (str_eq(past->name, found->name)) {
            *ret_drill = past;
            return 0;
        }
    }
    return err_set(err, ERR_STATE, "'%s' came into the archive just now; try again", found->name);
}

json_t *lookup_link(const struct past_drill *drill)
{
    AUTO_FREE char *tag = xasprintf("%s/../tagmanifest-sha256.txt", drill->folder ? drill->folder : ".");
    char sha256[DIGEST_TEXT];
    json_t *missed = json_array();
    size_t index;
    json_t *objective;
    json_array_foreach(json_object_get(drill->report, "objectives"), index, objective)
    {
        if (str_eq(json_str(objective, "result", ""), "missed")) {
            json_array_append_new(missed, json_string(json_str(objective, "text", "?")));
        }
    }
    bool sealed = *digest_file(tag, sha256);
    return json_pack("{s:s, s:s, s:s, s:o, s:s?}", "drill_id", drill->id, "name", drill->name, "outcome",
                     *drill->exit_words ? drill->exit_words : past_outcome_name(drill->outcome), "missed", missed,
                     "tagmanifest_sha256", sealed ? sha256 : NULL);
}
