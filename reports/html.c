/* report.html: one file without scripts and without the network, for boards, engineers and auditors alike. Colours of pictures are
 * presentation attributes and the order is that of the source, so it reads the same where a CI server strips its style. */
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/report.h"
#include "reports/words.h"

/* No quotes, ampersands or opening brackets: it is put into the page as it is. */
static const char style[] =
    "\n:root{color-scheme:light}\n"
    "*{box-sizing:border-box}\n"
    "body{font:16px/1.5 system-ui,Segoe UI,DejaVu Sans,Verdana,sans-serif;color:#1a1a1a;background:#fff;margin:0 auto;"
    "padding:28px 32px 64px;max-width:1184px}\n"
    "h1{font-size:28px;line-height:1.25;margin:0 0 12px;font-weight:700}\n"
    "h2{font-size:20px;line-height:1.3;margin:40px 0 10px;padding-top:12px;border-top:1px solid #d9d9d9}\n"
    "h3{font-size:16px;margin:24px 0 6px}\n"
    "p{margin:8px 0;max-width:80ch}\n"
    "table{border-collapse:collapse;margin:12px 0;font-size:14px}\n"
    "caption{text-align:left;color:#555;padding:2px 0 6px}\n"
    "th,td{text-align:left;vertical-align:top;padding:6px 22px 6px 0;border-bottom:1px solid #d9d9d9}\n"
    "td{overflow-wrap:anywhere;min-width:9ch}td.n,th.n{min-width:0}\n"
    "thead th{border-bottom:2px solid #767676;color:#333}\n"
    "tbody th{font-weight:600}.first tbody th{white-space:nowrap}.first td{overflow-wrap:break-word}\n"
    "td.short{white-space:nowrap}\n"
    ".n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    ".banner{border:2px solid;border-left-width:14px;padding:14px 22px 16px;margin:0 0 14px;break-inside:avoid}\n"
    ".banner p{font-size:20px;line-height:1.45;max-width:none;margin:4px 0}\n"
    ".banner p.word{font-size:30px;font-weight:700;letter-spacing:.02em;margin:0}\n"
    ".pass{border-color:#1e7145;background:#f3faf6}.fail{border-color:#a3152b;background:#fdf5f6}"
    ".inconclusive{border-color:#8a5a00;background:#fdf9f0}\n"
    ".pass .word{color:#1e7145}.fail .word{color:#a3152b}.inconclusive .word{color:#7a4f00}\n"
    ".met{color:#1e7145}.missed{color:#a3152b}.unknown{color:#7a4f00}"
    ".met,.missed,.unknown{font-weight:700;white-space:nowrap}\n"
    ".meta{color:#555;font-size:14px;max-width:none}\n"
    ".identity{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(320px,100%),1fr));gap:6px 22px;margin:14px 0 0;"
    "font-size:14px}\n"
    ".identity dt{color:#555;font-weight:400;margin:0}.identity dd{margin:0;font-weight:600;overflow-wrap:anywhere}\n"
    "nav{margin:18px 0 0;font-size:14px;line-height:1.9}nav a{margin-right:16px;white-space:nowrap}\n"
    "a{color:#1d4f86}\n"
    ".first section>.box>table{width:100%}\n"
    ".box{overflow-x:auto;margin:10px 0}\n"
    "figure.box svg{display:block;max-width:100%;height:auto;min-width:780px}\n"
    ".facts thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\n"
    ".facts th{width:26ch}\n"
    "td svg{vertical-align:-3px;margin-right:10px}\n"
    "td.blank{height:44px}\n"
    "code,pre,.ids{font-family:DejaVu Sans Mono,Consolas,monospace;font-size:13px;overflow-wrap:anywhere}\n"
    "pre{background:#f6f6f6;border:1px solid #d9d9d9;padding:12px;overflow-x:auto;white-space:pre-wrap}\n"
    "details{margin:8px 0}summary{cursor:pointer;color:#1d4f86}\n"
    "li{margin:4px 0}dt{font-weight:600;margin-top:10px}dd{margin:0 0 0 20px;max-width:80ch}\n"
    "@media (max-width:600px){body{padding:14px}h1{font-size:22px}.banner{padding:10px 14px}"
    ".banner p{font-size:17px}.banner "
    "p.word{font-size:24px}th,td{padding-right:14px}td{min-width:7ch}.identity{grid-template-columns:1fr 1fr}}\n"
    "@media print{body{padding:0;max-width:none;font-size:9pt;line-height:1.35;"
    "print-color-adjust:exact;-webkit-print-color-adjust:exact}"
    "h1{font-size:14pt;margin-bottom:5px}h2{font-size:11.5pt;margin:12px 0 3px;padding-top:5px}h3{font-size:10pt}"
    ".meta{font-size:8pt}nav{display:none}"
    ".banner{padding:4px 12px 6px;margin-bottom:5px;border-left-width:10px}.banner p{font-size:10pt;line-height:1.3;margin:1px 0}"
    ".banner p.word{font-size:13pt}.banner svg{width:13pt;height:13pt}header p{font-size:8.5pt}"
    "table{font-size:8pt;margin:3px 0}caption{padding:0 0 2px}td,th{padding:2px 14px 2px 0}"
    ".identity{font-size:7.5pt;gap:1px 13px;display:flex;flex-wrap:wrap;margin-top:4px}"
    ".box{overflow:visible;margin:3px 0}figure.box svg{min-width:0;width:100%}td.blank{height:22px}"
    "code,pre,.ids{font-size:7.5pt}a{color:inherit;text-decoration:none}"
    "figure,tr,.banner{break-inside:avoid}h2,h3,caption,thead,summary{break-after:avoid}"
    "details::details-content{content-visibility:visible;display:block}summary{color:#555;list-style:none}"
    /* Page one holds what a board reads; the tables of its pictures follow behind it. */
    ".first{display:flex;flex-direction:column}.first section{display:contents}.first "
    "details{order:1}section[aria-labelledby=timeline] details:first-of-type{break-before:page}"
    ".first h2{margin:6px 0 1px;padding-top:3px}.first section>.box caption{display:none}.first p{margin:2px 0}"
    ".first figure.box svg{width:88%;margin:0 auto}.first td svg{width:88px;height:auto}}\n";

