import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Control } from "../../host/control/api.js";
import { COMMANDS, grammar } from "../../host/cli/commands.js";
import { WeftError } from "../../host/errors.js";
import { ETH0, stub } from "./stub.js";

/** Runs a line; gives what was asked of the control plane, what was printed, and the status. */
async function run(line: string, overrides: Partial<Control> = {}): Promise<{ calls: unknown[][]; out: string; status: number }> {
  const { control, calls } = stub(overrides);
  const printed: string[] = [];
  const { command, values, json } = grammar.parse(line);
  const status = await command.run({ control, out: (text) => printed.push(text), signal: new AbortController().signal }, values, json);
  return { calls, out: printed.join("\n"), status: status ?? 0 };
}

const ASKED: [line: string, ...call: unknown[]][] = [
  ["create host-interface name eth0", "createHostInterface", "eth0"],
  ["delete host-interface name eth0", "deleteHostInterface", "eth0"],
  ["create interface rdma host-if eth1", "createRdmaInterface", { hostInterface: "eth1" }],
  ["create interface rdma device mlx5_0 name rdma-5 rx-queue-size 512 tx-queue-size 256 num-rx-queues 4 mode dv no-multi-seg no-striding "
    + "max-pktlen 9000 rss ipv4-udp rss ipv6 no-rx-cksum no-cqe-compression", "createRdmaInterface", {
    device: "mlx5_0", name: "rdma-5", rxQueueSize: 512, txQueueSize: 256, rxQueues: 4, mode: "dv", multiSegment: false, striding: false,
    maxPacketLength: 9000, rss: ["ipv4-udp", "ipv6"], rxChecksum: false, compression: false,
  }],
  ["delete interface rdma rdma-0", "deleteRdmaInterface", "rdma-0"],
  ["set interface promiscuous on rdma-0", "setInterfacePromiscuous", "rdma-0", true],
  ["set interface promiscuous off rdma-0", "setInterfacePromiscuous", "rdma-0", false],
  ["set interface rx-mode rdma-0 polling", "setInterfaceRxMode", "rdma-0", "polling"],
  ["set interface rx-mode rdma-0 interrupt", "setInterfaceRxMode", "rdma-0", "interrupt"],
  ["set interface rx-mode rdma-0 adaptive", "setInterfaceRxMode", "rdma-0", "adaptive"],
  ["set interface rx-placement rdma-0 queue 2 worker 1", "setInterfaceRxPlacement", "rdma-0", 2, 1],
  ["set interface rx-placement host-eth0 worker 1", "setInterfaceRxPlacement", "host-eth0", 0, 1],
  ["test rdma dump rdma-0", "rdmaDump", "rdma-0"],
  ["create packet-generator interface pg0", "createPacketGenerator", "pg0"],
  ["delete packet-generator interface pg0", "deletePacketGenerator", "pg0"],
  ["set packet-generator output pg0 pg1", "connectPacketGenerator", "pg0", "pg1"],
  ["set packet-generator output pg0 drop", "connectPacketGenerator", "pg0", null],
  ['packet-generator new name s0 interface pg0 rate 1e5 size 60-1500 limit 1000000 seed 3 data "UDP: 192.0.2.2 -> 198.51.100.2"', "newPacketStream",
    { name: "s0", interface: "pg0", limit: 1e6, rate: 1e5, size: "60-1500", seed: 3, data: "UDP: 192.0.2.2 -> 198.51.100.2" }],
  ["packet-generator new name s1 interface pg0 pcap a.pcapng", "newPacketStream", { name: "s1", interface: "pg0", pcap: "a.pcapng" }],
  ["packet-generator enable-stream s0", "enablePacketStream", "s0"],
  ["packet-generator enable-stream", "enablePacketStream", undefined],
  ["packet-generator disable-stream s0", "disablePacketStream", "s0"],
  ["packet-generator delete s0", "deletePacketStream", "s0"],
  ["set interface fault pg0 rx loss 1% delay 5ms jitter 50us seed 9", "setInterfaceFault", "pg0", { rx: { loss: 0.01, delay: 5, jitter: 0.05 }, seed: 9 }],
  ["set interface fault pg0 tx truncate 0.5% corrupt 2% duplicate 3% reorder 100%", "setInterfaceFault", "pg0",
    { tx: { truncate: 0.005, corrupt: 0.02, duplicate: 0.03, reorder: 1 } }],
  ["set interface fault pg0 off", "setInterfaceFault", "pg0", null],
  ["prometheus listen 0.0.0.0:9469", "listenPrometheus", "0.0.0.0", 9469],
  ["prometheus listen [::1]:0", "listenPrometheus", "::1", 0],
  ["prometheus listen [fe80::1%eth0]:80", "listenPrometheus", "fe80::1%eth0", 80],
  ["prometheus off", "closePrometheus"],
  ["set interface state host-eth0 up", "setInterfaceState", "host-eth0", true],
  ["set interface state host-eth0 down", "setInterfaceState", "host-eth0", false],
  ["set interface mtu packet 9000 host-eth0", "setInterfaceMtu", "host-eth0", 9000],
  ["set interface mtu 9000 host-eth0", "setInterfaceMtu", "host-eth0", 9000],
  ["set interface mac address host-eth0 02:FE:00:00:00:01", "setInterfaceMac", "host-eth0", "02:FE:00:00:00:01"],
  ["set interface ip address host-eth0 192.0.2.1/24", "addAddress", "host-eth0", "192.0.2.1/24"],
  ["set interface ip address del host-eth0 192.0.2.1/24", "removeAddress", "host-eth0", "192.0.2.1/24"],
  ["ip route add 10.0.0.0/8 via 192.0.2.2", "addRoute", "10.0.0.0/8", { via: "192.0.2.2" }],
  ["ip route add 10.0.0.0/8 via 192.0.2.2 host-eth0", "addRoute", "10.0.0.0/8", { via: "192.0.2.2", interface: "host-eth0" }],
  ["ip route add 10.0.0.0/8 via host-eth0", "addRoute", "10.0.0.0/8", { interface: "host-eth0" }],
  ["ip route add 10.0.0.0/8 via drop", "addRoute", "10.0.0.0/8", { kind: "drop" }],
  ["ip route add 10.0.0.0/8 via unreachable", "addRoute", "10.0.0.0/8", { kind: "unreachable" }],
  ["ip route add 10.0.0.0/8 via prohibit", "addRoute", "10.0.0.0/8", { kind: "prohibit" }],
  ["ip route add 10.0.0.0/8 via 192.0.2.2 weight 3 host-eth0", "addRoute", "10.0.0.0/8", { via: "192.0.2.2", interface: "host-eth0", weight: 3 }],
  ["ip route add 10.0.0.0/8 via 192.0.2.2 via 192.0.2.3 host-eth1 weight 2", "addRoute", "10.0.0.0/8",
    { paths: [{ via: "192.0.2.2" }, { via: "192.0.2.3", interface: "host-eth1", weight: 2 }] }],
  ["ip route replace 10.0.0.0/8 via 192.0.2.2", "replaceRoute", "10.0.0.0/8", { via: "192.0.2.2" }],
  ["ip route replace 10.0.0.0/8 via 192.0.2.2 weight 9 via 192.0.2.3", "replaceRoute", "10.0.0.0/8",
    { paths: [{ via: "192.0.2.2", weight: 9 }, { via: "192.0.2.3" }] }],
  ["ip route add 255.255.254.0/24 count 2 via 192.0.2.2 weight 3", "addRoutes",
    { networks: Uint32Array.of(0xfffffe00, 0xffffff00), lengths: Uint8Array.of(24, 24), targets: [{ via: "192.0.2.2", weight: 3 }] }],
  ["ip route replace 10.0.0.9/32 count 3 via 192.0.2.2", "replaceRoutes",
    { networks: Uint32Array.of(0x0a000009, 0x0a00000a, 0x0a00000b), lengths: Uint8Array.of(32, 32, 32), targets: [{ via: "192.0.2.2" }] }],
  ["ip route del 10.0.0.0/8 count 2", "deleteRoutes", Uint32Array.of(0x0a000000, 0x0b000000), Uint8Array.of(8, 8)],
  ["ip route del 10.0.0.0/8", "deleteRoute", "10.0.0.0/8"],
  ["ip route del 10.0.0.0/8 via 192.0.2.2 host-eth0", "deleteRoute", "10.0.0.0/8", { via: "192.0.2.2", interface: "host-eth0" }],
  ["set interface ip redirects host-eth0 disable", "setInterfaceRedirects", "host-eth0", false],
  ["set interface ip redirects host-eth0 enable", "setInterfaceRedirects", "host-eth0", true],
  ["set interface proxy-arp host-eth0 disable", "setInterfaceProxyArp", "host-eth0", false],
  ["set interface proxy-arp host-eth0 enable", "setInterfaceProxyArp", "host-eth0", true],
  ["set ip neighbor host-eth0 192.0.2.2 02:fe:00:00:00:02", "setNeighbor", "host-eth0", "192.0.2.2", "02:fe:00:00:00:02"],
  ["ip neighbor host-eth0 192.0.2.2 02:fe:00:00:00:02", "setNeighbor", "host-eth0", "192.0.2.2", "02:fe:00:00:00:02"],
  ["set ip neighbor del host-eth0 192.0.2.2 02:fe:00:00:00:02", "deleteNeighbor", "host-eth0", "192.0.2.2"],
  ["ip neighbor del host-eth0 192.0.2.2", "deleteNeighbor", "host-eth0", "192.0.2.2"],
  ["set ip reassembly timeout 3000", "setReassembly", { timeout: 3000 }],
  ["set ip reassembly max-reassemblies 64 timeout 100", "setReassembly", { timeout: 100, maxReassemblies: 64 }],
  ["clear interfaces", "clearInterfaces"],
  ["clear runtime", "clearRuntime"],
  ["clear errors", "clearErrors"],
  ["clear hardware-interfaces", "clearHardware"],
  ["clear hardware-interfaces rdma-0", "clearHardware", "rdma-0"],
  ["clear logging", "clearLogging"],
  ["clear ip neighbors", "clearNeighbors"],
  ["set ip icmp rate-limit interval 0", "setIcmpLimits", { interval: 0 }],
  ["set ip icmp rate-limit burst 100 interval 500 rate 2000", "setIcmpLimits", { interval: 500, rate: 2000, burst: 100 }],
  ["node load build/acl.wasm as acl", "loadNode", "build/acl.wasm", "acl"],
  ["node load build/all.wasm:packet-filter as acl-1 config {\"rules\": [{\"action\": \"deny\"}], \"note\": \"} \\\" {\"}", "loadNode",
    "build/all.wasm:packet-filter", "acl-1", { rules: [{ action: "deny" }], note: '} " {' }],
  ["node insert acl after ip4-input", "insertNode", "acl", { after: "ip4-input" }],
  ["node insert acl after ip4-input on host-eth0", "insertNode", "acl", { after: "ip4-input", interface: "host-eth0" }],
  ["node insert acl before host-eth0-tx", "insertNode", "acl", { before: "host-eth0-tx" }],
  ["node insert acl before ip4-lookup on host-eth0", "insertNode", "acl", { before: "ip4-lookup", interface: "host-eth0" }],
  ["node bypass acl", "bypassNode", "acl"],
  ["node bypass acl on host-eth0", "bypassNode", "acl", "host-eth0"],
  ["node replace acl with build/acl-2.mjs", "replaceNode", "acl", "build/acl-2.mjs"],
  ["node replace acl with build/acl.wasm config {}", "replaceNode", "acl", "build/acl.wasm", {}],
  ['node config acl {"limit":5}', "configureNode", "acl", { limit: 5 }],
  ["node policy acl fail open via continue restart 0 limit 3", "setNodePolicy", "acl", { fail: "open", via: "continue", restart: 0, limit: 3 }],
  ["node policy acl limit 0 fail closed", "setNodePolicy", "acl", { fail: "closed", limit: 0 }],
  ["node restart acl", "restartNode", "acl"],
  ["node unload acl", "unloadNode", "acl"],
  ["trace add af-packet-input 10", "addTrace", "af-packet-input", 10],
  ["trace filter packet src 192.0.2.2 dst 10.0.0.0/8 proto udp port 53", "setTraceFilter",
    { source: "192.0.2.2", destination: "10.0.0.0/8", protocol: "udp", port: 53 }],
  ["trace filter packet proto 89", "setTraceFilter", { protocol: 89 }],
  ["trace filter include error-drop 5", "setTraceNodeFilter", { node: "error-drop", include: true, packets: 5 }],
  ["trace filter exclude error-drop 5", "setTraceNodeFilter", { node: "error-drop", include: false, packets: 5 }],
  ["trace filter none", "clearTraceFilters"],
  ["clear trace", "clearTrace"],
  ["pcap trace rx file /tmp/a.pcapng", "startPcapTrace", { file: "/tmp/a.pcapng", rx: true, tx: false, drop: false }],
  ["pcap trace max 7 drop tx file /tmp/a.pcapng intfc host-eth0", "startPcapTrace",
    { file: "/tmp/a.pcapng", rx: false, tx: true, drop: true, max: 7, interface: "host-eth0" }],
  ["pcap trace off", "stopPcapTrace"],
];

