// The one memory layout, shared by every part: AssemblyScript nodes and the TypeScript host import
// this file, and the shim's C++ header is generated from it. Integer constants only, so that each
// compiler folds them. Offsets and sizes are bytes unless a comment says otherwise.
//
// IPv4 addresses in tables are "raw": the four bytes in network order, so a 32-bit load of a table
// and of a packet compare equal. Everything else is little-endian, as WebAssembly is.

/** Version of the node contract; a module's manifest names the one it was written for. */
export const CONTRACT_VERSION = 1;

// The linear memory
//
//   0            page zero                     inaccessible: a null pointer traps
//   TABLES       control block, interfaces,    read-only for WebAssembly; the host writes through
//                wiring, adjacencies, FIB      a second mapping of the same pages
//   MODULES      static data of node modules   one region a module
//   WORKERS      frames, counters, node state  one region a worker, shared by nobody
//   pool         packet buffers                2 MiB aligned, on huge pages where there are any

export const PAGE = 65536;
export const TABLES = PAGE;

/** Control block: what a node must know that is not constant. */
export const CONTROL = TABLES;
export const CONTROL_CONTRACT = 0; // u32
export const CONTROL_POOL = 4; // u32, address of the first buffer
export const CONTROL_POOL_END = 8; // u32, address after the last buffer
export const CONTROL_FLOW_SEED = 12; // u32, so that no two routers on a way choose alike among several paths
export const CONTROL_UTC = 16; // f64, ms from 1970 to the origin of weft.now
// How often ICMP errors and TCP resets may be sent; 0: as often as need be
export const CONTROL_ICMP_INTERVAL = 24; // u32, ms between errors to one destination
export const CONTROL_ICMP_RATE = 28; // u32, messages a second to all of them
export const CONTROL_ICMP_BURST = 32; // u32, messages at once
/** Addresses that no packet from outside may have as its source, the router's own above all: for each value of their hash a byte that is 1. */
export const OWN_ADDRESSES = TABLES + 0x100;
export const OWN_HASH = 0x9e3779b1; // the address (raw) times this, modulo 2^32:
export const OWN_SHIFT = 21; // its upper 11 bits are the byte's number
export const OWN_SIZE = 2048;

/** Interfaces, by software interface index. */
export const INTERFACES = TABLES + 0x1000;
export const INTERFACE_COUNT = 256;
export const INTERFACE_SIZE = 64;
export const IF_FLAGS = 0; // u32, IF_FLAG_*
export const IF_MTU = 4; // u16, largest IP packet
export const IF_TX_SLOT = 6; // u16, next slot of interface-output
export const IF_MAC = 8; // 6 bytes
export const IF_IP4 = 16; // raw, primary address; 0 when there is none
export const IF_FLAG_ADMIN_UP = 1;
export const IF_FLAG_LINK_UP = 2;
export const IF_FLAG_REDIRECTS = 4; // hosts are told of a better first hop
export const IF_FLAG_PROXY_ARP = 8; // requests for addresses behind other interfaces are answered

/** Wiring: node index of each next slot of each node, u16. */
export const WIRING = TABLES + 0x10000;
export const NODE_COUNT = 256;
export const NEXT_COUNT = 256;
export const WIRING_SIZE = 512; // one node's row
/** In a wiring row: buffers that go here return to the free list. */
export const ARC_FREE = 0xffff;
/** In a wiring row: no such next node. */
export const ARC_NONE = 0xfffe;

