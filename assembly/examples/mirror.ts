// A mirror port (SPAN): every packet, or one of n, goes on as it is, and a copy of its frame leaves by another interface.
//
//    node load mirror.wasm as span config {"interface": "host-eth2", "sample": 10, "length": 128}
//    node insert span after ip4-input on host-eth0         what comes in
//
//    node load mirror.wasm as span-out config {"interface": "host-eth2", "layer": "ethernet"}
//    node insert span-out before interface-output          what goes out, with the link header it goes out with
//
// Two nodes: `mirror` asks the graph for the copy and `mirror-output`, which reads the same configuration, makes it a frame again and gives
// it to interface-output. With layer ip4, the default, the node stands between ethernet-input and ip4-rewrite, and the copy gets the
// Ethernet header back that the packet came with, VLAN tags and all: it lies before the packet still. A packet without one (a ping of the
// router, an ICMP error, which took its room) is not mirrored there, but counted. With layer ethernet the packet begins with its header.
// `sample`: every so-manieth packet of a worker; `length`: bytes of the frame to keep, 0, the default, all. Without an interface nothing
// is copied. Copies are not copied again, wherever they pass a mirror.

import { B_OPAQUE } from "../abi";
import {
  advance, clearOffloads, configU32, copyTo, count, declareNode, drop, ethernetAt, headroom, lengthHere, lengthTotal, packetAt, setTxInterface,
  state, truncate,
} from "../sdk";
import { ETHERNET_HEADER } from "../wire/ethernet";

const NEXT_CONTINUE: u32 = 1;
const NEXT_COPY: u32 = 2;
const NEXT_OUTPUT: u32 = 1;

const MIRRORED: u32 = 0;
const WAS_COPY: u32 = 1;

const NO_HEADER: u32 = 0;
const TOO_SHORT: u32 = 1;

// Configuration; interface 0 is local0, which is no port
const INTERFACE: usize = 0;
const SAMPLE: usize = 4;
const LENGTH: usize = 8;
const LAYER: usize = 12;
const LAYER_ETHERNET: u32 = 1;

const TAGS_MAX: u32 = 8; // IEEE 802.1ad: two tags

/** In the last word of B_OPAQUE: this is a copy. The word is 0 in packets that come in and in those that the router makes. */
const COPY_MARK: u32 = 0x4e415053;
const MARK_AT: usize = B_OPAQUE + 12;

/** State: u32, packets since the last copy. */
function mirror(node: usize, buffer: usize): u32 {
  if (configU32(node, INTERFACE) == 0) return NEXT_CONTINUE;
  if (load<u32>(buffer, MARK_AT) == COPY_MARK) {
    count(node, WAS_COPY);
    return NEXT_CONTINUE;
  }
  const since = load<u32>(state(node)) + 1;
  const due = since >= configU32(node, SAMPLE);
  store<u32>(state(node), due ? 0 : since);
  if (!due) return NEXT_CONTINUE;
  count(node, MIRRORED);
  return copyTo(NEXT_CONTINUE, NEXT_COPY);
}

function mirrorOutput(node: usize, buffer: usize): u32 {
  if (configU32(node, LAYER) != LAYER_ETHERNET) {
    const header = <u32>(packetAt(buffer) - ethernetAt(buffer)); // beyond any length where B_L2 lies behind the packet
    if (header < ETHERNET_HEADER || header > ETHERNET_HEADER + TAGS_MAX || header > headroom(buffer)) return drop(node, NO_HEADER);
    advance(buffer, -<i32>header);
  }
  if (lengthHere(buffer) < ETHERNET_HEADER) return drop(node, TOO_SHORT);
  const length = max<u32>(configU32(node, LENGTH), ETHERNET_HEADER);
  if (configU32(node, LENGTH) != 0 && lengthTotal(buffer) > length) {
    truncate(buffer, length);
    clearOffloads(buffer); // there is nothing left to cut, and no checksum that could be right
  }
  store<u32>(buffer, COPY_MARK, MARK_AT);
  setTxInterface(buffer, configU32(node, INTERFACE));
  return NEXT_OUTPUT;
}

declareNode({
  name: "mirror",
  packet: "mirror",
  next: ["error-drop", "continue", "mirror-output"],
  counters: ["mirrored", "copies passed on"],
  state: 4,
  config: {
    type: "object",
    properties: {
      interface: { type: "string", format: "interface" },
      sample: { type: "integer", minimum: 1, default: 1 },
      length: { type: "integer", maximum: 65535 },
      layer: { type: "string", enum: ["ip4", "ethernet"] },
    },
  },
});

declareNode({
  name: "mirror-output",
  packet: "mirrorOutput",
  next: ["error-drop", "interface-output"],
  counters: ["no Ethernet header", "frame too short"],
});
