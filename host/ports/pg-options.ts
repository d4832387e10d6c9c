// A packet generator's stream: as people ask for it and see it.

import type { PgReplay, PgStreamOptions, PgTemplate } from "../addon.js";
import { bad } from "../errors.js";
import { indexCapture } from "./pg.js";
import { parseTemplate } from "./pg-template.js";

export interface PacketStreamOptions {
  name: string;
  /** the packet generator interface that receives its packets */
  interface: string;
  /** packets; 0: without end. Default 0 with data, once through the file with a capture */
  limit?: number;
  /** packets a second; 0, the default: as fast as they are taken */
  rate?: number;
  /** bytes: "64", "64-1500" counting up, "64+1500" random; default 60, or what the data need. Not for captures */
  size?: string;
  /** of random values; default 0 */
  seed?: number;
  /** the packet as text: "UDP: 192.0.2.2 -> 198.51.100.1-198.51.100.9 UDP: 1234 -> 2345"; pg-template.ts says it all */
  data?: string;
  /** a capture file, pcap or pcapng, whose packets to replay; it has to stay as it is */
  pcap?: string;
}

export interface PacketStreamInfo {
  name: string;
  interface: string;
  enabled: boolean;
  /** since it was enabled */
  packets: number;
  bytes: number;
  /** ms from then to when the worker last asked for packets */
  elapsed: number;
  limit: number;
  rate: number;
  size: string | null;
  seed: number;
  data: string | null;
  pcap: string | null;
  /** why it stopped before its end */
  failure: string | null;
}

export interface PacketGeneratorInfo {
  /** `output`: the interface that receives what is sent through this one; null: it is dropped */
  interfaces: { name: string; output: string | null }[];
  streams: PacketStreamInfo[];
}

const RATE_MAX = 1e9;

/** A stream as the shim wants it; `mac` is of its interface. Throws BAD_ARGUMENT, NOT_FOUND. */
export async function streamOptions(given: PacketStreamOptions, mac: string): Promise<PgStreamOptions & (PgTemplate | PgReplay)> {
  const { limit, rate = 0, seed = 0, size, data, pcap } = given;
  for (const [name, value] of [["limit", limit ?? 0], ["seed", seed]] as const) {
    if (!Number.isSafeInteger(value) || value < 0) throw bad(`${name} ${value} is not a whole number from 0 to 2^53`);
  }
  if (!(rate >= 0 && rate <= RATE_MAX)) throw bad(`rate ${rate} is not a number of packets a second from 0 to ${RATE_MAX}`);
  if ((data === undefined) === (pcap === undefined)) throw bad(`stream ${given.name} wants packets: either data or pcap`);
  if (data !== undefined) return { limit: limit ?? 0, rate, ...parseTemplate(data, size, mac, seed) };
  if (size !== undefined) throw bad("size is for data: a capture's packets have their own");
  const replay = await indexCapture(pcap!);
  return { limit: limit ?? replay.index.length / 2, rate, ...replay };
}
