// Packets to neighbours that have to be asked for: RFC 1122 2.3.2, RFC 1812 5.2.7.1 and 3.3.2.

import { A, at, hostMac } from "../network.js";
import { datagram, echo } from "../packet.js";
import { group } from "../point.js";

const ERROR = /ICMP 3\/1 /;
/** ms in which three questions a second apart have gone unanswered */
const SILENCE = 5500;
/** ms in which a router notices at the latest that a neighbour does not answer any more: it is asked after about a minute */
const GONE = 90_000;

export default group("neighbour", (point) => {
  point("first packet: asked for once, then delivered", "RFC 1122 2.3.2.2", async (p) => {
    p.answering.set(at("b", 10), hostMac("b", 10));
    p.send("a", datagram(A, at("b", 10)));
    await p.seen(/^b .* IP /, 1, 2000);
  });
  for (const [n, host, size] of [[3, 11, 100], [60, 12, 100], [150, 13, 100], [60, 14, 1400]] as const) {
    point(`${n} packets of ${size} bytes while it is asked for`, "RFC 1122 2.3.2.2", async (p) => {
      p.send("a", Array.from({ length: n }, (_, id) => datagram(A, at("b", host), { id, data: Buffer.alloc(size - 28, id) })));
      await p.seen(/ARP request/, 1, 2000);
      await p.fence();
      p.arpReply("b", at("b", host), hostMac("b", host));
      await p.seen(/^b .* IP /, n, 800);
      const ids = p.lines.flatMap((line) => (/^b .* IP .* id ([0-9a-f]+)/.exec(line) ?? []).slice(1)).map((id) => parseInt(id, 16));
      const requests = p.count(/ARP request/);
      p.forget();
      const first = n - ids.length;
      p.note(`${requests} questions, ${ids.length} of ${n} packets ${ids.every((id, i) => id === first + i) ? "(the newest) in order" : `out of order: ${ids.join(" ")}`}`);
    });
  }
  point("one packet to a host that is not there", "RFC 1812 5.2.7.1", async (p) => {
    p.send("a", datagram(A, at("b", 60)));
    await p.seen(ERROR, 1, SILENCE);
  });
  point("each held packet gets its error", "RFC 1812 5.2.7.1", async (p) => {
    p.send("a", [1, 2, 3, 4, 5].map((id) => datagram(A, at("b", 61), { id })));
    await p.seen(ERROR, 5, SILENCE);
  }, { anyOrder: true });
  point("echo request to a host that is not there", "RFC 1812 5.2.7.1", async (p) => {
    p.send("a", echo(A, at("b", 62)));
    await p.seen(ERROR, 1, SILENCE);
  });
  point("gateway that is not there", "RFC 1812 5.2.7.1", async (p) => {
    p.send("a", datagram(A, "10.6.0.1"));
    await p.seen(ERROR, 1, SILENCE);
  });
  point("host on the sender's own link that is not there", "RFC 1812 5.2.7.1", async (p) => {
    p.send("a", datagram(A, at("a", 63)));
    await p.seen(ERROR, 1, SILENCE);
  }, { anyOrder: true });
  point("two bursts while it is asked for, in order", "RFC 1122 2.3.2.2", async (p) => {
    const burst = (from: number): void => p.send("a", Array.from({ length: 40 }, (_, i) => datagram(A, at("b", 19), { id: from + i })));
    burst(0);
    await p.seen(/ARP request/, 1, 2000);
    burst(40);
    await p.fence();
    p.arpReply("b", at("b", 19), hostMac("b", 19));
    await p.seen(/^b .* IP /, 80, 1500);
    burst(80);
    await p.seen(/^b .* IP /, 120, 1500);
    const ids = p.lines.flatMap((line) => (/^b .* IP .* id ([0-9a-f]+)/.exec(line) ?? []).slice(1)).map((id) => parseInt(id, 16));
    const requests = p.count(/ARP request/);
    p.forget();
    p.sent = p.sent.slice(0, 2);
    p.note(`${requests} questions, ${ids.length} of 120 packets, ${ids.every((id, i) => id === i) ? "in order" : "out of order"}`);
  });
  point("a neighbour that falls silent", "RFC 1122 2.3.2.1", async (p) => {
    const [dead, mac] = [at("b", 20), hostMac("b", 20)];
    p.answering.set(dead, mac);
    p.send("a", datagram(A, dead));
    await p.seen(/^b .* IP /, 1, 2000);
    p.answering.delete(dead);
    p.silent.add(dead);
    for (let i = 0; i < GONE / 500 && p.count(ERROR) === 0; i++) {
      p.send("a", datagram(A, dead));
      await p.seen(ERROR, 1, 500);
    }
    const gone = p.count(ERROR) > 0;
    await p.fence(); // the last packet may bring a question of its own
    await p.settle();
    p.forget();
    p.sent = p.sent.slice(0, 1);
    p.note(gone ? "host unreachable in the end" : "nobody is told");
  });
  point("questions for a silent neighbour, a packet every 50 ms", "RFC 1122 2.3.2.1", async (p) => {
    const end = Date.now() + 2800;
    for (let id = 0; Date.now() < end; id++) {
      p.send("a", datagram(A, at("b", 64), { id }));
      await p.until(() => false, 50);
    }
    const requests = p.count(/ARP request/);
    await p.settle();
    p.forget();
    p.note(requests <= 3 ? "at most one question a second" : `${requests} questions in 2.8 s`);
    p.note(p.frames.some(({ bytes }) => bytes[34] === 3) ? "host unreachable in the end" : "no host unreachable");
  });
  point("a second packet after the error asks again", "RFC 1122 2.3.2.1", async (p) => {
    p.send("a", datagram(A, at("b", 65)));
    await p.seen(ERROR, 1, SILENCE);
    p.forget();
    p.answering.set(at("b", 65), hostMac("b", 65));
    p.send("a", datagram(A, at("b", 65), { id: 2 }));
    await p.seen(/^b .* IP /, 1, 2500);
  });
  point("the answer comes from a frame with another source", "RFC 826", async (p) => {
    p.send("a", datagram(A, at("b", 15)));
    await p.seen(/ARP request/, 1, 2000);
    p.arpRequest("b", { operation: 2, senderMac: hostMac("b", 15), sender: at("b", 15), targetMac: "02:00:00:00:0b:01", target: at("b", 1) }, "02:00:00:00:0b:01", "02:00:00:00:0b:ee");
    await p.seen(/^b .* IP /, 1, 800);
    p.forget(/ARP request/);
  });
  point("the answer comes on another link", "RFC 1812 3.3.2", async (p) => {
    p.send("a", datagram(A, at("b", 16)));
    await p.seen(/ARP request/, 1, 2000);
    p.arpRequest("c", { operation: 2, senderMac: hostMac("c", 16), sender: at("b", 16), targetMac: "02:00:00:00:0c:01", target: at("c", 1) }, "02:00:00:00:0c:01");
    await p.seen(/ IP /, 1, 500);
    p.forget(/ARP request/);
    p.arpReply("b", at("b", 16), hostMac("b", 16));
    await p.seen(/ IP /, 1, 1500);
    p.forget(/ARP request/);
  });
  point("the answer gives a group address as MAC", "RFC 1812 3.3.2", async (p) => {
    p.send("a", datagram(A, at("b", 17)));
    await p.seen(/ARP request/, 1, 2000);
    p.arpRequest("b", { operation: 2, senderMac: "ff:ff:ff:ff:ff:ff", sender: at("b", 17), targetMac: "02:00:00:00:0b:01", target: at("b", 1) }, "02:00:00:00:0b:01", hostMac("b", 17));
    await p.seen(/^b .* IP /, 1, 500);
    p.forget(/ARP request/);
  });
  point("the answer comes in a broadcast frame", "RFC 826", async (p) => {
    p.send("a", datagram(A, at("b", 18)));
    await p.seen(/ARP request/, 1, 2000);
    p.arpReply("b", at("b", 18), hostMac("b", 18), "ff:ff:ff:ff:ff:ff");
    await p.seen(/^b .* IP /, 1, 1500);
    p.forget(/ARP request/);
  });
});
