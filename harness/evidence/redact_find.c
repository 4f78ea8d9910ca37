/* Where in a text a secret begins and ends. */
#include "harness/evidence/redact_find.h"

#include <ctype.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/base/str.h"
#include "harness/evidence/redact_value.h"

/* A name that ends with one of these, without regard to case and to "-", "_" and ".": X-Amz-Security-Token, PGPASSWORD, apiKey. */
const char *const redact_endings[] = {
    "password",    "passwd",           "passphrase",    "secret",      "token",         "apikey",     "accesskey",
    "accesskeyid", "secretkey",        "privatekey",    "signingkey",  "encryptionkey", "accountkey", "sharedkey",
    "credential",  "credentials",      "authorization", "cookie",      "cookies",       "signature",  "sessionid",
    "sessid",      "connectionstring", "jwt",           "requirepass", "masterauth",    NULL};
/* As parameters of a query only: elsewhere these words mean too much else. */
const char *const redact_parameters[] = {"key",  "sig", "auth", "code", "sid", "session",
                                         "pass", "pwd", "pw",   "hmac", "otp", NULL};

const char *const redact_patterns[] = {"url-userinfo", "bearer", "private-key", "known-token", "known-value", NULL};

enum { NAME_MAX_BYTES = 96 };

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.';
}

static size_t plain(const char *word, size_t length, char out[static NAME_MAX_BYTES])
{
    size_t count = 0;
    for (size_t i = 0; i < length && count < NAME_MAX_BYTES - 1; i++) {
        if (isalnum((unsigned char)word[i])) {
            out[count++] = (char)tolower((unsigned char)word[i]);
        }
    }
    out[count] = '\0';
    return count;
}

const char *redact_rule_of(const struct redact_names *names, const char *word, size_t length)
{
    char name[NAME_MAX_BYTES];
    if (length >= NAME_MAX_BYTES) {
        return NULL;
    }
    for (size_t i = 0; i < names->count; i++) {
        if (strlen(names->items[i]) == length && strncasecmp(names->items[i], word, length) == 0) {
            return names->items[i];
        }
    }
    plain(word, length, name);
    for (size_t i = 0; redact_endings[i]; i++) {
        if (str_ends_with(name, redact_endings[i])) {
            return redact_endings[i];
        }
    }
    return NULL;
}

static const char *parameter_rule(const char *word, size_t length)
{
    char name[NAME_MAX_BYTES];
    plain(word, length < NAME_MAX_BYTES ? length : 0, name);
    for (size_t i = 0; redact_parameters[i]; i++) {
        if (str_eq(name, redact_parameters[i])) {
            return redact_parameters[i];
        }
    }
    return NULL;
}

static bool begins(const struct redact_text *text, size_t at, const char *what)
{
    size_t length = strlen(what);
    return at + length <= text->size && strncasecmp(text->data + at, what, length) == 0;
}

static size_t skip_set(const struct redact_text *text, size_t at, const char *set)
{
    while (at < text->size && text->data[at] && strchr(set, text->data[at])) {
        at++;
    }
    return at;
}

static size_t skip_not(const struct redact_text *text, size_t at, const char *set)
{
    while (at < text->size && !strchr(set, text->data[at])) {
        at++;
    }
    return at;
}

static bool give(size_t begin, size_t end, const char *rule, struct redact_span *ret)
{
    *ret = (struct redact_span){.begin = begin, .end = end, .rule = rule};
    return end > begin;
}

/* scheme://user:password@host: the last "@" before the path ends the user part, since passwords hold "@" too. */
static bool find_userinfo(const struct redact_text *text, size_t at, struct redact_span *ret)
{
    if (!begins(text, at, "://")) {
        return false;
    }
    size_t begin = at + 3, end = skip_not(text, begin, "/?# \t\r\n\"'`<>\\"), last = begin;
    for (size_t i = begin; i < end; i++) {
        last = text->data[i] == '@' ? i : last;
    }
    return !begins(text, begin, redacted_mark) && give(begin, last, "url-userinfo", ret);
}

