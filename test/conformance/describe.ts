// A frame in words, without what two correct routers may do differently: the identification of packets that the router itself makes,
// the time in timestamps, and how a checksum was computed as long as it is right.

import { ALL, type LinkName } from "./network.js";
import { ARP, ICMP, IP4, TCP, UDP, sum } from "./packet.js";
import { createHash } from "node:crypto";

const ERRORS = new Set([3, 4, 5, 11, 12]);
/** Payloads up to here are shown whole. */
const SHOWN = 48;
const OWN = new Set(ALL.map(({ router }) => router));

const macText = (bytes: Buffer): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
const ipText = (bytes: Buffer): string => [...bytes].join(".");

/** `sent`: IP packets that an ICMP error may quote. */
export function describe(link: LinkName, frame: Buffer, sent: Buffer[]): string {
  if (frame.length < 14) return `${link} runt ${frame.toString("hex")}`;
  const type = frame.readUInt16BE(12);
  const head = `${link} ${macText(frame.subarray(6, 12))}>${macText(frame.subarray(0, 6))}`;
  const payload = frame.subarray(14);
  if (type === ARP) return `${head} ${describeArp(payload)}`;
  if (type === IP4) return `${head} ${describeIp(payload, sent)}`;
  return `${head} type ${type.toString(16)} ${data(payload)}`;
}

function describeArp(arp: Buffer): string {
  if (arp.length < 28) return `ARP short ${arp.toString("hex")}`;
  const fixed = arp.subarray(0, 6).toString("hex");
  const kind = fixed === "000108000604" ? "" : ` ${fixed}`;
  const operation = ["?", "request", "reply"][arp.readUInt16BE(6)] ?? String(arp.readUInt16BE(6));
  const sender = `${ipText(arp.subarray(14, 18))} ${macText(arp.subarray(8, 14))}`;
  // RFC 826 says nothing of the target's MAC address in a request
  const target = `${ipText(arp.subarray(24, 28))}${operation === "request" ? "" : ` ${macText(arp.subarray(18, 24))}`}`;
  const padding = arp.subarray(28).some((byte) => byte !== 0) ? ` padding ${arp.subarray(28).toString("hex")}` : "";
  return `ARP${kind} ${operation} ${sender} > ${target}${padding}`;
}

function describeIp(packet: Buffer, sent: Buffer[]): string {
  if (packet.length < 20) return `IP short ${packet.toString("hex")}`;
  const header = (packet[0]! & 15) * 4;
  const total = packet.readUInt16BE(2);
  if (packet[0]! >> 4 !== 4 || header < 20 || header > packet.length || total < header || total > packet.length) {
    return `IP malformed ${packet.subarray(0, SHOWN).toString("hex")}`;
  }
  const [from, to] = [ipText(packet.subarray(12, 16)), ipText(packet.subarray(16, 20))];
  const bits = packet.readUInt16BE(6);
  const offset = (bits & 0x1fff) * 8;
  const words = [
    `IP ${from}>${to}`, `tos ${packet[1]!.toString(16)}`, `len ${total}`, `id ${OWN.has(from) ? "*" : packet.readUInt16BE(4).toString(16)}`,
    ...(bits & 0x8000 ? ["evil"] : []), ...(bits & 0x4000 ? ["DF"] : []), ...(bits & 0x2000 ? ["MF"] : []), ...(offset > 0 ? [`offset ${offset}`] : []),
    `ttl ${packet[8]}`, ...(header > 20 ? [`options ${options(packet.subarray(20, header))}`] : []), checksum(packet.subarray(0, header)),
  ];
  const trailing = packet.length - total;
  const payload = packet.subarray(header, total);
  const inner = bits & 0x3fff ? `protocol ${packet[9]} ${data(payload)}` : describeTransport(packet[9]!, packet, payload, sent);
  return `${words.join(" ")} | ${inner}${trailing > 0 && packet.subarray(total).some((byte) => byte !== 0) ? ` and ${trailing} bytes behind` : ""}`;
}

