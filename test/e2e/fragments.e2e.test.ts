// Packets longer than a link takes, with the kernel at the other end: cut on their way through, put together at the router, both ways.

import { test } from "uvu";
import * as assert from "uvu/assert";
import type { ReassemblyInfo } from "../../host/control/api.js";
import { iperf } from "../../host/cli/peers.js";
import { must } from "../../host/lab/command.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { A, B, countersAgree, hostAt, ping, script } from "./network.js";
import { Weft, routed } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const [a, b] = [await hostAt(A), await hostAt(B)];
const weft = await Weft.start(script(A, B));
const LONGEST = 65_507;

function accounted(name: string, run: () => Promise<void>): void {
  test(name, async () => {
    await run();
    await weft.atRest();
    await countersAgree(weft, a, A);
    await countersAgree(weft, b, B);
  });
}

accounted("the kernel pings the router in fragments, up to the longest packet there is", async () => {
  for (const size of [1473, 4000, 20_000, LONGEST]) {
    // One at a time: of several, ping gives up those that come later than two round trips after the last request, and does not look at them.
    for (let times = 0; times < 3; times++) {
      const { stdout } = await a.run("ping", ["-n", "-c", "1", "-W", "30", "-s", String(size), A.gateway]);
      assert.match(stdout, "1 packets transmitted, 1 received", `${size} bytes`);
      assert.not.match(stdout, "wrong data byte", `${size} bytes`);
    }
  }
  assert.is((await weft.show<ReassemblyInfo>("ip reassembly")).reassembled, 12);
});

accounted("the router pings the kernel in fragments", async () => {
  for (const size of [1473, 20_000, LONGEST]) {
    const text = await weft.ctl(`ping ${A.address} repeat 3 interval 0.05 size ${size}`);
    assert.match(text, `${size + 8} bytes from ${A.address}: icmp_seq=1 ttl=64`);
    assert.match(text, "3 sent, 3 received, 0% packet loss");
  }
});

accounted("through a smaller MTU, if that is allowed", async () => {
  await weft.ctl(`set interface mtu 576 host-${B.device}`);
  await must(b.namespace, "ip", ["link", "set", "dev", "eth0", "mtu", "1400"]);
  for (const size of [549, 1472, 4000, LONGEST]) {
    // One at a time: what comes of three while the router does not run may be more than a queue on the way holds.
    for (let times = 0; times < 3; times++) {
      const echoes = await ping(a, B.address, ["-c", "1", "-W", "30", "-M", "dont", "-s", String(size)]);
      assert.equal([echoes.sent, echoes.received], [1, 1], `${size} bytes`);
    }
  }
  await must(b.namespace, "ip", ["link", "set", "dev", "eth0", "mtu", "1500"]);
  await weft.ctl(`set interface mtu 1500 host-${B.device}`);
  assert.ok((await weft.errors("ip4-fragment", /packets cut/)) >= 100);
});

accounted("TCP whose sender does not ask for the path's MTU: its super-packets are cut into segments, those into fragments", async () => {
  await weft.ctl(`set interface mtu 1000 host-${B.device}`);
  await must(a.namespace, "sh", ["-c", "echo 1 > /proc/sys/net/ipv4/ip_no_pmtu_disc"]);
  const { mbits } = await iperf(a, b, B.address, 1, ["-b", "100M"], () => {});
  assert.ok(mbits > 1, `${mbits} Mbit/s`);
  assert.ok((await weft.errors("ip4-fragment", /segments made/)) > 100);
  await must(a.namespace, "sh", ["-c", "echo 0 > /proc/sys/net/ipv4/ip_no_pmtu_disc"]);
  await weft.ctl(`set interface mtu 1500 host-${B.device}`);
});

test("the router stops with nothing missing", () => routed([a, b], weft, async () => {}));

test.run();
