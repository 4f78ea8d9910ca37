/* The list of formats, and writing all of them. */
#include "reports/report.h"

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

int reports_write_all(const struct result *result, const char *folder, struct err *err)
{
    int first = 0;
    for (size_t i = 0; i < ARRAY_LEN(list); i++) {
        struct err local = {0};
        if (list[i]->write(result, folder, &local) < 0 && first == 0) {
            *err = local;
            first = err_prefix(err, "%s in '%s'", list[i]->file_name, folder);
        }
    }
    return first;
}