const PRINTED: Record<string, string> = {
  createHostInterface: "host-eth0", createRdmaInterface: "rdma-0 (mode dv: the adapter has Direct Verbs)", rdmaDump: "rings in hex",
  stopPcapTrace: "/tmp/a.pcapng: ended: stopped\n  rx tx drop, interface any, at most 100000 packets\n"
    + "  3 received, 2 sent, 1 dropped, 0 missed; 1234 bytes",
  createPacketGenerator: "pg0",
  listenPrometheus: "http://127.0.0.1:9469/metrics",
};

for (const [line, ...call] of ASKED) {
  test(line, async () => {
    const { calls, out, status } = await run(line);
    assert.equal(calls, [call]);
    assert.is(out, PRINTED[call[0] as string] ?? "");
    assert.is(status, 0);
  });
}

const SHOWN: [line: string, method: keyof Control, ...text: string[]][] = [
  ["show interface", "interfaces",
    "Name       Idx  State   MTU  Counter         Count",
    "local0       0  down      0",
    "host-eth0    1  up     1500  rx packets         12",
    "                             rx bytes         1176",
    "                             rx no buffer        3",
    "                             tx packets    1000000"],
  ["show interface local0", "interfaces", "Name    Idx  State  MTU  Counter  Count", "local0    0  down     0"],
  ["show interface address", "interfaces", "local0 (dn):", "host-eth0 (up):", "  L3 192.0.2.1/24", "  L3 198.51.100.1/30"],
  ["show runtime", "runtime",
    "Thread worker-0",
    "Time 10.3, vectors/call 1.50",
    "  vector rates in 100.0, out 99.5 packets/s",
    "Name            State  Calls  Vectors  Suspends  Clocks  Vectors/Call",
    "ethernet-input  wasm      10     2560         0     6.6        256.00",
    "arp-learn       host       1        1         0  1234.0          1.00",
    "arp-learn trapped: 2 frames dropped"],
  ["show errors", "errors", "Count  Node            Reason", "    7  ip4-input       bad checksum", "   12  ethernet-input  frame too short"],
  ["show hardware-interfaces", "hardwareInterfaces",
    "host-eth0 (index 1): link down",
    "  Ethernet address 02:fe:00:00:00:02, MTU 1500, rx-mode adaptive, promiscuous",
    "  linux packet socket on netdev eth0",
    "rdma-0 (index 2): link up",
    "  Ethernet address 02:fe:00:00:00:02, MTU 1500, rx-mode adaptive",
    "  Link speed: 100 Gbps",
    "  netdev eth1 pci-addr 0000:5e:00.0 device mlx5_0",
    "  product name: ConnectX-5, firmware 16.35.2000",
    "  mode: dv (the adapter has Direct Verbs)",
    "  flags: multi-seg striding-rq cqe-compression",
    "  offloads: tx-checksum",
    "  rss: ipv4-tcp ipv6-tcp",
    "  max packet length: 1522",
    "  rx queues:",
    "    Queue  Size  Posted  Packets  CQE",
    "        0  1024    1000       12   64",
    "  tx queue: size 1024, pending 3",
    "  dma: 0x7f0000000000 - 0x7f0002300000, lkey 0x1e00, last packet at 0x7f00000000c0",
    "  flows:",
    "    ipv4 to 02:fe:00:00:00:02",
    "  device counters:",
    "    rx_packets     12"],
  ["show buffers", "buffers", "Size  Total  Avail  Used  Held  Posted  Pending  Pages", "2048  16384  16380     4     1       3        0  2M"],
  ["show prometheus", "prometheus", "http://127.0.0.1:9469/metrics"],
  ["show ip fib", "routes",
    "Prefix          Kind     Via        Interface  Adjacency  Weight",
    "0.0.0.0/0       drop     -          -                  1",
    "203.0.113.0/24  gateway  192.0.2.2  host-eth0         14       1"],
  ["show ip neighbors", "neighbors",
    "Age  IP         State       Ethernet           Interface",
    "4.3  192.0.2.2  reachable   02:fe:00:00:00:02  host-eth0",
    "0.0  192.0.2.9  incomplete  -                  host-eth0"],
  ["show ip reassembly", "reassembly",
    "Reassemblies  Most  Fragments  Bytes     Most  Timeout  Reassembled  Timed out",
    "           2  1024          5  11200  4194304    30000            7          3"],
  ["show balance", "balance",
    "Received  Originated  Transmitted  Dropped  Held  Difference",
    "     100           5           90       14     1           0"],
  ["show node", "customNodes",
    "Name        State      Place                                    Declared       File                 Traps",
    "acl         running    after ip4-input on host-eth0, host-eth1  packet-filter  /srv/build/all.wasm      0",
    "flow-meter  set-aside  -                                        flow-meter     /srv/meter.wasm         11"],
  ["show node counters", "nodeCounters",
    "Node        Name    Kind     Value",
    "acl         denied  counter     12",
    "acl         rules   gauge        1",
    "flow-meter  flows   gauge        0"],
  ["show memory", "memory",
    "What                             Used      Size  Unit",
    "nodes                              18       256  nodes",
    "node blocks                     81920   6291456  bytes",
    "configurations                     96   3670016  bytes",
    "module regions                      4        64  regions",
    "buffer pool, pages of 4 KiB  36700160  36700160  bytes",
    "packet memory                94896128  94896128  bytes"],
  ["show ip icmp", "icmpLimits", "to one destination: 6 errors at once, then one every 1000 ms", "to all: not limited"],
  ["show trace max 1", "trace",
    "Packet 1",
    "",
    "00:00:01:259123: af-packet-input",
    "  rx-interface host-eth0, 46 bytes",
    "  next: ethernet-input",
    "01:01:01:000000: ip4-lookup",
    "  counted: no route",
    "  next: error-drop",
    "",
    "Packet 1, copy 1",
    "",
    "00:00:01:259124: ip4-glean",
    "  held",
    "",
    "4 steps found no room and are missing"],
  ["pcap trace status", "pcapTrace",
    "/tmp/a.pcapng: capturing",
    "  rx tx drop, interface any, at most 100000 packets",
    "  3 received, 2 sent, 1 dropped, 0 missed; 1234 bytes"],
  ["show packet-generator", "packetGenerator",
    "Name  Enabled  Count  Interface  Parameters",
    "s0    Yes         12  pg0        limit 0, rate 100000, size 60-1500, seed 3, UDP: 192.0.2.2 -> 198.51.100.2 UDP: 1 -> 2",
    "s1    No           7  pg0        limit 9, rate 0, pcap a.pcap, stopped: the file has become shorter",
    "",
    "Interface  Output",
    "pg0        pg1",
    "pg1        drop"],
  ["show interface fault", "interfaceFaults",
    "Interface      Lost  Truncated  Corrupted  Duplicated  Reordered  Delayed  Held  Faults",
    "pg0        rx     7          0          0           0          0       93     2  loss 7% delay 5ms jitter 0.05ms seed 9",
    "pg0        tx     0          0          0           0          0        0     0  none"],
  ["show vlib graph", "graph",
    "Name        Next        Previous",
    "ip4-lookup  -           ip4-input",
    "            acl         icmp4-input",
    'a"b\\-tx     -',
    "            ip4-lookup"],
  ["show vlib graphviz", "graph",
    "digraph weft {",
    "  rankdir=LR;",
    "  node [shape=box, fontname=monospace];",
    '  "ip4-lookup" [label="ip4-lookup\\n1001 packets/s\\n17.3 clocks", penwidth=3];',
    '  "ip4-lookup" -> "acl";',
    '  "a\\"b\\\\-tx" [label="a\\"b\\\\-tx\\n0 packets/s\\n0.0 clocks"];',
    '  "a\\"b\\\\-tx" -> "ip4-lookup";',
    "}"],
  ["show interface rx-placement", "rxPlacement",
    "Thread 1 (worker 0):",
    "  node af-packet-input:",
    "    host-eth0 queue 0 (adaptive)",
    "  node rdma-input:",
    "    rdma-0 queue 0 (polling)",
    "Thread 2 (worker 1):",
    "  node rdma-input:",
    "    rdma-0 queue 1 (polling)"],
  ["show threads", "threads",
    "ID  Name      Type    LWP   CPU  May run on  Sleeps",
    " 0  main      main    4711  1    0-3            128",
    " 1  worker 0  worker  -     -    -                0"],
  ["show logging", "logging",
    "2026-01-02T03:04:05.678Z  memory     no huge pages",
    "2026-01-02T03:04:06.000Z  interface  interface host-eth0: link up"],
  ["show clock", "clock", "Time now 2026-01-02T03:04:05.678Z, running for 12.346 s, 2600.0 million clocks a second"],
  ["show version", "version", "weft 0.1.0, node contract 1, Node v20.20.2"],
];