/* "Bearer x", "Basic x" without the header's name; x must look encoded, or it is a sentence. */
static bool find_scheme(const struct redact_text *text, size_t at, struct redact_span *ret)
{
    static const char encoded[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=";
    size_t word = begins(text, at, "bearer ") ? 7 : begins(text, at, "basic ") ? 6 : 0;
    if (!word) {
        return false;
    }
    size_t begin = at + word, end = skip_set(text, begin, encoded);
    return end - begin >= 8 && give(begin, end, "bearer", ret);
}

static bool find_key_block(const struct redact_text *text, size_t at, struct redact_span *ret)
{
    static const char begin[] = "-----BEGIN ", last[] = "PRIVATE KEY", dashes[] = "-----";
    if (!begins(text, at, begin)) {
        return false;
    }
    size_t label = at + strlen(begin);
    const char *close = memmem(text->data + label, text->size - label, dashes, strlen(dashes));
    size_t body = close ? (size_t)(close - text->data) + strlen(dashes) : 0;
    if (!close || body - label < strlen(last) + strlen(dashes) || !begins(text, body - strlen(dashes) - strlen(last), last) ||
        begins(text, body, redacted_mark)) {
        return false;
    }
    const char *end = memmem(text->data + body, text->size - body, dashes, strlen(dashes));
    return give(body, end ? (size_t)(end - text->data) : text->size, "private-key", ret);
}

/* Tokens that say what they are: JSON web tokens, and the prefixes that GitHub, Slack, Stripe and AWS give theirs. */
static bool find_known_token(const struct redact_text *text, size_t at, struct redact_span *ret)
{
    static const struct {
        const char *prefix;
        size_t least;
    } kinds[] = {{"eyJ", 30},   {"ghp_", 30},  {"gho_", 30},     {"github_pat_", 30},
                 {"xoxb-", 20}, {"xoxp-", 20}, {"sk_live_", 20}, {"AKIA", 20}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t length = strlen(kinds[i].prefix), end = at;
        if (at + length > text->size || strncmp(text->data + at, kinds[i].prefix, length) != 0) {
            continue;
        }
        while (end < text->size && is_word(text->data[end])) {
            end++;
        }
        return end - at >= kinds[i].least && give(at, end, "known-token", ret);
    }
    return false;
}

/* A word that may be a name, with what belongs to it. "%3Ftoken%3D" is an encoded query: the word begins behind the "%3F". */
static bool find_named(const struct redact_names *names, const struct redact_text *text, size_t begin, size_t end,
                       struct redact_span *ret)
{
    char before = begin ? text->data[begin - 1] : '\0';
    bool encoded = before == '%' && end - begin > 2 && (begins(text, begin, "3f") || begins(text, begin, "26"));
    size_t word = encoded ? begin + 2 : begin;
    bool query = encoded || before == '?' || before == '&';
    while (word < end && (text->data[word] == '-' || text->data[word] == '.')) {
        word++; /* --password, - token */
    }
    const char *rule = redact_rule_of(names, text->data + word, end - word);
    if (!rule && query) {
        rule = parameter_rule(text->data + word, end - word);
    }
    struct redact_name name = {
        .begin = word, .end = end, .before = before, .is_flag = word >= begin + 2 && !encoded, .is_query = query};
    return rule && redact_value(text, &name, &ret->begin, &ret->end) && give(ret->begin, ret->end, rule, ret);
}

bool redact_find(const struct redact_names *names, const char *data, size_t size, size_t from, struct redact_span *ret_span)
{
    const struct redact_text text = {.data = data, .size = size};
    for (size_t at = from; at < size;) {
        if (find_userinfo(&text, at, ret_span) || find_key_block(&text, at, ret_span)) {
            return true;
        }
        if (!is_word(data[at])) {
            at++;
            continue;
        }
        size_t end = at;
        while (end < size && is_word(data[end])) {
            end++;
        }
        if (find_scheme(&text, at, ret_span) || find_known_token(&text, at, ret_span) ||
            find_named(names, &text, at, end, ret_span)) {
            return true;
        }
        at = end;
    }
    return false;
}
