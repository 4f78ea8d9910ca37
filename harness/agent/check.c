/* One health check, asked once and answered when its probe is. */
#include "harness/agent/probe.h"
#include "harness/agent/rpc.h"
#include "harness/base/clock.h"
#include "harness/base/str.h"

#include <string.h>

struct check {
    struct agent *agent;
    int64_t id;
    bool is_http;
    int wanted;
    char *contains;
};

static void on_answer(void *context, const struct probe_answer *answer)
{
    struct check *check = context;
    char detail[200];
    bool healthy = answer->answered && answer->status == check->wanted;
    if (healthy && check->contains && !strstr(answer->text, check->contains)) {
        healthy = false;
        (void)str_format(detail, sizeof(detail), "expected '%s', found: %.120s", check->contains, answer->text);
    } else if (!healthy && answer->answered) {
        (void)str_format(detail, sizeof(detail), "%s %d: %.120s", check->is_http ? "status" : "exit status", answer->status,
                         answer->text);
    } else {
        (void)str_format(detail, sizeof(detail), "%.160s", check->is_http && healthy ? "" : answer->text);
    }
    detail[strcspn(detail, "\r\n")] = '\0';
    json_t *text = json_string(detail);
    rpc_reply(check->agent, check->id, json_pack("{s:b, s:o}", "healthy", healthy, "detail", text ? text : json_string("")));
    free(check->contains);
    free(check);
}

int check_once(struct agent *agent, int64_t id, const json_t *params, struct err *err)
{
    const json_t *what = json_object_get(params, "check");
    struct probe *probe = NULL;
    struct check *check = xcalloc(1, sizeof(*check));
    bool is_http = str_eq(json_str(what, "type", ""), "http");
    int wanted = (int)json_int(what, "status", 0);
    *check = (struct check){.agent = agent,
                            .id = id,
                            .is_http = is_http,
                            .wanted = is_http ? (wanted ? wanted : 200) : 0,
                            .contains = xstrdup(json_str(what, "contains", NULL))};
    int status = probe_start(agent->loop, what, json_int(params, "timeout_ms", 1000) * NS_PER_MS, on_answer, check, &probe, err);
    if (status < 0) {
        free(check->contains);
        free(check);
    }
    return status;
}
