// Two routers that differ in one thing: in one of them ordinary packets go several nodes in one pass, in the other each node does its own work.

import * as assert from "uvu/assert";
import { BUFFER_SHIFT, B_DATA, B_FLAGS, B_NEXT, B_OPAQUE, B_TX_IF, GRAPH_ANSWERED, GRAPH_FORWARDED } from "../../assembly/abi.js";
import { must } from "../../host/lab/command.js";
import { workerAt } from "../../host/memory/memory.js";
import type { Router } from "../../host/control/router.js";
import { type ArrayPort, InlineRouter, LEFT_MAC, RIGHT_MAC } from "./inline.js";

const THIRD_MAC = "02:fe:00:00:00:03";
export const NEIGHBOURS = { left: "192.0.2.2", behind: "192.0.2.9", right: "198.51.100.2", third: "10.9.0.2" };
const INTERFACES: [name: string, mac: string, address: string][] = [
  ["left", LEFT_MAC, "192.0.2.1/24"], ["right", RIGHT_MAC, "198.51.100.1/24"], ["third", THIRD_MAC, "10.9.0.1/24"],
];

/** One of the two, and what its ports sent since the last look: port, header and bytes of each packet, in hex. */
export class Half {
  private readonly sent: string[] = [];

  private constructor(readonly inline: InlineRouter) {
    for (const port of inline.ports) this.watch(port);
  }

  static async start(fuse: boolean): Promise<Half> {
    const inline = await InlineRouter.start(INTERFACES.map(([name]) => name), 4096, false, fuse);
    const { router } = inline;
    clearInterval(router["timer"]); // the test says when time passes
    router["icmp"]["tables"].setFlowSeed(1);
    for (const [name, mac, address] of INTERFACES) {
      router.setInterfaceMac(`host-${name}`, mac);
      router.addAddress(`host-${name}`, address);
    }
    inline.endAnnouncements();
    router.setNeighbor("host-left", NEIGHBOURS.left, "02:00:00:00:00:02");
    router.setNeighbor("host-left", NEIGHBOURS.behind, "02:00:00:00:00:09");
    router.setNeighbor("host-right", NEIGHBOURS.right, "02:00:00:00:00:03");
    router.setNeighbor("host-third", NEIGHBOURS.third, "02:00:00:00:00:04");
    router.addRoute("203.0.113.0/24", { via: NEIGHBOURS.right });
    router.addRoute("203.0.114.0/24", { kind: "prohibit" });
    router.addRoute("203.0.115.0/24", { paths: [{ via: NEIGHBOURS.right }, { via: NEIGHBOURS.third, weight: 2 }] });
    router.addRoute("203.0.116.128/25", { kind: "drop" });
    router.addRoute("100.64.0.0/10", { via: NEIGHBOURS.third }); // all of it in the FIB's root
    router.addRoute("172.16.0.0/12", { via: NEIGHBOURS.behind }); // back to where it comes from
    router.setIcmpLimits({ interval: 0, rate: 0 });
    return new Half(inline);
  }

  /** What has been sent since the last call. */
  take(): string[] {
    for (const port of this.inline.ports) port.outgoing.length = port.sentSegmentSizes.length = 0;
    return this.sent.splice(0);
  }

  /**
   * All that the router has counted, a line each, but for calls: packets that go several nodes at once are in other frames. So are those behind
   * them, and ip4-fragment sees a packet twice that it puts aside because its frame has no room left.
   */
  counted(): string[] {
    const { router, traps } = this.inline;
    const nodes = router.runtime().workers[0]!.nodes.filter(({ name }) => name !== "ip4-fragment").map(({ name, vectors }) => [name, vectors]);
    const parts = [traps, router.errors(), router.interfaces(), router.nodeCounters(), nodes, [router.balance(), router.buffers()]];
    return parts.flat().map((part) => JSON.stringify(part));
  }

  /** How many packets of the last burst went in one pass: forwarded and answered. Nothing since the last call: none did. */
  passed(): [forwarded: number, answered: number] {
    const { u32 } = this.inline.packets;
    const [forwarded, answered] = [(workerAt(0) + GRAPH_FORWARDED) >> 2, (workerAt(0) + GRAPH_ANSWERED) >> 2];
    const found: [number, number] = [u32[forwarded]!, u32[answered]!];
    u32[forwarded] = u32[answered] = 0;
    return found;
  }

