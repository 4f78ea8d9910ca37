/* XML, HTML and SVG through libxml2's writer: always well-formed, always escaped. Errors stick and are told by xml_write_file, so
 * that the writing code reads like the document. Text that is not UTF-8, and characters that XML 1.0 forbids, become U+FFFD. */
#ifndef DRILL_REPORTS_XML_H
#define DRILL_REPORTS_XML_H

#include <stdbool.h>

#include "harness/base/buf.h"
#include "harness/base/err.h"

struct xml;

enum xml_style {
    XML_PLAIN = 0 /* an XML file, indented */,
    XML_HTML /* a doctype in front, never <td/> */,
    XML_SVG /* compact */
};

struct xml *xml_new(enum xml_style style); /* never NULL; the caller frees */
void xml_free(struct xml *xml);            /* accepts NULL */
void xml_free_cleanup(struct xml **xml);
#define AUTO_XML CLEANUP(xml_free_cleanup)

void xml_open(struct xml *xml, const char *element);
/* Of the element that was just opened. */
void xml_attr(struct xml *xml, const char *name, const char *value); /* value NULL: left out */
void xml_attrf(struct xml *xml, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
void xml_text(struct xml *xml, const char *text); /* NULL: nothing */
void xml_textf(struct xml *xml, const char *fmt, ...) PRINTF_LIKE(2, 3);
void xml_close(struct xml *xml); /* <a></a> in HTML, <a/> in XML when empty */
void xml_end(struct xml *xml);   /* <a/> when empty, in HTML too: void elements and SVG shapes */
/* An element with text only; class may be NULL. */
void xml_element(struct xml *xml, const char *element, const char *class, const char *text);
void xml_elementf(struct xml *xml, const char *element, const char *class, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Constant text that is not escaped: style sheets only. */
void xml_constant(struct xml *xml, const char *text);
/* A line break in the source, so that the page can be compared line by line. */
void xml_newline(struct xml *xml);

/* Close everything and write folder/name, whole or not at all. */
int xml_write_file(struct xml *xml, const char *folder, const char *name, struct err *err) MUST_CHECK;

/* `text` with everything replaced that JSON or XML could not carry; newlines and tabs stay. The caller clears `out`. */
void xml_clean_text(const char *text, struct buf *out);

#endif
