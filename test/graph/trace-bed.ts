// A router of one thread, and its traces as a few lines of text each.

import * as assert from "uvu/assert";
import type { TracedPacket, TraceStep } from "../../host/control/api.js";
import { InlineRouter } from "./inline.js";
import { fromHex } from "./packets.js";

/** 192.0.2.2 is on the left, 198.51.100.2 on the right, and the gateway to 203.0.113.0/24. */
export const inline = await InlineRouter.startPair();
export const { router } = inline;
router.setNeighbor("host-left", "192.0.2.2", "02:00:00:00:00:02");
router.setNeighbor("host-right", "198.51.100.2", "02:00:00:00:00:03");
router.addRoute("203.0.113.0/24", { via: "198.51.100.2" });

export const TO_LEFT = "02fe00000001 020000000002 0800";
/** A datagram from 192.0.2.2 port 4096 to 203.0.113.9 port 8192. */
export const FORWARDED = `${TO_LEFT} 45000020 12340000 4011 6a8d c0000202 cb007109 10002000000c000077656674`;
export const NO_ROUTE = `${TO_LEFT} 45000020 12340000 4011 9c96 c0000202 0a000001 10002000000c000077656674`;
export const BAD_SUM = `${TO_LEFT} 45000020 12340000 4011 6a8e c0000202 cb007109 10002000000c000077656674`;
export const ECHO = `${TO_LEFT} 45100024 12340000 0901 1b92 c0000202 c0000201 0800 ebe7 0007 0001 0001020304050607`;
/** To 198.51.100.7, who is not known yet. */
export const UNKNOWN = `${TO_LEFT} 45000020 12340000 4011 7c5c c0000202 c6336407 10002000000c000077656674`;

/** "NODE | LINE | LINE (COUNTED) -> NEXT" */
export function stepText({ node, lines, counted, next, end }: TraceStep): string {
  const what = [node, ...lines].join(" | ") + (counted.length > 0 ? ` (${counted.join("; ")})` : "");
  return `${what}${end === null ? "" : ` ${end.toUpperCase()}`}${next === null ? "" : ` -> ${next}`}`;
}

export function traced(max?: number): TracedPacket[] {
  const { packets } = router.trace(max);
  for (const { steps } of packets) for (const [i, { time }] of steps.entries()) assert.ok(i === 0 || time >= steps[i - 1]!.time, "time goes forward");
  return packets;
}

/** The way of the only traced packet. */
export function way(): string[] {
  const packets = traced();
  assert.is(packets.length, 1);
  return packets[0]!.steps.map(stepText);
}

/** Sends frames to the left, given as hex, and forgets what leaves. */
export function send(...frames: string[]): void {
  inline.send(0, frames.map(fromHex));
  for (const port of [0, 1]) inline.sent(port);
}

/** Traces what a node gets of these. */
export async function trace(node: string, ...frames: string[]): Promise<void> {
  await router.clearTrace();
  await router.addTrace(node, 100);
  send(...frames);
}

/** Has what is held for neighbours go: errors about it may have to wait for another one. */
export function rest(): void {
  for (let round = 0; round < 10; round++) {
    router.clearNeighbors();
    inline.settle();
    if (router.balance().held === 0) break;
  }
  for (const port of [0, 1]) inline.sent(port);
}
