// TCP and UDP to the router itself, on which nothing listens: RFC 9293 3.10.7.1, RFC 768, RFC 1122 4.

import { A, RA, RB, at } from "../network.js";
import { BROADCAST, counting, datagram, hex, ip4, segment } from "../packet.js";
import { group } from "../point.js";

const [FIN, SYN, RST, ACK] = [1, 2, 4, 16];

/** The same segment with another data offset, in words, its checksum right. */
function headerLength(packet: Buffer, words: number): Buffer {
  const checksum = packet.readUInt16BE(36) - ((words - 5) << 12);
  packet[32] = words << 4;
  packet.writeUInt16BE((checksum + 0xffff) % 0xffff, 36);
  return packet;
}

export default group("transport", (point) => {
  point("TCP SYN", "RFC 9293 3.10.7.1", (p) => p.send("a", segment(A, RA, SYN)));
  point("TCP SYN to the far address", "RFC 9293 3.10.7.1", (p) => p.send("a", segment(A, RB, SYN)));
  point("TCP ACK", "RFC 9293 3.10.7.1", (p) => p.send("a", segment(A, RA, ACK)));
  point("TCP FIN with data", "RFC 9293 3.10.7.1", (p) => p.send("a", segment(A, RA, FIN, { data: counting(10) })));
  point("TCP RST", "RFC 9293 3.10.7.1", (p) => p.send("a", segment(A, RA, RST)));
  point("TCP SYN, bad checksum", "RFC 9293 3.1", (p) => p.send("a", segment(A, RA, SYN, { tcpSum: 0x1111 })));
  point("TCP of 10 bytes", "RFC 9293 3.1", (p) => p.send("a", ip4(A, RA, counting(10), { protocol: 6 })));
  point("TCP SYN to a broadcast", "RFC 1122 4.2.3.10", (p) => p.send("a", segment(A, at("a", 255), SYN), { to: BROADCAST }));
  point("TCP SYN and RST", "RFC 9293 3.10.7.1", (p) => p.send("a", segment(A, RA, SYN | RST)));
  point("TCP SYN with data", "RFC 9293 3.10.7.1", (p) => p.send("a", segment(A, RA, SYN, { data: counting(33) })));
  point("TCP without any flag", "RFC 9293 3.10.7.1", (p) => p.send("a", segment(A, RA, 0)));
  point("TCP SYN with IP options", "RFC 9293 3.10.7.1", (p) => p.send("a", segment(A, RA, SYN, { options: "94040000" })));
  point("TCP SYN, TOS b8", "RFC 9293 3.10.7.1", (p) => p.send("a", segment(A, RA, SYN, { tos: 0xb8 })));
  point("TCP header length 4 words", "RFC 9293 3.1", (p) => p.send("a", headerLength(segment(A, RA, SYN), 4)));
  point("TCP header length beyond the segment", "RFC 9293 3.1", (p) => p.send("a", headerLength(segment(A, RA, SYN), 6)));
  point("UDP without a checksum", "RFC 768", (p) => p.send("a", datagram(A, RA, { udpSum: 0 })));
  point("UDP, bad checksum", "RFC 1122 4.1.3.4", (p) => p.send("a", datagram(A, RA, { udpSum: 0x1111 })));
  point("UDP length shorter than the datagram", "RFC 768", (p) => p.send("a", datagram(A, RA, { udpLength: 10, udpSum: 0 })));
  point("UDP length beyond the packet", "RFC 768", (p) => p.send("a", datagram(A, RA, { udpLength: 100, udpSum: 0 })));
  point("UDP length 7", "RFC 768", (p) => p.send("a", datagram(A, RA, { udpLength: 7, udpSum: 0 })));
  point("UDP of 4 bytes", "RFC 768", (p) => p.send("a", ip4(A, RA, hex("9c408235"), { protocol: 17 })));
  point("UDP port 0", "RFC 768", (p) => p.send("a", datagram(A, RA, { port: 0 })));
  point("UDP-Lite", "RFC 3828", (p) => p.send("a", ip4(A, RA, counting(24), { protocol: 136 })));
  point("IGMP query", "RFC 3376", (p) => p.send("a", ip4(A, "224.0.0.1", hex("1164ee9b00000000"), { protocol: 2, ttl: 1, options: "94040000" }), { to: "01:00:5e:00:00:01" }));
  point("SCTP INIT", "RFC 9260 8.4", (p) => p.send("a", ip4(A, RA, counting(32), { protocol: 132 })));
  point("GRE", "RFC 2784", (p) => p.send("a", ip4(A, RA, hex("00000800"), { protocol: 47 })));
  point("IP in IP", "RFC 2003", (p) => p.send("a", ip4(A, RA, datagram(A, RB), { protocol: 4 })));
});
