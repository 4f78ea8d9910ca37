/* A text with holes. */
#include "harness/load/template.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/buf.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"
#include "harness/param/hole.h"

struct place_in_text {
    size_t offset;
    enum hole hole;
};

struct template
{
    struct buf text;
    VEC(struct place_in_text) holes;
};

void template_free(struct template *template)
{
    if (template) {
        buf_clear(&template->text);
        VEC_CLEAR(&template->holes);
        free(template);
    }
}

const char *template_text(const struct template *template)
{
    return template ? buf_str(&template->text) : NULL;
}

bool template_varies(const struct template *template)
{
    return template && template->holes.count > 0;
}

static void add_encoded(struct buf *out, const char *text)
{
    for (; *text; text++) {
        bool plain = isalnum((unsigned char)*text) || strchr("-._~", *text); /* RFC 3986, unreserved */
        if (plain) {
            buf_add(out, text, 1);
        } else {
            buf_printf(out, "%%%02X", (unsigned)(unsigned char)*text);
        }
    }
}

static int add_variable(struct template *template, const char *name, enum template_kind kind, struct err *err)
{
    const char *value = getenv(name);
    if (!value || !*value) {
        return err_set(err, ERR_INPUT, "the environment variable %s is %s: set it where the load runs", name,
                       value ? "empty" : "not set");
    }
    for (const char *c = value; kind == TEMPLATE_LINE && *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return err_set(err, ERR_INPUT,
                           "the environment variable %s holds a control character, as a line end: a header cannot", name);
        }
    }
    if (kind == TEMPLATE_URL) {
        add_encoded(&template->text, value);
    } else {
        buf_puts(&template->text, value);
    }
    return 0;
}

static void add_hole(struct template *template, enum hole hole, int width, const char *prefix)
{
    buf_puts(&template->text, prefix ? prefix : "");
    *VEC_ADD(&template->holes) = (struct place_in_text){.offset = template->text.size, .hole = hole};
    buf_printf(&template->text, "%0*d", width, 0);
}

static int add_tag(struct template *template, const char *name, enum template_kind kind, const struct template_fixed *fixed,
                   struct err *err)
{
    enum hole hole = hole_of(name, strlen(name));
    switch (hole) {
    case HOLE_ID:
        add_hole(template, hole, TEMPLATE_DIGITS, fixed->id_prefix);
        return 0;
    case HOLE_SEQ:
    case HOLE_SESSION:
        add_hole(template, hole, TEMPLATE_DIGITS, NULL);
        return 0;
    case HOLE_RANDOM:
        add_hole(template, hole, TEMPLATE_RANDOM_DIGITS, NULL);
        return 0;
    case HOLE_VANTAGE:
        buf_puts(&template->text, fixed->vantage ? fixed->vantage : "");
        return 0;
    case HOLE_ENV:
        return add_variable(template, name + strlen("env."), kind, err);
    case HOLE_NONE:
    case HOLE_COUNT:
        break;
    }
    return hole_unknown(name, err);
}

static int add_all(struct template *template, const char *text, enum template_kind kind, const struct template_fixed *fixed,
                   struct err *err)
{
    for (const char *open; (open = strstr(text, "{{"));) {
        const char *close = strstr(open, "}}");
        if (!close) {
            return err_set(err, ERR_INPUT, "'{{' without '}}'");
        }
        AUTO_FREE char *name = xasprintf("%.*s", (int)(close - open - 2), open + 2);
        buf_add(&template->text, text, (size_t)(open - text));
        int status = add_tag(template, name, kind, fixed, err);
        if (status < 0) {
            return status;
        }
        text = close + 2;
    }
    buf_puts(&template->text, text);
    return 0;
}

int template_new(const char *text, enum template_kind kind, const char *what, const struct template_fixed *fixed,
                 struct template **ret_template, struct err *err)
{
    if (!text) {
        *ret_template = NULL;
        return 0;
    }
    struct template *template CLEANUP(template_cleanup) = xcalloc(1, sizeof(*template));
    int status = add_all(template, text, kind, fixed, err);
    if (status < 0) {
        return err_prefix(err, "%s", what);
    }
    *ret_template = TAKE(template);
    return 0;
}

static void write_digits(char *at, uint64_t number)
{
    for (int i = TEMPLATE_DIGITS - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
}

static void write_hex(char *at, uint64_t number)
{
    for (int i = TEMPLATE_RANDOM_DIGITS - 1; i >= 0; i--) {
        at[i] = "0123456789abcdef"[number % 16];
        number /= 16;
    }
}

void template_fill(const struct template *template, char *copy, const struct template_values *values)
{
    for (size_t i = 0; i < template->holes.count; i++) {
        char *at = copy + template->holes.items[i].offset;
        enum hole hole = template->holes.items[i].hole;
        if (hole == HOLE_RANDOM) {
            write_hex(at, values->random);
        } else {
            write_digits(at, hole == HOLE_ID ? values->id : hole == HOLE_SESSION ? values->session : values->seq);
        }
    }
}
