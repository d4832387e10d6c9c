// Routers that are wrong in one thing: Linux with a mangler at its ports, which changes what it sends. The comparison has to notice each.

import type { Mangle } from "./lab.js";
import { ARP, IP4, sum } from "./packet.js";

/** A defect works on a copy of the frame; null: the frame is lost. */
type Defect = (packet: Buffer, frame: Buffer) => Buffer | Buffer[] | null;

const isError = (packet: Buffer): boolean => packet[9] === 1 && [3, 11, 12].includes(packet[(packet[0]! & 15) * 4]!);
const header = (packet: Buffer): number => (packet[0]! & 15) * 4;

function resum(frame: Buffer): Buffer {
  const packet = frame.subarray(14);
  const size = header(packet);
  packet.writeUInt16BE(0, 10);
  packet.writeUInt16BE(sum(packet.subarray(0, size)) ^ 0xffff, 10);
  if (packet[9] === 1 && (packet.readUInt16BE(6) & 0x3fff) === 0) {
    const message = packet.subarray(size, packet.readUInt16BE(2));
    message.writeUInt16BE(0, 2);
    message.writeUInt16BE(sum(message) ^ 0xffff, 2);
  }
  return frame;
}

/** Shortens the packet to `length` bytes. */
function cut(frame: Buffer, length: number): Buffer {
  if (frame.length - 14 <= length) return frame;
  const short = Buffer.from(frame.subarray(0, 14 + length));
  short.writeUInt16BE(length, 16);
  return resum(short);
}

const icmpOnly = (type: number, code: number | null, change: Defect): Defect => (packet, frame) => {
  const at = header(packet);
  return packet[9] === 1 && packet[at] === type && (code === null || packet[at + 1] === code) ? change(packet, frame) : frame;
};
const errorOnly = (change: Defect): Defect => (packet, frame) => (isError(packet) ? change(packet, frame) : frame);
const udpOnly = (change: Defect): Defect => (packet, frame) => (packet[9] === 17 ? change(packet, frame) : frame);
const lost: Defect = () => null;

const DEFECTS: Record<string, Defect> = {
  "ttl-kept": udpOnly((packet, frame) => (packet[8]!++, resum(frame))),
  "checksum-stale": udpOnly((packet, frame) => (packet.writeUInt16BE((packet.readUInt16BE(10) + 0xff00) & 0xffff, 10), frame)),
  "checksum-ffff": udpOnly((packet, frame) => (packet.readUInt16BE(10) === 0 && packet.writeUInt16BE(0xffff, 10), frame)),
  "tos-cleared": udpOnly((packet, frame) => ((packet[1] = 0), resum(frame))),
  "id-changed": udpOnly((packet, frame) => (packet.writeUInt16BE(packet.readUInt16BE(4) ^ 1, 4), resum(frame))),
  "df-cleared": udpOnly((packet, frame) => ((packet[6]! &= 0xbf), resum(frame))),
  "payload-bit": udpOnly((_, frame) => ((frame[frame.length - 1]! ^= 1), frame)),
  "twice": udpOnly((_, frame) => [frame, frame]),
  "trailing-bytes": udpOnly((_, frame) => Buffer.concat([frame, Buffer.from([1])])),
  "wrong-source-mac": (_, frame) => ((frame[11]! ^= 1), frame),
  "quote-28": errorOnly((packet, frame) => cut(frame, header(packet) + 8 + 28)),
  "quote-27": errorOnly((packet, frame) => cut(frame, header(packet) + 8 + 27)),
  "quote-ttl": errorOnly((packet, frame) => (packet[header(packet) + 16]!--, resum(frame))),
  "quote-checksum": errorOnly((packet, frame) => (packet.writeUInt16BE(0, header(packet) + 18), resum(frame))),
  "error-checksum": errorOnly((packet, frame) => ((packet[header(packet) + 2]! ^= 1), frame)),
  "error-tos": errorOnly((packet, frame) => ((packet[1] = 0), resum(frame))),
  "error-ttl": errorOnly((packet, frame) => ((packet[8] = 1), resum(frame))),
  "error-source": errorOnly((packet, frame) => ((packet[15]! ^= 4), resum(frame))),
  "no-errors": errorOnly(lost),
  "no-time-exceeded": icmpOnly(11, 0, lost),
  "no-reassembly-error": icmpOnly(11, 1, lost),
  "no-host-unreachable": icmpOnly(3, 1, lost),
  "no-redirect": icmpOnly(5, null, lost),
  "no-parameter-problem": icmpOnly(12, null, lost),
  "pointer-off-by-one": icmpOnly(12, null, (packet, frame) => (packet[header(packet) + 4]!++, resum(frame))),
  "prohibited-as-host": icmpOnly(3, 13, (packet, frame) => ((packet[header(packet) + 1] = 1), resum(frame))),
  "mtu-zero": icmpOnly(3, 4, (packet, frame) => (packet.writeUInt16BE(0, header(packet) + 6), resum(frame))),
  "echo-tos": icmpOnly(0, 0, (packet, frame) => ((packet[1] = 0), resum(frame))),
  "echo-data": icmpOnly(0, 0, (_, frame) => (frame.length > 60 ? ((frame[50]! ^= 1), resum(frame)) : frame)),
  "no-fragments": (packet, frame) => ((packet.readUInt16BE(6) & 0x1fff) !== 0 ? null : frame),
  "fragment-mf": (packet, frame) => ((packet.readUInt16BE(6) & 0x1fff) !== 0 ? ((packet[6]! &= 0xdf), resum(frame)) : frame),
  "options-cleared": (packet, frame) => (header(packet) > 20 ? (packet.fill(1, 20, header(packet)), resum(frame)) : frame),
  "no-reset": (packet, frame) => (packet[9] === 6 && packet[header(packet) + 13]! & 4 ? null : frame),
};

