/* A topology of two regions with a host each and a client and a name server outside, made in memory: for tests of the world. */
#ifndef DRILL_TESTS_SUPPORT_TWO_REGIONS_H
#define DRILL_TESTS_SUPPORT_TWO_REGIONS_H

#include "harness/topology/topology.h"

struct two_regions {
    struct topology topology;
    struct topology_region regions[2];
    struct topology_host hosts[4];
};

static inline void two_regions_make(struct two_regions *two, int64_t edge_latency_ns, int64_t backbone_latency_ns)
{
    *two = (struct two_regions){
        .regions = {{.name = (char *)"us-east",
                     .id = (char *)"use1",
                     .index = 1,
                     .cidr = (char *)"10.1.0.0/24",
                     .router = (char *)"10.1.0.1",
                     .edge_latency_ns = edge_latency_ns,
                     .backbone_latency_ns = backbone_latency_ns},
                    {.name = (char *)"eu-west",
                     .id = (char *)"euw1",
                     .index = 2,
                     .cidr = (char *)"10.2.0.0/24",
                     .router = (char *)"10.2.0.1"}},
        .hosts = {{.name = (char *)"us-east-gw1",
                   .short_name = (char *)"gw1",
                   .region = &two->regions[0],
                   .address = (char *)"10.1.0.11"},
                  {.name = (char *)"eu-west-gw1",
                   .short_name = (char *)"gw1",
                   .region = &two->regions[1],
                   .address = (char *)"10.2.0.11"},
                  {.name = (char *)"dns", .short_name = (char *)"dns", .address = (char *)"10.9.0.2"},
                  {.name = (char *)"client", .short_name = (char *)"client", .address = (char *)"10.9.0.3"}},
    };
    two->topology = (struct topology){.name = (char *)"two",
                                      .runtime = RUNTIME_NETNS,
                                      .regions = two->regions,
                                      .region_count = 2,
                                      .hosts = two->hosts,
                                      .host_count = 4};
}

#endif
