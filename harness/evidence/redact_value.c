/* Values of secrets: from the separator to what ends them. */
#include "harness/evidence/redact_value.h"

#include <ctype.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/base/str.h"
#include "harness/evidence/redact.h"

const char redacted_mark[] = REDACTED;

enum separator { SEPARATOR_NONE = 0, SEPARATOR_COLON, SEPARATOR_EQUALS, SEPARATOR_BLANK };

struct reading {
    const struct redact_text *text;
    const struct redact_name *name;
    size_t at;
    enum separator separator;
    bool spaced;      /* blanks around the separator */
    bool name_quoted; /* "name": … */
};

static char char_at(const struct redact_text *text, size_t at)
{
    return at < text->size ? text->data[at] : '\0';
}

static bool is_quote(char c)
{
    return c == '"' || c == '\'' || c == '`';
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static size_t until(const struct redact_text *text, size_t at, const char *ends)
{
    while (at < text->size && text->data[at] && !strchr(ends, text->data[at])) {
        at++;
    }
    return at;
}

static size_t skip_blanks(const struct redact_text *text, size_t at)
{
    while (is_blank(char_at(text, at))) {
        at++;
    }
    return at;
}

static bool begins(const struct redact_text *text, size_t at, const char *what)
{
    size_t length = strlen(what);
    return at <= text->size && length <= text->size - at && strncasecmp(text->data + at, what, length) == 0;
}

/* The quote that closes the name, also one of a JSON text inside of a JSON text: \". */
static void close_name(struct reading *reading)
{
    const struct redact_text *text = reading->text;
    size_t at = reading->at + (char_at(text, reading->at) == '\\');
    if (is_quote(char_at(text, at)) && char_at(text, at) == reading->name->before) {
        reading->name_quoted = true;
        reading->at = at + 1;
    }
    if (char_at(text, reading->at) == ']') { /* Lua: ["x-api-key"] = */
        reading->at++;
    }
}

/* A flag's value is the next word, in a command line or in a list: --token x, ["--token", "x"]. */
static bool read_flag_gap(struct reading *reading)
{
    const struct redact_text *text = reading->text;
    size_t at = reading->at;
    while (is_blank(char_at(text, at)) || char_at(text, at) == ',') {
        at++;
    }
    bool found = at > reading->at && char_at(text, at) && char_at(text, at) != '\n' && char_at(text, at) != '-';
    if (found) {
        reading->separator = SEPARATOR_BLANK;
        reading->at = at;
    }
    return found;
}

static bool read_separator(struct reading *reading)
{
    const struct redact_text *text = reading->text;
    size_t gap = skip_blanks(text, reading->at), at = gap;
    char c = char_at(text, at);
    if (begins(text, at, "%3d") || begins(text, at, "%3a")) {
        reading->separator = SEPARATOR_EQUALS;
        reading->at = at + 3;
        return true;
    }
    if (c == ':' || c == '=') {
        reading->separator = c == ':' ? SEPARATOR_COLON : SEPARATOR_EQUALS;
        while (char_at(text, at) == ':' || char_at(text, at) == '=' || char_at(text, at) == '>') {
            at++;
        }
        size_t value = skip_blanks(text, at);
        reading->spaced = gap > reading->at || value > at;
        reading->at = value;
        return true;
    }
    if (reading->name->is_flag && read_flag_gap(reading)) {
        return true;
    }
    bool configured = begins(text, reading->name->begin, "requirepass") || begins(text, reading->name->begin, "masterauth");
    reading->separator = SEPARATOR_BLANK;
    bool found = gap > reading->at && (configured || is_quote(c)); /* SQL: PASSWORD 'x'; redis.conf: requirepass x */
    reading->at = gap;
    return found;
}

/* name: Authorization, and in the next member or line value: x */
static bool read_pair(struct reading *reading)
{
    const struct redact_text *text = reading->text;
    size_t at = reading->name->end, most = at + 64;
    while (at < most && char_at(text, at) && strchr(" \t\r\n,'\"\\-", char_at(text, at))) {
        at++;
    }
    if (!begins(text, at, "value") || at == reading->name->end) {
        return false;
    }
    reading->at = at + 5;
    size_t quote = reading->at + (char_at(text, reading->at) == '\\');
    if (is_quote(char_at(text, quote))) {
        reading->name_quoted = true;
        reading->at = quote + 1;
    }
    return read_separator(reading) && reading->separator != SEPARATOR_BLANK;
}

static size_t end_of_quoted(const struct redact_text *text, size_t begin, char quote, bool escaped)
{
    for (size_t at = begin; at < text->size; at++) {
        bool behind_slash = text->data[at] == '\\';
        if (escaped && behind_slash && char_at(text, at + 1) == quote) {
            return at;
        }
        if (behind_slash) {
            at++;
        } else if (text->data[at] == quote && !escaped) {
            return at;
        }
    }
    return until(text, begin, "\r\n");
}

static size_t end_of_brackets(const struct redact_text *text, size_t begin)
{
    int depth = 0;
    for (size_t at = begin; at < text->size; at++) {
        char c = text->data[at];
        depth += (c == '{' || c == '[') - (c == '}' || c == ']');
        if (depth == 0) {
            return at + 1;
        }
    }
    return until(text, begin, "\r\n");
}

static size_t indent_of(const struct redact_text *text, size_t at)
{
    while (at > 0 && text->data[at - 1] != '\n') {
        at--;
    }
    size_t begin = at;
    while (is_blank(char_at(text, at)) || char_at(text, at) == '-') {
        at++;
    }
    return at - begin;
}

/* YAML: a name with nothing, "|" or ">" behind it owns the lines that are further in. */
static bool take_block(const struct reading *reading, size_t line_end, size_t *ret_begin, size_t *ret_end)
{
    const struct redact_text *text = reading->text;
    size_t own = indent_of(text, reading->name->begin), begin = line_end + (char_at(text, line_end) == '\r') + 1, end = begin;
    while (end < text->size && char_at(text, end)) {
        size_t next = until(text, end, "\n"), inner = skip_blanks(text, end);
        if (inner < next && inner - end <= own) {
            break;
        }
        end = next + (next < text->size);
    }
    while (end > begin && isspace((unsigned char)text->data[end - 1])) {
        end--;
    }
    *ret_begin = skip_blanks(text, begin);
    *ret_end = end;
    return reading->separator == SEPARATOR_COLON && end > *ret_begin;
}

/* "Bearer x": the scheme's word is not all of the value. */
static size_t past_scheme(const struct redact_text *text, size_t begin, size_t end)
{
    static const char *const schemes[] = {"bearer", "basic", "digest", "token", "negotiate", "apikey"};
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        if (end - begin == strlen(schemes[i]) && begins(text, begin, schemes[i]) && is_blank(char_at(text, end))) {
            return until(text, skip_blanks(text, end), " \t\r\n\"'`");
        }
    }
    return end;
}

