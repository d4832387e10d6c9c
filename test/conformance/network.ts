// The network of the comparison. Every router stands in the same place, with the same addresses, MAC addresses and routes:
//
//   a  198.51.100.0/24   hosts .2 .3 .250          ──┐
//   b  203.0.113.0/24    hosts .2 .3 .250          ──┤
//   c  192.0.2.0/24      hosts .2 .3 .250, MTU 600 ──┼── the router, .1
//   d  198.18.0.0/31     the router is .0, its peer .1
//   e  198.19.5.0/24     hosts .2 .3 .250, MTU 9000 ─┘
//
// The hosts are the probe itself; their neighbour entries in the router are static, other addresses have to be asked for. .250 (on d
// the peer) sends the fences.

export type LinkName = "a" | "b" | "c" | "d" | "e";

export interface Link {
  name: LinkName;
  /** the router's address, with its prefix length */
  router: string;
  routerMac: string;
  prefix: number;
  mtu: number;
  /** known neighbours: last byte of their addresses */
  hosts: number[];
  /** whether .100 to .199 are the first host's too: see fresh() */
  many?: boolean;
  fence: string;
}

const link = (name: LinkName, net: string, own: number, prefix: number, mtu: number, hosts: number[]): Link => ({
  name, router: `${net}.${own}`, routerMac: `02:00:00:00:0${name}:01`, prefix, mtu, hosts, fence: `${net}.${hosts[hosts.length - 1]}`,
});

export const LINKS: Record<LinkName, Link> = {
  a: { ...link("a", "198.51.100", 1, 24, 1500, [2, 3, 250]), many: true },
  b: link("b", "203.0.113", 1, 24, 1500, [2, 3, 250]),
  c: link("c", "192.0.2", 1, 24, 600, [2, 3, 250]),
  d: link("d", "198.18.0", 0, 31, 1500, [1]),
  e: link("e", "198.19.5", 1, 24, 9000, [2, 3, 250]),
};
export const ALL: Link[] = Object.values(LINKS);

/** The MAC address of the host whose address ends so. */
export const hostMac = (name: LinkName, host: number): string => `02:00:00:00:0${name}:${host.toString(16).padStart(2, "0").replace(/^01$/, "f1")}`;

const net = (name: LinkName): string => LINKS[name].router.replace(/\d+$/, "");
export const at = (name: LinkName, host: number): string => net(name) + String(host);

let used = 0;
/**
 * A source on a that no point has used: Linux limits its errors and redirects by the address that they go to, and has no switch for that
 * in a namespace. All of them are the host .2.
 */
export const fresh = (): string => at("a", 100 + used++);
/** Each known neighbour of the router on a link: its address and MAC address. */
export function neighbours({ name, hosts, many }: Link): [address: string, mac: string][] {
  const others = many ? Array.from({ length: 100 }, (_, i): [string, string] => [at(name, 100 + i), hostMac(name, hosts[0]!)]) : [];
  return [...hosts.map((host): [string, string] => [at(name, host), hostMac(name, host)]), ...others];
}

export const A = at("a", 2);
export const A2 = at("a", 3);
export const B = at("b", 2);
const B2 = at("b", 3);
export const C = at("c", 2);
export const D = LINKS.d.fence;
export const E = at("e", 2);
export const RA = LINKS.a.router;
export const RB = LINKS.b.router;
export const RD = LINKS.d.router;
export const RE = LINKS.e.router;

export type Target = { via: string[] } | { kind: "unreachable" | "prohibit" | "blackhole" };

/** No default route: what is not in here has no route. */
export const ROUTES: [prefix: string, target: Target][] = [
  ["10.1.0.0/16", { via: [B] }],
  ["10.1.2.0/24", { via: [C] }],
  ["10.2.0.0/16", { via: [A2] }], // back to where packets from a come from
  ["10.3.0.0/16", { kind: "unreachable" }],
  ["10.4.0.0/16", { kind: "prohibit" }],
  ["10.5.0.0/16", { kind: "blackhole" }],
  ["10.6.0.0/16", { via: [at("b", 66)] }], // nobody is there
  ["10.7.0.0/16", { via: [C] }],
  ["10.8.0.0/16", { via: [B, B2] }], // both, equally
  ["10.9.0.0/16", { via: [D] }],
];
