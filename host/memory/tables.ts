// Writes the tables that nodes read: through the writable mapping, entry by entry, so that a worker
// reading at the same time sees an entry as it was or as it is, never half of one.

import {
  ADJACENCIES, ADJACENCY_SIZE, ADJ_BUCKETS, ADJ_ICMP_CODE, ADJ_MTU, ADJ_NEXT, ADJ_NEXT_HOP, ADJ_REWRITE, ADJ_REWRITE_LENGTH, ADJ_TX_IF, ARC_NONE,
  CONTROL, CONTROL_FLOW_SEED, CONTROL_ICMP_BURST, CONTROL_ICMP_INTERVAL, CONTROL_ICMP_RATE, CONTROL_UTC, IF_FLAGS, IF_IP4, IF_MAC, IF_MTU, IF_TX_SLOT,
  INTERFACES, INTERFACE_SIZE, LOOKUP_NEXT_DROP, NEXT_COUNT, NODE_COUNT, OWN_ADDRESSES, OWN_HASH, OWN_SHIFT, OWN_SIZE, TABLES, WIRING, WIRING_SIZE,
} from "../../assembly/abi.js";

/** An adjacency's content; addresses raw (see abi.ts). */
export interface AdjacencyEntry {
  /** LOOKUP_NEXT_* */
  next: number;
  txInterface?: number;
  mtu?: number;
  icmpCode?: number;
  nextHop?: number;
  /** bytes before the IP header, at most 16 */
  rewrite?: Uint8Array;
  /** address of the buckets of several paths */
  buckets?: number;
}

export interface InterfaceEntry {
  flags: number;
  mtu: number;
  txSlot: number;
  mac: Uint8Array;
  ip4: number;
}

export class Tables {
  private readonly view: DataView;
  /** The whole window as words, for the FIB. Index: (address - TABLES) / 4. */
  readonly words: Uint32Array;

  constructor(buffer: ArrayBuffer) {
    this.view = new DataView(buffer);
    this.words = new Uint32Array(buffer);
    for (let node = 0; node < NODE_COUNT; node++) {
      for (let slot = 0; slot < NEXT_COUNT; slot++) this.wire(node, slot, ARC_NONE);
    }
  }

  /** Leads a node's next slot to a node, or to ARC_FREE or ARC_NONE. */
  wire(node: number, slot: number, target: number): void {
    this.view.setUint16(WIRING - TABLES + node * WIRING_SIZE + slot * 2, target, true);
  }

  writeInterface(index: number, entry: InterfaceEntry): void {
    const at = INTERFACES - TABLES + index * INTERFACE_SIZE;
    this.view.setUint16(at + IF_MTU, entry.mtu, true);
    this.view.setUint16(at + IF_TX_SLOT, entry.txSlot, true);
    const mac = new Uint8Array(8);
    mac.set(entry.mac);
    this.view.setBigUint64(at + IF_MAC, new DataView(mac.buffer).getBigUint64(0, true), true);
    this.view.setUint32(at + IF_IP4, entry.ip4, true);
    this.view.setUint32(at + IF_FLAGS, entry.flags, true);
  }

  /** Says when the origin of the nodes' clock was: ms from 1970. */
  writeClock(origin: number): void {
    this.view.setFloat64(CONTROL - TABLES + CONTROL_UTC, origin, true);
  }

  /** How often ICMP errors and TCP resets may be sent: see abi.ts. */
  writeIcmpLimits({ interval, rate, burst }: { interval: number; rate: number; burst: number }): void {
    const at = CONTROL - TABLES;
    this.view.setUint32(at + CONTROL_ICMP_INTERVAL, interval, true);
    this.view.setUint32(at + CONTROL_ICMP_RATE, rate, true);
    this.view.setUint32(at + CONTROL_ICMP_BURST, burst, true);
  }

  /** Marks all addresses (raw) that no packet from outside may have as its source; whoever reads meanwhile finds each as it was or as it is. */
  writeOwnAddresses(addresses: number[]): void {
    const marks = new Uint8Array(OWN_SIZE);
    for (const address of addresses) marks[Math.imul(address, OWN_HASH) >>> OWN_SHIFT] = 1;
    this.words.set(new Uint32Array(marks.buffer), (OWN_ADDRESSES - TABLES) / 4);
  }

  /** Writes an adjacency; where it goes is written last. */
  writeAdjacency(index: number, entry: AdjacencyEntry): void {
    const at = ADJACENCIES - TABLES + index * ADJACENCY_SIZE;
    this.view.setUint16(at + ADJ_TX_IF, entry.txInterface ?? 0, true);
    this.view.setUint16(at + ADJ_MTU, entry.mtu ?? 0, true);
    this.view.setUint8(at + ADJ_ICMP_CODE, entry.icmpCode ?? 0);
    this.view.setUint32(at + ADJ_NEXT_HOP, entry.nextHop ?? 0, true);
    this.view.setUint32(at + ADJ_BUCKETS, entry.buckets ?? 0, true);
    if (entry.rewrite) this.writeRewrite(at, entry.rewrite);
    this.view.setUint16(at + ADJ_NEXT, entry.next, true);
  }

  /** An adjacency as it stands there; of its rewrite the bytes in use. */
  readAdjacency(index: number): Required<Omit<AdjacencyEntry, "buckets">> {
    const at = ADJACENCIES - TABLES + index * ADJACENCY_SIZE;
    const { view } = this;
    return {
      next: view.getUint16(at + ADJ_NEXT, true),
      txInterface: view.getUint16(at + ADJ_TX_IF, true),
      mtu: view.getUint16(at + ADJ_MTU, true),
      icmpCode: view.getUint8(at + ADJ_ICMP_CODE),
      nextHop: view.getUint32(at + ADJ_NEXT_HOP, true),
      rewrite: new Uint8Array(view.buffer, at + ADJ_REWRITE, view.getUint8(at + ADJ_REWRITE_LENGTH)).slice(),
    };
  }

  /** Leads an adjacency's packets to error-drop. One that is past ip4-lookup still finds the rest as it was. */
  closeAdjacency(index: number): void {
    this.view.setUint16(ADJACENCIES - TABLES + index * ADJACENCY_SIZE + ADJ_NEXT, LOOKUP_NEXT_DROP, true);
  }

  /** Writes the adjacencies of a set of paths. */
  writeBuckets(address: number, adjacencies: number[]): void {
    for (const [i, adjacency] of adjacencies.entries()) this.view.setUint16(address - TABLES + 2 * i, adjacency, true);
  }

  /** What decides, beside a flow itself, which of several paths it takes. */
  setFlowSeed(seed: number): void {
    this.view.setUint32(CONTROL - TABLES + CONTROL_FLOW_SEED, seed, true);
  }

  /** Writes where nothing reads yet: a node's configuration, before the node is told of it. */
  writeBytes(address: number, bytes: Uint8Array): void {
    new Uint8Array(this.view.buffer).set(bytes, address - TABLES);
  }

  /** The destination's six bytes go in one 64-bit store: no packet leaves with half of a MAC address. */
  private writeRewrite(at: number, rewrite: Uint8Array): void {
    const bytes = new Uint8Array(16);
    bytes.set(rewrite);
    const source = new DataView(bytes.buffer);
    for (const offset of [0, 8]) this.view.setBigUint64(at + ADJ_REWRITE + offset, source.getBigUint64(offset, true), true);
    this.view.setUint8(at + ADJ_REWRITE_LENGTH, rewrite.length);
  }
}
