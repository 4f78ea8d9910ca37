/* Who answered in each part of the drill: by server, by region, and the sessions that changed servers. */
#include <math.h>

#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/words.h"

static void write_windows(struct xml *xml, const struct result *result)
{
    static const char *const heads[] = {"Part of the drill", ">Begins", ">Ends", ">Requests", ">Failed", ">p50", ">p99",
                                        ">Sessions seen",    ">Moved",  ">Moves"};
    html_table(xml, "Parts of the drill: a session has moved when another server answered it than before", heads,
               ARRAY_LEN(heads));
    for (size_t i = 0; i < result->share_count; i++) {
        const struct share_window *window = &result->shares[i];
        struct buf share CLEANUP(buf_clear) = {0}, moved CLEANUP(buf_clear) = {0};
        words_share(window->failed, window->requests, &share);
        words_share(window->moved, window->sessions, &moved);
        html_row(xml);
        html_name_cell(xml, window->name);
        html_instant(xml, result, window->begin_ns == INT64_MIN ? 0 : window->begin_ns);
        html_instant(xml, result, window->end_ns == INT64_MAX ? 0 : window->end_ns);
        html_number(xml, "%llu", (unsigned long long)window->requests);
        html_number(xml, "%llu (%s)", (unsigned long long)window->failed, buf_str(&share));
        html_number(xml, "%.1f ms", window->latency.p50_s * 1e3);
        html_number(xml, "%.1f ms", window->latency.p99_s * 1e3);
        html_number(xml, "%llu", (unsigned long long)window->sessions);
        html_number(xml, "%llu (%s)", (unsigned long long)window->moved, buf_str(&moved));
        html_number(xml, "%llu", (unsigned long long)window->moves);
        html_row_end(xml);
    }
    html_table_end(xml);
}

static void write_latency(struct xml *xml, double latency_s)
{
    if (isnan(latency_s)) {
        html_number(xml, "-");
    } else {
        html_number(xml, "%.1f ms", latency_s * 1e3);
    }
}

static void write_row(struct xml *xml, const struct share_window *window, const struct share_row *row, bool is_server)
{
    const char *nameless = is_server ? "nobody that said its name" : "no region's address";
    uint64_t whole = is_server ? window->named : window->routed;
    struct buf share CLEANUP(buf_clear) = {0}, failed CLEANUP(buf_clear) = {0};
    words_share(row->requests, *row->name ? whole : 0, &share);
    words_share(row->failed, row->requests, &failed);
    html_row(xml);
    html_name_cell(xml, window->name);
    html_cell(xml, *row->name ? row->name : nameless);
    html_number(xml, "%llu", (unsigned long long)row->requests);
    html_number(xml, "%s", buf_str(&share));
    html_number(xml, "%llu (%s)", (unsigned long long)row->failed, buf_str(&failed));
    write_latency(xml, row->p50_s);
    write_latency(xml, row->p99_s);
    if (is_server) {
        html_number(xml, "%llu", (unsigned long long)row->left);
    }
    html_row_end(xml);
}

static void write_rows(struct xml *xml, const struct result *result, bool by_server)
{
    const char *const heads[] = {
        "Part of the drill",         by_server ? "Answered by" : "Sent to", ">Requests", ">Share", ">Failed", ">p50", ">p99",
        ">Sessions left for another"};
    html_details(xml, by_server ? "Who answered, by server" : "Where requests went, by region");
    html_table(xml, "Shares are of the requests with a name; a failed request counts with at least its deadline", heads,
               ARRAY_LEN(heads) - !by_server);
    for (size_t i = 0; i < result->share_count; i++) {
        const struct share_window *window = &result->shares[i];
        const struct share_row *rows = by_server ? window->servers : window->regions;
        size_t count = by_server ? window->server_count : window->region_count;
        for (size_t j = 0; j < count; j++) {
            write_row(xml, window, &rows[j], by_server);
        }
    }
    html_table_end(xml);
    html_details_end(xml);
}

void html_shares(struct xml *xml, const struct result *result)
{
    uint64_t named = 0, routed = 0;
    for (size_t i = 0; i < result->share_count; i++) {
        named += result->shares[i].named;
        routed += result->shares[i].routed;
    }
    if (result->share_count > 0) {
        write_windows(xml, result);
    }
    if (named > 0) {
        write_rows(xml, result, true);
    }
    if (routed > 0) {
        write_rows(xml, result, false);
    }
}