for (const [line, method, ...text] of SHOWN) {
  test(line, async () => {
    const { calls, out } = await run(line);
    assert.equal(calls, [line === "show trace max 1" ? [method, 1] : [method]]);
    assert.is(out, text.join("\n"));
  });

  test(`${line} --json`, async () => {
    const { out } = await run(`${line} --json`);
    assert.not.match(out, "\n");
    const data: unknown = JSON.parse(out);
    if (line === "show interface address") {
      assert.equal((data as unknown[])[1], { name: "host-eth0", index: 1, adminUp: true, redirects: true, proxyArp: false, addresses: ETH0.addresses });
    } else if (line === "show interface local0") assert.is((data as { name: string }[])[0]!.name, "local0");
    else assert.equal(data, (stub().control[method] as () => unknown)());
  });
}

test("what is missing or not there to be shown is said", async () => {
  const empty = { trace: () => ({ packets: [], kept: 0, lost: 0 }), pcapTrace: () => null };
  assert.is((await run("show trace", empty)).out, 'no packet is traced: "trace add af-packet-input 10" traces the next ones');
  assert.is((await run("show trace", { trace: () => ({ packets: [], kept: 3, lost: 0 }) })).out, "none of 3 traced packets fits the filter");
  assert.is((await run("pcap trace status", empty)).out, 'no capture: "pcap trace rx tx file F" starts one');
  for (const line of ["pcap trace rx", "trace filter packet"]) {
    const error: unknown = await run(line).catch((cause: unknown) => cause);
    assert.is((error as WeftError).code, "BAD_COMMAND", line);
  }
});
/** These are tested elsewhere. */
const OTHERS = [
  "show node table flow-meter flows", "show ip fib summary", "show ip fib 10.0.0.0/8", "show ip fib 10.0.0.1", "show adj", "show ip local",
];

