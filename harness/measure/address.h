/* The region of each address that requests went to: there are few of them, so that each is looked up once. */
#ifndef DRILL_MEASURE_ADDRESS_H
#define DRILL_MEASURE_ADDRESS_H

#include <stdint.h>

#include "harness/base/json.h"
#include "harness/base/vec.h"

struct address_region {
    uint32_t address; /* network order */
    char name[64];
};

struct address_regions {
    const json_t *plan; /* borrowed */
    VEC(struct address_region) known;
};

/* "" when no region's network holds it, or it is 0; valid until the next call. */
const char *address_region(struct address_regions *regions, uint32_t address);
void address_regions_clear(struct address_regions *regions);

#endif