type ArpDefect = (arp: Buffer, frame: Buffer) => Buffer[];
const ARP_DEFECTS: Record<string, ArpDefect> = {
  "arp-silent": (arp, frame) => (arp[7] === 2 ? [] : [frame]),
  "arp-wrong-mac": (arp, frame) => ((arp[13]! ^= 1), [frame]),
  "arp-probe-target": (arp, frame) => (arp.readUInt32BE(24) === 0 ? (arp.writeUInt32BE(1, 24), [frame]) : [frame]),
  "arp-storm": (arp, frame) => (arp[7] === 1 ? [frame, frame, frame] : [frame]),
};

/** Sends of every burst of four datagrams the second one after the third. */
function reorder(): Mangle {
  let kept: Buffer | null = null;
  let n = 0;
  return (_, frame) => {
    if (frame.readUInt16BE(12) !== IP4 || frame[23] !== 17) return [frame];
    if (n++ % 4 === 1) {
      kept = frame;
      return [];
    }
    const out = kept ? [frame, kept] : [frame];
    kept = null;
    return out;
  };
}

/** The group that each defect is shown to, where it is not "header". */
const SHOWN_TO: [names: RegExp, group: string][] = [
  [/^(quote|error)-|^no-(errors)$|^prohibited/, "errors"], [/^no-time/, "ttl"], [/^no-redirect$|^reorder$/, "routes"], [/^no-reassembly/, "reassembly"],
  [/^no-host/, "neighbour"], [/^no-param|^pointer|^options/, "options"], [/^mtu|fragment/, "mtu"], [/^echo/, "echo"], [/^no-reset/, "transport"],
  [/^arp-storm/, "neighbour"], [/^arp/, "arp"],
];
export const shownTo = (name: string): string => SHOWN_TO.find(([names]) => names.test(name))?.[1] ?? "header";

export const BROKEN = [...Object.keys(DEFECTS), ...Object.keys(ARP_DEFECTS), "reorder"];
export const SOUND: Mangle = (_, frame) => [frame];

/** The mangler of a defect; throws for a name that none has. */
export function mangler(name: string): Mangle {
  if (name === "reorder") return reorder();
  const [ip, arp] = [DEFECTS[name] as Defect | undefined, ARP_DEFECTS[name] as ArpDefect | undefined];
  if (!ip && !arp) throw new Error(`no defect "${name}": there are ${BROKEN.join(", ")}`);
  return (_, original) => {
    const frame = Buffer.from(original);
    const type = frame.length >= 34 ? frame.readUInt16BE(12) : 0;
    if (ip && type === IP4) {
      const out = ip(frame.subarray(14), frame);
      return out === null ? [] : Array.isArray(out) ? out : [out];
    }
    return arp && type === ARP ? arp(frame.subarray(14), frame) : [frame];
  };
}
