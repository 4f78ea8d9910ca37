/* From evidence to reports. */
#include "harness/cli/render.h"

#include "harness/base/fd.h"

int render_measure(const char *folder, struct rendered *ret, struct err *err)
{
    *ret = (struct rendered){0};
    int status = evidence_load(folder, &ret->evidence, err);
    if (status == 0) {
        status = measure_evidence(ret->evidence, &ret->result, err);
    }
    if (status == 0) {
        status = report_context_load(folder, &ret->context, err);
        ret->context.source = ret->evidence->folder;
    }
    return status;
}

int render_write(const struct rendered *rendered, const char *out, struct err *err)
{
    int status = fd_make_dirs(out, 0755, err);
    return status < 0 ? status : reports_write_all(rendered->result, &rendered->context, out, err);
}

void rendered_clear(struct rendered *rendered)
{
    report_context_clear(&rendered->context);
    result_free(rendered->result);
    evidence_free(rendered->evidence);
    *rendered = (struct rendered){0};
}