// Adjacency: where a packet goes and the bytes to put before it.
//
//    0        2        4      6        7       8           12..15   16 ............ 47   48..63
//   +--------+--------+------+--------+-------+-----------+--------+----------------+----------+
//   | NEXT   | TX_IF  | MTU  | LENGTH | ICMP  | NEXT_HOP  |BUCKETS | REWRITE        |     -    |
//   +--------+--------+------+--------+-------+-----------+--------+----------------+----------+
export const ADJACENCIES = TABLES + 0x30000;
export const ADJACENCY_COUNT = 65536;
export const ADJACENCY_SIZE = 64;
export const ADJ_NEXT = 0; // u16, next slot of ip4-lookup
export const ADJ_TX_IF = 2; // u16
export const ADJ_MTU = 4; // u16
export const ADJ_REWRITE_LENGTH = 6; // u8, bytes of REWRITE in use
export const ADJ_ICMP_CODE = 7; // u8, code of the destination unreachable to send (ADJ_NEXT = unreachable)
export const ADJ_NEXT_HOP = 8; // raw; 0: the packet's own destination
/** ADJ_NEXT_HOP of an adjacency (local or drop) whose address is a broadcast one: never answered, not by ARP either. */
export const ADJ_BROADCAST = 0xffffffff;
export const ADJ_BUCKETS = 12; // u32, address of its buckets (ADJ_NEXT = several paths; TX_IF is then the first one's, MTU the least)
export const ADJ_REWRITE = 16;
export const ADJ_REWRITE_MAX = 32;
/** Adjacency of an address that no route covers. */
export const ADJ_NO_ROUTE = 0;
/** Adjacency that drops silently. */
export const ADJ_DROP = 1;

// Values of ADJ_NEXT: the next slots of ip4-lookup, in the order in which that node declares them, and one that is none.
export const LOOKUP_NEXT_DROP = 0;
export const LOOKUP_NEXT_REWRITE = 1;
export const LOOKUP_NEXT_LOCAL = 2;
export const LOOKUP_NEXT_GLEAN = 3;
export const LOOKUP_NEXT_UNREACHABLE = 4;
/** Several paths: a bucket has the adjacency that stands for one of them. */
export const LOOKUP_NEXT_PATHS = 5;

// FIB: a multibit trie of strides 16, 8 and 8. The root has an entry for each value of an address' first 16 bits; a ply stands for
// the 256 values of the next 8, but holds one entry for each run of equal ones only. An entry is
//
//    31 ......... 8   7 ........ 1   0
//   +----------------+--------------+---+
//   | adjacency      | prefix length| 1 |   leaf; the length tells which route wrote it
//   +----------------+--------------+---+
//   | place of a ply                | 0 |   look in that ply with the next 8 bits; places count in FIB_PLY_UNIT
//   +-------------------------------+---+
//
// A ply, in as many units as a power of two:
//
//   0 ................. 31   32 .......... 35   36 ...........
//   +----------------------+------------------+---------------+
//   | bit i: a run begins  | u8[4]: runs that | u32 an entry  |
//   | with value i         | begin before     | for each run, |
//   |                      | value 0, 64, 128,| in order      |
//   |                      | 192              |               |
//   +----------------------+------------------+---------------+
export const FIB_ROOT = ADJACENCIES + ADJACENCY_COUNT * ADJACENCY_SIZE;
export const FIB_ROOT_SIZE = 0x40000;
export const FIB_PLIES = FIB_ROOT + FIB_ROOT_SIZE;
export const FIB_PLY_UNIT = 64;
export const FIB_PLY_UNITS = 0x80000; // in all plies
export const FIB_PLY_RANKS = 32;
export const FIB_PLY_ENTRIES = 36;

/** Configurations of nodes, as the host has encoded them. */
export const CONFIGURATIONS = FIB_PLIES + FIB_PLY_UNITS * FIB_PLY_UNIT;
export const CONFIGURATIONS_SIZE = 0x380000;

/** Sets of paths: a bucket for each value of a flow's hash, u16, the adjacency that the flow's packets take. */
export const PATH_SETS = CONFIGURATIONS + CONFIGURATIONS_SIZE;
export const PATH_SET_COUNT = 1024;
export const PATH_BUCKETS = 256;
export const PATH_SET_SIZE = 2 * PATH_BUCKETS;
export const TABLES_END = PATH_SETS + PATH_SET_COUNT * PATH_SET_SIZE;

/** Static data of modules: module m owns MODULE_SIZE bytes from MODULES + m * MODULE_SIZE. Region 0 is weft's own. */
export const MODULES = TABLES_END;
export const MODULE_SIZE = PAGE;
export const MODULE_COUNT = 64;

