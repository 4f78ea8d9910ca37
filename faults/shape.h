/* What becomes of packets on an impaired way: lost, late, doubled, damaged, overtaken, throttled. Pure: no clock, no packet, no kernel;
 * the same numbers feed the kernel's netem, the link emulator and the holder of queued packets. */
#ifndef DRILL_FAULTS_SHAPE_H
#define DRILL_FAULTS_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum shape_distribution { SHAPE_UNIFORM = 0, SHAPE_NORMAL, SHAPE_PARETO };
extern const char *const shape_distributions[]; /* for option tables, NULL-terminated */

enum {
    SHAPE_TABLE_SIZE = 4096,
    SHAPE_TABLE_UNIT = 8192, /* of a table's values: one jitter, as netem scales its own */
    SHAPE_FLOWS = 1024       /* order is kept within a flow; flows share these places by hash */
};

struct shape {                   /* all zero: nothing happens */
    int64_t delay_ns, jitter_ns; /* uniform: in ± jitter_ns; else jitter_ns is the standard deviation */
    int distribution;            /* enum shape_distribution */
    bool overtake;               /* jitter may change the order of packets of one flow */
    double loss;                 /* share 0…1, in the long run */
    int64_t loss_every;          /* instead: exactly every n-th; 0: none */
    double burst;                /* mean length of a bad time in packets (Gilbert-Elliott); 0: each packet by its own throw */
    double burst_loss;           /* share lost in a bad time; 0 counts as all */
    double duplicate, corrupt;   /* shares */
    double reorder;              /* this share… */
    int64_t reorder_ns;          /* …comes so much later than it would, and later ones overtake it */
    double rate_bits;            /* per second; 0: no limit */
    int64_t queue_ns;            /* with a rate: who would wait longer for its turn is dropped; 0: everybody waits */
};

struct shape_way { /* one direction: its generator and what it remembers */
    uint64_t random;
    bool bad;             /* in a bad time */
    uint64_t count;       /* packets, for loss_every */
    int64_t line_free_ns; /* when the last packet has left the serialiser */
    int64_t flow_due_ns[SHAPE_FLOWS];
    int16_t table[SHAPE_TABLE_SIZE]; /* of the distribution; not used when uniform */
};

struct shape_fate {
    bool lost, duplicated, corrupted;
    uint32_t dice;  /* picks what is damaged */
    int64_t due_ns; /* when it goes on */
};

/* Equal seeds give equal fates to equal packets. */
void shape_way_init(struct shape_way *way, const struct shape *shape, uint64_t seed);
/* Of a packet of `bytes` (with its Ethernet header) and a flow, any number that its packets have in common, that comes now. */
struct shape_fate shape_packet(const struct shape *shape, struct shape_way *way, size_t bytes, uint32_t flow, int64_t now_ns);

/* The parts of it, for who keeps packets in another way. */
double shape_draw(uint64_t *random); /* in [0, 1); xorshift64*, the state is never 0 */
uint64_t shape_seed(uint64_t seed);  /* a first state; small seeds are spread */
bool shape_loses(const struct shape *shape, struct shape_way *way);
int64_t shape_jitter_ns(const struct shape *shape, struct shape_way *way);
/* When a packet that comes now has left a line of this rate. */
int64_t shape_line_ns(struct shape_way *way, double rate_bits, double bits, int64_t now_ns);

/* Is what was read back what was asked for, as far as the kernel's units tell? Not compared: queue_ns and the distribution, which cannot
 * be read back, loss_every and overtake. */
bool shape_same(const struct shape *found, const struct shape *asked);

/* The chances, a packet, that a bad time begins and ends (p and r of the Gilbert-Elliott model): the share of bad packets is
 * p / (p + r), a bad time's mean length 1 / r. False when loss, burst and burst_loss cannot be had together. */
bool shape_gilbert(const struct shape *shape, double *ret_begin, double *ret_end);
/* Inverse of the distribution at SHAPE_TABLE_SIZE even steps, in SHAPE_TABLE_UNIT: mean 0, standard deviation 1, ends at 4 (normal) or
 * before (Pareto with exponent 3, cut at 3.4 of its least value). */
void shape_fill_table(int distribution, int16_t table[SHAPE_TABLE_SIZE]);

#endif
