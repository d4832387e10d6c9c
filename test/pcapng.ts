// The packets of a pcapng file as this machine writes it: their interface's name, comment and bytes.

import { readFileSync } from "node:fs";

export interface CapturedBlock {
  interface: string;
  comment: string;
  /** 1 inbound, 2 outbound, 0: nothing is said */
  direction: number;
  data: Buffer;
  original: number;
}

export function readPcapng(path: string): CapturedBlock[] {
  const bytes = readFileSync(path);
  const names: string[] = [];
  const packets: CapturedBlock[] = [];
  for (let at = 0; at < bytes.length;) {
    const [type, length] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
    if (length < 12 || length % 4 !== 0 || bytes.readUInt32LE(at + length - 4) !== length) throw new Error(`${path}: a block of ${length} bytes at ${at}`);
    const body = bytes.subarray(at + 8, at + length - 4);
    if (type === 1) names.push(options(body, 8).get(2)!.toString());
    if (type === 6) {
      const captured = body.readUInt32LE(12);
      const said = options(body, 20 + Math.ceil(captured / 4) * 4);
      packets.push({
        interface: names[body.readUInt32LE(0)]!, comment: said.get(1)?.toString() ?? "", direction: said.get(2)?.readUInt32LE(0) ?? 0,
        data: body.subarray(20, 20 + captured), original: body.readUInt32LE(16),
      });
    }
    at += length;
  }
  return packets;
}

function options(body: Buffer, from: number): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = from; at + 4 <= body.length && body.readUInt16LE(at) !== 0;) {
    const length = body.readUInt16LE(at + 2);
    found.set(body.readUInt16LE(at), body.subarray(at + 4, at + 4 + length));
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return found;
}