test("every command is tested above", () => {
  const tested = new Set([...ASKED, ...SHOWN, ["show node ip4-lookup"], ...OTHERS.map((line) => [line])].map(([line]) => grammar.parse(line!).command.pattern));
  assert.equal(COMMANDS.map(({ pattern }) => pattern).filter((pattern) => !tested.has(pattern)).filter((pattern) => !pattern.startsWith("ping")), []);
});

test("an endpoint is an address and a port, nothing else", () => {
  for (const wrong of ["9469", ":9469", "localhost:9469", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "::1:9469", "[::1]", "[::1]:",
    "[127.0.0.1]:1", "256.0.0.1:1", "[::g]:1", "127.0.0.1:0x50", "[::1]:9469/metrics"]) {
    assert.throws(() => grammar.parse(`prometheus listen ${wrong}`),
      (error: WeftError) => error.message.endsWith("expected an address of this machine and a port, such as 127.0.0.1:9469 or [::1]:9469"), wrong);
  }
});

test("no endpoint", async () => {
  assert.is((await run("show prometheus", { prometheus: () => null })).out, "off");
  assert.is((await run("show prometheus --json", { prometheus: () => null })).out, "null");
});

test("an interface that is up without a link", async () => {
  const { out } = await run("show interface", { interfaces: () => [{ ...ETH0, linkUp: false }] });
  assert.match(out, /host-eth0 +1 +no-link/);
});

