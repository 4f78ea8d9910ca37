/* The only user of libyaml: its events become struct node. What a configuration does not need (anchors, tags, several documents)
 * is refused, so that a reader of the file sees everything that it says. */
#include "harness/topology/yaml.h"

#include <yaml.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"

enum { FILE_MAX_BYTES = 1024 * 1024, DEPTH_MAX = 32, NODES_MAX = 50000 };

struct reading {
    yaml_parser_t parser;
    const char *path;
    size_t nodes;
    int depth;
};

static void reading_clear(struct reading *reading)
{
    yaml_parser_delete(&reading->parser); /* accepts a parser that was never initialised */
}

static void event_delete(yaml_event_t *event)
{
    yaml_event_delete(event);
}

/* libyaml counts from 0. */
static int refuse(const struct reading *reading, const yaml_mark_t *mark, struct err *err, const char *text)
{
    return err_set(err, ERR_INPUT, "%s:%zu:%zu: %s", reading->path, mark->line + 1, mark->column + 1, text);
}

static int next_event(struct reading *reading, yaml_event_t *event, struct err *err)
{
    char text[256];
    if (yaml_parser_parse(&reading->parser, event)) {
        return 0;
    }
    const yaml_parser_t *parser = &reading->parser;
    (void)str_format(text, sizeof(text), "not YAML: %s%s%s", parser->problem ? parser->problem : "unreadable",
                     parser->context ? ", " : "", parser->context ? parser->context : "");
    return refuse(reading, &parser->problem_mark, err, text);
}

static struct node *node_at(const struct reading *reading, enum node_kind kind, const yaml_event_t *event)
{
    struct node *node = node_new(kind);
    node->file_owned = xstrdup(reading->path);
    node->file = node->file_owned;
    node->line = (int)event->start_mark.line + 1;
    node->column = (int)event->start_mark.column + 1;
    return node;
}

static int check_plain(const struct reading *reading, const yaml_event_t *event, const yaml_char_t *anchor,
                       const yaml_char_t *tag, struct err *err)
{
    if (anchor) {
        return refuse(reading, &event->start_mark, err,
                      "anchors ('&name') are not supported: write the value where it is needed");
    }
    if (tag) {
        return refuse(reading, &event->start_mark, err, "tags ('!name') are not supported: write the value without");
    }
    return 0;
}

static int read_value(struct reading *reading, const yaml_event_t *event, struct node **ret_node, struct err *err);

static int read_scalar(const struct reading *reading, const yaml_event_t *event, struct node **ret_node, struct err *err)
{
    const char *value = (const char *)event->data.scalar.value;
    int status = check_plain(reading, event, event->data.scalar.anchor, event->data.scalar.tag, err);
    if (status == 0 && strlen(value) != event->data.scalar.length) {
        status = refuse(reading, &event->start_mark, err, "a text must not hold a NUL byte");
    }
    if (status == 0) {
        *ret_node = node_at(reading, NODE_SCALAR, event);
        (*ret_node)->text = xstrdup(value);
        (*ret_node)->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    }
    return status;
}

static int read_list(struct reading *reading, const yaml_event_t *start, struct node **ret_node, struct err *err)
{
    AUTO_NODE struct node *list = node_at(reading, NODE_LIST, start);
    int status = check_plain(reading, start, start->data.sequence_start.anchor, start->data.sequence_start.tag, err);
    while (status == 0) {
        yaml_event_t event CLEANUP(event_delete) = {0};
        struct node *child = NULL;
        status = next_event(reading, &event, err);
        if (status == 0 && event.type == YAML_SEQUENCE_END_EVENT) {
            *ret_node = TAKE(list);
            return 0;
        }
        if (status == 0 && (status = read_value(reading, &event, &child, err)) == 0) {
            node_add(list, child);
        }
    }
    return status;
}

/* One "key: value" of a map; `event` holds the key. */
static int read_pair(struct reading *reading, const yaml_event_t *event, struct node *map, struct err *err)
{
    AUTO_NODE struct node *key = NULL;
    struct node *value = NULL;
    yaml_event_t next CLEANUP(event_delete) = {0};
    char text[300];
    if (event->type != YAML_SCALAR_EVENT) {
        return refuse(reading, &event->start_mark, err, "expected a name, found a list or a map as key");
    }
    int status = read_scalar(reading, event, &key, err);
    if (status == 0 && node_get(map, key->text)) {
        (void)str_format(text, sizeof(text), "'%s' is here twice; it is already in line %d", key->text,
                         node_get(map, key->text)->line);
        status = refuse(reading, &event->start_mark, err, text);
    }
    if (status == 0) {
        status = next_event(reading, &next, err);
    }
    if (status == 0) {
        status = read_value(reading, &next, &value, err);
    }
    if (status == 0) {
        value->line = key->line; /* a mistake in a map is best shown at its name */
        value->column = key->column;
        node_put(map, key->text, value);
    }
    return status;
}

