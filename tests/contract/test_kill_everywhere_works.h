/* What there is to do: who is killed at which step of which fault's way; all of it, or some of each. */
#ifndef DRILL_TESTS_CONTRACT_TEST_KILL_EVERYWHERE_WORKS_H
#define DRILL_TESTS_CONTRACT_TEST_KILL_EVERYWHERE_WORKS_H

#include "harness/base/vec.h"
#include "tests/contract/test_kill_everywhere.h"

struct work {
    size_t fault;
    int role;
    long step;
    enum who who;
};

struct works {
    VEC(struct work) list;
};

static inline void works_list(struct works *works, long (*steps)[ROLE_COUNT], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        for (int role = 0; role < ROLE_COUNT; role++) {
            for (long step = 0; step < steps[i][role]; step++) {
                int first = role == OF_UNDO ? WHO_UNDO : WHO_AGENT, last = role == OF_UNDO ? WHO_UNDO : WHO_BOTH;
                for (int who = first; who <= last; who++) {
                    *VEC_ADD(&works->list) = (struct work){.fault = i, .role = role, .step = step, .who = (enum who)who};
                }
            }
        }
    }
}

/* xorshift64: the same seed takes the same steps. */
static inline uint64_t works_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Fault by fault in turn, so that a small sample has some of each. */
static inline void works_draw(struct works *works, size_t count, size_t wanted, uint64_t seed)
{
    size_t kept = 0;
    uint64_t state = seed * 2654435761u + 1;
    for (size_t turn = 0, misses = 0; kept < wanted && misses < count; turn++) {
        VEC(size_t) own = {0};
        for (size_t i = kept; i < works->list.count; i++) {
            if (works->list.items[i].fault == turn % count) {
                *VEC_ADD(&own) = i;
            }
        }
        misses = own.count ? 0 : misses + 1;
        if (own.count) {
            size_t taken = own.items[works_random(&state) % own.count];
            struct work swap = works->list.items[kept];
            works->list.items[kept++] = works->list.items[taken];
            works->list.items[taken] = swap;
        }
        VEC_CLEAR(&own);
    }
    works->list.count = kept;
}

#endif
