/* The texts of one kind of request: its URL taken apart, its headers, its body. Read once, before anything is sent. */
#include "harness/load/http_internal.h"

#include <string.h>
#include <strings.h>

enum {
    EXPECT_BYTES = 512 * 1024, /* from 1 MB libcurl asks the server first whether it wants the body, and waits a second */
    LIBCURL_PLAIN_HTTP2 = 0x080000
};

static const char *behind_authority(const char *url)
{
    const char *start = strstr(url, "://");
    start = start ? start + 3 : url;
    return start + strcspn(start, "/?#");
}

/* Path and query are kept apart from the rest: replacing them costs libcurl far less than a whole URL each time. */
static int read_target(const char *url, const struct template_fixed *fixed, struct call_texts *texts, struct err *err)
{
    const char *path = behind_authority(url);
    const char *query = path + strcspn(path, "?#"), *fragment = query + strcspn(query, "#");
    AUTO_FREE char *path_text = xasprintf("%s%.*s", *path == '/' ? "" : "/", (int)(query - path), path);
    AUTO_FREE char *query_text = *query == '?' ? xasprintf("%.*s", (int)(fragment - query - 1), query + 1) : NULL;
    int status = template_new(path_text, TEMPLATE_URL, url, fixed, &texts->path, err);
    return status < 0 ? status : template_new(query_text, TEMPLATE_URL, url, fixed, &texts->query, err);
}

static CURLU *parse_whole(const char *url, const struct call_texts *texts)
{
    AUTO_FREE char *whole = xasprintf("%.*s%s%s%s", (int)(behind_authority(url) - url), url, template_text(texts->path),
                                      texts->query ? "?" : "", texts->query ? template_text(texts->query) : "");
    CURLU *parsed = curl_url();
    if (curl_url_set(parsed, CURLUPART_URL, whole, 0) != CURLUE_OK) {
        curl_url_cleanup(parsed);
        return NULL;
    }
    return parsed;
}

static char *part_of(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    if (!url || curl_url_get(url, part, &text, 0) != CURLUE_OK) {
        return NULL;
    }
    char *copy = xstrdup(text);
    curl_free(text);
    return copy;
}

static int read_url(const char *url, const struct template_fixed *fixed, struct call_texts *texts, struct err *err)
{
    int status = read_target(url, fixed, texts, err);
    if (status < 0) {
        return status;
    }
    texts->url = parse_whole(url, texts);
    texts->host = part_of(texts->url, CURLUPART_HOST);
    AUTO_FREE char *scheme = part_of(texts->url, CURLUPART_SCHEME);
    bool usable =
        texts->host && texts->host[0] != '[' && !strchr(texts->host, '{') && (str_eq(scheme, "http") || str_eq(scheme, "https"));
    return usable
               ? 0
               : err_set(err, ERR_INPUT,
                         "URL '%s': expected http://NAME:PORT/PATH or https://…, to a name or an IPv4 address, with {{…}} only "
                         "in the path and behind it",
                         url);
}

static bool has_header(const json_t *headers, const char *wanted)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)headers, name, value)
    {
        if (strcasecmp(name, wanted) == 0) {
            return true;
        }
    }
    return false;
}

static int add_header(const char *name, const char *value, const struct template_fixed *fixed, struct call_texts *texts,
                      struct err *err)
{
    AUTO_FREE char *line =
        *value ? xasprintf("%s: %s", name, value) : xasprintf("%s:", name); /* leaves one of libcurl's own out */
    AUTO_FREE char *what = xasprintf("header '%s'", name);
    struct template *template = NULL;
    if (!*name || name[strcspn(name, ": \t\r\n")] || value[strcspn(value, "\r\n")]) {
        return err_set(err, ERR_INPUT, "header '%s': expected a name without blanks or colons and a value on one line", name);
    }
    int status = template_new(line, TEMPLATE_LINE, what, fixed, &template, err);
    if (status == 0) {
        *VEC_ADD(&texts->headers) = template;
    }
    return status;
}

static int add_headers(const json_t *headers, const json_t *stronger, const struct template_fixed *fixed,
                       struct call_texts *texts, struct err *err)
{
    const char *name;
    json_t *value;
    int status = 0;
    json_object_foreach((json_t *)headers, name, value)
    {
        if (status == 0 && !has_header(stronger, name)) {
            status = add_header(name, json_string_value(value) ? json_string_value(value) : "", fixed, texts, err);
        }
    }
    return status;
}

