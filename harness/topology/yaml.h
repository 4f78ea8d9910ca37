/* YAML to a tree of values with positions. */
#ifndef DRILL_TOPOLOGY_YAML_H
#define DRILL_TOPOLOGY_YAML_H

#include "harness/param/node.h"

/* Read the one document of `path`; its top must be a map. Duplicate keys, anchors, aliases, tags, and files beyond the caps are
 * ERR_INPUT with file:line:column. The caller frees with node_free. */
int yaml_read_file(const char *path, struct node **ret_root, struct err *err) MUST_CHECK;
/* The same of text that was read already; `path` is only named. */
int yaml_read_text(const char *path, const char *text, size_t size, struct node **ret_root, struct err *err) MUST_CHECK;
/* yaml_read_file that also hands over the text as it was read, for evidence; the caller frees it. */
int yaml_read_source(const char *path, char **ret_text, size_t *ret_size, struct node **ret_root, struct err *err) MUST_CHECK;

#endif
