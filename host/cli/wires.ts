// The wires of modelled ports as people name them, and as the emulator takes them.

import { WeftError } from "../errors.js";
import { nearest, quote } from "../nearest.js";
import { netdevs } from "./choices.js";

const PORTS_MAX = 8;
const FORMS = "netdev:IF (also veth:IF, tap:IF), pair, generator:PPS[:SIZE] or sink";

/**
 * "netdev:eth0,sink" → "wire=netdev:eth0;wire=sink". One wire that is no netdev serves for every port; `pair` joins port 0 with 1, 2 with 3.
 * Throws BAD_COMMAND.
 */
export function emulatorOptions(wires: string, ports?: number, model?: string): string {
  const list = wires.split(",").filter((wire) => wire !== "");
  const count = ports ?? (list[0] === "pair" && list.length === 1 ? 2 : list.length);
  if (list.length === 0 || count > PORTS_MAX) throw new WeftError("BAD_COMMAND", `from 1 to ${PORTS_MAX} ports can be modelled, not ${count}`);
  const each = list.length === 1 && !isNetdev(list[0]!) ? Array<string>(count).fill(list[0]!) : list;
  if (each.length !== count) throw new WeftError("BAD_COMMAND", `${count} ports need as many wires, not ${list.length} (${quote(wires)})`);
  const twice = each.find((wire, port) => isNetdev(wire) && each.indexOf(wire) !== port);
  if (twice !== undefined) throw new WeftError("BAD_COMMAND", `${quote(twice)} is the wire of two ports: each needs a netdev of its own`);
  const paired = (port: number): string => pair(each, port);
  return each.map((wire, port) => `wire=${wire === "pair" ? paired(port) : plain(wire)}${model === undefined ? "" : `,model=${model}`}`).join(";");
}

/** Throws NOT_FOUND for a netdev that this network namespace lacks: the emulator opens a wire with its port, too late for a clear message. */
export function checkNetdevs(wires: string): void {
  for (const wire of wires.split(",").filter(isNetdev)) {
    const name = wire.slice(wire.indexOf(":") + 1);
    if (netdevs().includes(name)) continue;
    const near = nearest(name, netdevs());
    const hint = near === undefined ? '"ip link" lists those there are' : `did you mean ${quote(near)}?`;
    throw new WeftError("NOT_FOUND", `wire ${quote(wire)}: no network interface ${quote(name)} in this network namespace: ${hint}`);
  }
}

function isNetdev(wire: string): boolean {
  return /^(netdev|veth|tap):/.test(wire);
}

function plain(wire: string): string {
  const known = /^(netdev|veth|tap):[^:;,=\s]{1,15}$|^generator:\d{1,10}(:\d{1,4})?$|^sink$/.test(wire);
  if (!known) throw new WeftError("BAD_COMMAND", `bad wire ${quote(wire)}: expected ${FORMS}`);
  return wire.replace(/^(veth|tap):/, "netdev:");
}

function pair(wires: string[], port: number): string {
  const other = port ^ 1;
  if (wires[other] !== "pair") throw new WeftError("BAD_COMMAND", `wire pair of port ${port}: port ${other} must have it too`);
  return `pair:${other}`;
}
