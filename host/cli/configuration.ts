// Commands that change something.

import type { RouteTarget } from "../control/api.js";
import type { Command, Context, Values } from "./grammar.js";

const INTERFACES: Command[] = [
  {
    pattern: "create host-interface name <netdev>",
    help: "open a Linux network device as interface host-<netdev>",
    run: async ({ control, out }, { netdev }) => {
      const { name } = await control.createHostInterface(netdev!);
      out(name);
    },
  },
  {
    pattern: "delete host-interface name <netdev>",
    help: "close it again",
    run: ({ control }, { netdev }) => control.deleteHostInterface(netdev!),
  },
  {
    pattern: "set interface state <interface> up",
    help: "let packets in and out",
    run: ({ control }, values) => control.setInterfaceState(values.interface!, true),
  },
  {
    pattern: "set interface state <interface> down",
    help: "let no packet in or out",
    run: ({ control }, values) => control.setInterfaceState(values.interface!, false),
  },
  {
    pattern: "set interface mtu [packet] <mtu> <interface>",
    help: "largest IP packet that it sends, in bytes",
    run: ({ control }, values) => control.setInterfaceMtu(values.interface!, Number(values.mtu)),
  },
  {
    pattern: "set interface mac address <interface> <mac>",
    help: "the router's MAC address on this link",
    run: ({ control }, values) => control.setInterfaceMac(values.interface!, values.mac!),
  },
  {
    pattern: "set interface ip address <interface> <prefix>",
    help: "add an address and the route to its subnet",
    run: ({ control }, values) => control.addAddress(values.interface!, values.prefix!),
  },
  {
    pattern: "set interface ip address del <interface> <prefix>",
    help: "remove an address",
    run: ({ control }, values) => control.removeAddress(values.interface!, values.prefix!),
  },
];

/** `ip route add <prefix> via …`, in each of its forms. */
function route(via: string, help: string, target: (values: Values) => RouteTarget): Command {
  return {
    pattern: `ip route add <prefix> via ${via}`,
    help,
    run: ({ control }, values) => control.addRoute(values.prefix!, target(values)),
  };
}

const ROUTES: Command[] = [
  route("<gateway> [<interface>]", "route through a gateway", (values) =>
    values.interface === undefined ? { via: values.gateway! } : { via: values.gateway!, interface: values.interface }),
  route("<interface>", "destinations are on the link itself", (values) => ({ interface: values.interface! })),
  route("drop", "drop silently", () => ({ kind: "drop" })),
  route("unreachable", "answer with host unreachable", () => ({ kind: "unreachable" })),
  route("prohibit", "answer with administratively prohibited", () => ({ kind: "prohibit" })),
  { pattern: "ip route del <prefix>", help: "remove a route", run: ({ control }, { prefix }) => control.deleteRoute(prefix!) },
];

/** VPP knows the same commands by two names. */
const NEIGHBORS: Command[] = ["set ip neighbor", "ip neighbor"].flatMap((name) => [
  {
    pattern: `${name} <interface> <address> <mac>`,
    help: "add a static neighbor",
    run: ({ control }: Context, values: Values) => control.setNeighbor(values.interface!, values.address!, values.mac!),
  },
  {
    pattern: `${name} del <interface> <address> [<mac>]`,
    help: "remove a neighbor",
    run: ({ control }: Context, values: Values) => control.deleteNeighbor(values.interface!, values.address!),
  },
]);

const CLEAR: Command[] = [
  { pattern: "clear interfaces", help: "interface counters to zero", run: ({ control }) => control.clearInterfaces() },
  { pattern: "clear runtime", help: "node counters and clocks to zero", run: ({ control }) => control.clearRuntime() },
  { pattern: "clear errors", help: "error counters to zero", run: ({ control }) => control.clearErrors() },
  { pattern: "clear ip neighbors", help: "forget learned neighbors; static ones stay", run: ({ control }) => control.clearNeighbors() },
];

export const CONFIGURATION: Command[] = [...INTERFACES, ...ROUTES, ...NEIGHBORS, ...CLEAR];