  private watch(port: ArrayPort): void {
    const transmit = port.transmit.bind(port);
    port.transmit = (frame, n) => {
      const { u8, u32 } = this.inline.packets;
      const before = port.outgoing.length;
      const headers: string[] = [];
      for (let i = 0; i < n; i++) headers.push(this.header((u32[(frame >> 2) + i]! << BUFFER_SHIFT) >>> 0, u8));
      transmit(frame, n);
      for (const [i, header] of headers.entries()) this.sent.push(`${port.index} ${header} ${Buffer.from(port.outgoing[before + i]!).toString("hex")}`);
    };
  }

  /** Of a buffer's header all but the next buffer's index, the state, and the number that ip4-glean gives to what it holds. */
  private header(buffer: number, u8: Uint8Array): string {
    const part = (from: number, to: number): string => Buffer.from(u8.subarray(buffer + from, buffer + to)).toString("hex");
    return `${part(B_DATA, B_NEXT)}.${part(B_FLAGS, B_FLAGS + 2)}.${part(B_TX_IF, B_OPAQUE)}`;
  }
}

/** Needs a network namespace of the test's own. */
export async function startHalves(): Promise<{ fused: Half; plain: Half }> {
  await must(null, "ip", ["link", "add", "name", "left", "type", "veth", "peer", "name", "right"]);
  await must(null, "ip", ["link", "add", "name", "third", "type", "veth", "peer", "name", "fourth"]);
  for (const name of ["left", "right", "third", "fourth"]) await must(null, "ip", ["link", "set", "dev", name, "up"]);
  return { fused: await Half.start(true), plain: await Half.start(false) };
}

const OWN = INTERFACES.map(([, , address]) => address.split("/")[0]!.split(".").map((part) => Number(part).toString(16).padStart(2, "0")).join(""));

/**
 * What is compared of a packet's bytes (hex): all but the identification, and with it the checksum, of errors, resets and fragments that the router
 * makes. It numbers them in the order in which it makes them, and those of one burst come to that by different ways.
 */
export function comparable(bytes: string): string {
  const isFragment = (parseInt(bytes.slice(40, 44), 16) & 0x3fff) !== 0;
  const isError = bytes.slice(46, 48) === "01" && ["03", "05", "0b", "0c"].includes(bytes.slice(68, 70));
  const numbered = OWN.includes(bytes.slice(52, 60)) && (isError || bytes.slice(46, 48) === "06" || isFragment);
  return numbered ? `${bytes.slice(0, 36)}****${bytes.slice(40, 48)}****${bytes.slice(52)}` : bytes;
}

/** Ports, source, destination and protocol of what was forwarded: packets that have these in common keep their order. The router's own do not. */
function flowOf(sent: string): string {
  const [port, , bytes] = sent.split(" ");
  const source = bytes!.slice(52, 60);
  return OWN.includes(source) || bytes!.slice(24, 28) !== "0800" ? sent : `${port} ${bytes!.slice(46, 48)} ${bytes!.slice(52, 68)}`;
}

/** Fails unless both sent the same packets, those of each flow in the same order. */
export function assertSame(fused: string[], plain: string[]): void {
  if (fused.length === plain.length && fused.every((one, i) => one === plain[i])) return;
  const flows = (sent: string[]): string[] => sent.map((one) => one.replace(/\S+$/, comparable))
    .map((one, i) => ({ flow: flowOf(one), one, i }))
    .sort((a, b) => (a.flow < b.flow ? -1 : a.flow > b.flow ? 1 : a.i - b.i)).map(({ one }) => one);
  const [one, other] = [flows(fused), flows(plain)];
  const only = (these: string[], those: string[]): string[] => these.filter((line) => !those.includes(line)).slice(0, 2);
  assert.equal([fused.length, only(one, other)], [plain.length, only(other, one)]);
  for (const [i, line] of one.entries()) if (line !== other[i]) assert.equal(line, other[i], `order, place ${i}`);
}

export function assertCountedSame(fused: string[], plain: string[]): void {
  assert.equal(fused.filter((line) => !plain.includes(line)), plain.filter((line) => !fused.includes(line)));
}

/** What a person does to both. Throws what one of them throws; both throw the same. */
export async function toBoth(halves: Half[], act: (router: Router) => unknown): Promise<void> {
  for (const { inline } of halves) {
    await act(inline.router);
    inline.settle();
  }
}
