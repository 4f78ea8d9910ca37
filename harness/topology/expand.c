/* The template engine: one pass over the text, loops by going over their body again. */
#include "harness/topology/expand.h"

#include <ctype.h>
#include <string.h>

enum { TAG_MAX = 256, NEST_MAX = 16 };

struct expansion {
    const char *text, *where;
    const char *at; /* what is read next */
    struct buf out;
    int depth;
};

struct tag {
    const char *start, *end; /* "{{" and behind "}}" */
    char words[TAG_MAX];     /* between them, without the blanks around */
    bool block;              /* "#…" or "/…" */
};

static void expansion_clear(struct expansion *expansion)
{
    buf_clear(&expansion->out);
}

/* Puts "where:line:column: " in front of the text in *err. */
static int at_position(const struct expansion *expansion, const char *at, struct err *err)
{
    int line = 1, column = 1;
    for (const char *c = expansion->text; c < at; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n';
    }
    err->code = ERR_INPUT;
    return err_prefix(err, "%s:%d:%d", expansion->where, line, column);
}

/* Start of the line when only blanks stand between it and `at`; else `at`. */
static const char *line_start(const struct expansion *expansion, const char *at)
{
    const char *start = at;
    while (start > expansion->text && (start[-1] == ' ' || start[-1] == '\t')) {
        start--;
    }
    return start == expansion->text || start[-1] == '\n' ? start : at;
}

/* Behind the line's end when only blanks stand before it; else NULL. */
static const char *line_end(const char *at)
{
    at += strspn(at, " \t");
    return *at == '\n' ? at + 1 : *at == '\0' ? at : NULL;
}

static void take_line(const struct expansion *expansion, struct tag *tag)
{
    const char *start = line_start(expansion, tag->start), *end = line_end(tag->end);
    bool begins_line = start == expansion->text || start[-1] == '\n';
    if (begins_line && end && strchr(expansion->text, '\n')) {
        tag->start = start;
        tag->end = end;
    }
}

/* The next tag at or after `at`; 0 without one, 1 with. */
static int find_tag(const struct expansion *expansion, struct tag *tag, struct err *err)
{
    const char *open = strstr(expansion->at, "{{");
    if (!open) {
        return 0;
    }
    const char *close = strstr(open, "}}");
    if (!close || close - open >= TAG_MAX || memchr(open, '\n', (size_t)(close - open))) {
        (void)err_set(err, ERR_INPUT, "'{{' without '}}' in the same line");
        return at_position(expansion, open, err);
    }
    const char *first = open + 2, *last = close;
    while (first < last && isspace((unsigned char)*first)) {
        first++;
    }
    while (last > first && isspace((unsigned char)last[-1])) {
        last--;
    }
    *tag = (struct tag){.start = open, .end = close + 2, .block = *first == '#' || *first == '/'};
    memcpy(tag->words, first, (size_t)(last - first));
    if (tag->block) {
        take_line(expansion, tag);
    }
    return 1;
}

static int expand_until(struct expansion *expansion, const struct scope *scope, bool emit, struct tag *ret_end, struct err *err);

static int must_end_with(const struct expansion *expansion, const struct tag *end, const char *wanted, const char *begun,
                         struct err *err)
{
    if (str_eq(end->words, wanted)) {
        return 0;
    }
    (void)err_set(err, ERR_INPUT, "'{{%s}}' is not closed: expected '{{%s}}', found %s%s%s", begun, wanted,
                  *end->words ? "'{{" : "the end", end->words, *end->words ? "}}'" : "");
    return at_position(expansion, end->start, err);
}

/* One turn of a loop: from expansion->at to behind its {{/each}}. What follows {{#sep}} is left out of the last turn. */
static int expand_turn(struct expansion *expansion, const struct scope *scope, bool emit, bool last, const struct tag *loop,
                       struct err *err)
{
    struct tag end;
    int status = expand_until(expansion, scope, emit, &end, err);
    if (status == 0 && str_eq(end.words, "#sep")) {
        status = expand_until(expansion, scope, emit && !last, &end, err);
    }
    return status < 0 ? status : must_end_with(expansion, &end, "/each", loop->words, err);
}

static int expand_each(struct expansion *expansion, const struct scope *scope, bool emit, const struct tag *tag, struct err *err)
{
    AUTO_FREE struct subject *subjects = NULL;
    size_t count = 0;
    const char *body = expansion->at;
    if (emit && match_subjects(scope, tag->words + strlen("#each "), &subjects, &count, err) < 0) {
        return at_position(expansion, tag->start, err);
    }
    if (count == 0) {
        return expand_turn(expansion, scope, false, true, tag, err);
    }
    for (size_t i = 0; i < count; i++) {
        struct scope inner = *scope;
        inner.item = subjects[i];
        inner.in_loop = true;
        expansion->at = body;
        int status = expand_turn(expansion, &inner, emit, i + 1 == count, tag, err);
        if (status < 0) {
            return status;
        }
    }
    return 0;
}

