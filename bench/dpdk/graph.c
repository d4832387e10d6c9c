// DPDK's graph with the nodes of its own librte_node (pkt_cls, ip4_lookup, ip4_rewrite) over the packets and routes that weft has, between a
// source and a sink that cost nothing. It validates no header and counts no packet per interface.
//
//   graph FOLDER CPU     see native/peer.h; FOLDER/routes has a prefix a line, FOLDER/rewrite the bytes of the Ethernet header before them all

#include <arpa/inet.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_graph.h>
#include <rte_graph_worker.h>
#include <rte_lcore.h>
#include <rte_lpm.h>
#include <rte_mbuf.h>
#include <rte_node_eth_api.h>
#include <rte_node_ip4_api.h>

#include "../native/peer.h"

#define GRAPH "peer"

static struct rte_mbuf *packets[PEER_VECTOR];
static uint16_t waiting;
static struct rte_graph *graph;

/** Begins each walk: hands out what put() has prepared. */
static uint16_t source(struct rte_graph *in, struct rte_node *node, void **objects, uint16_t n) {
  RTE_SET_USED(objects);
  RTE_SET_USED(n);
  rte_node_enqueue(in, node, 0, (void **)packets, waiting);
  return waiting;
}

/** The packets stay in packets[]. */
static uint16_t sink(struct rte_graph *in, struct rte_node *node, void **objects, uint16_t n) {
  RTE_SET_USED(in);
  RTE_SET_USED(node);
  RTE_SET_USED(objects);
  return n;
}

static struct rte_node_register sourceNode = {
  .name = "peer_source", .flags = RTE_NODE_SOURCE_F, .process = source, .nb_edges = 1, .next_nodes = {"pkt_cls"},
};
RTE_NODE_REGISTER(sourceNode);
static struct rte_node_register sinkNode = {.name = "peer_sink", .process = sink};
RTE_NODE_REGISTER(sinkNode);

static const char *const NAMES[] = {"pkt_cls", "ip4_lookup", "ip4_rewrite"};
enum { NODES = RTE_DIM(NAMES) };
static struct rte_node *nodes[NODES], *sinkOf;

static void put(uint32_t place, const uint8_t *bytes, uint32_t length) {
  struct rte_mbuf *packet = packets[place];
  rte_pktmbuf_reset(packet);
  packet->packet_type = RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV4; // a device tells
  memcpy(rte_pktmbuf_append(packet, (uint16_t)length), bytes, length);
}

static void turn(uint32_t n, uint64_t *clocks) {
  uint64_t sunk = sinkOf->total_objs;
  for (uint32_t i = 0; i < NODES; i++) clocks[i] -= nodes[i]->total_cycles;
  waiting = (uint16_t)n;
  rte_graph_walk(graph);
  for (uint32_t i = 0; i < NODES; i++) clocks[i] += nodes[i]->total_cycles;
  if (sinkOf->total_objs - sunk != n) peerFail("a packet that is not forwarded", "graph");
}

static const uint8_t *sent(uint32_t place, uint32_t *length) {
  *length = packets[place]->data_len;
  return rte_pktmbuf_mtod(packets[place], const uint8_t *);
}

/** ip4_rewrite sends to ports only, each at an edge of its own: a port that does nothing is made, and the sink put in its place. */
static void makeGraph(void) {
  struct rte_node_ethdev_config port = {.port_id = 0, .num_tx_queues = 1};
  if (rte_node_eth_config(&port, 1, 1) != 0) peerFail("port refused", "rte_node_eth_config");
  const char *patterns[] = {"peer_source", "pkt_cls", "ip4_lookup", "ip4_rewrite", "peer_sink", "pkt_drop"};
  const char *output[] = {"peer_sink"};
  rte_node_t rewrite = rte_node_from_name("ip4_rewrite");
  rte_node_edge_update(rewrite, rte_node_edge_count(rewrite) - 1, output, 1);
  struct rte_graph_param parameters = {.socket_id = (int)rte_socket_id(), .nb_node_patterns = RTE_DIM(patterns), .node_patterns = patterns};
  if (rte_graph_create(GRAPH, &parameters) == RTE_GRAPH_ID_INVALID) peerFail(rte_strerror(rte_errno), "rte_graph_create");
  graph = rte_graph_lookup(GRAPH);
  for (uint32_t i = 0; i < NODES; i++) nodes[i] = rte_graph_node_get_by_name(GRAPH, NAMES[i]);
  sinkOf = rte_graph_node_get_by_name(GRAPH, "peer_sink");
}

