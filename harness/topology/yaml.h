/* YAML to a tree of values with positions. */
#ifndef DRILL_TOPOLOGY_YAML_H
#define DRILL_TOPOLOGY_YAML_H

#include "harness/param/node.h"

/* Read the one document of `path`; its top must be a map. Duplicate keys, anchors, aliases, tags, and files beyond the caps are
 * ERR_INPUT with file:line:column. The caller frees with node_free. */
int yaml_read_file(const char *path, struct node **ret_root, struct err *err) MUST_CHECK;

#endif
