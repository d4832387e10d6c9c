// The typed arguments of commands, by the name that stands in a pattern: `<mtu>`. Only the form is judged
// here; whether an interface exists is the control plane's to say.

import { isIPv4, isIPv6 } from "node:net";
import { isInterfaceName } from "../control/interfaces.js";
import { WEIGHT_MAX } from "../control/paths.js";
import { DELAY_MAX } from "../ports/fault-options.js";
import { PACKET_LENGTH_MAX, PACKET_LENGTH_MIN, QUEUE_SIZE_MAX, QUEUE_SIZE_MIN, RX_QUEUES_MAX } from "../ports/rdma-options.js";
import { jsonFault } from "./json.js";

export interface Argument {
  accepts: (text: string) => boolean;
  /** what is expected, with an example: "a number from 68 to 65535, such as 1500" */
  expected: string;
  /** the words that it may be, where they are few */
  choices?: string[];
  /** what is wrong with a text that is not accepted, where more can be said than what was expected: 'character 9: …' */
  fault?: (text: string) => string | undefined;
}

const INTERFACE: Argument = { accepts: isInterfaceName, expected: "an interface, such as host-eth0" };
const ADDRESS: Argument = { accepts: isIPv4, expected: "an IPv4 address, such as 192.0.2.2" };

/** A decimal number in a range. */
function number(least: number, most: number, example: string, pattern = /^\d{1,10}$/): Argument {
  return {
    accepts: (text) => pattern.test(text) && Number(text) >= least && Number(text) <= most,
    expected: `a number from ${least} to ${most}, such as ${example}`,
  };
}

const WEIGHT = number(1, WEIGHT_MAX, "2");

function isPrefix(text: string): boolean {
  const [address, length, ...more] = text.split("/");
  return more.length === 0 && isIPv4(address!) && /^\d{1,2}$/.test(length ?? "") && Number(length) <= 32;
}