/* What goes with a request unless the user says otherwise. libcurl writes each byte of a header by a call of its own, and those that it
 * makes itself twice: a name that it is given costs half, and no header at all says the same as one that takes everything (RFC 9110, 12.5.1). */
static int add_usual_headers(const struct http_settings *settings, const struct http_call *call,
                             const struct template_fixed *fixed, struct call_texts *texts, struct err *err)
{
    const char *body = call->body ? call->body : "";
    const struct {
        const char *name, *value; /* "": libcurl's own is left out; NULL: this request needs none */
    } usual[] = {
        {"User-Agent", "drill/" DRILL_VERSION},
        {"Accept", ""},
        {"Expect", strlen(body) > EXPECT_BYTES ? "" : NULL},
        {"Content-Type", !call->body                    ? NULL
                         : *body && strchr("{[", *body) ? "application/json"
                                                        : "text/plain"},
    };
    int status = 0;
    for (size_t i = 0; status == 0 && i < sizeof(usual) / sizeof(usual[0]); i++) {
        if (usual[i].value && !has_header(settings->headers, usual[i].name) && !has_header(call->headers, usual[i].name)) {
            status = add_header(usual[i].name, usual[i].value, fixed, texts, err);
        }
    }
    return status;
}

static int read_headers(const struct http_settings *settings, const struct http_call *call, const struct template_fixed *fixed,
                        struct call_texts *texts, struct err *err)
{
    int status = add_usual_headers(settings, call, fixed, texts, err);
    if (status == 0) {
        status = add_headers(settings->headers, call->headers, fixed, texts, err);
    }
    return status < 0 ? status : add_headers(call->headers, NULL, fixed, texts, err);
}

/* Older ones fail each request but the first of a connection: they begin HTTP/2 anew on it. */
static int check_plain_http2(const char *url, struct err *err)
{
    const curl_version_info_data *library = curl_version_info(CURLVERSION_NOW);
    return library->version_num >= LIBCURL_PLAIN_HTTP2
               ? 0
               : err_set(
                     err, ERR_UNSUPPORTED,
                     "URL '%s': libcurl %s cannot reuse a connection for HTTP/2 without TLS (8.0.0 can): say https:// or http = "
                     "\"1.1\"",
                     url, library->version);
}

int texts_read(const struct http_settings *settings, enum request_class request_class, struct call_texts *texts, struct err *err)
{
    const struct http_call *call = &settings->calls[request_class];
    const struct template_fixed fixed = {.vantage = settings->vantage, .id_prefix = settings->id_prefix};
    if (!call->url) {
        return 0;
    }
    int status = read_url(call->url, &fixed, texts, err);
    if (status == 0 && settings->version == HTTP_2 && strncmp(call->url, "https:", 6) != 0) {
        status = check_plain_http2(call->url, err);
    }
    if (status == 0) {
        status = template_new(call->body, TEMPLATE_PLAIN, "body", &fixed, &texts->body, err);
    }
    if (status == 0) {
        status = template_new(call->contains, TEMPLATE_PLAIN, "contains", &fixed, &texts->contains, err);
    }
    return status < 0 ? status : read_headers(settings, call, &fixed, texts, err);
}

void texts_clear(struct call_texts *texts)
{
    VEC_EACH(header, &texts->headers)
    {
        template_free(*header);
    }
    VEC_CLEAR(&texts->headers);
    template_free(texts->path);
    template_free(texts->query);
    template_free(texts->body);
    template_free(texts->contains);
    curl_url_cleanup(texts->url);
    free(texts->host);
    *texts = (struct call_texts){0};
}

int http_url_host(const char *url, char **ret_host, struct err *err)
{
    struct call_texts texts CLEANUP(texts_clear) = {0};
    AUTO_FREE char *bare = xasprintf("%.*s", (int)(behind_authority(url) - url), url);
    int status = read_url(bare, &(struct template_fixed){0}, &texts, err);
    if (status == 0) {
        *ret_host = TAKE(texts.host);
    }
    return status;
}
