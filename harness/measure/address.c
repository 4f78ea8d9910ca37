/* Addresses and their regions. */
#include "harness/measure/address.h"

#include "harness/measure/measurement.h"

const char *address_region(struct address_regions *regions, uint32_t address)
{
    VEC_EACH(known, &regions->known)
    {
        if (known->address == address) {
            return known->name;
        }
    }
    struct address_region *added = VEC_ADD(&regions->known);
    *added = (struct address_region){.address = address};
    if (address) {
        measure_region_name(regions->plan, (struct in_addr){.s_addr = address}, added->name, sizeof(added->name));
    }
    return added->name;
}

void address_regions_clear(struct address_regions *regions)
{
    VEC_CLEAR(&regions->known);
}
