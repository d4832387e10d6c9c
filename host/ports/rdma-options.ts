// What can be asked of an rdma port, and what stands where nothing was: the words and figures of VPP's rdma plugin.

import type { RdmaPortOptions } from "../addon.js";
import { bad } from "../errors.js";

export const QUEUE_SIZE_MIN = 256;
export const QUEUE_SIZE_MAX = 32768;
export const RX_QUEUES_MAX = 64;
export const PACKET_LENGTH_MIN = 64;
export const PACKET_LENGTH_MAX = 65535;
/** IBV_RX_HASH_* of infiniband/verbs.h: source and destination address of IPv4, of IPv6, and ports of TCP, of UDP */
const [IPV4, IPV6, TCP, UDP] = [3 << 0, 3 << 2, 3 << 4, 3 << 6] as const;
export const RSS_FIELDS: Record<RssType, number> = {
  ipv4: IPV4, "ipv4-udp": IPV4 | UDP, "ipv4-tcp": IPV4 | TCP, ipv6: IPV6, "ipv6-udp": IPV6 | UDP, "ipv6-tcp": IPV6 | TCP,
};
const MODES = ["auto", "ibv", "dv"];

/** Which fields of a packet say to what receive queue it goes: addresses, or addresses and ports. */
export type RssType = "ipv4" | "ipv4-udp" | "ipv4-tcp" | "ipv6" | "ipv6-udp" | "ipv6-tcp";
const RSS_TYPES = Object.keys(RSS_FIELDS) as RssType[];

export interface RdmaOptions {
  /** the netdev that shares the port with Linux; or `device` */
  hostInterface?: string;
  /** verbs device, "mlx5_0" */
  device?: string;
  /** of the new interface; default rdma-0, rdma-1, … */
  name?: string;
  /** powers of two, 256 … 32,768; default 1024 */
  rxQueueSize?: number;
  txQueueSize?: number;
  /** default 1 */
  rxQueues?: number;
  /** dv: the rings themselves; ibv: through libibverbs; default auto: dv where the adapter can */
  mode?: "auto" | "ibv" | "dv";
  /** which fields spread packets over the receive queues, at most one for IPv4 and one for IPv6; default ipv4-tcp and ipv6-tcp */
  rss?: RssType[];
  /** longest frame to receive; default what the port's MTU lets through */
  maxPacketLength?: number;
  /** false: no packet may take more than one buffer */
  multiSegment?: boolean;
  /** false: a receive queue's entry holds one packet even where the adapter can put several into one */
  striding?: boolean;
  /** false: the adapter's word on checksums is not taken */
  rxChecksum?: boolean;
  /** false: the adapter is not asked to compress completions */
  compression?: boolean;
}

/** What opening finds out. */
type Found = "folder" | "netdev" | "portMac" | "portMtu" | "inlineHeaders" | "rss4" | "rss6" | "mac" | "memory" | "pool" | "poolEnd" | "workers";

/** Everything decided but which device it is, where the packets lie and whose they are. */
export interface RdmaSettings extends Omit<RdmaPortOptions, Found> {
  /** of a netdev or of a verbs device */
  name: string;
  kind: "netdev" | "device";
  /** one for IPv4, one for IPv6 */
  rss: RssType[];
}

/** Checks options and completes them. Throws BAD_ARGUMENT. */
export function rdmaSettings(options: RdmaOptions): RdmaSettings {
  const { hostInterface, device, maxPacketLength } = options;
  if ((hostInterface === undefined) === (device === undefined)) {
    throw bad("which port? give either its netdev (host-if eth0) or its verbs device (device mlx5_0)");
  }
  const { mode = "auto", rxQueues = 1, rxQueueSize = 1024, txQueueSize = 1024 } = options;
  if (!MODES.includes(mode)) throw bad(`mode ${mode} is not one of ${MODES.join(", ")}`);
  checkSize("rx-queue-size", rxQueueSize);
  checkSize("tx-queue-size", txQueueSize);
  checkRange("num-rx-queues", rxQueues, 1, RX_QUEUES_MAX);
  if (maxPacketLength !== undefined) checkRange("max-pktlen", maxPacketLength, PACKET_LENGTH_MIN, PACKET_LENGTH_MAX);
  return {
    name: (hostInterface ?? device)!, kind: hostInterface === undefined ? "device" : "netdev", mode, rxQueueSize, txQueueSize, rxQueues,
    rss: rssTypes(options.rss ?? []), maxPacketLength: maxPacketLength ?? 0, multiSegment: options.multiSegment ?? true,
    striding: options.striding ?? true, rxChecksum: options.rxChecksum ?? true, compression: options.compression ?? true,
  };
}

/** One type for each protocol. */
function rssTypes(asked: RssType[]): RssType[] {
  const wrong = asked.find((type) => !RSS_TYPES.includes(type));
  if (wrong !== undefined) throw bad(`rss ${wrong} is not one of ${RSS_TYPES.join(", ")}`);
  return (["ipv4", "ipv6"] as const).map((protocol) => {
    const types = asked.filter((type) => type.startsWith(protocol));
    if (types.length > 1) throw bad(`rss ${types.join(" and rss ")}: one for ${protocol} at most`);
    return types[0] ?? `${protocol}-tcp`;
  });
}

function checkSize(what: string, size: number): void {
  if (Number.isInteger(Math.log2(size)) && size >= QUEUE_SIZE_MIN && size <= QUEUE_SIZE_MAX) return;
  throw bad(`${what} ${size} is not a power of two from ${QUEUE_SIZE_MIN} to ${QUEUE_SIZE_MAX}, such as 1024`);
}

function checkRange(what: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) throw bad(`${what} ${value} is not a whole number from ${least} to ${most}`);
}
