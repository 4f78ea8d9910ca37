/* An IP packet's bytes: which flow it is of, where its data is, and how to damage it. Pure. */
#ifndef DRILL_FAULTS_NETWORK_PACKET_H
#define DRILL_FAULTS_NETWORK_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The same for all packets from one address and port to another by one protocol. `size` bytes are there, perhaps not all. */
uint32_t packet_flow(const uint8_t *data, size_t size);

/* Flip one bit behind the network header, which `dice` picks. Without `repair` the checksum tells (where there is one): a receiver
 * drops the packet. With it, only the application's data is touched and the checksum (TCP, UDP, ICMP) made right again: the damage is
 * delivered. False when there is nothing to damage. */
bool packet_damage(uint8_t *data, size_t size, uint32_t dice, bool repair);

#endif