// A worker's region
//
//   0          graph block (below)
//   0x10000    interface counters, one block an interface
//   0x20000    frames
//   0x100000   free list: u32 count, then at FREE_LIST_ENTRIES the indices of free buffers (u32), a stack
//   0x200000   node runtime blocks
export const WORKERS = MODULES + MODULE_SIZE * MODULE_COUNT;
export const WORKER_SIZE = 0x800000;
export const WORKER_INTERFACES = 0x10000;
export const WORKER_FRAMES = 0x20000;
export const WORKER_FREE_LIST = 0x100000;
export const WORKER_NODES = 0x200000;
export const FREE_LIST_ENTRIES = 64;
/** Most buffers a pool can have: the free list of a worker has room for all of them. */
export const BUFFER_COUNT_MAX = 0x3fff0;

// The graph block: which nodes have packets waiting. A worker has at most VECTOR packets in the graph
// at a time, so each node needs one frame, and one is to spare for the node that is running.
export const GRAPH_READY_HEAD = 0; // u32, next to take from the ring of ready nodes
export const GRAPH_READY_TAIL = 4; // u32, next free place in it
export const GRAPH_SPARE = 8; // u32, address of the spare frame
export const GRAPH_EPOCH = 12; // u32, grows with each turn of the scheduler: what was freed in an earlier one has no reader
export const GRAPH_DROPPED = 16; // u64, packets returned to the free list by drops
export const GRAPH_BAD_BUFFER = 24; // u64, indices refused: not a buffer in use
export const GRAPH_HELD = 32; // u64, packets that a host node keeps now
export const GRAPH_ORIGINATED = 40; // u64, packets that the router made
export const GRAPH_FRAME = 48; // u32, frame of the node to run now
export const GRAPH_PACKETS = 52; // u32, packets in it
export const GRAPH_MAIL = 56; // i32, grows with each message for the worker
export const GRAPH_ASLEEP = 60; // i32, 1 while the worker sleeps: it reads no table
export const GRAPH_READY = 64; // u16[NODE_COUNT], a ring
export const GRAPH_COPIES = 580; // u32, packets that wait in GRAPH_COPY
export const GRAPH_NO_COPY = 584; // u64, copies not made: the pool was empty, or too many waited
export const GRAPH_CIRCLED = 592; // u64, packets dropped because they went round in circles
export const GRAPH_CHAINED = 600; // u32, not 0: of the packets on their way one may be a chain; the driver that brings it says so
export const GRAPH_HELD_BUFFERS = 604; // u32, buffers of the packets that host nodes keep now, their chains' too
export const GRAPH_FORWARDED = 640; // u32, packets of the last burst that the fused pass sent on
export const GRAPH_ANSWERED = 644; // u32, and that it made echo replies of
export const GRAPH_PENDING = 1024; // { u32 frame address, u32 packets }[NODE_COUNT]
export const GRAPH_PENDING_SIZE = 8;
export const GRAPH_SHADOW = 4096; // u32[VECTOR], the frame that a node from outside has in hand, as it was
export const GRAPH_SHADOW_NEXT = 5120; // u32[VECTOR], B_NEXT of its buffers
export const GRAPH_COPY = 8192; // { u32 index, u32 node }[ASIDE_MAX]: packets that enter the graph when it is at rest
export const GRAPH_COPY_SIZE = 8;
export const COPIES_MAX = 1024;
export const ASIDE_MAX = 1280; // COPIES_MAX, and VECTOR packets that wait to be cut into fragments

// Frame: a vector of buffer indices, and a next slot for each.
export const VECTOR = 256;
export const FRAME_BUFFERS = 0; // u32[VECTOR]
export const FRAME_NEXT = 1024; // u16[VECTOR]
export const FRAME_SIZE = 1600; // 25 cache lines: frames do not alias in the cache
/** A next slot may ask for a copy of the packet as well: slot | (slot of the copy << COPY_SHIFT); 0 there: no copy. */
export const COPY_SHIFT = 8;
/** Next slot that a host node may write: it keeps this packet and will inject it later. */
export const NEXT_HOLD = 0xffff;