/** RFC 1624: the representation counts too, a right sum is never ffff. */
function checksum(header: Buffer): string {
  if (sum(header) !== 0xffff) return `checksum BAD ${header.readUInt16BE(10).toString(16)}`;
  return header.readUInt16BE(10) === 0xffff ? "checksum ffff" : "checksum ok";
}

/** In hex, with T for each time of day in a timestamp option (RFC 791, 3.1). */
function options(bytes: Buffer): string {
  const text: string[] = [];
  for (let i = 0; i < bytes.length; ) {
    const length = bytes[i]! < 2 ? 1 : Math.max(2, bytes[i + 1] ?? 2);
    const option = bytes.subarray(i, i + length);
    text.push(option[0] === 68 && option.length >= 8 ? timestamps(option) : option.toString("hex"));
    i += length;
  }
  return text.join(",");
}

function timestamps(option: Buffer): string {
  const withAddress = (option[3]! & 15) !== 0;
  let text = option.subarray(0, 4).toString("hex");
  for (let i = 4; i < option.length; i += 4) {
    const word = option.subarray(i, i + 4);
    const stamp = !withAddress || (i - 4) % 8 === 4;
    text += ` ${stamp && word.some((byte) => byte !== 0) ? "T" : word.toString("hex")}`;
  }
  return text;
}

function describeTransport(protocol: number, packet: Buffer, payload: Buffer, sent: Buffer[]): string {
  if (protocol === ICMP && payload.length >= 8) return describeIcmp(payload, sent);
  if (protocol === UDP && payload.length >= 8) return `UDP ${payload.readUInt16BE(0)}>${payload.readUInt16BE(2)} sum ${payload.subarray(6, 8).toString("hex")} ${data(payload.subarray(8))}`;
  if (protocol === TCP && payload.length >= 20) {
    const pseudo = Buffer.concat([packet.subarray(12, 20), Buffer.from([0, TCP, payload.length >> 8, payload.length & 0xff])]);
    const good = sum(Buffer.concat([pseudo, payload])) === 0xffff ? "ok" : "BAD";
    const masked = Buffer.from(payload);
    masked.writeUInt16BE(0, 16);
    return `TCP sum ${good} ${masked.toString("hex")}`;
  }
  return `protocol ${protocol} ${data(payload)}`;
}

function describeIcmp(message: Buffer, sent: Buffer[]): string {
  const [type, code] = [message[0]!, message[1]!];
  const good = sum(message) === 0xffff ? "ok" : "BAD";
  const rest = message.subarray(4, 8).toString("hex");
  if (ERRORS.has(type)) return `ICMP ${type}/${code} sum ${good} ${rest} ${quoted(message.subarray(8), sent)}`;
  if (type === 14) return `ICMP 14/${code} sum ${good} ${rest} ${message.subarray(8, 12).toString("hex")} T T`;
  return `ICMP ${type}/${code} sum ${good} ${rest} ${data(message.subarray(8))}`;
}

/** What of the sent packets an error quotes, and where it differs from it (RFC 1812, 4.3.2.3: unchanged). */
function quoted(quote: Buffer, sent: Buffer[]): string {
  let best = "";
  let least = Infinity;
  for (const [i, original] of sent.entries()) {
    const differences: string[] = [];
    for (let at = 0; at < quote.length; at++) if (quote[at] !== original[at]) differences.push(`${at}:${original[at]?.toString(16) ?? "-"}→${quote[at]!.toString(16)}`);
    if (differences.length >= least) continue;
    least = differences.length;
    best = `quotes ${quote.length} of #${i + 1}${least === 0 ? "" : ` but ${differences.slice(0, 8).join(" ")}${least > 8 ? " …" : ""}`}`;
  }
  return best || `quotes ${data(quote)}`;
}

function data(bytes: Buffer): string {
  if (bytes.length <= SHOWN) return `[${bytes.toString("hex")}]`;
  return `[${bytes.subarray(0, 8).toString("hex")}… ${bytes.length} bytes ${createHash("sha1").update(bytes).digest("hex").slice(0, 8)}]`;
}

