// Two hosts behind a NAT, and one outside that has no way to their addresses. The NAT is weft with the node nat44, or the kernel's own
// masquerade: the same network, so that what the hosts see can be compared.
//
//   a  198.51.100.2 ─┐
//                    ├─ lan (a bridge) ── 198.51.100.1  NAT  203.0.113.1 ── eth0  b  203.0.113.2
//   c  198.51.100.3 ─┘

import { must } from "../../host/lab/command.js";
import { Host, connect } from "../../host/lab/host.js";
import { exampleFile } from "./example-file.js";
import { A, B, script } from "./network.js";
import { Weft, routed } from "./weft.js";

export const C = { address: "198.51.100.3" };
export const OUTSIDE = B.gateway;

export interface NatNetwork {
  a: Host;
  b: Host;
  c: Host;
  weft: Weft | null;
  /** sets the MTU of the way to the outside */
  setMtu(mtu: number): Promise<void>;
  /** Runs what is to be seen in this network, and closes it. */
  during<T>(run: () => Promise<T>): Promise<T>;
}

/** A bridge with a port for each host of the inside; "up" is its way out. */
async function makeLan(): Promise<[lan: Host, a: Host, c: Host]> {
  const lan = await Host.create();
  await lan.ip("link", "add", "name", "lan", "type", "bridge");
  await lan.ip("link", "set", "dev", "lan", "addrgenmode", "none", "up");
  const hosts = [lan];
  for (const [name, { address }] of [["a", A], ["c", C]] as const) {
    const host = await Host.create();
    await connect({ host: lan, name }, { host, name: "eth0" });
    await lan.ip("link", "set", "dev", name, "master", "lan");
    await host.address("eth0", `${address}/24`);
    await host.route("default", A.gateway);
    hosts.push(host);
  }
  return hosts as [Host, Host, Host];
}

export async function weftNetwork(): Promise<NatNetwork> {
  const [lan, a, c] = await makeLan();
  await lan.link(A.device, "up");
  await lan.ip("link", "set", "dev", "up", "master", "lan");
  const b = await Host.create();
  await b.link(B.device, "eth0");
  await b.address("eth0", `${B.address}/24`);
  const config = { inside: `host-${A.device}`, outside: `host-${B.device}`, address: OUTSIDE };
  const load = `node load ${await exampleFile("nat44")} as nat config ${JSON.stringify(config)}`;
  const weft = await Weft.start([...script(A, B), load, "node insert nat before ip4-lookup"]);
  return {
    a, b, c, weft,
    setMtu: async (mtu) => void (await weft.ctl(`set interface mtu ${mtu} host-${B.device}`)),
    during: async (run) => {
      let result: Awaited<ReturnType<typeof run>>;
      await routed([lan, a, b, c], weft, async () => void (result = await run()));
      return result!;
    },
  };
}

export async function kernelNetwork(): Promise<NatNetwork> {
  const [lan, a, c] = await makeLan();
  const nat = await Host.create();
  const b = await Host.create();
  await connect({ host: lan, name: "up" }, { host: nat, name: "inside" });
  await lan.ip("link", "set", "dev", "up", "master", "lan");
  await connect({ host: nat, name: "outside" }, { host: b, name: "eth0" });
  await nat.address("inside", `${A.gateway}/24`);
  await nat.address("outside", `${OUTSIDE}/24`);
  await b.address("eth0", `${B.address}/24`);
  await nat.forward();
  await must(nat.namespace, "nft", ["add table ip nat"]);
  await must(nat.namespace, "nft", ["add chain ip nat post { type nat hook postrouting priority srcnat; }"]);
  await must(nat.namespace, "nft", ["add rule ip nat post oifname outside masquerade"]);
  return {
    a, b, c, weft: null,
    setMtu: async (mtu) => void (await nat.ip("link", "set", "dev", "outside", "mtu", String(mtu))),
    during: async (run) => {
      try {
        return await run();
      } finally {
        for (const host of [lan, a, b, c, nat]) await host.close();
      }
    },
  };
}