// Node runtime block, the first argument of process().
export const NODE_CALLS = 0; // u64
export const NODE_VECTORS = 8; // u64, packets
export const NODE_CLOCKS = 16; // f64, TSC
export const NODE_TRAPS = 24; // u64, frames dropped because the node trapped
export const NODE_BAD_NEXT = 32; // u64, packets dropped because their next slot does not exist
export const NODE_BAD_HEADER = 40; // u64, packets dropped because the node left their buffer's header inconsistent
export const NODE_CONFIG = 48; // u32, address of its configuration; 0: none
export const NODE_CONFIG_SIZE = 52; // u32
export const NODE_PASSED_OVER = 56; // u64, packets that came while the node was set aside
export const NODE_COUNTERS = 64; // u64[COUNTER_COUNT], in the order of the manifest: counters, then gauges
export const COUNTER_COUNT = 64;
export const NODE_STATE = 576;

// Counters of an interface, u64 each, written by the worker's driver.
export const IFC_SIZE = 256;
export const IFC_RX_PACKETS = 0;
export const IFC_RX_BYTES = 8;
export const IFC_RX_MISSED = 16; // lost before the driver: ring full
export const IFC_RX_TRUNCATED = 24; // did not fit and could not be fetched whole
export const IFC_RX_NO_BUFFER = 32; // times the pool was empty; the packets wait in the ring
export const IFC_TX_PACKETS = 40;
export const IFC_TX_BYTES = 48;
export const IFC_TX_NO_ROOM = 56; // ENOBUFS, EAGAIN: the device's queue is full
export const IFC_TX_DOWN = 64; // ENETDOWN, ENXIO: link down or interface gone
export const IFC_TX_TOO_LONG = 72; // EMSGSIZE
export const IFC_TX_ERROR = 80; // anything else
export const IFC_RX_ERROR = 88; // failed reads
// Gauges of a port whose device works in the pool: these buffers are neither free nor in the graph.
export const IFC_RX_POSTED = 96; // buffers in its receive queues now
export const IFC_TX_PENDING = 104; // buffers in its send queue now
export const IFC_RX_CHECKSUM = 112; // packets whose checksum the device found bad; the nodes judge them again
// Of a fault port (native/fault.h).
export const IFC_FAULT_RX_LOST = 192; // packets that it lost on purpose
export const IFC_FAULT_TX_LOST = 200;
export const IFC_FAULT_HELD = 208; // gauge: packets that it holds now
export const IFC_FAULT_BUFFERS = 216; // gauge: the buffers that they are in

// Buffer. Its index is its address divided by BUFFER_ALIGN, so finding it costs one shift.
//
//   0 ......... 63   64 ........ 191   192 ............ 2239
//   +---------------+----------------+-----------------------+
//   | header        | headroom       | packet                |
//   +---------------+----------------+-----------------------+
//                                    ^ DATA at receive; nodes move it as they strip and add headers
export const BUFFER_SHIFT = 6;
export const BUFFER_ALIGN = 64;
export const BUFFER_HEADROOM = 128;
export const BUFFER_START = 192; // header and headroom
export const BUFFER_DATA = 2048;
export const BUFFER_SIZE = 2240; // 35 cache lines: odd, so that buffers spread over all cache sets

