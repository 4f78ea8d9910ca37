/* Reading a topology with all that it extends. */
#include "harness/topology/extends.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/topology/yaml.h"

enum { DEPTH_MAX = 8 }; /* a file that extends itself ends here */

struct name_list {
    char **items;
    size_t count, capacity;
};

static void name_list_clear(struct name_list *list)
{
    VEC_EACH(name, list)
    {
        free(*name);
    }
    VEC_CLEAR(list);
}

char *extends_beside(const char *file, const char *name)
{
    const char *slash = strrchr(file, '/');
    return *name == '/' || !slash ? xstrdup(name) : xasprintf("%.*s/%s", (int)(slash - file), file, name);
}

static void merge(struct node *base, const struct node *over)
{
    for (size_t i = 0; i < over->count; i++) {
        const struct node *mine = over->children[i];
        struct node *theirs = (struct node *)node_get(base, mine->key);
        if (theirs && theirs->kind == NODE_MAP && mine->kind == NODE_MAP) {
            merge(theirs, mine);
        } else {
            node_put(base, mine->key, node_copy(mine));
        }
    }
}

static int read_base(const char *file, const struct node *extends, struct name_list *bases, struct node **ret_base,
                     struct err *err);

static int read_one(const char *file, struct name_list *bases, struct node **ret_root, struct err *err)
{
    AUTO_NODE struct node *root = NULL;
    AUTO_NODE struct node *base = NULL;
    int status = yaml_read_file(file, &root, err);
    if (status < 0) {
        return status;
    }
    const struct node *extends = node_get(root, "extends");
    if (!extends) {
        *ret_root = TAKE(root);
        return 0;
    }
    status = read_base(file, extends, bases, &base, err);
    if (status == 0) {
        merge(base, root);
        *ret_root = TAKE(base);
    }
    return status;
}

static int read_base(const char *file, const struct node *extends, struct name_list *bases, struct node **ret_base,
                     struct err *err)
{
    if (extends->kind != NODE_SCALAR) {
        return node_err(extends, err, "extends: expected the path of one topology file");
    }
    if (bases->count == DEPTH_MAX) {
        return node_err(extends, err, "extends: more than %d files extend each other: does one extend itself?", DEPTH_MAX);
    }
    char *path = extends_beside(file, extends->text);
    *VEC_ADD(bases) = path;
    if (read_one(path, bases, ret_base, err) < 0) {
        char where[512];
        return err->code == ERR_INPUT ? -(int)err->code : err_prefix(err, "%sextends", node_where(extends, where));
    }
    return 0;
}

int extends_read(const char *file, struct node **ret_root, char ***ret_bases, struct err *err)
{
    struct name_list bases CLEANUP(name_list_clear) = {0};
    int status = read_one(file, &bases, ret_root, err);
    if (status == 0 && ret_bases) {
        *VEC_ADD(&bases) = NULL;
        *ret_bases = TAKE(bases.items);
        bases.count = 0;
    }
    return status;
}