/**
 * One route, to next hop 0. The node's table takes 1024 rules; of more than these only what a lookup reads is written, as rte_lpm_add would
 * write it for prefixes of at most 24 bits.
 */
static void addRoute(uint32_t network, uint8_t length, uint32_t before) {
  if (before < 1024) {
    if (rte_node_ip4_route_add(network, length, 0, RTE_NODE_IP4_LOOKUP_NEXT_REWRITE) != 0) peerFail("route refused", "ip4_lookup");
    return;
  }
  struct rte_lpm *table = rte_lpm_find_existing("IPV4_L3FWD_LPM_0");
  if (table == NULL || length > 24) peerFail("too many routes", "ip4_lookup");
  struct rte_lpm_tbl_entry entry = {.next_hop = RTE_NODE_IP4_LOOKUP_NEXT_REWRITE << 16, .valid = 1, .depth = length};
  for (uint32_t i = 0; i < 1u << (24 - length); i++) table->tbl24[(network >> 8) + i] = entry;
}

static void addRoutes(const char *folder) {
  size_t size;
  uint8_t *rewrite = peerFile(folder, "rewrite", &size);
  if (rte_node_ip4_rewrite_add(0, rewrite, (uint8_t)size, 0) != 0) peerFail("header refused", "ip4_rewrite");
  char *save = NULL;
  uint32_t count = 0;
  for (char *line = strtok_r((char *)peerFile(folder, "routes", &size), "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
    char *slash = strchr(line, '/');
    if (!slash) peerFail(line, "routes");
    *slash = 0;
    addRoute(ntohl(inet_addr(line)), (uint8_t)atoi(slash + 1), count++);
  }
}

/**
 * Packets side by side, as on huge pages. What rte_pktmbuf_pool_create makes on normal ones has a page for each, for a device's sake, and all of
 * them in the same few sets of the cache.
 */
static void makePackets(void) {
  struct rte_pktmbuf_pool_private room = {.mbuf_data_room_size = RTE_MBUF_DEFAULT_BUF_SIZE};
  uint32_t size = sizeof(struct rte_mbuf) + RTE_MBUF_DEFAULT_BUF_SIZE;
  struct rte_mempool *pool = rte_mempool_create("packets", PEER_VECTOR, size, 0, sizeof room, rte_pktmbuf_pool_init, &room, rte_pktmbuf_init, NULL,
                                                SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
  if (!pool || rte_pktmbuf_alloc_bulk(pool, packets, PEER_VECTOR) != 0) peerFail(rte_strerror(rte_errno), "rte_mempool_create");
}

int main(int argc, char **argv) {
  if (argc != 3) peerFail("graph FOLDER CPU", "usage");
  char *options[] = {argv[0], "--no-huge", "-m", "256", "--no-pci", "--vdev=net_null0", "--no-telemetry", "--no-shconf", "--log-level=error", "-l",
                     argv[2]};
  if (rte_eal_init(RTE_DIM(options), options) < 0) peerFail(rte_strerror(rte_errno), "rte_eal_init");
  if (!rte_graph_has_stats_feature()) peerFail("this DPDK was built without clocks for each node", "rte_graph");
  makePackets();
  makeGraph();
  addRoutes(argv[1]);
  struct Peer peer = {NODES, {0}, put, turn, sent};
  memcpy(peer.names, NAMES, sizeof NAMES);
  peerServe(&peer, argv[1]);
  return 0;
}