static size_t end_of_plain(const struct reading *reading)
{
    const struct redact_text *text = reading->text;
    char before = reading->name->before;
    char around[] = {before, '\r', '\n', '\0'};
    if (reading->name->is_query) {
        return until(text, reading->at, "&#;%, \t\r\n\"'`<>\\)");
    }
    if (is_quote(before) && !reading->name_quoted) { /* -H 'X-Api-Key: x', "PASSWORD=a b" */
        return until(text, reading->at, around);
    }
    if (reading->name_quoted) {
        return until(text, reading->at, ",}] \t\r\n");
    }
    if (reading->separator == SEPARATOR_BLANK || (reading->separator == SEPARATOR_EQUALS && !reading->spaced)) {
        return past_scheme(text, reading->at, until(text, reading->at, " \t\r\n\"'`"));
    }
    return until(text, reading->at, "\r\n");
}

static bool is_nothing(const struct redact_text *text, size_t begin, size_t end)
{
    static const char *const words[] = {REDACTED, "null", "nil", "true", "false", "~"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (begins(text, begin, words[i]) && (end - begin == strlen(words[i]) || i == 0)) {
            return true;
        }
    }
    return end <= begin;
}

static bool take_value(const struct reading *reading, size_t *ret_begin, size_t *ret_end)
{
    const struct redact_text *text = reading->text;
    size_t begin = reading->at, line = until(text, begin, "\r\n");
    bool escaped = char_at(text, begin) == '\\' && is_quote(char_at(text, begin + 1));
    char first = char_at(text, begin + escaped);
    bool block = (first == '|' || first == '>') && line - begin <= 3;
    if ((line == begin || block) && line < text->size) {
        return take_block(reading, line, ret_begin, ret_end);
    }
    if (begins(text, begin, REDACTED)) {
        return false;
    }
    if (is_quote(first) && first != reading->name->before) {
        *ret_begin = begin + escaped + 1;
        *ret_end = end_of_quoted(text, *ret_begin, first, escaped);
    } else if (is_quote(first)) {
        *ret_begin = begin + escaped + 1;
        *ret_end = reading->name_quoted || reading->name->is_flag ? end_of_quoted(text, *ret_begin, first, escaped) : begin;
    } else if (first == '{' || first == '[') {
        *ret_begin = begin;
        *ret_end = end_of_brackets(text, begin);
    } else {
        *ret_begin = begin;
        *ret_end = end_of_plain(reading);
    }
    return !is_nothing(text, *ret_begin, *ret_end);
}

bool redact_value(const struct redact_text *text, const struct redact_name *name, size_t *ret_begin, size_t *ret_end)
{
    struct reading reading = {.text = text, .name = name, .at = name->end};
    close_name(&reading);
    if (!read_separator(&reading)) {
        reading = (struct reading){.text = text, .name = name, .at = name->end};
        if (!read_pair(&reading)) {
            return false;
        }
    }
    return take_value(&reading, ret_begin, ret_end);
}
