// Headers as people read them, a line each: of a packet's first bytes, as far as they go. Nothing in them is believed.

import type { Layer } from "../graph/node-trace.js";
import { formatIp4, formatMac } from "./addresses.js";

const ETHER_TYPES: Record<number, string> = { 0x0800: "IPv4", 0x0806: "ARP", 0x86dd: "IPv6", 0x8100: "VLAN", 0x88cc: "LLDP" };
const PROTOCOLS: Record<number, string> = { 1: "icmp", 2: "igmp", 4: "ipip", 6: "tcp", 17: "udp", 47: "gre", 50: "esp", 89: "ospf", 132: "sctp" };
/** RFC 792. */
const ICMP_TYPES: Record<number, string> = {
  0: "echo reply", 3: "destination unreachable", 4: "source quench", 5: "redirect", 8: "echo request", 11: "time exceeded", 12: "parameter problem",
};
/** RFC 9293, 3.1, from the lowest bit on. */
const TCP_FLAGS = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
const HEX_MAX = 32;

/** The headers of a packet that begins with this layer; null: nobody knows, so bytes in hex. */
export function dissect(data: Uint8Array, layer: Layer | null): string[] {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  switch (layer) {
    case "ethernet":
      return ethernet(view);
    case "arp":
      return arp(view);
    case "ip4":
      return ip4(view);
    case null:
      return data.length === 0 ? [] : [`bytes: ${hex(view, 0, HEX_MAX)}`];
  }
}

function ethernet(view: DataView): string[] {
  if (view.byteLength < 14) return cut("ethernet", view);
  const type = view.getUint16(12);
  const name = type in ETHER_TYPES ? ` (${ETHER_TYPES[type]})` : "";
  const line = `ethernet: ${mac(view, 6)} -> ${mac(view, 0)}, type 0x${word(view, 12)}${name}`;
  const rest = from(view, 14);
  return [line, ...(type === 0x0800 ? ip4(rest) : type === 0x0806 ? arp(rest) : [])];
}

/** RFC 826. */
function arp(view: DataView): string[] {
  if (view.byteLength < 28) return cut("arp", view);
  const [sender, target] = [`${ip(view, 14)} (${mac(view, 8)})`, ip(view, 24)];
  const operation = view.getUint16(6);
  if (operation === 1) return [`arp: request, ${sender} asks for ${target}`];
  return [operation === 2 ? `arp: reply, ${sender} to ${target} (${mac(view, 18)})` : `arp: operation ${operation}, ${sender} to ${target}`];
}

/** RFC 791. */
function ip4(view: DataView): string[] {
  if (view.byteLength < 20) return cut("ipv4", view);
  const [first, fragment, protocol] = [view.getUint8(0), view.getUint16(6), view.getUint8(9)];
  if (first >> 4 !== 4) return [`ipv4: version ${first >> 4}, bytes: ${hex(view, 0, 20)}`];
  const offset = (fragment & 0x1fff) * 8;
  const marks = [...(fragment & 0x4000 ? ["DF"] : []), ...(fragment & 0x2000 ? ["MF"] : []), ...(offset > 0 ? [`offset ${offset}`] : [])];
  const header = (first & 15) * 4;
  const options = header > 20 ? [`${header - 20} bytes of options`] : [];
  const line = [
    `ipv4: ${ip(view, 12)} -> ${ip(view, 16)}`, PROTOCOLS[protocol] ?? `protocol ${protocol}`, `ttl ${view.getUint8(8)}`, `tos 0x${hex(view, 1, 1)}`,
    `length ${view.getUint16(2)}`, `id 0x${word(view, 4)}`, ...marks, ...options, `checksum 0x${word(view, 10)}`,
  ].join(", ");
  if (offset > 0 || header < 20) return [line];
  return [line, ...transport(protocol, from(view, header))];
}

function transport(protocol: number, view: DataView): string[] {
  if (protocol === 1) return icmp(view);
  if (protocol === 6) return tcp(view);
  return protocol === 17 ? udp(view) : [];
}

function icmp(view: DataView): string[] {
  if (view.byteLength < 8) return cut("icmp", view);
  const type = view.getUint8(0);
  const echo = type === 0 || type === 8 ? `, id ${view.getUint16(4)}, sequence ${view.getUint16(6)}` : "";
  const mtu = type === 3 && view.getUint8(1) === 4 ? `, mtu ${view.getUint16(6)}` : ""; // RFC 1191, 4
  return [`icmp: ${ICMP_TYPES[type] ?? `type ${type}`}, code ${view.getUint8(1)}${echo}${mtu}, checksum 0x${word(view, 2)}`];
}

function udp(view: DataView): string[] {
  if (view.byteLength < 8) return cut("udp", view);
  return [`udp: ${view.getUint16(0)} -> ${view.getUint16(2)}, length ${view.getUint16(4)}, checksum 0x${word(view, 6)}`];
}

function tcp(view: DataView): string[] {
  if (view.byteLength < 20) return cut("tcp", view);
  const flags = TCP_FLAGS.filter((_, bit) => (view.getUint8(13) >> bit) & 1).join(" ") || "none";
  return [`tcp: ${view.getUint16(0)} -> ${view.getUint16(2)}, flags ${flags}, sequence ${view.getUint32(4)}, acknowledges ${view.getUint32(8)}, `
    + `window ${view.getUint16(14)}, checksum 0x${word(view, 16)}`];
}

function cut(what: string, view: DataView): string[] {
  return [`${what}: only ${view.byteLength} bytes: ${hex(view, 0, HEX_MAX)}`];
}

function from(view: DataView, offset: number): DataView {
  const skipped = Math.min(offset, view.byteLength);
  return new DataView(view.buffer, view.byteOffset + skipped, view.byteLength - skipped);
}

function ip(view: DataView, at: number): string {
  return formatIp4(view.getUint32(at, true));
}

function mac(view: DataView, at: number): string {
  return formatMac(new Uint8Array(view.buffer, view.byteOffset + at, 6));
}

function word(view: DataView, at: number): string {
  return view.getUint16(at).toString(16).padStart(4, "0");
}

function hex(view: DataView, at: number, most: number): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, Math.min(most, view.byteLength - at));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
}