test("an unknown interface is named with the nearest one", async () => {
  try {
    await run("show interface host-eht0");
    assert.unreachable();
  } catch (error) {
    assert.is((error as WeftError).code, "NOT_FOUND");
    assert.is((error as WeftError).message, 'no interface "host-eht0": did you mean "host-eth0"?');
  }
});

test("ping prints replies as they come, in VPP's form, and the statistics", async () => {
  const { calls, out, status } = await run("ping 192.0.2.2 repeat 3 interval 0.25 size 100", {
    ping: async (from, options) => {
      options!.onReply!({ sequence: 1, from, bytes: 116, ttl: 64, time: 0.05331 });
      options!.onReply!({ sequence: 3, from, bytes: 116, ttl: 64, time: 12.5 });
      return { sent: 3, received: 2, min: 0.05331, average: 6.3, max: 12.5 };
    },
  });
  const options = calls[0]![2] as Record<string, unknown>;
  assert.equal([calls[0]![1], options.count, options.interval, options.size], ["192.0.2.2", 3, 250, 100]);
  assert.is(out, [
    "116 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=.0533 ms",
    "116 bytes from 192.0.2.2: icmp_seq=3 ttl=64 time=12.5000 ms",
    "",
    "Statistics: 3 sent, 2 received, 33.33% packet loss",
  ].join("\n"));
  assert.is(status, 0);
});

