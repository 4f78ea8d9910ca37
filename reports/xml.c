/* The one file that knows libxml2's writer. */
#include "reports/xml.h"

#include <libxml/xmlwriter.h>
#include <stdint.h>
#include <string.h>

#include "harness/base/fd.h"
#include "harness/base/str.h"

struct xml {
    enum xml_style style;
    xmlBufferPtr buffer;
    xmlTextWriterPtr writer;
    bool failed; /* sticky */
    bool ended;
};

static void check(struct xml *xml, int status)
{
    if (status < 0) {
        xml->failed = true;
    }
}

struct xml *xml_new(enum xml_style style)
{
    struct xml *xml = xcalloc(1, sizeof(*xml));
    xml->style = style;
    xml->buffer = xmlBufferCreate();
    xml->writer = xml->buffer ? xmlNewTextWriterMemory(xml->buffer, 0) : NULL;
    if (!xml->writer) {
        xml->failed = true;
        return xml;
    }
    xmlBufferSetAllocationScheme(xml->buffer, XML_BUFFER_ALLOC_DOUBLEIT);
    if (style == XML_HTML) {
        check(xml, xmlTextWriterWriteRaw(xml->writer, BAD_CAST "<!DOCTYPE html>\n"));
        return xml;
    }
    check(xml, xmlTextWriterSetIndent(xml->writer, style == XML_PLAIN));
    check(xml, xmlTextWriterSetIndentString(xml->writer, BAD_CAST "  "));
    check(xml, xmlTextWriterStartDocument(xml->writer, "1.0", "UTF-8", NULL));
    return xml;
}

void xml_free(struct xml *xml)
{
    if (!xml) {
        return;
    }
    if (xml->writer) {
        xmlFreeTextWriter(xml->writer);
    }
    if (xml->buffer) {
        xmlBufferFree(xml->buffer);
    }
    free(xml);
}

void xml_free_cleanup(struct xml **xml)
{
    xml_free(*xml);
}

/* The length of the UTF-8 character at `text` when XML 1.0 and JSON can carry it, else 0. */
static size_t character_size(const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;
    size_t size = byte[0] < 0x80             ? 1
                  : (byte[0] & 0xe0) == 0xc0 ? 2
                  : (byte[0] & 0xf0) == 0xe0 ? 3
                  : (byte[0] & 0xf8) == 0xf0 ? 4
                                             : 0;
    if (size <= 1) {
        bool allowed = byte[0] == '\t' || byte[0] == '\n' || (byte[0] >= 0x20 && byte[0] != 0x7f);
        return size == 1 && allowed ? 1 : 0;
    }
    uint32_t code = byte[0] & (0x7fU >> size);
    for (size_t i = 1; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (byte[i] & 0x3fU);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    bool surrogate = code >= 0xd800 && code <= 0xdfff;
    bool control = code < 0xa0; /* C1: allowed by XML 1.0, yet terminals act on them */
    return code < least[size] || code > 0x10ffff || surrogate || control || code == 0xfffe || code == 0xffff ? 0 : size;
}

void xml_clean_text(const char *text, struct buf *out)
{
    while (text && *text) {
        size_t size = character_size(text);
        if (size == 0) {
            buf_puts(out, "\xef\xbf\xbd");
            text++;
            continue;
        }
        buf_add(out, text, size);
        text += size;
    }
}

void xml_open(struct xml *xml, const char *element)
{
    if (!xml->failed) {
        check(xml, xmlTextWriterStartElement(xml->writer, BAD_CAST element));
    }
}

void xml_attr(struct xml *xml, const char *name, const char *value)
{
    struct buf clean CLEANUP(buf_clear) = {0};
    if (!xml->failed && value) {
        xml_clean_text(value, &clean);
        check(xml, xmlTextWriterWriteAttribute(xml->writer, BAD_CAST name, BAD_CAST buf_str(&clean)));
    }
}

void xml_attrf(struct xml *xml, const char *name, const char *fmt, ...)
{
    struct buf value CLEANUP(buf_clear) = {0};
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&value, fmt, args);
    va_end(args);
    xml_attr(xml, name, buf_str(&value));
}

void xml_text(struct xml *xml, const char *text)
{
    struct buf clean CLEANUP(buf_clear) = {0};
    if (!xml->failed && text && *text) {
        xml_clean_text(text, &clean);
        check(xml, xmlTextWriterWriteString(xml->writer, BAD_CAST buf_str(&clean)));
    }
}

void xml_textf(struct xml *xml, const char *fmt, ...)
{
    struct buf text CLEANUP(buf_clear) = {0};
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    xml_text(xml, buf_str(&text));
}

void xml_close(struct xml *xml)
{
    if (!xml->failed) {
        bool html = xml->style == XML_HTML;
        check(xml, html ? xmlTextWriterFullEndElement(xml->writer) : xmlTextWriterEndElement(xml->writer));
    }
}

void xml_end(struct xml *xml)
{
    if (!xml->failed) {
        check(xml, xmlTextWriterEndElement(xml->writer));
    }
}

void xml_element(struct xml *xml, const char *element, const char *class, const char *text)
{
    xml_open(xml, element);
    xml_attr(xml, "class", class);
    xml_text(xml, text);
    xml_close(xml);
}

void xml_elementf(struct xml *xml, const char *element, const char *class, const char *fmt, ...)
{
    struct buf text CLEANUP(buf_clear) = {0};
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&text, fmt, args);
    va_end(args);
    xml_element(xml, element, class, buf_str(&text));
}

void xml_constant(struct xml *xml, const char *text)
{
    if (!xml->failed) {
        check(xml, xmlTextWriterWriteRaw(xml->writer, BAD_CAST text));
    }
}

void xml_newline(struct xml *xml)
{
    xml_constant(xml, "\n");
}

int xml_write_file(struct xml *xml, const char *folder, const char *name, struct err *err)
{
    AUTO_FREE char *path = xasprintf("%s/%s", folder, name);
    if (!xml->failed && !xml->ended) {
        check(xml, xmlTextWriterEndDocument(xml->writer));
        check(xml, xmlTextWriterFlush(xml->writer));
        xml->ended = true;
    }
    if (xml->failed) {
        return err_set(err, ERR_SYSTEM, "cannot write '%s': libxml2 could not build the document (out of memory?)", path);
    }
    return fd_write_file_atomic(path, xmlBufferContent(xml->buffer), (size_t)xmlBufferLength(xml->buffer), err);
}
