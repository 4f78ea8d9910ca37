/* Taking secrets out of texts and JSON, and remembering what was taken where. */
#include "harness/evidence/redact.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/evidence/redact_find.h"

enum { KNOWN_MIN_BYTES = 12, KNOWN_MAX_BYTES = 4096, KNOWN_MAX = 256 };

struct taken {
    char *where;
    const char *rule;
    int64_t count;
};

struct redactor {
    struct redact_names names;
    VEC(char *) known; /* values */
    VEC(struct taken) taken;
};

struct redactor *redactor_new(void)
{
    return xcalloc(1, sizeof(struct redactor));
}

void redactor_free(struct redactor *redactor)
{
    if (!redactor) {
        return;
    }
    VEC_EACH(name, &redactor->names)
    {
        free(*name);
    }
    VEC_EACH(value, &redactor->known)
    {
        explicit_bzero(*value, strlen(*value));
        free(*value);
    }
    VEC_EACH(taken, &redactor->taken)
    {
        free(taken->where);
    }
    VEC_CLEAR(&redactor->names);
    VEC_CLEAR(&redactor->known);
    VEC_CLEAR(&redactor->taken);
    free(redactor);
}

int redactor_add(struct redactor *redactor, const char *name, struct err *err)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
    if (!*name || name[strspn(name, allowed)]) {
        return err_set(err, ERR_INPUT, "redact: expected the name of a header, parameter or setting, as x-tenant, found '%s'",
                       name);
    }
    *VEC_ADD(&redactor->names) = xstrdup(name);
    return 0;
}

static void note(struct redactor *redactor, const char *where, const char *rule, int64_t count)
{
    VEC_EACH(taken, &redactor->taken)
    {
        if (str_eq(taken->where, where) && str_eq(taken->rule, rule)) {
            taken->count += count;
            return;
        }
    }
    *VEC_ADD(&redactor->taken) = (struct taken){.where = xstrdup(where), .rule = rule, .count = count};
}

/* Long and mixed enough to be no word of the language: what it is found in later can only be the same secret. */
static void learn_piece(struct redactor *redactor, const char *text, size_t size)
{
    bool letter = false, digit = false;
    for (size_t i = 0; i < size; i++) {
        letter |= isalpha((unsigned char)text[i]) != 0;
        digit |= isdigit((unsigned char)text[i]) != 0;
    }
    if (size < KNOWN_MIN_BYTES || size > KNOWN_MAX_BYTES || !letter || !digit || redactor->known.count == KNOWN_MAX) {
        return;
    }
    char *value = xasprintf("%.*s", (int)size, text);
    VEC_EACH(known, &redactor->known)
    {
        if (str_eq(*known, value)) {
            free(value);
            return;
        }
    }
    *VEC_ADD(&redactor->known) = value;
}

static void learn(struct redactor *redactor, const char *text, size_t size)
{
    static const char between[] = " \t\r\n;,=\"'`&";
    for (size_t at = 0; at < size;) {
        size_t end = at;
        while (end < size && !strchr(between, text[end])) {
            end++;
        }
        learn_piece(redactor, text + at, end - at);
        at = end + 1;
    }
}

static void take_named(struct redactor *redactor, const char *where, const char *text, size_t size, struct buf *out)
{
    struct redact_span span;
    size_t at = 0;
    while (redact_find(&redactor->names, text, size, at, &span)) {
        buf_add(out, text + at, span.begin - at);
        buf_puts(out, REDACTED);
        learn(redactor, text + span.begin, span.end - span.begin);
        note(redactor, where, span.rule, 1);
        at = span.end;
    }
    buf_add(out, text + at, size - at);
}

static bool take_value(struct redactor *redactor, const char *where, const char *value, struct buf *text)
{
    struct buf out CLEANUP(buf_clear) = {0};
    size_t length = strlen(value), at = 0;
    int64_t count = 0;
    for (const char *hit; text->size && (hit = memmem(text->data + at, text->size - at, value, length)); count++) {
        size_t begin = (size_t)(hit - text->data);
        buf_add(&out, text->data + at, begin - at);
        buf_puts(&out, REDACTED);
        at = begin + length;
    }
    if (count == 0) {
        return false;
    }
    buf_add(&out, text->data + at, text->size - at);
    buf_clear(text);
    *text = out;
    out = (struct buf){0};
    note(redactor, where, "known-value", count);
    return true;
}

static bool take_known(struct redactor *redactor, const char *where, struct buf *text)
{
    bool changed = false;
    VEC_EACH(value, &redactor->known)
    {
        changed |= take_value(redactor, where, *value, text);
    }
    return changed;
}

void redactor_text(struct redactor *redactor, const char *where, const char *text, size_t size, struct buf *out)
{
    struct buf clean CLEANUP(buf_clear) = {0};
    if (!redactor) {
        buf_add(out, text, size);
        return;
    }
    take_named(redactor, where, text, size, &clean);
    (void)take_known(redactor, where, &clean);
    buf_add(out, buf_str(&clean), clean.size);
}

char *redactor_string(struct redactor *redactor, const char *where, const char *text)
{
    struct buf out = {0};
    redactor_text(redactor, where, text, strlen(text), &out);
    return buf_take(&out);
}

struct walk {
    struct redactor *redactor;
    const char *where;
    const char *rule; /* everything below is secret by this rule; NULL: nothing is said yet */
};

static json_t *copy(const struct walk *walk, const json_t *json);

