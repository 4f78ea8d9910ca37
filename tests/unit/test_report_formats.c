/* What every format must keep to: well-formed, escaped, small enough, the same bytes again, and something even for a drill that
 * measured nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>

#include "harness/base/fd.h"
#include "reports/report.h"
#include "tests/unit/test_report_samples.h"

enum { TEXT_COUNT = 24, FILE_MAX = 4 * 1024 * 1024 };

static void (*const fills[])(struct sample *) = {sample_passing,        sample_failing, sample_not_recovered,
                                                 sample_without_writes, sample_aborted, sample_hostile};

/* Everything reports_write_all wrote, in the list's order; the caller frees each. */
static size_t write_all(void (*fill)(struct sample *), char *texts[static TEXT_COUNT])
{
    static struct sample sample;
    struct err err = {0};
    size_t count = 0;
    char folder[] = "/tmp/drill-report-XXXXXX";
    const struct report_ops *const *list = report_list(&count);
    assert_non_null(mkdtemp(folder));
    fill(&sample);
    if (reports_write_all(&sample.result, NULL, folder, &err) < 0) {
        fail_msg("%s", err.text);
    }
    for (size_t i = 0; i < count; i++) {
        size_t size = 0;
        AUTO_FREE char *path = xasprintf("%s/%s", folder, list[i]->file_name);
        assert_int_equal(fd_read_file(path, FILE_MAX, &texts[i], &size, &err), 0);
        assert_int_equal(strlen(texts[i]), size);
        assert_true(size > 0);
    }
    assert_int_equal(fd_remove_tree(folder, &err), 0);
    sample_clear(&sample);
    return count;
}

static void free_all(char *texts[static TEXT_COUNT], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free(texts[i]);
    }
}

/* One format's text; the caller frees. */
static char *write_one(void (*fill)(struct sample *), const char *name)
{
    char *texts[TEXT_COUNT] = {0}, *wanted = NULL;
    size_t listed = 0, count = write_all(fill, texts);
    const struct report_ops *const *list = report_list(&listed);
    for (size_t i = 0; i < count; i++) {
        if (str_eq(list[i]->name, name)) {
            wanted = TAKE(texts[i]);
        }
    }
    free_all(texts, count);
    assert_non_null(wanted);
    return wanted;
}

static bool is_xml(const struct report_ops *ops)
{
    return str_ends_with(ops->file_name, ".xml") || str_ends_with(ops->file_name, ".svg") ||
           str_ends_with(ops->file_name, ".html");
}

static void same_result_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fills); i++) {
        char *first[TEXT_COUNT] = {0}, *second[TEXT_COUNT] = {0};
        size_t count = write_all(fills[i], first);
        assert_int_equal(write_all(fills[i], second), count);
        for (size_t j = 0; j < count; j++) {
            assert_string_equal(first[j], second[j]);
        }
        free_all(first, count);
        free_all(second, count);
    }
}

static void xml_is_well_formed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fills); i++) {
        char *texts[TEXT_COUNT] = {0};
        size_t listed = 0, count = write_all(fills[i], texts);
        const struct report_ops *const *list = report_list(&listed);
        for (size_t j = 0; j < count; j++) {
            if (is_xml(list[j])) {
                xmlDocPtr document = xmlReadMemory(texts[j], (int)strlen(texts[j]), list[j]->file_name, "UTF-8", XML_PARSE_NONET);
                assert_non_null(document);
                xmlFreeDoc(document);
            }
        }
        free_all(texts, count);
    }
}

static void hostile_text_stays_text(void **state)
{
    char *texts[TEXT_COUNT] = {0};
    size_t listed = 0, count = write_all(sample_hostile, texts);
    const struct report_ops *const *list = report_list(&listed);
    (void)state;
    for (size_t i = 0; i < count; i++) {
        bool prints_it = !str_ends_with(list[i]->file_name, ".json") && !str_eq(list[i]->name, "metrics");
        if (prints_it && strstr(texts[i], "<script")) {
            fail_msg("%s carries markup from a drill's text", list[i]->file_name);
        }
        for (const char *byte = texts[i]; *byte; byte++) {
            if ((unsigned char)*byte < 0x20 && *byte != '\n' && *byte != '\t') {
                fail_msg("%s carries the control character %d", list[i]->file_name, *byte);
            }
        }
        assert_null(strstr(texts[i], "\xff\xfe"));
    }
    free_all(texts, count);
}

static double evaluate(const char *text, const char *expression)
{
    xmlDocPtr document = xmlReadMemory(text, (int)strlen(text), "text", "UTF-8", XML_PARSE_NONET);
    assert_non_null(document);
    xmlXPathContextPtr context = xmlXPathNewContext(document);
    xmlXPathObjectPtr value = xmlXPathEvalExpression(BAD_CAST expression, context);
    assert_non_null(value);
    double number = xmlXPathCastToNumber(value);
    xmlXPathFreeObject(value);
    xmlXPathFreeContext(context);
    xmlFreeDoc(document);
    return number;
}

