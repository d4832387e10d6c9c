// Commands that show something: as a table in VPP's layout, or with --json as the shapes of control/api.ts.

import type { BufferInfo, Control, HardwareInfo, InterfaceInfo, NodeRuntime, RuntimeInfo } from "../control/api.js";
import { WeftError } from "../errors.js";
import type { Command, Values } from "./grammar.js";
import { hardwareText } from "./hardware.js";
import { nearest, quote } from "../nearest.js";
import { table } from "./table.js";

type Text<T> = (data: T, values: Values) => string;

/** `data`: its type is what --json promises. */
export function show<T>(
  pattern: string, help: string, data: (control: Control, values: Values) => T, text: Text<T>, examples?: readonly string[],
): Command {
  return {
    pattern,
    help,
    ...(examples && { examples }),
    json: true,
    run: ({ control, out }, values, json) => {
      const shown = data(control, values);
      out(json ? JSON.stringify(shown) : text(shown, values));
    },
  };
}

export const SHOW: Command[] = [
  show("show interface [<interface>]", "state and counters", selectInterfaces, interfaceTable, ["show interface", "show interface host-eth0"]),
  show("show hardware-interfaces [<interface>]", "what is behind an interface: device, queues, flows, the device's own counters", selectHardware,
    (shown) => shown.map(hardwareText).join("\n"), ["show hardware-interfaces", "show hardware-interfaces rdma-0"]),
  {
    pattern: "test rdma dump <interface>",
    help: "an rdma interface's rings in hex",
    examples: ["test rdma dump rdma-0"],
    run: ({ control, out }, values) => {
      out(control.rdmaDump(values.interface!));
    },
  },
  show("show interface address", "addresses", interfaceAddresses, addressList),
  show("show runtime", "what each node did, and how many clocks a packet took", (control) => control.runtime(), runtimeText),
  show("show errors", "dropped and noteworthy packets by node and reason", (control) => control.errors(), (errors) =>
    table(["Count", "Node", "Reason"], errors.map(({ count, node, reason }) => [count, node, reason]))),
  show("show buffers", "the packet buffer pool", (control) => control.buffers(), bufferTable),
  show("show ip neighbors", "neighbors, and seconds since they were last confirmed", (control) => control.neighbors(), (neighbors) =>
    table(["Age", "IP", "State", "Ethernet", "Interface"],
      neighbors.map(({ age, address, state, mac, interface: name }) => [age.toFixed(1), address, state, mac ?? "-", name]))),
  show("show balance", "where every packet went", (control) => control.balance(), (balance) =>
    table(["Received", "Originated", "Transmitted", "Dropped", "Held", "Difference"],
      [[balance.received, balance.originated, balance.transmitted, balance.dropped, balance.held, balance.difference]])),
  show("show version", "versions of weft, the node contract and Node", (control) => control.version(), ({ version, contract, node }) =>
    `weft ${version}, node contract ${contract}, Node ${node}`),
];

function selectInterfaces(control: Control, values: Values): InterfaceInfo[] {
  return select("interface", control.interfaces(), values.interface);
}

function selectHardware(control: Control, values: Values): HardwareInfo[] {
  return select("interface", control.hardwareInterfaces(), values.interface);
}

/** All, or the one of this name. Throws NOT_FOUND. */
export function select<T extends { name: string }>(what: string, all: T[], name: string | undefined): T[] {
  if (name === undefined) return all;
  const found = all.filter((one) => one.name === name);
  if (found.length > 0) return found;
  const near = nearest(name, all.map((one) => one.name));
  const hint = near === undefined ? `there are ${all.map((one) => one.name).join(", ") || "none"}` : `did you mean ${quote(near)}?`;
  throw new WeftError("NOT_FOUND", `no ${what} ${quote(name)}: ${hint}`);
}

/** VPP's layout: the counters that are not zero, one a line, beside the interface. */
function interfaceTable(interfaces: InterfaceInfo[]): string {
  const rows = interfaces.flatMap((one) => {
    const state = !one.adminUp ? "down" : one.linkUp ? "up" : "no-link";
    const counters = Object.entries(one.counters).filter(([, count]) => count !== 0).map(([name, count]) => [spaced(name), count]);
    const [first, ...rest] = counters.length > 0 ? counters : [["", ""]];
    return [[one.name, one.index, state, one.mtu, ...first!], ...rest.map((counter) => ["", "", "", "", ...counter])];
  });
  return table(["Name", "Idx", "State", "MTU", "Counter", "Count"], rows);
}

/** rxNoBuffer → "rx no buffer" */
function spaced(name: string): string {
  return name.replace(/[A-Z]/g, (capital) => ` ${capital.toLowerCase()}`);
}

type Addresses = Pick<InterfaceInfo, "name" | "index" | "adminUp" | "redirects" | "proxyArp" | "addresses">;

function interfaceAddresses(control: Control): Addresses[] {
  return control.interfaces().map(({ name, index, adminUp, redirects, proxyArp, addresses }) =>
    ({ name, index, adminUp, redirects, proxyArp, addresses }));
}

function addressList(interfaces: Addresses[]): string {
  return interfaces.flatMap(({ name, adminUp, redirects, proxyArp, addresses }) =>
    [
      `${name} (${adminUp ? "up" : "dn"}):`, ...addresses.map((address) => `  L3 ${address}`), ...(proxyArp ? ["  proxy ARP"] : []),
      ...(redirects ? [] : ["  no redirects"]),
    ]).join("\n");
}

/** VPP's columns; State says what runs the node. Nodes never suspend here: only VPP's processes do. */
function runtimeText({ seconds, workers }: RuntimeInfo): string {
  return workers.map((worker) => {
    const busy = worker.nodes.filter((node) => node.calls > 0);
    const lost = busy.filter((node) => node.traps > 0).map((node) => `${node.name} trapped: ${node.traps} frames dropped`);
    return [
      `Thread ${worker.name}`,
      `Time ${seconds.toFixed(1)}, vectors/call ${worker.vectorsPerCall.toFixed(2)}`,
      `  vector rates in ${worker.rxRate.toFixed(1)}, out ${worker.txRate.toFixed(1)} packets/s`,
      table(["Name", "State", "Calls", "Vectors", "Suspends", "Clocks", "Vectors/Call"], busy.map(runtimeRow)),
      ...lost,
    ].join("\n");
  }).join("\n\n");
}

function runtimeRow(node: NodeRuntime): (string | number)[] {
  return [node.name, node.kind, node.calls, node.vectors, 0, node.clocksPerPacket.toFixed(1), node.vectorsPerCall.toFixed(2)];
}

function bufferTable(buffers: BufferInfo): string {
  const page = buffers.pageSize >= 1 << 20 ? `${buffers.pageSize / (1 << 20)}M` : `${buffers.pageSize / 1024}K`;
  const { size, total, free, held, posted, pending } = buffers;
  return table(["Size", "Total", "Avail", "Used", "Held", "Posted", "Pending", "Pages"],
    [[size, total, free, total - free, held, posted, pending, page]]);
}
