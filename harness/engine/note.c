/* Waiting for people: for a note from a second terminal (`drill note`) that says what they have done. Who said it is what the kernel says
 * of the process at the other end; a note of the scenario itself is nobody's. */
#include "harness/engine/steps.h"

#include <string.h>

#include "harness/base/clock.h"

enum { NOTE_DEFAULT_S = 600 };

int note_wait(const struct node *args, const char **ret_says, int64_t *ret_within_ns, struct err *err)
{
    const struct node *child = node_get(args, "says");
    *ret_says = node_text(args, "says");
    if (!*ret_says || !**ret_says) {
        return node_err(child ? child : args, err, "await_note: expected what the note says, as says = \"failover confirmed\"");
    }
    return steps_duration(args, "within", NOTE_DEFAULT_S * NS_PER_S, ret_within_ns, err);
}

int note_begin(struct session *session, struct operation *operation, const char *says, int64_t within_ns, struct err *err)
{
    operation->wanted = xstrdup(says);
    session_phase(session, "waiting", operation->until_ns, "for somebody's: drill note \"%.80s\"", says);
    return session_event(session, "note.wanted", json_pack("{s:s, s:I}", "says", says, "within_ns", (json_int_t)within_ns), err);
}

void note_notice(struct session *session, const char *text, const char *by)
{
    VEC_EACH(at, &session->operations)
    {
        struct operation *operation = *at;
        if (operation->kind == OPERATION_NOTE && !operation->answered && strcasestr(text, operation->wanted)) {
            operation->answered = true;
            operation->by = xstrdup(by);
        }
    }
}

int note_end(struct session *session, const struct operation *operation, struct err *err)
{
    return session_event(session, "note.end",
                         json_pack("{s:b, s:s, s:s, s:I}", "seen", operation->answered, "says", operation->wanted, "by",
                                   operation->by ? operation->by : "", "waited_ns",
                                   (json_int_t)(clock_now_ns() - operation->begun_ns)),
                         err);
}
