// ttl-floor: drops IPv4 packets that come from too far away. The neighbours of a router send to it with TTL 255, so a
// packet that has less of it was forwarded by somebody (RFC 5082, the generalized TTL security mechanism).
//
//   clang --target=wasm32 -mcpu=mvp -std=c11 -O2 -ffreestanding -nostdlib -Wall -Wextra -I assembly/sdk \
//     -Wl,--no-entry,--import-memory,--strip-debug assembly/examples/c/ttl-floor.c -o assembly/examples/c/ttl-floor.wasm
//
//   node load assembly/examples/c/ttl-floor.wasm as ttl-floor config {"floor":255,"protocol":6}
//   node insert ttl-floor before ip4-local

#include "weft.h"

WEFT_MANIFEST({
  "contract": 1,
  "nodes": [{
    "name": "ttl-floor",
    "process": "ttl_floor",
    "next": ["error-drop", "continue"],
    "counters": ["TTL below the floor", "not a whole IPv4 header"],
    "config": {
      "type": "object",
      "properties": {
        "floor": { "type": "integer", "minimum": 1, "maximum": 255, "description": "least TTL that may pass" },
        "protocol": { "type": "integer", "maximum": 255, "default": 0, "description": "only packets of this IP protocol; 0: of all" }
      },
      "required": ["floor"]
    }
  }]
})

enum { NEXT_DROP, NEXT_CONTINUE };
enum { BELOW_FLOOR, NO_HEADER };
enum { CONFIG_FLOOR = 0, CONFIG_PROTOCOL = 4 };

// IPv4 header (RFC 791, 3.1)
enum { VERSION = 0, TTL = 8, PROTOCOL = 9, HEADER_SIZE = 20 };

static uint32_t judge(uint8_t *node, uint8_t *buffer, uint32_t floor, uint32_t protocol) {
  const uint8_t *header = weft_packet(buffer);
  if (weft_length_here(buffer) < HEADER_SIZE || header[VERSION] >> 4 != 4) {
    weft_count(node, NO_HEADER, 1);
    return NEXT_DROP;
  }
  if (protocol != 0 && header[PROTOCOL] != protocol) return NEXT_CONTINUE;
  if (header[TTL] >= floor) return NEXT_CONTINUE;
  weft_count(node, BELOW_FLOOR, 1);
  return NEXT_DROP;
}

WEFT_PROCESS(ttl_floor) {
  uint32_t floor = weft_load32(weft_config(node) + CONFIG_FLOOR);
  uint32_t protocol = weft_load32(weft_config(node) + CONFIG_PROTOCOL);
  for (uint32_t i = 0; i < n; i++) weft_set_next(frame, i, judge(node, weft_buffer(frame, i), floor, protocol));
}