static int condition_holds(const struct scope *scope, const char *condition, bool *ret_holds, struct err *err)
{
    struct buf value CLEANUP(buf_clear) = {0};
    char name[TAG_MAX];
    (void)str_copy(name, sizeof(name), condition);
    char *equals = strchr(name, '=');
    if (!equals || equals == name) {
        return err_set(err, ERR_INPUT, "'{{#if %s}}': expected NAME=VALUE or NAME!=VALUE", condition);
    }
    bool unequal = equals[-1] == '!';
    equals[unequal ? -1 : 0] = '\0';
    int status = scope_lookup(scope, name, &value, err);
    if (status == 0) {
        *ret_holds = str_eq(buf_str(&value), equals + 1) != unequal;
    }
    return status;
}

static int expand_if(struct expansion *expansion, const struct scope *scope, bool emit, const struct tag *tag, struct err *err)
{
    bool holds = false;
    struct tag end;
    if (emit && condition_holds(scope, tag->words + strlen("#if "), &holds, err) < 0) {
        return at_position(expansion, tag->start, err);
    }
    int status = expand_until(expansion, scope, emit && holds, &end, err);
    if (status == 0 && str_eq(end.words, "#else")) {
        status = expand_until(expansion, scope, emit && !holds, &end, err);
    }
    return status < 0 ? status : must_end_with(expansion, &end, "/if", tag->words, err);
}

/* A variable, a loop or a condition. */
static int expand_tag(struct expansion *expansion, const struct scope *scope, bool emit, const struct tag *tag, struct err *err)
{
    if (str_starts_with(tag->words, "#each ") || str_starts_with(tag->words, "#if ")) {
        if (++expansion->depth > NEST_MAX) {
            (void)err_set(err, ERR_INPUT, "nested too deeply: 16 levels are the limit");
            return at_position(expansion, tag->start, err);
        }
        int status =
            tag->words[1] == 'e' ? expand_each(expansion, scope, emit, tag, err) : expand_if(expansion, scope, emit, tag, err);
        expansion->depth--;
        return status;
    }
    if (tag->block) {
        (void)err_set(err, ERR_INPUT, "'{{%s}}': expected #each, #sep, /each, #if, #else or /if", tag->words);
        return at_position(expansion, tag->start, err);
    }
    if (emit && scope_lookup(scope, tag->words, &expansion->out, err) < 0) {
        return at_position(expansion, tag->start, err);
    }
    return 0;
}

static bool closes(const struct tag *tag)
{
    return str_eq(tag->words, "/each") || str_eq(tag->words, "/if") || str_eq(tag->words, "#else") || str_eq(tag->words, "#sep");
}

/* Expand up to a tag that closes or divides a block, which is given back, or to the end of the text (empty words). */
static int expand_until(struct expansion *expansion, const struct scope *scope, bool emit, struct tag *ret_end, struct err *err)
{
    for (;;) {
        struct tag tag = {0};
        int found = find_tag(expansion, &tag, err);
        if (found < 0) {
            return found;
        }
        const char *stop = found ? tag.start : expansion->at + strlen(expansion->at);
        /* A tag that took its line may begin before what was read already: the end of a tag that took the same blanks. */
        if (emit && stop > expansion->at) {
            buf_add(&expansion->out, expansion->at, (size_t)(stop - expansion->at));
        }
        expansion->at = found ? tag.end : stop;
        if (!found || closes(&tag)) {
            *ret_end = tag;
            ret_end->start = stop;
            return 0;
        }
        int status = expand_tag(expansion, scope, emit, &tag, err);
        if (status < 0) {
            return status;
        }
    }
}

int expand_text(const struct scope *scope, const char *text, const char *where, char **ret_text, struct err *err)
{
    struct expansion expansion CLEANUP(expansion_clear) = {.text = text, .where = where, .at = text};
    struct tag end = {0};
    int status = expand_until(&expansion, scope, true, &end, err);
    if (status == 0 && *end.words) {
        (void)err_set(err, ERR_INPUT, "'{{%s}}' closes nothing", end.words);
        status = at_position(&expansion, end.start, err);
    }
    if (status == 0) {
        *ret_text = buf_take(&expansion.out);
    }
    return status;
}

int expand_node(const struct scope *scope, const struct node *scalar, char **ret_text, struct err *err)
{
    char where[512];
    if (expand_text(scope, scalar->text, "in the text", ret_text, err) == 0) {
        return 0;
    }
    if (*node_where(scalar, where)) {
        where[strlen(where) - 2] = '\0'; /* err_prefix brings its own ": " */
        return err_prefix(err, "%s", where);
    }
    return -err->code;
}
