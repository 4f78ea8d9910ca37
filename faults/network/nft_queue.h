/* Packets that a rule hands to this process (nfnetlink_queue): they wait in the kernel until a verdict comes. The queues are the
 * socket's and go with it; then rules with the bypass flag let packets pass, and those that waited are dropped. */
#ifndef DRILL_FAULTS_NETWORK_NFT_QUEUE_H
#define DRILL_FAULTS_NETWORK_NFT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"

enum { NFT_QUEUE_HEAD = 128 /* bytes of each packet that are always copied: the headers */ };

struct nft_queue;

struct nft_queued { /* a packet as the kernel shows it, at its network header */
    uint16_t queue;
    uint32_t id;
    const uint8_t *data; /* in the receive buffer, until the next nft_queue_receive */
    size_t copied, size; /* bytes there are, and bytes the packet has */
};

/* Bind `count` queues of this network namespace with free numbers in a row. `whole`: packets are copied completely and their checksums
 * are finished; else only their heads. Segmentation-offload frames come as single packets, unless `frames`. ERR_UNSUPPORTED when the
 * kernel has no nfnetlink_queue. */
int nft_queue_open(size_t count, bool whole, bool frames, struct nft_queue **ret_queue, struct err *err) MUST_CHECK;
void nft_queue_close(struct nft_queue *queue); /* accepts NULL */
uint16_t nft_queue_number(const struct nft_queue *queue, size_t index);
int nft_queue_fd(const struct nft_queue *queue); /* to wait for packets */
/* Up to `most` packets, 0 when there are none. Never waits. */
size_t nft_queue_receive(struct nft_queue *queue, struct nft_queued *packets, size_t most);
/* Say what becomes of a packet; `data` replaces it when not NULL. Collected, sent by nft_queue_flush or when the buffer is full. */
void nft_queue_verdict(struct nft_queue *queue, uint16_t number, uint32_t id, bool accept, const uint8_t *data, size_t size);
void nft_queue_flush(struct nft_queue *queue);

#endif