static int read_map(struct reading *reading, const yaml_event_t *start, struct node **ret_node, struct err *err)
{
    AUTO_NODE struct node *map = node_at(reading, NODE_MAP, start);
    int status = check_plain(reading, start, start->data.mapping_start.anchor, start->data.mapping_start.tag, err);
    while (status == 0) {
        yaml_event_t event CLEANUP(event_delete) = {0};
        status = next_event(reading, &event, err);
        if (status == 0 && event.type == YAML_MAPPING_END_EVENT) {
            *ret_node = TAKE(map);
            return 0;
        }
        if (status == 0) {
            status = read_pair(reading, &event, map, err);
        }
    }
    return status;
}

static int read_nested(struct reading *reading, const yaml_event_t *event, struct node **ret_node, struct err *err)
{
    if (reading->depth >= DEPTH_MAX) {
        return refuse(reading, &event->start_mark, err, "nested too deeply: 32 levels are the limit");
    }
    reading->depth++;
    int status = event->type == YAML_SEQUENCE_START_EVENT ? read_list(reading, event, ret_node, err)
                                                          : read_map(reading, event, ret_node, err);
    reading->depth--;
    return status;
}

static int read_value(struct reading *reading, const yaml_event_t *event, struct node **ret_node, struct err *err)
{
    if (++reading->nodes > NODES_MAX) {
        return refuse(reading, &event->start_mark, err, "too many values: 50000 are the limit");
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reading, event, ret_node, err);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return read_nested(reading, event, ret_node, err);
    case YAML_ALIAS_EVENT:
        return refuse(reading, &event->start_mark, err,
                      "aliases ('*name') are not supported: write the value where it is needed");
    default:
        return refuse(reading, &event->start_mark, err, "expected a value");
    }
}

static int read_top(struct reading *reading, struct node **ret_root, struct err *err)
{
    int status;
    do {
        yaml_event_t event CLEANUP(event_delete) = {0};
        status = next_event(reading, &event, err);
        if (status < 0 || event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT) {
            continue;
        }
        if (event.type != YAML_MAPPING_START_EVENT) {
            return err_set(err, ERR_INPUT, "%s:%zu:%zu: expected names with values ('name: …') at the top", reading->path,
                           event.start_mark.line + 1, event.start_mark.column + 1);
        }
        return read_value(reading, &event, ret_root, err);
    } while (status == 0);
    return status;
}

static int read_end(struct reading *reading, struct err *err)
{
    for (;;) {
        yaml_event_t event CLEANUP(event_delete) = {0};
        int status = next_event(reading, &event, err);
        if (status < 0 || event.type == YAML_STREAM_END_EVENT) {
            return status;
        }
        if (event.type == YAML_DOCUMENT_START_EVENT) {
            return refuse(reading, &event.start_mark, err, "a second document ('---') starts here: a file holds one");
        }
    }
}

int yaml_read_text(const char *path, const char *text, size_t size, struct node **ret_root, struct err *err)
{
    AUTO_NODE struct node *root = NULL;
    struct reading reading CLEANUP(reading_clear) = {.path = path};
    if (!yaml_parser_initialize(&reading.parser)) {
        return err_set(err, ERR_SYSTEM, "cannot start the YAML parser");
    }
    yaml_parser_set_input_string(&reading.parser, (const unsigned char *)text, size);
    int status = read_top(&reading, &root, err);
    if (status == 0) {
        status = read_end(&reading, err);
    }
    if (status == 0) {
        *ret_root = TAKE(root);
    }
    return status;
}

int yaml_read_source(const char *path, char **ret_text, size_t *ret_size, struct node **ret_root, struct err *err)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    if (fd_read_file(path, FILE_MAX_BYTES, &text, &size, err) < 0) {
        err->code = ERR_INPUT;
        return -ERR_INPUT;
    }
    int status = yaml_read_text(path, text, size, ret_root, err);
    if (status == 0) {
        *ret_text = TAKE(text);
        *ret_size = size;
    }
    return status;
}

int yaml_read_file(const char *path, struct node **ret_root, struct err *err)
{
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    return yaml_read_source(path, &text, &size, ret_root, err);
}
