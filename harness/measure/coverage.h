/* What a drill touched of the topology and of the catalogue of faults, and who took part. */
#ifndef DRILL_MEASURE_COVERAGE_H
#define DRILL_MEASURE_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>

/* AROUND: a service whose host or region was hit; a region of which a host or a service was. */
enum covered { COVERED_NO = 0, COVERED_AROUND, COVERED_ITSELF, COVERED_COUNT };
const char *coverage_name(enum covered covered); /* "no", "around", "itself" */

struct coverage {
    bool known; /* the plan has an inventory */
    struct covered_part {
        char *name;
        enum covered covered; /* by a fault that was proven */
    } * regions, *services, *faults;
    size_t region_count, service_count, fault_count;
    struct person {
        char *who, *how; /* how it is known */
        size_t notes;    /* that they wrote */
    } * people;
    size_t person_count;
};
void coverage_free(struct coverage *coverage); /* accepts NULL */

#endif
