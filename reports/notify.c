/* notify.json: what is posted when somebody is to be told. One flat object with stable names for programs; `text` and `blocks` in
 * it are what Slack and those that copy it show. Nothing secret is in it. */
#include <math.h>
#include <string.h>

#include "harness/base/clock.h"
#include "harness/base/str.h"
#include "reports/report.h"
#include "reports/words.h"
#include "reports/xml.h"

/* Slack refuses a longer text in a block. */
enum { TEXT_MAX = 2500 };

static void put(json_t *object, const char *key, json_t *value)
{
    json_object_set_new(object, key, value ? value : json_null());
}

static json_t *text(const char *value)
{
    struct buf clean CLEANUP(buf_clear) = {0};
    if (!value || !*value) {
        return NULL;
    }
    xml_clean_text(value, &clean);
    return json_string(buf_str(&clean));
}

static json_t *utc(int64_t utc_ns)
{
    char out[32];
    return utc_ns ? json_string(clock_format_utc(utc_ns, out)) : NULL;
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : NULL;
}

static json_t *exact(const struct figure *figure)
{
    return figure->measured && !figure->at_least ? number(figure->value) : NULL;
}

/* Slack's own markup: these three characters and no others. */
static void say(struct buf *out, const char *words)
{
    struct buf clean CLEANUP(buf_clear) = {0};
    xml_clean_text(words ? words : "", &clean);
    for (const char *byte = buf_str(&clean); *byte && out->size < TEXT_MAX; byte++) {
        const char *entity = *byte == '<' ? "&lt;" : *byte == '>' ? "&gt;" : *byte == '&' ? "&amp;" : NULL;
        buf_add(out, entity ? entity : byte, entity ? strlen(entity) : 1);
    }
}

static json_t *objectives(const struct result *result)
{
    static const char *const statuses[JUDGEMENT_COUNT] = {"unknown", "pass", "fail", "unknown"};
    json_t *array = json_array();
    for (size_t i = 0; i < result->objective_count; i++) {
        struct buf achieved CLEANUP(buf_clear) = {0};
        json_t *item = json_object();
        words_achieved(&result->objectives[i], &achieved);
        put(item, "test.case.name", text(result->objectives[i].text));
        put(item, "test.case.result.status", json_string(statuses[result->objectives[i].judgement]));
        put(item, "achieved", text(buf_str(&achieved)));
        json_array_append_new(array, item);
    }
    return array;
}

/* "aborted" and "timed_out" are OpenTelemetry's words too; a drill that could not be judged has succeeded in nothing. */
static const char *run_status(const struct result *result)
{
    return result->conclusion == CONCLUSION_ABORTED     ? "aborted"
           : result->conclusion == CONCLUSION_TIMED_OUT ? "timed_out"
           : result->verdict == VERDICT_PASS            ? "success"
                                                        : "failure";
}

static json_t *section(const struct buf *words)
{
    return json_pack("{s:s, s:{s:s, s:s}}", "type", "section", "text", "type", "mrkdwn", "text", buf_str(words));
}

static json_t *blocks(const struct result *result, const struct buf *headline)
{
    json_t *array = json_array();
    json_array_append_new(array, section(headline));
    struct buf list CLEANUP(buf_clear) = {0};
    for (size_t i = 0; i < result->objective_count; i++) {
        struct buf achieved CLEANUP(buf_clear) = {0};
        words_achieved(&result->objectives[i], &achieved);
        buf_printf(&list, "%s*%s* ", i ? "\n" : "", words_judgement(result->objectives[i].judgement));
        say(&list, result->objectives[i].text);
        buf_puts(&list, ": ");
        say(&list, buf_str(&achieved));
    }
    if (list.size > 0) {
        json_array_append_new(array, section(&list));
    }
    return array;
}

static void put_message(json_t *object, const struct result *result)
{
    struct buf headline CLEANUP(buf_clear) = {0}, sentence CLEANUP(buf_clear) = {0};
    words_sentence(result, &sentence);
    buf_printf(&headline, "DRILL, NOT A REAL INCIDENT: *%s* ", words_verdict(result->verdict));
    say(&headline, result->scenario);
    buf_puts(&headline, ". ");
    say(&headline, buf_str(&sentence));
    put(object, "text", json_string(buf_str(&headline)));
    put(object, "blocks", blocks(result, &headline));
}

static int write_notify(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    static const char *const verdicts[VERDICT_COUNT] = {"inconclusive", "pass", "fail", "inconclusive"};
    AUTO_FREE char *path = xasprintf("%s/notify.json", folder);
    AUTO_JSON json_t *object = json_object();
    put(object, "event", json_string("drill.finished"));
    put(object, "drill_id", text(result->drill_id));
    put(object, "scenario", text(result->scenario));
    put(object, "environment", text(json_str(context->programme, "environment", NULL)));
    put(object, "verdict", json_string(verdicts[result->verdict]));
    put(object, "conclusion", json_string(conclusion_name(result->conclusion)));
    put(object, "exit_code", json_integer(result->exit_code));
    put(object, "objectives", objectives(result));
    put(object, "rto_s", exact(&result->rto));
    put(object, "rto_target_s", number(words_limit(result, "rto")));
    put(object, "rpo_s", result->loss.measured ? exact(&result->loss.rpa) : NULL);
    put(object, "writes_lost", result->loss.measured ? json_integer((json_int_t)result->loss.lost) : NULL);
    put(object, "report_url", text(json_str(context->programme, "report_url", NULL)));
    put(object, "started_at", utc(result->started_utc_ns));
    put(object, "finished_at", utc(result->ended_utc_ns));
    put(object, "test.suite.name", text(result->scenario));
    put(object, "test.suite.run.status", json_string(run_status(result)));
    put_message(object, result);
    return json_write_file(path, object, err);
}

const struct report_ops report_notify = {
    .name = "notify", .file_name = "notify.json", .summary = "what a webhook is told", .write = write_notify};
