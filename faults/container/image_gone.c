/* Image gone: a container dies, and whoever makes it anew (compose, a deployment) finds that its image is not there. The image only loses its
 * name, the container is set aside under another: both come back as they were. A restart needs no image, so a restart policy would not
 * notice; that is why the container goes too. */
#include "faults/container/engine.h"
#include "harness/base/cleanup.h"
#include "harness/base/str.h"

#include <string.h>

#define KEPT "drill-kept-" /* in front of the names that wait for the revert */

static const struct param image_gone_options[] = {{.type = PARAM_END}};

static void image_gone_plan(const struct fault_instance *fault, struct buf *out)
{
    buf_printf(out, "set the container of %s aside and take away its image's name; proven by trying to make it anew",
               fault->target.name);
}

static int remember_image(const json_t *inspected, json_t *entry, struct err *err)
{
    const char *image = json_str(json_object_get(inspected, "Config"), "Image", ""), *id = json_str(inspected, "Image", "");
    if (strchr(image, '@') || str_starts_with(image, "sha256:")) {
        return err_set(err, ERR_UNSUPPORTED, "was made of an image without a name ('%.80s')", image);
    }
    const char *slash = strrchr(image, '/'), *colon = strrchr(image, ':');
    bool tagged = colon && (!slash || colon > slash);
    json_object_set_new(entry, "repository", json_stringn(image, tagged ? (size_t)(colon - image) : strlen(image)));
    json_object_set_new(entry, "tag", json_string(tagged ? colon + 1 : "latest"));
    json_object_set_new(entry, "image", json_string(id));
    return 0;
}

static int image_gone_prepare(struct fault_instance *fault, struct err *err)
{
    return engine_remember(fault, remember_image, err);
}

/* An answer 404 is one: what was asked for is not there. */
static int exists(const struct fault_instance *fault, const char *path, bool *ret_exists, struct err *err)
{
    int status = engine_call(fault, "GET", path, NULL, NULL, err);
    *ret_exists = status == 0;
    return status == -ERR_INPUT ? 0 : status;
}

static int tag_image(const struct fault_instance *fault, const char *image, const char *repository, const char *tag,
                     struct err *err)
{
    char path[700];
    (void)str_format(path, sizeof(path), "/images/%s/tag?repo=%s&tag=%s", image, repository, tag);
    return engine_call(fault, "POST", path, NULL, NULL, err);
}

static void kept_name(const struct fault_instance *fault, const json_t *entry, char out[static 200])
{
    (void)str_format(out, 200, KEPT "%s-%s", fault->id, json_str(entry, "name", ""));
}

static void image_path(const json_t *entry, const char *what, char out[static 400])
{
    (void)str_format(out, 400, "/images/%s:%s%s", json_str(entry, "repository", ""), json_str(entry, "tag", ""), what);
}

/* A second name keeps the image while its own is away. */
static int untag_one(struct fault_instance *fault, const json_t *entry, struct err *err)
{
    char named[400], removed[400], kept[200];
    bool there = false;
    image_path(entry, "/json", named);
    image_path(entry, "?noprune=true&force=true", removed);
    kept_name(fault, entry, kept);
    int status = exists(fault, named, &there, err);
    if (status == 0 && there) {
        status = tag_image(fault, json_str(entry, "image", ""), kept, "latest", err);
    }
    return status < 0 || !there ? status : engine_call(fault, "DELETE", removed, NULL, NULL, err);
}

static int rename_to(struct fault_instance *fault, const char *from, const char *to, struct err *err)
{
    char what[300];
    (void)str_format(what, sizeof(what), "/rename?name=%s", to);
    return engine_container(fault, "POST", from, what, NULL, NULL, err);
}

static int container_exists(const struct fault_instance *fault, const char *name, bool *ret_exists, struct err *err)
{
    char path[300];
    (void)str_format(path, sizeof(path), "/containers/%s/json", name);
    return exists(fault, path, ret_exists, err);
}

static int take_away(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    const char *name = json_str(entry, "name", "");
    char kept[200];
    bool aside = false;
    (void)context;
    kept_name(fault, entry, kept);
    int status = container_exists(fault, kept, &aside, err);
    if (status == 0 && !aside) {
        status = rename_to(fault, name, kept, err);
    }
    if (status == 0) {
        status = engine_container(fault, "POST", kept, "/stop?t=0", NULL, NULL, err);
    }
    return status < 0 ? status : untag_one(fault, entry, err);
}

static int image_gone_apply(struct fault_instance *fault, struct err *err)
{
    (void)str_copy(fault->mechanism, sizeof(fault->mechanism), "container engine, rename, stop and untag");
    return engine_each(fault, take_away, NULL, err);
}

