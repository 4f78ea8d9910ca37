/* From libcurl's result and how far a request had come to its outcome. */
#include "harness/load/http_internal.h"

#include <errno.h>
#include <string.h>

enum request_outcome slot_timed_out(const struct slot *slot)
{
    if (slot->result.first_byte_ns) {
        return OUTCOME_TIMEOUT_BODY;
    }
    if (slot->prereq_calls) {
        return OUTCOME_TIMEOUT_FIRST_BYTE;
    }
    return slot->connected ? OUTCOME_TIMEOUT_TLS : OUTCOME_TIMEOUT_CONNECT;
}

static enum request_outcome not_connected(struct slot *slot)
{
    long number = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_OS_ERRNO, &number);
    if (slot->result.no_address) {
        return OUTCOME_DNS;
    }
    if (slot->result.not_sent) {
        return OUTCOME_NOT_SENT;
    }
    switch (number) {
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
        return OUTCOME_REFUSED;
    case ETIMEDOUT:
        return OUTCOME_TIMEOUT_CONNECT;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
        return OUTCOME_RESET;
    case EADDRNOTAVAIL:
        slot->result.not_sent = NOT_SENT_PORTS;
        return OUTCOME_NOT_SENT;
    default:
        return OUTCOME_OTHER;
    }
}

static enum request_outcome answered(const struct slot *slot)
{
    if (slot->result.http_status != slot_call(slot)->status) {
        return OUTCOME_STATUS;
    }
    return slot->contains && !strstr(buf_str(&slot->answer), slot->contains) ? OUTCOME_BODY : OUTCOME_OK;
}

/* A handshake that the network broke off is a reset; one that either side refused is TLS's. */
static enum request_outcome no_handshake(const struct slot *slot)
{
    long number = 0;
    curl_easy_getinfo(slot->easy, CURLINFO_OS_ERRNO, &number);
    return number == ECONNRESET || number == EPIPE ? OUTCOME_RESET : OUTCOME_TLS;
}

enum request_outcome slot_outcome(struct slot *slot, CURLcode code)
{
    switch (code) {
    case CURLE_OK:
        return answered(slot);
    case CURLE_COULDNT_CONNECT:
        return not_connected(slot);
    case CURLE_OPERATION_TIMEDOUT:
        return slot_timed_out(slot);
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_ABORTED_BY_CALLBACK: /* on_ready stopped a second sending */
        return OUTCOME_RESET;
    case CURLE_SSL_CONNECT_ERROR:
        return no_handshake(slot);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
        return OUTCOME_TLS;
    case CURLE_WRITE_ERROR:
        return OUTCOME_BODY;
    default:
        return OUTCOME_OTHER;
    }
}