static void write_meta(struct xml *xml, const char *attribute, const char *name, const char *content)
{
    xml_open(xml, "meta");
    xml_attr(xml, attribute, name);
    xml_attr(xml, "content", content);
    xml_end(xml);
    xml_newline(xml);
}

void html_head(struct xml *xml, const char *title, const char *generator, const char *more_style)
{
    xml_open(xml, "head");
    xml_newline(xml);
    xml_open(xml, "meta");
    xml_attr(xml, "charset", "utf-8");
    xml_end(xml);
    xml_newline(xml);
    write_meta(xml, "http-equiv", "Content-Security-Policy",
               "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'");
    write_meta(xml, "name", "viewport", "width=device-width, initial-scale=1");
    write_meta(xml, "name", "generator", generator);
    xml_element(xml, "title", NULL, title);
    xml_open(xml, "style");
    xml_constant(xml, style);
    if (more_style) {
        xml_constant(xml, more_style);
    }
    xml_close(xml);
    xml_close(xml);
    xml_newline(xml);
}

/* The foot of every printed page. The id goes into a style sheet, so only what cannot end a string gets there. */
static void page_style(const struct result *result, struct buf *style_sheet)
{
    buf_puts(style_sheet, "@page{size:A4;margin:11mm 13mm 13mm;@bottom-left{font:7.5pt sans-serif;color:#555;content:'drill ");
    for (const char *byte = result->drill_id; byte && *byte; byte++) {
        bool plain = (*byte >= 'a' && *byte <= 'z') || (*byte >= 'A' && *byte <= 'Z') || (*byte >= '0' && *byte <= '9');
        buf_add(style_sheet, plain || *byte == '-' || *byte == '.' ? byte : "_", 1);
    }
    buf_printf(style_sheet,
               ", %s'}@bottom-right{font:7.5pt sans-serif;color:#555;content:counter(page) ' of ' counter(pages)}}\n",
               words_verdict(result->verdict));
}