test("ping without an answer: status 1", async () => {
  const { calls, out, status } = await run("ping 192.0.2.2", { ping: async () => ({ sent: 5, received: 0, min: 0, average: 0, max: 0 }) });
  assert.equal(Object.keys(calls[0]![2] as object).sort(), ["onReply", "signal"]);
  assert.is(out, "\nStatistics: 5 sent, 0 received, 100% packet loss");
  assert.is(status, 1);
});

test("word salads call the control plane only when they parse, and then once", async () => {
  const words = [...new Set(ASKED.concat(SHOWN.map(([line]) => [line])).flatMap(([line]) => line.split(" "))), "--json", "ping", "repeat", "3"];
  const line = fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 7 }).map((list) => list.join(" "));
  const nearly = fc.tuple(fc.constantFrom(...ASKED.map(([text]) => text)), fc.nat(6), fc.constantFrom(...words)).map(([text, at, word]) =>
    text.split(" ").map((old, i) => (i === at ? word : old)).join(" "));
  await fc.assert(fc.asyncProperty(fc.oneof(line, nearly), async (text) => {
    const { control, calls } = stub({ ping: async () => ({ sent: 1, received: 1, min: 1, average: 1, max: 1 }) });
    let parsed = false;
    try {
      const { command, values, json } = grammar.parse(text);
      parsed = true;
      assert.is(calls.length, 0);
      await command.run({ control, out: () => {}, signal: new AbortController().signal }, values, json);
    } catch (error) {
      assert.instance(error, WeftError);
    }
    const asked = calls.filter(([name]) => name !== "customNodes"); // asked as well, where a node is not found elsewhere
    assert.ok(parsed ? asked.length <= 1 : calls.length === 0);
  }), { numRuns: 5000 });
});

test.run();
