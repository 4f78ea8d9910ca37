/* Words and operators. */
#include "harness/measure/token.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "harness/base/str.h"

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '%' || c == '-' || c == '+' || (c & 0x80);
}

const char *token_next(const char *text, struct token *ret_token)
{
    size_t length = 0;
    *ret_token = (struct token){0};
    while (isspace((unsigned char)*text)) {
        text++;
    }
    bool word = is_word(*text);
    while (*text && !isspace((unsigned char)*text) && is_word(*text) == word && length < sizeof(ret_token->text) - 1) {
        ret_token->text[length++] = *text++;
    }
    return text;
}

const char *token_value(const char *text, const char *but, struct token *ret_token)
{
    struct token unit;
    char *value = ret_token->text;
    const char *rest = token_next(text, ret_token);
    const char *after_unit = token_next(rest, &unit);
    bool bare = *value && !isalpha((unsigned char)value[strlen(value) - 1]) && !strchr(value, '%');
    bool is_unit = str_eq(unit.text, "%") || (*unit.text && strlen(unit.text) <= 3 && !(but && str_eq(unit.text, but)));
    if (!bare || !is_unit) {
        return rest;
    }
    (void)str_copy(value + strlen(value), sizeof(ret_token->text) - strlen(value), unit.text);
    return after_unit;
}
