/* The list of formats, writing all of them, and what lies beside the evidence for them. */
#include "reports/report.h"

#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/str.h"

#define REPORT(name) extern const struct report_ops report_##name;
#include "reports/reports.def"
#undef REPORT

#define REPORT(name) &report_##name,
static const struct report_ops *const list[] = {
#include "reports/reports.def"
};
#undef REPORT

const struct report_ops *const *report_list(size_t *ret_count)
{
    *ret_count = ARRAY_LEN(list);
    return list;
}

const struct report_ops *report_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        if (str_eq(list[i]->name, name)) {
            return list[i];
        }
    }
    return NULL;
}

static int load_part(const char *folder, const char *name, json_type type, json_t **ret_part, struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", folder, name);
    AUTO_JSON json_t *part = NULL;
    if (access(path, F_OK) != 0) {
        return 0;
    }
    int status = json_read_file(path, &part, err);
    if (status == 0 && json_typeof(part) != type) {
        status = err_set(err, ERR_INPUT, "'%s' must hold %s", path, type == JSON_ARRAY ? "a list" : "an object");
    }
    if (status == 0) {
        *ret_part = TAKE(part);
    }
    return status;
}

int report_context_load(const char *folder, struct report_context *context, struct err *err)
{
    int status = load_part(folder, "programme.json", JSON_OBJECT, &context->programme, err);
    if (status == 0) {
        status = load_part(folder, "history.json", JSON_ARRAY, &context->history, err);
    }
    if (status == 0) {
        status = load_part(folder, "verify.json", JSON_OBJECT, &context->verify, err);
    }
    if (status == 0) {
        status = load_part(folder, "redactions.json", JSON_OBJECT, &context->redactions, err);
    }
    return status;
}

void report_context_clear(struct report_context *context)
{
    json_decref(context->programme);
    json_decref(context->history);
    json_decref(context->verify);
    json_decref(context->redactions);
    context->programme = context->history = context->verify = context->redactions = NULL;
}

int reports_write_all(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    static const struct report_context nothing = {0};
    AUTO_FREE char *charts = xasprintf("%s/charts", folder);
    int first = 0;
    (void)mkdir(charts, 0755); /* when it cannot be, writing the first picture says so */
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        struct err local = {0};
        if (list[i]->write(result, context ? context : &nothing, folder, &local) < 0 && first == 0) {
            *err = local;
            first = err_prefix(err, "%s in '%s'", list[i]->file_name, folder);
        }
    }
    return first;
}