export const B_DATA = 0; // u16, offset of the current layer's first byte from the buffer's start
export const B_LENGTH = 2; // u16, bytes from DATA to the end of what this buffer holds
export const B_TOTAL = 4; // u32, bytes from DATA over the whole chain: what the packet is long
export const B_NEXT = 8; // u32, index of the chain's next buffer; 0: none
export const B_FLAGS = 12; // u16, B_FLAG_*
export const B_STATE = 14; // u16, BUFFER_*
export const B_TX_IF = 16; // u16
export const B_L2 = 18; // u16, offset of the Ethernet header from the buffer's start
export const B_ADJ = 20; // u16, adjacency that ip4-lookup chose
export const B_TRACE = 22; // u16, number of the packet's trace; 0: nobody follows it
export const B_ICMP = 24; // u16, (type << 8) | code that ip4-icmp-error is to send
export const B_RX_IF = 26; // u16
export const B_ICMP_DATA = 28; // u32, the error's second word, host order (next-hop MTU)
// What the kernel's virtio_net_hdr tells of offloads not yet done (linux/virtio_net.h)
export const B_GSO_SIZE = 32; // u16, payload of one segment; 0: not a super-packet
export const B_GSO_TYPE = 34; // u8, VIRTIO_NET_HDR_GSO_*
export const B_CSUM_FLAGS = 35; // u8, VIRTIO_NET_HDR_F_*
export const B_CSUM_START = 36; // u16, offset from the buffer's start
export const B_CSUM_OFFSET = 38; // u16, from CSUM_START
export const B_HEADER_LENGTH = 40; // u16, bytes of all headers, from the Ethernet header on
export const B_PUNT = 42; // u16, PUNT_*: why the packet goes to the host
export const B_HOLDER = 44; // u16, which host node holds it: HOLDER_*
export const B_CUT = 46; // u16, how much of its payload has become fragments, in units of 8 bytes; of a super-packet, how many segments were made
export const B_OPAQUE = 48; // 16 bytes for nodes that pass something along

export const B_FLAG_LOCAL = 1; // made by the router itself: its TTL is not decremented
export const B_FLAG_LINK_BROADCAST = 2; // came in a broadcast or multicast frame
export const B_FLAG_L3_GOOD = 4; // the device has checked the IPv4 header's checksum
export const B_FLAG_L4_GOOD = 8; // and the TCP or UDP one
export const B_FLAG_OPTIONS = 16; // has IP options, which ip4-input has checked
export const B_FLAG_REDIRECTED = 0x100; // ip4-lookup has seen that it leaves by the interface it came by

export const BUFFER_FREE = 0;
/** All ones: the least of many states tells whether all buffers are in use. */
export const BUFFER_USED = 0xffff;
/** A host node keeps it; it is in no frame. */
export const BUFFER_HELD = 0x6b6b;

/** Values of B_HOLDER. */
export const HOLDER_GLEAN = 0;
export const HOLDER_REASSEMBLY = 1;

/** Values of B_PUNT. */
export const PUNT_ECHO_REPLY = 1;
export const PUNT_ICMP_ERROR = 2;

// arp-input's state, from NODE_STATE on: a ring of neighbours to learn. The node writes an entry, then
// WRITTEN; the host reads up to WRITTEN, then sets READ. Both only ever count up (modulo 2^32).
//
//   0         4      8 ....... 15   16 ............. 4111
//   +---------+------+-----------+-----------------------+
//   | WRITTEN | READ |     -     | 256 entries, 16 bytes |
//   +---------+------+-----------+-----------------------+
export const ARP_LEARN_WRITTEN = 0; // u32, entries written since start
export const ARP_LEARN_READ = 4; // u32, entries the host has taken
export const ARP_LEARN_ENTRIES = 16; // entry k of all times is at place k % ARP_LEARN_COUNT
export const ARP_LEARN_COUNT = VECTOR; // what one vector can tell: many neighbours that were asked at once answer at once
export const ARP_LEARN_ENTRY_SIZE = 16;
export const ARP_LEARN_IP4 = 0; // raw
export const ARP_LEARN_MAC = 4; // 6 bytes
export const ARP_LEARN_IF = 10; // u16
export const ARP_LEARN_STATE_SIZE = 4112;

// ip4-reassembly's state, from NODE_STATE on: what it holds now, u64 each.
export const REASSEMBLY_CONTEXTS = 0; // packets of which a part is there
export const REASSEMBLY_FRAGMENTS = 8;
export const REASSEMBLY_BYTES = 16; // buffers, by their size
export const REASSEMBLY_STATE_SIZE = 24;

/** State of rx-gate and tx-gate: u32[INTERFACE_COUNT / 32], a bit for each interface whose packets go through the node behind the gate. */
export const GATE_INTERFACES = 0;
