// Commands that change something.

import { parsePrefix, swap } from "../control/addresses.js";
import type { RdmaOptions, RoutePath, RouteTarget, RssType, RxMode } from "../control/api.js";
import { WeftError } from "../errors.js";
import type { Command, Context, Values } from "./grammar.js";

const RX_MODES: [RxMode, string][] = [
  ["polling", "look for packets all the time: the worker never sleeps"],
  ["interrupt", "sleep until the device says that there are packets"],
  ["adaptive", "look while packets come, sleep while none do"],
];

const RDMA_OPTIONS = "[name <name>] [rx-queue-size <rx-queue-size>] [tx-queue-size <tx-queue-size>] [num-rx-queues <num-rx-queues>] [mode <mode>] "
  + "[no-multi-seg] [no-striding] [max-pktlen <max-pktlen>] [rss <rss4>] [rss <rss6>] [no-rx-cksum] [no-cqe-compression]";

/** `create interface rdma …`, by either name of the port. */
function rdma(port: string, help: string, examples: string[], which: (values: Values) => RdmaOptions): Command {
  return {
    pattern: `create interface rdma ${port} ${RDMA_OPTIONS}`,
    help,
    examples,
    run: async ({ control, out }, values) => {
      const { name, rdma: info } = await control.createRdmaInterface({ ...which(values), ...rdmaOptions(values) });
      out(`${name} (mode ${info!.mode}: ${info!.reason})`);
    },
  };
}

/** Only what was typed: the control plane knows what stands where nothing was. */
function rdmaOptions(values: Values): RdmaOptions {
  const rss = [values.rss4, values.rss6].filter((type) => type !== undefined);
  return {
    ...(values.name !== undefined && { name: values.name }),
    ...(values["rx-queue-size"] !== undefined && { rxQueueSize: Number(values["rx-queue-size"]) }),
    ...(values["tx-queue-size"] !== undefined && { txQueueSize: Number(values["tx-queue-size"]) }),
    ...(values["num-rx-queues"] !== undefined && { rxQueues: Number(values["num-rx-queues"]) }),
    ...(values.mode !== undefined && { mode: values.mode as NonNullable<RdmaOptions["mode"]> }),
    ...(values["max-pktlen"] !== undefined && { maxPacketLength: Number(values["max-pktlen"]) }),
    ...(rss.length > 0 && { rss: rss as RssType[] }),
    ...(values["no-multi-seg"] !== undefined && { multiSegment: false }),
    ...(values["no-striding"] !== undefined && { striding: false }),
    ...(values["no-rx-cksum"] !== undefined && { rxChecksum: false }),
    ...(values["no-cqe-compression"] !== undefined && { compression: false }),
  };
}

