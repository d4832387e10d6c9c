// Opens packet generator ports, and gives their streams packets: of a template, or of a capture file.

import { setImmediate as nextTurn } from "node:timers/promises";
import { addon, type PgReplay } from "../addon.js";
import { WeftError } from "../errors.js";
import { randomMac } from "./af-packet.js";
import { openCapture, packetsOf } from "./capture-file.js";
import { failure, type ShimFailure } from "./failure.js";
import { FRAME_MAX, FRAME_MIN } from "./pg-template.js";
import type { OpenedPort } from "./port.js";

const ETHERNET = 1; // LINKTYPE_ETHERNET
/** 128 MiB of index */
const PACKETS_MAX = 1 << 24;
/** a few ms */
const PACKETS_A_TURN = 8192;

export function openPg(): OpenedPort {
  try {
    const { handle, mtu, up } = addon.openPg();
    return { kind: "pg", handle, hostInterface: null, mac: randomMac(), mtu, up };
  } catch (cause) {
    const { code, syscall, message } = cause as ShimFailure;
    throw failure("SYSTEM", `packet generator: ${syscall ?? "open"} failed with ${code ?? message}`, cause as ShimFailure);
  }
}

/** Where the packets of a capture are, checked from its first to its last; others get a turn meanwhile. Throws NOT_FOUND, BAD_ARGUMENT. */
export async function indexCapture(path: string): Promise<PgReplay> {
  const bytes = openCapture(path);
  try {
    let index: Uint32Array = new Uint32Array(1024);
    let count = 0;
    let end = 0;
    for (const { at, length, link } of packetsOf(bytes, path)) {
      const bad = (what: string): WeftError => new WeftError("BAD_ARGUMENT", `${path}: packet ${count + 1}: ${what}`);
      if (link !== ETHERNET) throw bad(`link type ${link}, not Ethernet (${ETHERNET})`);
      if (length < FRAME_MIN || length > FRAME_MAX) throw bad(`${length} bytes, not ${FRAME_MIN} to ${FRAME_MAX}`);
      if (count === PACKETS_MAX) throw bad(`one more than can be replayed: cut the file up with "editcap -c ${PACKETS_MAX}"`);
      if (at - end > 0xffffffff) throw bad("more than 4 GiB behind the packet before it");
      if (2 * count === index.length) index = extended(index);
      index.set([at - end, length], 2 * count++);
      end = at + length;
      if (count % PACKETS_A_TURN === 0) await nextTurn();
    }
    if (count === 0) throw new WeftError("BAD_ARGUMENT", `${path}: no packet in it`);
    return { file: path, index: index.subarray(0, 2 * count) };
  } finally {
    bytes.close();
  }
}

function extended(index: Uint32Array): Uint32Array {
  const longer = new Uint32Array(2 * index.length);
  longer.set(index);
  return longer;
}
