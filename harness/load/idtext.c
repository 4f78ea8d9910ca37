/* A text with {{id}} in it. */
#include "harness/load/idtext.h"

#include <ctype.h>
#include <string.h>

#include "harness/base/buf.h"
#include "harness/base/str.h"

static const char tag[] = "{{id}}";

bool idtext_has_id(const char *text)
{
    return text && strstr(text, tag);
}

char *idtext_expand(const char *text, const char *prefix)
{
    struct buf out = {0};
    if (!text) {
        return NULL;
    }
    for (const char *hit; (hit = strstr(text, tag)); text = hit + strlen(tag)) {
        buf_add(&out, text, (size_t)(hit - text));
        buf_printf(&out, "%s%0*d", prefix, IDTEXT_DIGITS, 0);
    }
    buf_puts(&out, text);
    return buf_take(&out);
}

static bool all_digits(const char *text)
{
    for (int i = 0; i < IDTEXT_DIGITS; i++) {
        if (!isdigit((unsigned char)text[i])) {
            return false;
        }
    }
    return true;
}

static void write_digits(char *at, uint64_t number)
{
    for (int i = IDTEXT_DIGITS - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
}

void idtext_set(char *expanded, const char *prefix, uint64_t number)
{
    size_t prefix_size = strlen(prefix);
    for (char *at = expanded; (at = strstr(at, prefix)); at++) {
        if (all_digits(at + prefix_size)) {
            write_digits(at + prefix_size, number);
        }
        if (prefix_size == 0) {
            break;
        }
    }
}