const INTERFACES: Command[] = [
  {
    pattern: "create host-interface name <netdev>",
    help: "open a Linux network device as interface host-<netdev>",
    examples: ["create host-interface name eth0"],
    run: async ({ control, out }, { netdev }) => {
      const { name } = await control.createHostInterface(netdev!);
      out(name);
    },
  },
  {
    pattern: "delete host-interface name <netdev>",
    help: "close it again",
    examples: ["delete host-interface name eth0"],
    run: ({ control }, { netdev }) => control.deleteHostInterface(netdev!),
  },
  rdma("host-if <netdev>", "take a share of a ConnectX port, by its Linux network device",
    ["create interface rdma host-if eth1 name rdma-0", "create interface rdma host-if eth1 rx-queue-size 512 rss ipv4-udp no-striding"],
    ({ netdev }) => ({ hostInterface: netdev! })),
  rdma("device <device>", "the same, by its verbs device", ["create interface rdma device mlx5_0"], ({ device }) => ({ device: device! })),
  {
    pattern: "delete interface rdma <interface>",
    help: "leave the port to Linux again",
    examples: ["delete interface rdma rdma-0"],
    run: ({ control }, values) => control.deleteRdmaInterface(values.interface!),
  },
  {
    pattern: "set interface state <interface> up",
    help: "let packets in and out",
    examples: ["set interface state host-eth0 up"],
    run: ({ control }, values) => control.setInterfaceState(values.interface!, true),
  },
  {
    pattern: "set interface state <interface> down",
    help: "let no packet in or out",
    examples: ["set interface state host-eth0 down"],
    run: ({ control }, values) => control.setInterfaceState(values.interface!, false),
  },
  {
    pattern: "set interface mtu [packet] <mtu> <interface>",
    help: "largest IP packet that it sends, in bytes",
    examples: ["set interface mtu 1400 host-eth0", "set interface mtu packet 9000 host-eth0"],
    run: ({ control }, values) => control.setInterfaceMtu(values.interface!, Number(values.mtu)),
  },
  {
    pattern: "set interface mac address <interface> <mac>",
    help: "the router's MAC address on this link",
    examples: ["set interface mac address host-eth0 02:fe:00:00:00:01"],
    run: ({ control }, values) => control.setInterfaceMac(values.interface!, values.mac!),
  },
  ...(["on", "off"] as const).map((state) => ({
    pattern: `set interface promiscuous ${state} <interface>`,
    help: state === "on" ? "take frames for other stations too" : "take only what is for this interface",
    examples: [`set interface promiscuous ${state} rdma-0`],
    run: ({ control }: Context, values: Values) => control.setInterfacePromiscuous(values.interface!, state === "on"),
  })),
  ...RX_MODES.map(([mode, help]) => ({
    pattern: `set interface rx-mode <interface> ${mode}`,
    help,
    examples: [`set interface rx-mode host-eth0 ${mode}`],
    run: ({ control }: Context, values: Values) => control.setInterfaceRxMode(values.interface!, mode),
  })),
  {
    pattern: "set interface rx-placement <interface> [queue <rx-queue>] worker <worker>",
    help: "have another worker receive from a queue (0 where none is named), without loss",
    examples: ["set interface rx-placement rdma-0 queue 0 worker 0"],
    run: ({ control }, values) =>
      control.setInterfaceRxPlacement(values.interface!, Number(values["rx-queue"] ?? "0"), Number(values.worker)),
  },
  ...(["enable", "disable"] as const).flatMap((word) => [
    {
      pattern: `set interface ip redirects <interface> ${word}`,
      help: word === "enable" ? "tell hosts of a better first hop on their own link (ICMP redirect); the default" : "do not",
      examples: [`set interface ip redirects host-eth0 ${word}`],
      run: ({ control }: Context, values: Values) => control.setInterfaceRedirects(values.interface!, word === "enable"),
    },
    {
      pattern: `set interface proxy-arp <interface> ${word}`,
      help: word === "enable" ? "answer ARP requests for addresses to which another interface leads" : "do not; the default",
      examples: [`set interface proxy-arp host-eth0 ${word}`],
      run: ({ control }: Context, values: Values) => control.setInterfaceProxyArp(values.interface!, word === "enable"),
    },
  ]),
  {
    pattern: "set interface ip address <interface> <prefix>",
    help: "add an address and the route to its subnet",
    examples: ["set interface ip address host-eth0 192.0.2.1/24"],
    run: ({ control }, values) => control.addAddress(values.interface!, values.prefix!),
  },
  {
    pattern: "set interface ip address del <interface> <prefix>",
    help: "remove an address",
    examples: ["set interface ip address del host-eth0 192.0.2.1/24"],
    run: ({ control }, values) => control.removeAddress(values.interface!, values.prefix!),
  },
];

/** `ip route add <prefix> via …`, in each of its forms. */
function route(verb: "add" | "replace", via: string, help: string, examples: string[], target: (values: Values) => RouteTarget): Command {
  const run: Command["run"] = ({ control }, values) => {
    const [prefix, to] = [values.prefix!, target(values)];
    if (values.count === undefined) return verb === "add" ? control.addRoute(prefix, to) : control.replaceRoute(prefix, to);
    const routes = { ...countingUp(prefix, Number(values.count)), targets: [to] };
    return verb === "add" ? control.addRoutes(routes) : control.replaceRoutes(routes);
  };
  return { pattern: `ip route ${verb} <prefix> [count <count>] via ${via}`, help, examples, run };
}

/** So many prefixes of one length side by side. Throws BAD_ARGUMENT past the last address. */
function countingUp(prefix: string, count: number): { networks: Uint32Array; lengths: Uint8Array } {
  const { address, length } = parsePrefix(prefix);
  const [first, step] = [swap(address), 2 ** (32 - length)];
  if (first + count * step > 2 ** 32) throw new WeftError("BAD_ARGUMENT", `${count} prefixes from ${prefix} on go beyond 255.255.255.255`);
  return { networks: Uint32Array.from({ length: count }, (_, i) => first + i * step), lengths: new Uint8Array(count).fill(length) };
}

const GATEWAY = "<gateway> [<interface>] [weight <weight>]";
const GATEWAY_2 = "<gateway-2> [<interface-2>] [weight <weight-2>]";

