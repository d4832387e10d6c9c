// What stands behind the points in which weft is worse, in the order in which it ought to be mended: a point belongs to the first cause
// that names it. "known": the README's limits say so already.

export interface Cause {
  points: RegExp;
  what: string;
  where: string;
  known: boolean;
}

export const CAUSES: Cause[] = [
  { points: /^ttl: 1, to an unresolved neighbour/, known: false, what: "a packet with TTL 1 is held and asked for by ARP, then host unreachable: no time exceeded, traceroute shows a wrong hop (RFC 1812 5.3.1)", where: "host/graph/glean.ts (hold), or ip4-lookup: judge the TTL before ip4-glean" },
  { points: /^routes: |^neighbour: host on the sender's own link/, known: false, what: "no redirect when a packet goes back to the link it came from (RFC 1812 5.2.7.2); several next hops for a route (ECMP) are not offered", where: "ip4-rewrite: receiving = sending interface → ip4-icmp-error; host/control/routes.ts and ip4-lookup for ECMP" },
  { points: /^arp: sender \d/, known: false, what: "requests with a martian sender address are answered (RFC 1122 3.2.1.3)", where: "arp-input (malformed): isUnicast(senderIp4), but for 0.0.0.0" },
  { points: /^(arp|neighbour): .*(frame's source|frame with another source)/, known: false, what: "ARP whose sender MAC differs from the frame's is dropped: proxies, VRRP and some bridges are never heard", where: "arp-input (malformed): SENDER_DIFFERS" },
];
