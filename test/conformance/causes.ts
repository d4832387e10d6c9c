// What stands behind the points in which weft is worse, in the order in which it ought to be mended: a point belongs to the first cause
// that names it. "known": the README's limits say so already.

export interface Cause {
  points: RegExp;
  what: string;
  where: string;
  known: boolean;
}

export const CAUSES: Cause[] = [
  { points: /^mtu: (?!DF)/, known: true, what: "packets that are too long for the next link and may be fragmented are dropped (RFC 1812 4.2.2.7, MUST)", where: "ip4-rewrite (tooLong) → a new node beside it, assembly/nodes/ip4-fragment.ts" },
  { points: /^reassembly:|^echo: \d+ bytes of data, in fragments/, known: true, what: "fragments to the router are dropped, and no time exceeded code 1 (RFC 1122 3.3.2, MUST)", where: "ip4-local (FRAGMENT) → a node with bounded state, assembly/nodes/ip4-reassembly.ts" },
  { points: /^martian: source (198\.51\.100\.1|203\.0\.113\.1),/, known: false, what: "packets whose source is the router's own address are forwarded (RFC 1812 5.3.8, RFC 2827: they cannot have come from there)", where: "ip4-input (check): the source's adjacency is local" },
  { points: /source behind another link/, known: false, what: "an error's source is the receiving interface's address, not that of the interface it leaves by (RFC 1812 4.3.2.4, MUST)", where: "ip4-icmp-error (send): look the original's source up" },
  { points: /^transport: UDP(?!-)/, known: false, what: "port unreachable about datagrams with a bad checksum or length; trailing bytes behind the datagram quoted (RFC 1122 4.1.3.4, MUST drop)", where: "ip4-local (deliver): the checks of RFC 768 before the answer" },
  { points: /^options: .*(source route)|^routes: no redirect for a source route/, known: true, what: "source routes are neither processed nor dropped (RFC 1812 5.2.4.1; RFC 7126 4.3, 4.4: drop by default)", where: "ip4-input → a new node for headers over 20 bytes, assembly/nodes/ip4-options.ts" },
  { points: /^options: .*(length|pointer 3|pointer 4|room for three bytes|overflow at 15|malformed|twice|no room)/, known: true, what: "malformed options are passed on: no parameter problem (RFC 1812 4.2.2.1, 4.3.3.5, MUST)", where: "ip4-options.ts, and ip4-icmp-error for the pointer" },
  { points: /^options: .*(record route|timestamp)/, known: true, what: "record route and timestamp are not filled in, by the router or in its replies (RFC 1812 5.3.13.5, 5.3.13.6, 4.3.3.6)", where: "ip4-options.ts; icmp4-input for replies" },
  { points: /^options: to the router:/, known: true, what: "echo replies repeat options that say nothing about them: router alert, security, unknown ones", where: "icmp4-input (reply)" },
  { points: /^errors: rate of errors/, known: true, what: "errors are not limited in their rate (RFC 1812 4.3.2.8)", where: "ip4-icmp-error: a token bucket a destination" },
  { points: /^transport: TCP/, known: true, what: "no TCP reset for closed ports (RFC 9293 3.10.7.1, MUST)", where: "ip4-local → assembly/nodes/ip4-tcp-reset.ts" },
  { points: /^errors: TOS/, known: false, what: "an error's TOS bits are not those of the packet (RFC 1812 4.3.2.5, SHOULD)", where: "ip4-icmp-error (send): ERROR_TOS | (tos & 0x1e)" },
  { points: /^header: VLAN 0/, known: true, what: "priority-tagged frames are dropped (IEEE 802.1Q 6.9)", where: "ethernet-input" },
];
