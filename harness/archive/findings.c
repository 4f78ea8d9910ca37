/* The list of findings. */
#include <stdarg.h>

#include "harness/archive/verify.h"
#include "harness/base/cleanup.h"
#include "harness/base/str.h"
#include "harness/base/vec.h"

void findings_add(struct findings *findings, bool is_problem, const char *where, const char *fmt, ...)
{
    struct buf text = {0};
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    *VEC_ADD(findings) = (struct finding){.where = xstrdup(where), .text = buf_take(&text), .is_problem = is_problem};
}

size_t findings_problems(const struct findings *findings)
{
    size_t count = 0;
    VEC_EACH(finding, findings)
    {
        count += finding->is_problem;
    }
    return count;
}

void findings_clear(struct findings *findings)
{
    VEC_EACH(finding, findings)
    {
        free(finding->where);
        free(finding->text);
    }
    VEC_CLEAR(findings);
}