static void write_head(struct xml *xml, const struct result *result)
{
    struct buf more_style CLEANUP(buf_clear) = {0};
    AUTO_FREE char *title = xasprintf("%s: %s (%s)", words_verdict(result->verdict), result->title ? result->title : "drill",
                                      result->drill_id ? result->drill_id : "no id");
    page_style(result, &more_style);
    html_head(xml, title, json_str(result->environment, "tool", "drill"), buf_str(&more_style));
}

static const struct {
    const char *id, *title;
} contents[] = {
    {"objectives", "Objectives"},     {"timeline", "Timeline"},       {"findings", "Findings"}, {"traffic", "Traffic"},
    {"observations", "Observations"}, {"alerts", "Alerts"},           {"latency", "Latency"},   {"data", "Data"},
    {"failures", "Failures"},         {"faults", "Faults and proof"}, {"events", "Event log"},  {"security", "Security"},
    {"plan", "Plan and people"},      {"history", "History"},         {"method", "Method"},     {"evidence", "Evidence map"},
    {"verify", "How to verify"},      {"appendix", "Appendix"}};

static void write_contents(struct xml *xml)
{
    xml_open(xml, "nav");
    xml_attr(xml, "aria-label", "Contents");
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        xml_open(xml, "a");
        xml_attrf(xml, "href", "#%s", contents[i].id);
        xml_text(xml, contents[i].title);
        xml_close(xml);
        xml_text(xml, " ");
    }
    xml_close(xml);
    xml_newline(xml);
}

struct page {
    const struct result *result;
    const struct report_context *context;
    const struct columns *columns;
    const char *folder;
};

/* What fits on one printed page and is enough for who reads only that. */
static void write_first_page(struct xml *xml, const struct page *page)
{
    xml_open(xml, "div");
    xml_attr(xml, "class", "first");
    html_banner(xml, page->result, page->context);
    write_contents(xml);
    html_objectives(xml, page->result, page->context);
    html_timeline(xml, page->result, page->columns);
    html_phases(xml, page->result);
    html_findings(xml, page->result, page->context);
    xml_close(xml);
    xml_newline(xml);
}

static void write_body(struct xml *xml, const struct page *page)
{
    xml_open(xml, "main");
    write_first_page(xml, page);
    html_traffic(xml, page->result, page->columns);
    html_observations(xml, page->result);
    html_alerts(xml, page->result);
    html_latency(xml, page->result, page->columns);
    html_data(xml, page->result);
    html_failures(xml, page->result, page->columns);
    html_faults(xml, page->result);
    html_events(xml, page->result);
    html_security(xml, page->context);
    html_plan(xml, page->result, page->context);
    html_history(xml, page->result, page->context);
    html_method(xml, page->result, page->context);
    html_evidence(xml, page->context);
    html_verify(xml, page->context);
    html_appendix(xml, page->result, page->folder);
    xml_close(xml);
}

static int write_html(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    struct xml *xml AUTO_XML = xml_new(XML_HTML);
    AUTO_FREE struct columns *columns = columns_new(result);
    const struct page page = {
        .result = result, .context = context, .columns = columns, .folder = context->source ? context->source : folder};
    xml_open(xml, "html");
    xml_attr(xml, "lang", "en");
    xml_newline(xml);
    write_head(xml, result);
    xml_open(xml, "body");
    xml_newline(xml);
    write_body(xml, &page);
    xml_close(xml);
    xml_close(xml);
    return xml_write_file(xml, folder, "report.html", err);
}

const struct report_ops report_html = {
    .name = "html", .file_name = "report.html", .summary = "the report for people, one file", .write = write_html};