/* Makes nothing when the image is gone; what it makes otherwise goes at once. */
static int try_again(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    const char *name = json_str(entry, "name", "");
    AUTO_FREE char *image = xasprintf("%s:%s", json_str(entry, "repository", ""), json_str(entry, "tag", ""));
    AUTO_FREE char *path = xasprintf("/containers/create?name=" KEPT "%s-proof", fault->id);
    AUTO_FREE char *made = xasprintf(KEPT "%s-proof", fault->id);
    AUTO_JSON json_t *body = json_pack("{s:s}", "Image", image);
    struct buf *proof = context;
    struct err refusal = {0};
    if (engine_call(fault, "POST", path, body, NULL, &refusal) == 0) {
        int status = engine_container(fault, "DELETE", made, "?force=true", NULL, NULL, err);
        return status < 0 ? status : err_set(err, ERR_STATE, "fault %s: a container of %s can be made", fault->id, image);
    }
    bool there = false;
    int status = container_exists(fault, name, &there, err);
    if (status == 0 && (there || refusal.code != ERR_INPUT)) {
        return err_set(err, ERR_STATE, "fault %s: container %s is there: %s", fault->id, name, refusal.text);
    }
    if (status == 0) {
        buf_printf(proof, "%smaking %s anew: %s", proof->size ? "; " : "", name, refusal.text);
    }
    return status;
}

static int image_gone_prove(struct fault_instance *fault, struct buf *proof, struct err *err)
{
    return engine_each(fault, try_again, proof, err);
}

/* The image first: what needs it may be started then. */
static int give_name_back(struct fault_instance *fault, const json_t *entry, struct err *err)
{
    char named[400], kept[200], path[300];
    bool there = false, kept_there = false;
    image_path(entry, "/json", named);
    kept_name(fault, entry, kept);
    (void)str_format(path, sizeof(path), "/images/%s:latest/json", kept);
    int status = exists(fault, named, &there, err);
    if (status == 0 && !there) {
        status =
            tag_image(fault, json_str(entry, "image", ""), json_str(entry, "repository", ""), json_str(entry, "tag", ""), err);
    }
    if (status == 0) {
        status = exists(fault, path, &kept_there, err);
    }
    (void)str_format(path, sizeof(path), "/images/%s:latest?noprune=true&force=true", kept);
    return status < 0 || !kept_there ? status : engine_call(fault, "DELETE", path, NULL, NULL, err);
}

static int bring_back(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    const char *name = json_str(entry, "name", "");
    char kept[200];
    bool aside = false;
    kept_name(fault, entry, kept);
    int status = give_name_back(fault, entry, err);
    if (status == 0) {
        status = container_exists(fault, kept, &aside, err);
    }
    if (status == 0 && aside) {
        status = rename_to(fault, kept, name, err);
    }
    return status < 0 ? status : engine_start(fault, entry, context, err);
}

static int image_gone_revert(struct fault_instance *fault, struct err *err)
{
    return engine_each_back(fault, bring_back, NULL, err);
}

static int left_one(struct fault_instance *fault, const json_t *entry, void *context, struct err *err)
{
    const char *name = json_str(entry, "name", "");
    char named[400], kept[200];
    bool there = false, aside = false, image = false;
    image_path(entry, "/json", named);
    kept_name(fault, entry, kept);
    int status = container_exists(fault, name, &there, err);
    if (status == 0) {
        status = container_exists(fault, kept, &aside, err);
    }
    if (status == 0) {
        status = exists(fault, named, &image, err);
    }
    if (status == 0 && !image) {
        buf_printf(context, "image %s:%s has no name\n", json_str(entry, "repository", ""), json_str(entry, "tag", ""));
    }
    if (status == 0 && aside) {
        buf_printf(context, "container %s is called %s\n", name, kept);
    }
    return status < 0 || !there ? status : engine_left_dead(fault, entry, context, err);
}

static int image_gone_residue(struct fault_instance *fault, struct buf *left, struct err *err)
{
    return engine_each_back(fault, left_one, left, err);
}

const struct fault_ops fault_image_gone_ops = {
    .name = "image_gone",
    .summary = "a container is gone and cannot be made anew, since its image is not there",
    .targets = FAULT_SERVICE | FAULT_HOST,
    .options = image_gone_options,
    .example = "fault.image_gone { service = \"orders@rack-app1\" }",
    .mechanisms = "the engine's rename and stop calls, and the removal of the image's name under a second one that keeps it",
    .needs = "the right to use the engine's socket, an image with a name",
    .proof = "making a container of that image, which the engine refuses",
    .undo = "image and container get their names back and it is started, from the journal: by the agent, or by `drill undo`",
    .check = engine_check,
    .supported = engine_supported,
    .plan = image_gone_plan,
    .prepare = image_gone_prepare,
    .apply = image_gone_apply,
    .prove = image_gone_prove,
    .revert = image_gone_revert,
    .residue = image_gone_residue,
};
