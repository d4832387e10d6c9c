// weft.h: the node contract, version 1, for C11 and clang's WebAssembly target. CONTRACT.md says what it all means.
//
//   clang --target=wasm32 -mcpu=mvp -O2 -ffreestanding -nostdlib -I DIRECTORY_OF_THIS_FILE \
//     -Wl,--no-entry,--import-memory,--strip-debug node.c -o node.wasm
//
//   #include "weft.h"
//
//   WEFT_MANIFEST({ "contract": 1, "nodes": [{
//     "name": "pass", "process": "pass", "next": ["error-drop", "continue"], "counters": ["passed"]
//   }] })
//
//   WEFT_PROCESS(pass) {
//     for (uint32_t i = 0; i < n; i++) weft_set_next(frame, i, 1);
//     weft_count(node, 0, n);
//   }
//
// There is no C library. clang calls memcpy, memset and memmove by itself for structures and for loops that copy; whoever
// needs them writes them. Nothing may need a stack in memory (CONTRACT.md, "Static data"): no arrays and no addresses of locals.

#ifndef WEFT_H
#define WEFT_H

#include <stdint.h>

#define WEFT_CONTRACT 1

// The manifest: JSON as it stands, without quotes around it. The object of the assembler's section is never part of the
// data segment, so the module needs no static data for it.
#define WEFT_MANIFEST(...) WEFT_MANIFEST_TEXT(#__VA_ARGS__)
#define WEFT_MANIFEST_TEXT(text) WEFT_MANIFEST_SECTION(text)
#define WEFT_MANIFEST_SECTION(text) __asm__(".section .custom_section.weft,\"\",@\n\t.ascii " #text "\n");