static json_t *copy_scalar(const struct walk *walk, const json_t *json)
{
    if (!json_is_string(json) && !json_is_number(json)) {
        return json_deep_copy(json);
    }
    const char *text = json_is_string(json) ? json_string_value(json) : "";
    if (walk->rule) {
        bool taken = !str_eq(text, REDACTED) && (*text || json_is_number(json));
        learn(walk->redactor, text, strlen(text));
        if (taken) {
            note(walk->redactor, walk->where, walk->rule, 1);
        }
        return json_string(taken ? REDACTED : text);
    }
    AUTO_FREE char *clean = json_is_string(json) ? redactor_string(walk->redactor, walk->where, text) : NULL;
    return clean ? json_string(clean) : json_deep_copy(json);
}

/* ["--token", "x"]: a flag's value is the next member. */
static json_t *copy_array(const struct walk *walk, const json_t *json)
{
    json_t *array = json_array(), *member;
    size_t index;
    const char *flag = NULL;
    json_array_foreach((json_t *)json, index, member)
    {
        struct walk inner = *walk;
        inner.rule = inner.rule ? inner.rule : flag;
        json_array_append_new(array, copy(&inner, member));
        const char *text = json_string_value(member); /* NULL: no string */
        flag = text && str_starts_with(text, "--") ? redact_rule_of(&walk->redactor->names, text + 2, strlen(text + 2)) : NULL;
    }
    return array;
}

/* {"name": "X-Api-Key", "value": "x"} */
static const char *rule_of_pair(const struct walk *walk, const json_t *object)
{
    const char *name = json_str(object, "name", json_str(object, "header", json_str(object, "key", NULL)));
    return name ? redact_rule_of(&walk->redactor->names, name, strlen(name)) : NULL;
}

static json_t *copy_object(const struct walk *walk, const json_t *json)
{
    json_t *object = json_object(), *member;
    const char *key, *pair = rule_of_pair(walk, json);
    json_object_foreach((json_t *)json, key, member)
    {
        struct walk inner = *walk;
        if (!inner.rule) {
            inner.rule = pair && str_eq(key, "value") ? pair : redact_rule_of(&walk->redactor->names, key, strlen(key));
        }
        json_object_set_new(object, key, copy(&inner, member));
    }
    return object;
}

static json_t *copy(const struct walk *walk, const json_t *json)
{
    return json_is_object(json)  ? copy_object(walk, json)
           : json_is_array(json) ? copy_array(walk, json)
                                 : copy_scalar(walk, json);
}

json_t *redactor_json(struct redactor *redactor, const char *where, const json_t *json)
{
    const struct walk walk = {.redactor = redactor, .where = where};
    return redactor ? copy(&walk, json) : json_deep_copy(json);
}

/* A cut JSON file is of a killed process: its text is still looked at. */
void redactor_document(struct redactor *redactor, const char *name, const char *text, size_t size, struct buf *out)
{
    AUTO_JSON json_t *json = NULL;
    struct err not_json = {0};
    if (!redactor || !str_ends_with(name, ".json") || json_parse(text, size, &json, &not_json) < 0) {
        redactor_text(redactor, name, text, size, out);
        return;
    }
    AUTO_JSON json_t *clean = redactor_json(redactor, name, json);
    AUTO_FREE char *again = json_equal(clean, json) ? NULL : json_print(clean);
    buf_add(out, again ? again : text, again ? strlen(again) : size);
}

static int write_back(const char *path, const struct buf *text, struct err *err)
{
    struct stat info;
    mode_t mode = stat(path, &info) == 0 ? info.st_mode & 07777 : 0644;
    int status = fd_write_file_atomic(path, buf_str(text), text->size, err);
    return status < 0 ? status : chmod(path, mode) < 0 ? err_set(err, ERR_SYSTEM, "cannot set the mode of '%s'", path) : 0;
}

int redactor_file(struct redactor *redactor, const char *where, const char *path, struct err *err)
{
    struct buf out CLEANUP(buf_clear) = {0};
    AUTO_FREE char *text = NULL;
    size_t size = 0;
    int status = fd_read_file(path, BUF_MAX_BYTES / 2, &text, &size, err);
    if (status < 0) {
        return status;
    }
    redactor_document(redactor, where, text, size, &out);
    bool same = out.size == size && memcmp(buf_str(&out), text, size) == 0;
    return same ? 0 : write_back(path, &out, err);
}

int redactor_known_values(struct redactor *redactor, const char *where, const char *path, struct err *err)
{
    struct buf text CLEANUP(buf_clear) = {0};
    if (!redactor || redactor->known.count == 0) {
        return 0;
    }
    int status = fd_read_file(path, BUF_MAX_BYTES / 2, &text.data, &text.size, err);
    text.capacity = status == 0 ? text.size + 1 : 0;
    return status < 0 || !take_known(redactor, where, &text) ? status : write_back(path, &text, err);
}

static json_t *list_of(const char *const *items)
{
    json_t *array = json_array();
    for (; *items; items++) {
        json_array_append_new(array, json_string(*items));
    }
    return array;
}

static int compare_taken(const void *a, const void *b)
{
    const struct taken *left = a, *right = b;
    return strcmp(left->where, right->where) ?: strcmp(left->rule, right->rule);
}

json_t *redactor_list(const struct redactor *redactor)
{
    json_t *added = json_array(), *redacted = json_array();
    VEC_EACH(name, &redactor->names)
    {
        json_array_append_new(added, json_string(*name));
    }
    if (redactor->taken.count) {
        qsort(redactor->taken.items, redactor->taken.count, sizeof(struct taken), compare_taken);
    }
    VEC_EACH(taken, &redactor->taken)
    {
        json_array_append_new(
            redacted, json_pack("{s:s, s:s, s:I}", "file", taken->where, "rule", taken->rule, "count", (json_int_t)taken->count));
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "names", list_of(redact_endings), "parameters", list_of(redact_parameters),
                     "patterns", list_of(redact_patterns), "added", added, "redacted", redacted);
}
