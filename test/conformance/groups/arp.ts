// ARP to the router: RFC 826, 5227, 1122 2.3.2.

import { A, B, D, RA, RB, RD, at, hostMac } from "../network.js";
import { ARP, BROADCAST, arp, datagram, ethernet } from "../packet.js";
import { group } from "../point.js";

const M = hostMac("a", 2);
const NEW = at("a", 40);
const NEW_MAC = hostMac("a", 40);
const ask = { senderMac: M, sender: A, target: RA };
const R = "02:00:00:00:0a:01";

export default group("arp", (point) => {
  point("request for the router's address", "RFC 826", (p) => p.arpRequest("a", ask));
  point("request in a unicast frame", "RFC 1122 2.3.2.1", (p) => p.arpRequest("a", ask, R));
  point("request in a unicast frame to somebody else", "RFC 826", (p) => p.arpRequest("a", ask, "02:00:00:00:0a:99"));
  point("request in a multicast frame", "RFC 826", (p) => p.arpRequest("a", ask, "01:00:5e:00:00:01"));
  point("probe: sender 0.0.0.0", "RFC 5227 2.1.1", (p) => p.arpRequest("a", { ...ask, sender: "0.0.0.0" }));
  point("probe for somebody else's address", "RFC 5227 2.1.1", (p) => p.arpRequest("a", { ...ask, sender: "0.0.0.0", target: at("a", 77) }));
  point("target MAC filled in", "RFC 826", (p) => p.arpRequest("a", { ...ask, targetMac: "02:11:22:33:44:55" }));
  point("padded to 60 bytes", "RFC 826", (p) => p.send("a", arp(ask), { to: BROADCAST, type: ARP, pad: 60 }));
  point("padding that is not zero", "RFC 826", (p) => p.raw("a", [Buffer.concat([ethernet(BROADCAST, M, ARP, arp(ask)), Buffer.alloc(18, 0xa5)])]));
  for (const n of [0, 8, 20, 27]) point(`cut after ${n} bytes`, "RFC 826", (p) => p.raw("a", [ethernet(BROADCAST, M, ARP, arp(ask).subarray(0, n))]));
  for (const hardware of [0, 2, 6, 15]) point(`hardware type ${hardware}`, "RFC 826", (p) => p.arpRequest("a", { ...ask, hardware }));
  for (const protocol of [0x0806, 0x86dd]) point(`protocol type ${protocol.toString(16)}`, "RFC 826", (p) => p.arpRequest("a", { ...ask, protocol }));
  for (const hlen of [0, 4, 8, 255]) point(`hardware address length ${hlen}`, "RFC 826", (p) => p.arpRequest("a", { ...ask, hlen }));
  for (const plen of [0, 16]) point(`protocol address length ${plen}`, "RFC 826", (p) => p.arpRequest("a", { ...ask, plen }));
  for (const operation of [0, 3, 8, 9, 256]) point(`operation ${operation}`, "RFC 826", (p) => p.arpRequest("a", { ...ask, operation }));
  point("request for an address of another link", "RFC 1122 3.3.4.2", (p) => p.arpRequest("a", { ...ask, target: RB }));
  point("proxy: request for a host behind the router", "RFC 1027", (p) => p.arpRequest("a", { ...ask, target: B }));
  point("proxy: request for a routed address", "RFC 1027", (p) => p.arpRequest("a", { ...ask, target: "10.1.0.1" }));
  for (const target of [at("a", 255), at("a", 0), "255.255.255.255", "224.0.0.1", "127.0.0.1", "0.0.0.0"]) point(`request for ${target}`, "RFC 826", (p) => p.arpRequest("a", { ...ask, target }));
  point("sender off the link", "RFC 826", (p) => p.arpRequest("a", { ...ask, sender: "203.0.113.77" }));
  for (const sender of ["127.0.0.1", "224.0.0.1", "255.255.255.255", at("a", 255), "240.0.0.1"]) point(`sender ${sender}`, "RFC 1122 3.2.1.3", (p) => p.arpRequest("a", { ...ask, sender }));
  point("sender is the router's own address, other MAC", "RFC 5227 2.4", (p) => p.arpRequest("a", { ...ask, sender: RA }));
  point("gratuitous request with the router's address", "RFC 5227 2.4", (p) => p.arpRequest("a", { ...ask, sender: RA, target: RA }));
  point("sender MAC differs from the frame's source", "RFC 826", (p) => p.arpRequest("a", { ...ask, senderMac: "02:00:00:00:0a:55" }, BROADCAST, M));
  for (const senderMac of [BROADCAST, "01:00:5e:00:00:01", "00:00:00:00:00:00"]) point(`sender MAC ${senderMac}`, "RFC 1812 3.3.2", (p) => p.arpRequest("a", { ...ask, senderMac }, BROADCAST, M));
  point("reply that nobody asked for teaches nothing", "RFC 826", async (p) => {
    const stranger = at("a", 41);
    p.arpReply("a", stranger, hostMac("a", 41));
    await p.fence();
    p.send("b", datagram(B, stranger));
    await p.seen(/^a /, 1, 1500);
  });
  point("a request teaches who asks", "RFC 826", async (p) => {
    p.arpRequest("a", { senderMac: NEW_MAC, sender: NEW, target: RA });
    await p.seen(/ARP reply/, 1, 1500);
    await p.fence();
    p.send("b", datagram(B, NEW));
    await p.seen(/ IP /, 1, 1500);
    p.note(`${p.count(/ARP request/)} questions, ${p.count(/ IP /)} packets`);
  });
  for (const [what, operation, last] of [["request", 1, 42], ["reply", 2, 43]] as const) {
    point(`gratuitous ${what} of a stranger teaches nothing`, "RFC 5944 4.6", async (p) => {
      const [stranger, own] = [at("a", last), hostMac("a", last)];
      p.arpRequest("a", { operation, senderMac: own, sender: stranger, targetMac: operation === 2 ? own : "00:00:00:00:00:00", target: stranger });
      await p.fence();
      p.answering.set(stranger, own);
      p.send("b", datagram(B, stranger));
      await p.seen(/^a .* IP /, 1, 1500);
    });
  }
  point("request for the router's address on a /31", "RFC 3021 2.1", (p) => p.arpRequest("d", { senderMac: hostMac("d", 1), sender: D, target: RD }));
  point("request of the peer on a /31 for his own address", "RFC 3021 2.1", (p) => p.arpRequest("d", { senderMac: hostMac("d", 1), sender: D, target: D }));
  for (const [what, operation, target] of [["request", 1, NEW], ["reply", 2, NEW]] as const) {
    point(`gratuitous ${what} moves a known neighbour`, "RFC 5944 4.6", async (p) => {
      const moved = what === "request" ? "02:00:00:00:0a:a1" : "02:00:00:00:0a:a2";
      p.arpRequest("a", { operation, senderMac: moved, sender: NEW, targetMac: what === "reply" ? moved : "00:00:00:00:00:00", target });
      await p.fence();
      p.answering.set(NEW, moved);
      // the table may follow a moment later than the packet
      for (let i = 0; i < 20 && p.count(new RegExp(`>${moved} IP`)) === 0; i++) {
        p.send("b", datagram(B, NEW));
        await p.seen(new RegExp(`>${moved} IP`), 1, 60);
      }
      const reached = p.count(new RegExp(`>${moved} IP`)) > 0;
      p.forget();
      p.note(reached ? "packets go to the new MAC address" : "packets go on to the old MAC address");
    });
  }
});