/** The path that was typed first, or second. */
function path(values: Values, which: "" | "-2" = ""): RoutePath {
  const { [`interface${which}`]: name, [`weight${which}`]: weight } = values;
  return { via: values[`gateway${which}`]!, ...(name !== undefined && { interface: name }), ...(weight !== undefined && { weight: Number(weight) }) };
}

const twoPaths = (values: Values): RouteTarget => ({ paths: [path(values), path(values, "-2")] });

const ROUTES: Command[] = [
  route("add", GATEWAY, "route through a gateway; through another one too, if there is one: each flow takes one of them",
    ["ip route add 0.0.0.0/0 via 192.0.2.254", "ip route add 198.51.100.0/24 via 192.0.2.2 host-eth0 weight 3",
      "ip route add 10.0.0.0/24 count 65536 via 192.0.2.2"], path),
  route("add", `${GATEWAY} via ${GATEWAY_2}`, "the same, two at once", ["ip route add 198.51.100.0/24 via 192.0.2.2 via 192.0.2.3"], twoPaths),
  route("add", "<interface>", "destinations are on the link itself", ["ip route add 198.51.100.0/24 via host-eth0"],
    (values) => ({ interface: values.interface! })),
  route("add", "drop", "drop silently", ["ip route add 10.0.0.0/8 via drop"], () => ({ kind: "drop" })),
  route("add", "unreachable", "answer with host unreachable", ["ip route add 10.0.0.0/8 via unreachable"], () => ({ kind: "unreachable" })),
  route("add", "prohibit", "answer with administratively prohibited", ["ip route add 10.0.0.0/8 via prohibit"], () => ({ kind: "prohibit" })),
  route("replace", GATEWAY, "route through this gateway alone, in place of what there is",
    ["ip route replace 198.51.100.0/24 via 192.0.2.3"], path),
  route("replace", `${GATEWAY} via ${GATEWAY_2}`, "through these two, in place of what there is",
    ["ip route replace 198.51.100.0/24 via 192.0.2.2 via 192.0.2.3"], twoPaths),
  {
    pattern: "ip route del <prefix> [count <count>]",
    help: "remove a route; with a count also those that follow, of the same length",
    examples: ["ip route del 198.51.100.0/24", "ip route del 10.0.0.0/24 count 65536"],
    run: ({ control }, { prefix, count }) => {
      if (count === undefined) return control.deleteRoute(prefix!);
      const { networks, lengths } = countingUp(prefix!, Number(count));
      return control.deleteRoutes(networks, lengths);
    },
  },
  {
    pattern: "ip route del <prefix> via <gateway> [<interface>]",
    help: "remove one of its gateways",
    examples: ["ip route del 198.51.100.0/24 via 192.0.2.3"],
    run: ({ control }, values) => control.deleteRoute(values.prefix!, path(values)),
  },
];

/** VPP knows the same commands by two names. */
const NEIGHBORS: Command[] = ["set ip neighbor", "ip neighbor"].flatMap((name) => [
  {
    pattern: `${name} <interface> <address> <mac>`,
    help: "add a static neighbor",
    examples: [`${name} host-eth0 192.0.2.2 02:00:00:00:00:02`],
    run: ({ control }: Context, values: Values) => control.setNeighbor(values.interface!, values.address!, values.mac!),
  },
  {
    pattern: `${name} del <interface> <address> [<mac>]`,
    help: "remove a neighbor",
    examples: [`${name} del host-eth0 192.0.2.2`],
    run: ({ control }: Context, values: Values) => control.deleteNeighbor(values.interface!, values.address!),
  },
]);

const CLEAR: Command[] = [
  { pattern: "clear interfaces", help: "interface counters to zero", run: ({ control }) => control.clearInterfaces() },
  {
    pattern: "clear hardware-interfaces [<interface>]",
    help: "what the devices count to zero",
    examples: ["clear hardware-interfaces", "clear hardware-interfaces rdma-0"],
    run: ({ control }, values) => control.clearHardware(...(values.interface === undefined ? [] : [values.interface])),
  },
  { pattern: "clear runtime", help: "node counters and clocks to zero", run: ({ control }) => control.clearRuntime() },
  { pattern: "clear errors", help: "error counters to zero", run: ({ control }) => control.clearErrors() },
  { pattern: "clear ip neighbors", help: "forget learned neighbors; static ones stay", run: ({ control }) => control.clearNeighbors() },
];

export const CONFIGURATION: Command[] = [...INTERFACES, ...ROUTES, ...NEIGHBORS, ...CLEAR];