/** 127.0.0.1:9469, [::1]:9469 */
function isEndpoint(text: string): boolean {
  const [, six, four, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  return port !== undefined && Number(port) <= 65535 && (six === undefined ? isIPv4(four!) : isIPv6(six));
}

/** What Linux takes as a netdev's name: dev_valid_name() in net/core/dev.c, and printable. */
function isNetdev(text: string): boolean {
  return /^[!-~]{1,15}$/.test(text) && !/[/:]/.test(text) && text !== "." && text !== "..";
}

function powerOfTwo(least: number, most: number): Argument {
  const inRange = number(least, most, "1024");
  const accepts = (text: string): boolean => inRange.accepts(text) && Number.isInteger(Math.log2(Number(text)));
  return { accepts, expected: `a power of two from ${least} to ${most}, such as 1024` };
}

function oneOf(...words: string[]): Argument {
  return { accepts: (text) => words.includes(text), expected: words.map((word) => JSON.stringify(word)).join(" or "), choices: words };
}

/** Also a table's in a node's state. */
const NODE = /^(?=.{1,48}$)[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** A file with nodes, and which of its nodes. */
export const NODE_FILE = /^(?<file>[^\0-\x1f]+\.(?:wasm|m?js))(?::(?<node>[a-z0-9-]{1,48}))?$/;

/** Where "show node" expects a node it knows these words too, and any beginning of them. */
const TAKEN = ["counters", "table"];

function isNewNode(text: string): boolean {
  return NODE.test(text) && !TAKEN.some((word) => word.startsWith(text));
}

/** `{…}`, which may have anything in it, or @FILE, which nobody has read yet. */
const JSON_OBJECT: Argument = {
  accepts: (text) => (text.startsWith("{") ? jsonFault(text) === undefined : /^@[^\0-\x1f]+$/.test(text)),
  expected: 'a JSON object, such as {"limit": 5}, or @FILE',
  fault: (text) => {
    const fault = text.startsWith("{") ? jsonFault(text) : undefined;
    return fault && `character ${fault.at + 1}: ${fault.what}`;
  },
};

const PREFIX: Argument = { accepts: (text) => isIPv4(text) || isPrefix(text), expected: "an IPv4 address or prefix, such as 192.0.2.0/24" };
/** "1%" → 0.01, "1e5" → 100000, "5ms" → 5; NaN: not written so. */
export function fraction(text: string): number {
  return /^\d{1,3}(\.\d{1,9})?%$/.test(text) ? Number(text.slice(0, -1)) / 100 : NaN;
}
export function amount(text: string): number {
  return /^\d{1,16}(\.\d{1,6})?(e\d{1,2})?$/.test(text) ? Number(text) : NaN;
}
export function milliseconds(text: string): number {
  const [, value, unit] = /^(\d{1,8}(?:\.\d{1,6})?)(us|ms|s)$/.exec(text) ?? [];
  return value === undefined ? NaN : Number(value) * { us: 0.001, ms: 1, s: 1000 }[unit as "us" | "ms" | "s"];
}

const PERCENT: Argument = { accepts: (text) => fraction(text) <= 1, expected: "a percentage, such as 0.1%" };
const DURATION: Argument = { accepts: (text) => milliseconds(text) <= DELAY_MAX, expected: `a time up to ${DELAY_MAX / 1000}s, such as 5ms or 50us` };
/** Arguments that are files, which weft ctl and TAB look for in the folder that one is in. */
export const FILES = ["file", "capture", "pcap"];

const COUNT: Argument = { accepts: (text) => Number.isSafeInteger(amount(text)), expected: "a whole number, such as 1000 or 1e6" };

export const ARGUMENTS: Record<string, Argument> = {
  interface: INTERFACE,
  "interface-2": INTERFACE,
  netdev: { accepts: isNetdev, expected: "the name of a Linux network device, such as eth0" },
  address: ADDRESS,
  gateway: ADDRESS,
  "gateway-2": ADDRESS,
  weight: WEIGHT,
  "weight-2": WEIGHT,
  count: number(1, 2 ** 24, "65536"),
  endpoint: { accepts: isEndpoint, expected: "an address of this machine and a port, such as 127.0.0.1:9469 or [::1]:9469" },
  prefix: { accepts: isPrefix, expected: "an IPv4 address and prefix length, such as 192.0.2.1/24" },
  mac: { accepts: (text) => /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text), expected: "a MAC address, such as 02:fe:00:00:00:01" },
  adjacency: number(0, 65535, "14"),
  mtu: number(68, 65535, "1500"),
  repeat: number(1, 65535, "5"),
  interval: number(0.001, 3600, "0.5", /^(\d{1,4}(\.\d{0,6})?|\.\d{1,6})$/),
  size: number(8, 65507, "56"),
  timeout: number(100, 600_000, "30000"),
  "max-reassemblies": number(1, 65_536, "1024"),
  name: { accepts: isInterfaceName, expected: "a name with a dash or a digit in it, such as rdma-0" },
  device: { accepts: isNetdev, expected: "the name of a verbs device, such as mlx5_0" },
  "rx-queue-size": powerOfTwo(QUEUE_SIZE_MIN, QUEUE_SIZE_MAX),
  "tx-queue-size": powerOfTwo(QUEUE_SIZE_MIN, QUEUE_SIZE_MAX),
  "num-rx-queues": number(1, RX_QUEUES_MAX, "4"),
  "rx-queue": number(0, RX_QUEUES_MAX - 1, "1"),
  worker: number(0, 63, "1"),
  mode: oneOf("auto", "ibv", "dv"),
  "max-pktlen": number(PACKET_LENGTH_MIN, PACKET_LENGTH_MAX, "9000"),
  rss4: oneOf("ipv4", "ipv4-udp", "ipv4-tcp"),
  rss6: oneOf("ipv6", "ipv6-udp", "ipv6-tcp"),
  node: { accepts: (text) => NODE.test(text), expected: "a node's name in lower case, such as acl or flow-meter" },
  "new-node": { accepts: isNewNode, expected: 'a name in lower case, such as acl or flow-meter, and no beginning of "counters" or "table"' },
  anchor: { accepts: (text) => /^[A-Za-z][!-~]{0,95}$/.test(text), expected: "a node of the graph, such as ip4-input" },
  file: { accepts: (text) => NODE_FILE.test(text), expected: "a .wasm or .mjs file, such as build/acl.wasm or build/all.wasm:acl" },
  json: JSON_OBJECT,
  table: { accepts: (text) => NODE.test(text), expected: "a table that the node declares, such as flows" },
  fail: oneOf("closed", "open"),
  next: { accepts: (text) => NODE.test(text), expected: "a next node by its name in the node's declaration, such as continue" },
  "icmp-interval": number(0, 3_600_000, "1000"),
  "icmp-rate": number(0, 1_000_000, "1000"),
  "icmp-burst": number(1, 1_000_000, "50"),
  ms: number(0, 3_600_000, "100"),
  traps: number(0, 3_600_000, "10"),
  packets: number(1, 1000, "10"),
  match: PREFIX,
  destination: PREFIX,
  proto: {
    accepts: (text) => /^(icmp|tcp|udp|arp|\d{1,3})$/.test(text) && (Number(text) <= 255 || !/\d/.test(text)),
    expected: "icmp, tcp, udp, arp or a number up to 255",
  },
  port: number(0, 65535, "53"),
  max: number(1, 0xffffffff, "1000"),
  intfc: { accepts: (text) => text === "any" || isInterfaceName(text), expected: 'an interface, such as host-eth0, or "any"' },
  capture: { accepts: (text) => /^[^\0-\x1f]+$/.test(text), expected: "a file to write, such as /tmp/rx.pcapng" },
  peer: { accepts: isInterfaceName, expected: "a packet generator interface, such as pg1" },
  stream: { accepts: (text) => /^[!-~]{1,64}$/.test(text), expected: "a stream's name, such as s0" },
  limit: COUNT,
  seed: COUNT,
  rate: { accepts: (text) => amount(text) <= 1e9, expected: "packets a second, such as 1e5" },
  sizes: { accepts: (text) => /^\d{1,5}([-+]\d{1,5})?$/.test(text), expected: "bytes, such as 64, 64-1500 (counting up) or 64+1500 (random)" },
  data: { accepts: (text) => text !== "", expected: 'a packet in double quotes, such as "UDP: 192.0.2.2 -> 198.51.100.2 UDP: 1234 -> 2345"' },
  pcap: { accepts: (text) => /^[^\0-\x1f]+$/.test(text), expected: "a capture file, such as web.pcapng" },
  ...Object.fromEntries(["loss", "truncate", "corrupt", "duplicate", "reorder"].map((fault) => [fault, PERCENT])),
  delay: DURATION,
  jitter: DURATION,
};