static void html_stands_alone(void **state)
{
    AUTO_FREE char *html = write_one(sample_failing, "html");
    (void)state;
    assert_int_equal((int)evaluate(html, "count(//script|//link|//img|//iframe|//object)"), 0);
    assert_int_equal((int)evaluate(html, "count(//meta[@http-equiv='Content-Security-Policy'])"), 1);
    assert_int_equal((int)evaluate(html, "count(//h1)"), 1);
    assert_int_equal((int)evaluate(html, "count(//*[local-name()='svg'][@role='img'][not(*[local-name()='title'])])"), 0);
    assert_true(evaluate(html, "count(//*[local-name()='svg'][@role='img'])") >= 4);
    /* Colours must survive a CI server that strips style sheets. */
    assert_int_equal((int)evaluate(html, "count(//*[local-name()='svg']//*[@style or @class])"), 0);
    assert_int_equal((int)evaluate(html, "count(//@id[. = ../preceding::*/@id])"), 0);
    assert_null(strstr(html, "https://"));
}

static void html_says_what_matters(void **state)
{
    AUTO_FREE char *failed = write_one(sample_failing, "html"), *lost = write_one(sample_not_recovered, "html");
    AUTO_FREE char *dry = write_one(sample_without_writes, "html"), *aborted = write_one(sample_aborted, "html");
    (void)state;
    assert_non_null(strstr(failed, "20.0004 s")); /* not "20 s > 20 s" */
    assert_non_null(strstr(failed, "w7f3a91a-000000919"));
    assert_null(strstr(failed, "w7f3a91a-000000920")); /* the first 20 only */
    assert_non_null(strstr(failed, "412 packets"));
    assert_non_null(strstr(lost, "more than 38 s"));
    assert_non_null(strstr(dry, "Loss of writes was not measured: the drill wrote nothing"));
    assert_non_null(strstr(aborted, "The drill was aborted: interrupted by Ctrl-C"));
    assert_non_null(strstr(aborted, "nothing to draw"));
}

static void junit_counts_agree(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(fills); i++) {
        AUTO_FREE char *junit = write_one(fills[i], "junit");
        assert_int_equal((int)evaluate(junit, "//testsuite/@tests - count(//testcase)"), 0);
        assert_int_equal((int)evaluate(junit, "//testsuite/@failures - count(//failure)"), 0);
        assert_int_equal((int)evaluate(junit, "//testsuite/@errors - count(//error)"), 0);
        assert_int_equal((int)evaluate(junit, "count(/testsuites/@*)"), 0);
        assert_int_equal((int)evaluate(junit, "count(//failure[not(. = @message)])"), 0);
        assert_int_equal((int)evaluate(junit, "string-length(//testsuite/@timestamp)"), 19);
        assert_int_equal((int)evaluate(junit, "count(//testcase[@name = following-sibling::testcase/@name])"), 0);
    }
    AUTO_FREE char *failed = write_one(sample_failing, "junit"), *aborted = write_one(sample_aborted, "junit");
    assert_int_equal((int)evaluate(failed, "count(//failure)"), 2);
    assert_int_equal((int)evaluate(aborted, "count(//error)"), 1);
}

static void metrics_leave_out_what_is_unknown(void **state)
{
    AUTO_FREE char *passed = write_one(sample_passing, "metrics"), *lost = write_one(sample_not_recovered, "metrics");
    AUTO_FREE char *dry = write_one(sample_without_writes, "metrics"), *hostile = write_one(sample_hostile, "metrics");
    (void)state;
    assert_non_null(strstr(passed, "drill_rto_seconds{scenario=\"region-outage\"} 17.43\n"));
    assert_non_null(strstr(passed, "drill_last_pass_timestamp_seconds{scenario=\"region-outage\"} 1764000078\n"));
    assert_true(str_ends_with(passed, "# EOF\n"));
    assert_null(strstr(lost, "drill_rto_seconds{"));
    assert_null(strstr(lost, "drill_last_pass"));
    assert_null(strstr(dry, "drill_writes_lost{"));
    assert_null(strstr(dry, "drill_rpo_seconds{"));
    assert_non_null(strstr(hostile, "& \\\" '"));
}

static void samples_have_a_line_a_second(void **state)
{
    AUTO_FREE char *samples = write_one(sample_passing, "samples");
    size_t lines = 0;
    (void)state;
    for (const char *line = samples; (line = strchr(line, '\n')); line++) {
        lines++;
    }
    assert_int_equal(lines, 1 + BEFORE_S + AFTER_S);
}