// Functions that the manifest names.
#define WEFT_PROCESS(name) \
  __attribute__((export_name(#name))) void name(uint8_t *node, uint8_t *frame, uint32_t n)
#define WEFT_CONFIGURE(name) __attribute__((export_name(#name))) int32_t name(uint8_t *node)

// What weft gives. now: ns of a monotonic clock. log: a line of UTF-8 text for the operator; what is too much is left out.
__attribute__((import_module("weft"), import_name("now"))) double weft_now(void);
__attribute__((import_module("weft"), import_name("log"))) void weft_log(const char *text, uint32_t length);

// Static data: region k lies at WEFT_MODULES + k * WEFT_MODULE_SIZE, 1 <= k < WEFT_MODULE_COUNT (wasm-ld --global-base).
#define WEFT_MODULES 50724864u
#define WEFT_MODULE_SIZE 65536u
#define WEFT_MODULE_COUNT 64u

// Frame
#define WEFT_VECTOR 256u // most packets in it
#define WEFT_FRAME_BUFFERS 0u // u32[]
#define WEFT_FRAME_NEXT 1024u // u16[]
#define WEFT_COPY_SHIFT 8
#define WEFT_NEXT_DROP 0u // slot 0 of every node

// Runtime block of a node
#define WEFT_NODE_CONFIG 48u // u32
#define WEFT_NODE_CONFIG_SIZE 52u // u32
#define WEFT_NODE_COUNTERS 64u // u64[]
#define WEFT_COUNTER_COUNT 64u
#define WEFT_NODE_STATE 576u

// Buffer
#define WEFT_BUFFER_SHIFT 6
#define WEFT_BUFFER_ALIGN 64u // bytes of its header
#define WEFT_BUFFER_SIZE 2240u
#define WEFT_B_DATA 0u // u16
#define WEFT_B_LENGTH 2u // u16
#define WEFT_B_TOTAL 4u // u32
#define WEFT_B_NEXT 8u // u32, read-only
#define WEFT_B_FLAGS 12u // u16
#define WEFT_B_STATE 14u // u16, read-only
#define WEFT_B_TX_IF 16u // u16
#define WEFT_B_L2 18u // u16
#define WEFT_B_ADJ 20u // u16
#define WEFT_B_ICMP 24u // u16
#define WEFT_B_RX_IF 26u // u16
#define WEFT_B_ICMP_DATA 28u // u32
#define WEFT_B_GSO_SIZE 32u // u16
#define WEFT_B_GSO_TYPE 34u // u8
#define WEFT_B_CSUM_FLAGS 35u // u8
#define WEFT_B_CSUM_START 36u // u16
#define WEFT_B_CSUM_OFFSET 38u // u16
#define WEFT_B_HEADER_LENGTH 40u // u16
#define WEFT_B_PUNT 42u // u16
#define WEFT_B_OPAQUE 48u // 16 bytes
#define WEFT_B_FLAG_LOCAL 1u
#define WEFT_B_FLAG_LINK_BROADCAST 2u
#define WEFT_B_FLAG_L3_GOOD 4u
#define WEFT_B_FLAG_L4_GOOD 8u
#define WEFT_B_FLAG_OPTIONS 16u

// Tables, read-only
#define WEFT_INTERFACES 69632u
#define WEFT_INTERFACE_COUNT 256u
#define WEFT_INTERFACE_SIZE 64u
#define WEFT_IF_FLAGS 0u // u32
#define WEFT_IF_MTU 4u // u16
#define WEFT_IF_MAC 8u // 6 bytes
#define WEFT_IF_IP4 16u // raw
#define WEFT_IF_FLAG_ADMIN_UP 1u
#define WEFT_IF_FLAG_LINK_UP 2u
#define WEFT_ADJACENCIES 262144u
#define WEFT_ADJACENCY_COUNT 65536u
#define WEFT_ADJACENCY_SIZE 64u
#define WEFT_ADJ_NEXT 0u // u16
#define WEFT_ADJ_TX_IF 2u // u16
#define WEFT_ADJ_MTU 4u // u16
#define WEFT_ADJ_NEXT_HOP 8u // raw

// Loads and stores at any address, whatever lies there (packets are not aligned).
typedef uint16_t weft_unaligned16 __attribute__((may_alias, aligned(1)));
typedef uint32_t weft_unaligned32 __attribute__((may_alias, aligned(1)));
typedef uint64_t weft_unaligned64 __attribute__((may_alias, aligned(1)));

static inline uint32_t weft_load16(const uint8_t *at) { return *(const weft_unaligned16 *)at; }
static inline uint32_t weft_load32(const uint8_t *at) { return *(const weft_unaligned32 *)at; }
static inline uint64_t weft_load64(const uint8_t *at) { return *(const weft_unaligned64 *)at; }
static inline void weft_store16(uint8_t *at, uint32_t value) { *(weft_unaligned16 *)at = (uint16_t)value; }
static inline void weft_store32(uint8_t *at, uint32_t value) { *(weft_unaligned32 *)at = value; }
static inline void weft_store64(uint8_t *at, uint64_t value) { *(weft_unaligned64 *)at = value; }

/// A number in network order.
static inline uint32_t weft_network16(const uint8_t *at) { return __builtin_bswap16((uint16_t)weft_load16(at)); }
static inline uint32_t weft_network32(const uint8_t *at) { return __builtin_bswap32(weft_load32(at)); }

/// The buffer at place i of a frame.
static inline uint8_t *weft_buffer(const uint8_t *frame, uint32_t i) {
  return (uint8_t *)(uintptr_t)(weft_load32(frame + WEFT_FRAME_BUFFERS + 4 * i) << WEFT_BUFFER_SHIFT);
}

/// Sends the packet at place i to a next slot. Every packet of a frame needs one.
static inline void weft_set_next(uint8_t *frame, uint32_t i, uint32_t slot) {
  weft_store16(frame + WEFT_FRAME_NEXT + 2 * i, slot);
}

/// The same, and a copy of it to another slot (0: none).
static inline void weft_set_next_and_copy(uint8_t *frame, uint32_t i, uint32_t slot, uint32_t copy) {
  weft_set_next(frame, i, slot | copy << WEFT_COPY_SHIFT);
}

/// Adds to a counter, by its place in the declaration.
static inline void weft_count(uint8_t *node, uint32_t counter, uint64_t by) {
  uint8_t *at = node + WEFT_NODE_COUNTERS + 8 * counter;
  weft_store64(at, weft_load64(at) + by);
}

/// Sets a gauge; `place` counts on from the counters.
static inline void weft_set_gauge(uint8_t *node, uint32_t place, uint64_t value) {
  weft_store64(node + WEFT_NODE_COUNTERS + 8 * place, value);
}

static inline uint8_t *weft_state(uint8_t *node) { return node + WEFT_NODE_STATE; }

/// The node's configuration; null when its declaration has no schema.
static inline const uint8_t *weft_config(const uint8_t *node) {
  return (const uint8_t *)(uintptr_t)weft_load32(node + WEFT_NODE_CONFIG);
}

/// An array in the configuration: its first item (null when there is none), and how many there are.
static inline const uint8_t *weft_items(const uint8_t *array) { return (const uint8_t *)(uintptr_t)weft_load32(array); }
static inline uint32_t weft_item_count(const uint8_t *array) { return weft_load32(array + 4); }

/// Whether an address (raw) lies in a prefix of the configuration.
static inline int weft_in_prefix(uint32_t address, const uint8_t *prefix) {
  return (address & weft_load32(prefix + 4)) == weft_load32(prefix);
}

/// The current layer's first byte; the bytes of it that lie in this buffer; those of the whole packet.
static inline uint8_t *weft_packet(uint8_t *buffer) { return buffer + weft_load16(buffer + WEFT_B_DATA); }
static inline uint32_t weft_length_here(const uint8_t *buffer) { return weft_load16(buffer + WEFT_B_LENGTH); }
static inline uint32_t weft_length_total(const uint8_t *buffer) { return weft_load32(buffer + WEFT_B_TOTAL); }

/// The chain's next buffer; null after the last one.
static inline uint8_t *weft_next_buffer(const uint8_t *buffer) {
  return (uint8_t *)(uintptr_t)(weft_load32(buffer + WEFT_B_NEXT) << WEFT_BUFFER_SHIFT);
}

static inline uint32_t weft_flags(const uint8_t *buffer) { return weft_load16(buffer + WEFT_B_FLAGS); }
static inline void weft_set_flags(uint8_t *buffer, uint32_t flags) { weft_store16(buffer + WEFT_B_FLAGS, flags); }
static inline uint32_t weft_rx_interface(const uint8_t *buffer) { return weft_load16(buffer + WEFT_B_RX_IF); }
static inline uint32_t weft_tx_interface(const uint8_t *buffer) { return weft_load16(buffer + WEFT_B_TX_IF); }
static inline void weft_set_tx_interface(uint8_t *buffer, uint32_t index) { weft_store16(buffer + WEFT_B_TX_IF, index); }

/// Bytes that may still be put before the current layer.
static inline uint32_t weft_headroom(const uint8_t *buffer) { return weft_load16(buffer + WEFT_B_DATA) - WEFT_BUFFER_ALIGN; }

/// Strips (by > 0, at most weft_length_here) or uncovers (by < 0, at most weft_headroom) bytes before the packet.
static inline void weft_advance(uint8_t *buffer, int32_t by) {
  weft_store16(buffer + WEFT_B_DATA, weft_load16(buffer + WEFT_B_DATA) + (uint32_t)by);
  weft_store16(buffer + WEFT_B_LENGTH, weft_length_here(buffer) - (uint32_t)by);
  weft_store32(buffer + WEFT_B_TOTAL, weft_length_total(buffer) - (uint32_t)by);
}

/// Cuts the packet to `length` bytes from the current layer on; it is at least that long.
static inline void weft_truncate(uint8_t *buffer, uint32_t length) {
  if (weft_length_here(buffer) > length) weft_store16(buffer + WEFT_B_LENGTH, length);
  weft_store32(buffer + WEFT_B_TOTAL, length);
}

/// An Internet checksum after one 16-bit word under it has changed: RFC 1624, equation 3. All three as weft_load16 gives them.
static inline uint32_t weft_update_checksum(uint32_t checksum, uint32_t before, uint32_t after) {
  uint32_t sum = (checksum ^ 0xffff) + (before ^ 0xffff) + after;
  sum = (sum & 0xffff) + (sum >> 16);
  return ((sum & 0xffff) + (sum >> 16)) ^ 0xffff;
}

#endif
