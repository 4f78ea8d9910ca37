/* report.html: one file without scripts and without the network, for boards, engineers and auditors alike. Colours of pictures are
 * presentation attributes and the order is that of the source, so it reads the same where a CI server strips its style. */
#include "harness/base/str.h"
#include "reports/html_page.h"
#include "reports/report.h"
#include "reports/words.h"

/* No quotes, angle brackets or ampersands: it is put into the page as it is. */
static const char style[] =
    "\n:root{color-scheme:light}\n"
    "*{box-sizing:border-box}\n"
    "body{font:16px/1.5 system-ui,Segoe UI,DejaVu Sans,Verdana,sans-serif;color:#1a1a1a;background:#fff;margin:0 auto;"
    "padding:24px;max-width:1180px}\n"
    "h1{font-size:26px;line-height:1.25;margin:0 0 6px}\n"
    "h2{font-size:20px;margin:36px 0 8px;padding-top:10px;border-top:1px solid #d9d9d9}\n"
    "h3{font-size:16px;margin:20px 0 6px}\n"
    "p{margin:6px 0;max-width:80ch}\n"
    "table{border-collapse:collapse;margin:10px 0;font-size:14px}\n"
    "caption{text-align:left;color:#555;padding:2px 0 4px}\n"
    "th,td{text-align:left;vertical-align:top;padding:5px 14px 5px 0;border-bottom:1px solid #d9d9d9}\n"
    "td{overflow-wrap:anywhere;min-width:9ch}td.n{min-width:0}\n"
    "thead th{border-bottom:2px solid #767676;color:#333}\n"
    "tbody th{font-weight:600}\n"
    "td.short{white-space:nowrap}\n"
    ".n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    ".banner{border:3px solid;border-left-width:14px;padding:16px 20px;margin:0 0 12px}\n"
    ".banner p{font-size:19px;max-width:none}\n"
    ".banner .word{font-size:30px}\n"
    ".pass{border-color:#1e7145}.fail{border-color:#a3152b}.inconclusive{border-color:#8a5a00}\n"
    ".word{font-weight:700;letter-spacing:.02em;margin:0}\n"
    ".pass .word{color:#1e7145}.fail .word{color:#a3152b}.inconclusive .word{color:#7a4f00}\n"
    ".met{color:#1e7145}.missed{color:#a3152b}.unknown{color:#7a4f00}"
    ".met,.missed,.unknown{font-weight:700;white-space:nowrap}\n"
    ".meta{color:#555;font-size:14px;max-width:none}\n"
    ".box{overflow-x:auto;margin:8px 0}\n"
    "figure.box svg{display:block;max-width:100%;height:auto;min-width:780px}\n"
    "td svg{display:block}\n"
    "code,.ids{font-family:DejaVu Sans Mono,Consolas,monospace;font-size:13px;overflow-wrap:anywhere}\n"
    "summary{cursor:pointer;color:#1d4f86}\n"
    "dt{font-weight:600;margin-top:8px}dd{margin:0 0 0 20px;max-width:80ch}\n"
    "@media (max-width:600px){body{padding:12px}h1{font-size:21px}.banner{padding:12px}"
    ".banner p{font-size:17px}.banner .word{font-size:24px}}\n"
    "@page{size:A4;margin:14mm}\n"
    "@media print{body{padding:0;max-width:none;font-size:10pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}"
    "h1{font-size:16pt}h2{font-size:13pt;margin:14px 0 4px;padding-top:6px}h3{font-size:10.5pt}.meta{font-size:8.5pt}"
    ".word{font-size:17pt}.banner{padding:8px 14px;margin-bottom:8px}.banner p{font-size:12pt}.banner .word{font-size:17pt}"
    "td,th{padding-top:3px;padding-bottom:3px}.box{overflow:visible}figure.box svg{min-width:0;width:100%}"
    "figure,tr,.banner{break-inside:avoid}h2,h3,caption,thead{break-after:avoid}table{font-size:9pt;margin:6px 0}"
    "details:not([open]){display:none}}\n";

static void write_meta(struct xml *xml, const char *attribute, const char *name, const char *content)
{
    xml_open(xml, "meta");
    xml_attr(xml, attribute, name);
    xml_attr(xml, "content", content);
    xml_end(xml);
    xml_newline(xml);
}

static void write_head(struct xml *xml, const struct result *result)
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
    write_meta(xml, "name", "generator", json_str(result->environment, "tool", "drill"));
    xml_elementf(xml, "title", NULL, "%s: %s (%s)", words_verdict(result->verdict), result->title ? result->title : "drill",
                 result->drill_id ? result->drill_id : "no id");
    xml_open(xml, "style");
    xml_constant(xml, style);
    xml_close(xml);
    xml_close(xml);
    xml_newline(xml);
}

static void write_body(struct xml *xml, const struct result *result, const struct columns *columns)
{
    xml_open(xml, "main");
    html_banner(xml, result);
    html_objectives(xml, result);
    html_timeline(xml, result);
    html_phases(xml, result);
    html_faults(xml, result);
    html_traffic(xml, result, columns);
    html_latency(xml, result, columns);
    html_data(xml, result);
    html_failures(xml, result, columns);
    html_events(xml, result);
    html_observations(xml, result);
    html_method(xml, result);
    html_environment(xml, result);
    xml_close(xml);
}

static int write_html(const struct result *result, const struct report_context *context, const char *folder, struct err *err)
{
    (void)context;
    struct xml *xml AUTO_XML = xml_new(XML_HTML);
    AUTO_FREE struct columns *columns = columns_new(result);
    xml_open(xml, "html");
    xml_attr(xml, "lang", "en");
    xml_newline(xml);
    write_head(xml, result);
    xml_open(xml, "body");
    xml_newline(xml);
    write_body(xml, result, columns);
    xml_close(xml);
    xml_close(xml);
    return xml_write_file(xml, folder, "report.html", err);
}

const struct report_ops report_html = {
    .name = "html", .file_name = "report.html", .summary = "the report for people, one file", .write = write_html};