/* An hour, thousands of events and lost writes, long texts. */
static void sample_huge(struct sample *sample)
{
    enum { SECONDS = 3600, EVENTS = 5000, FINDINGS = 50, OBSERVATIONS = 60 };
    static struct observation observations[OBSERVATIONS];
    static struct phase phases[OBSERVATIONS];
    static struct second_bin bins[SECONDS];
    static uint32_t counts[3][SECONDS];
    static char long_text[5000], *findings[FINDINGS];
    sample_failing(sample);
    memset(long_text, 'x', sizeof(long_text) - 1);
    for (int i = 0; i < SECONDS; i++) {
        bins[i] = sample->bins[i % (BEFORE_S + AFTER_S)];
        bins[i].start_ns = at_s(i - 100);
        counts[i % 3][i] = bins[i].ok;
    }
    for (size_t i = 0; i < 3; i++) {
        sample->addresses[i].counts = counts[i];
    }
    for (size_t i = 0; i < FINDINGS; i++) {
        findings[i] = long_text;
    }
    sample->result.bins = bins;
    sample->result.bin_count = SECONDS;
    sample->result.findings = findings;
    sample->result.finding_count = FINDINGS;
    for (size_t i = 0; i < OBSERVATIONS; i++) {
        observations[i] = sample->observations[0];
        observations[i].cause = observations[i].vantage = long_text;
        phases[i] = sample->phases[0];
        phases[i].cause = phases[i].source = long_text;
    }
    sample->result.observations = observations;
    sample->result.observation_count = sample->result.phase_count = OBSERVATIONS;
    sample->result.phases = phases;
    for (int i = 0; i < EVENTS; i++) {
        sample_add_event(sample->result.events, i, "note", json_pack("{s:s}", "text", "<a note & more>"));
    }
}

static void sizes_are_capped(void **state)
{
    AUTO_FREE char *markdown = write_one(sample_huge, "markdown"), *html = write_one(sample_huge, "html");
    (void)state;
    assert_true(strlen(markdown) < 60 * 1024);
    assert_non_null(strstr(markdown, "## Objectives"));
    assert_non_null(strstr(markdown, "a section was left out here"));
    assert_true(strlen(html) < 500 * 1000);
    assert_non_null(strstr(html, "events are left out here"));
}

static void console_is_plain_and_complete(void **state)
{
    static struct sample sample;
    struct buf out CLEANUP(buf_clear) = {0}, quiet CLEANUP(buf_clear) = {0}, colour CLEANUP(buf_clear) = {0};
    (void)state;
    sample_failing(&sample);
    report_console(&sample.result, false, false, &out);
    report_console(&sample.result, false, true, &quiet);
    report_console(&sample.result, true, false, &colour);
    sample_clear(&sample);
    assert_null(strchr(buf_str(&out), '\033'));
    assert_non_null(strstr(buf_str(&colour), "\033[31mFAIL\033[0m"));
    assert_non_null(strstr(buf_str(&out), "FAIL     rto <= 20s   20.0004 s ± 0.01 s (over by 0.0004 s)"));
    assert_non_null(strstr(buf_str(&out), "where it went: masked 0"));
    assert_non_null(strstr(buf_str(&out), "40 of 5130 acknowledged writes lost"));
    assert_non_null(strstr(buf_str(&out), "cleanup: nothing left behind"));
    assert_ptr_equal(strchr(buf_str(&quiet), '\n'), buf_str(&quiet) + quiet.size - 1);
    buf_reset(&out);
    sample_hostile(&sample);
    report_console(&sample.result, false, false, &out);
    sample_clear(&sample);
    assert_null(strchr(buf_str(&out), '\033'));
}

static void a_missing_folder_is_an_error(void **state)
{
    static struct sample sample;
    struct err err = {0};
    (void)state;
    sample_aborted(&sample);
    assert_true(reports_write_all(&sample.result, NULL, "/nonexistent/folder", &err) < 0);
    assert_non_null(strstr(err.text, "report.json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_result_same_bytes),
        cmocka_unit_test(xml_is_well_formed),
        cmocka_unit_test(hostile_text_stays_text),
        cmocka_unit_test(html_stands_alone),
        cmocka_unit_test(html_says_what_matters),
        cmocka_unit_test(junit_counts_agree),
        cmocka_unit_test(metrics_leave_out_what_is_unknown),
        cmocka_unit_test(samples_have_a_line_a_second),
        cmocka_unit_test(sizes_are_capped),
        cmocka_unit_test(console_is_plain_and_complete),
        cmocka_unit_test(a_missing_folder_is_an_error),
    };
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    xmlCleanupParser();
    return status;
}
