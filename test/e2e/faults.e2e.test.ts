// A router whose links, netdevs, peers and memory fail it: it goes on, and every loss has a name.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { iperf } from "../../host/cli/peers.js";
import { ended, must } from "../../host/lab/command.js";
import type { Host } from "../../host/lab/host.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { A, B, countersAgree, hostAt, ping, script } from "./network.js";
import { Weft, routed, until } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

const NAME = `host-${A.device}`;

function withRouter(name: string, run: (weft: Weft, host: Host) => Promise<void>): void {
  test(name, async () => {
    const host = await hostAt(A);
    const weft = await Weft.start(script(A));
    await routed([host], weft, () => run(weft, host));
  });
}

async function reachable(weft: Weft, host: Host): Promise<void> {
  assert.is((await ping(host, A.gateway, ["-c", "3", "-i", "0.05", "-W", "2"])).received, 3, "the kernel reaches the router");
  assert.match(await weft.ctl(`ping ${A.address} repeat 3 interval 0.05`), "3 sent, 3 received");
}

/** The router pings the host, 50 times a second, while something happens; gives how many were sent and answered. */
async function pinging(weft: Weft, count: number, meanwhile: () => Promise<void>): Promise<{ sent: number; received: number }> {
  const before = (await weft.interface(NAME)).counters.rxPackets;
  const running = weft.try(`ping ${A.address} repeat ${count} interval 0.02`);
  await until("the first echo replies", async () => (await weft.interface(NAME)).counters.rxPackets > before + 3);
  await meanwhile();
  const { stdout } = await running;
  const [, sent, received] = /(\d+) sent, (\d+) received/.exec(stdout)!;
  return { sent: Number(sent), received: Number(received) };
}

withRouter("a link that goes down and comes back in the middle of a ping", async (weft, host) => {
  await reachable(weft, host);
  const echoes = await pinging(weft, 300, async () => {
    await must(null, "ip", ["link", "set", A.device, "down"]);
    await until("losses are counted as txDown", async () => (await weft.interface(NAME)).counters.txDown > 3);
    await until("the router sees it", () => weft.notices.includes(`interface ${NAME}: link down`));
    await must(null, "ip", ["link", "set", A.device, "up"]);
    await until("and its return", () => weft.notices.includes(`interface ${NAME}: link up`));
  });
  assert.is(echoes.sent, 300);
  assert.ok(echoes.received > 20, `${echoes.received} received`);
  // Counted too: the questions for the neighbour, which is forgotten with its link. Not counted: what the peer could not answer.
  const counted = (await weft.interface(NAME)).counters.txDown + (await weft.errors("interface-output", /link down/));
  const lost = echoes.sent - echoes.received;
  assert.ok(lost >= counted - 4 && lost <= counted + 2, `${lost} lost, ${counted} counted`);
  await reachable(weft, host);
});

withRouter("a peer that goes down and comes back", async (weft, host) => {
  await host.down("eth0");
  await until("the router sees it", () => weft.notices.includes(`interface ${NAME}: link down`));
  assert.is((await weft.interface(NAME)).linkUp, false);
  assert.match((await weft.try(`ping ${A.address} repeat 2 interval 0.05`)).stdout, "2 sent, 0 received");
  await host.up("eth0");
  await until("and its return", async () => (await weft.interface(NAME)).linkUp);
  await reachable(weft, host);
});

withRouter("a device whose queue is full: ENOBUFS", async (weft, host) => {
  await reachable(weft, host);
  await must(null, "tc", ["qdisc", "add", "dev", A.device, "root", "tbf", "rate", "100kbit", "burst", "2kb", "limit", "3000"]);
  const echoes = await ping(host, A.gateway, ["-f", "-c", "200", "-s", "1400", "-W", "1"], 1000);
  const { txNoRoom } = (await weft.interface(NAME)).counters;
  assert.ok(txNoRoom > 0 && echoes.received > 0, `${txNoRoom} without room, ${echoes.received} of ${echoes.sent} answered`);
  assert.ok(echoes.sent - echoes.received <= txNoRoom + 2, `${echoes.sent - echoes.received} lost, ${txNoRoom} counted`); // two may be in the queue still
  await must(null, "tc", ["qdisc", "delete", "dev", A.device, "root"]);
  await reachable(weft, host);
});

withRouter("a netdev that is removed and made again under the same name", async (weft, host) => {
  await reachable(weft, host);
  await must(null, "ip", ["link", "delete", A.device]);
  await until("the router sees it", () => weft.notices.includes(`interface ${NAME}: link gone`));
  assert.is((await weft.try(`ping ${A.address} repeat 2 interval 0.05`)).status, 1);
  await host.link(A.device, "eth0");
  await host.address("eth0", `${A.address}/24`);
  await until("and its return", () => weft.notices.includes(`interface ${NAME}: ${A.device} is back`));
  await until("link up", async () => (await weft.interface(NAME)).linkUp);
  // The host has another MAC address now, which it tells as it asks for the router's.
  await reachable(weft, host);
});

withRouter("a new MTU costs no packet, a new MAC address only what was sent to the old one", async (weft, host) => {
  const steady = await pinging(weft, 60, async () => {
    for (const mtu of [1400, 68, 9000, 1500]) await weft.ctl(`set interface mtu ${mtu} ${NAME}`);
  });
  assert.is(steady.received, steady.sent - (await weft.errors("ip4-rewrite", /./)), "only what was too long for a moment is lost");

  const moved = await pinging(weft, 100, async () => {
    await weft.ctl(`set interface mac address ${NAME} 02:fe:00:00:00:99`);
  });
  assert.is(moved.sent - moved.received, await weft.errors("ethernet-input", /destination/), "lost: what was sent to the old address");
  assert.ok(moved.received > 50, "the new one was announced");
  await reachable(weft, host);
});

withRouter("an interface that is deleted under a flood of pings", async (weft, host) => {
  const flood = host.spawn("ping", ["-n", "-q", "-f", A.gateway]);
  flood.stdout.resume();
  const over = ended(flood);
  for (let round = 0; round < 5; round++) {
    await until("the flood arrives", async () => (await weft.interface(NAME)).counters.rxPackets > 100);
    await weft.ctl(`delete host-interface name ${A.device}`);
    assert.is((await weft.try(`show interface ${NAME}`)).status, 1);
    await weft.atRest();
    for (const command of script(A)) await weft.ctl(command);
  }
  flood.kill("SIGINT");
  await over;
  await host.ip("neighbor", "flush", "dev", "eth0");
  await reachable(weft, host);
});

withRouter("200 times made and deleted, nothing is left over", async (weft, host) => {
  const again = async (): Promise<void> => {
    await weft.ctl(`delete host-interface name ${A.device}`);
    for (const command of script(A)) await weft.ctl(command);
  };
  const held = async () => {
    const [runtime, fib, buffers] = [await weft.show<{ workers: { nodes: unknown[] }[] }>("runtime"), await weft.show<unknown[]>("ip fib"), await weft.show("buffers")];
    return { nodes: runtime.workers[0]!.nodes.length, routes: fib.length, buffers };
  };
  await again();
  const [before, descriptors] = [await held(), weft.fileDescriptors()];
  for (let i = 0; i < 200; i++) await again();
  assert.equal(await held(), before);
  // The connection of the last command may be closed a moment later.
  await until("no more file descriptors than before", () => weft.fileDescriptors() <= descriptors);
  await host.ip("neighbor", "flush", "dev", "eth0");
  await reachable(weft, host);
});

test("a pool of 1024 buffers under super-packets of 32 each", async () => {
  const [a, b] = [await hostAt(A), await hostAt(B)];
  const weft = await Weft.start(script(A, B), "--buffers", "1024");
  await routed([a, b], weft, async () => {
    const { mbits } = await iperf(a, b, B.address, 1, ["-P", "8"], () => {});
    assert.ok(mbits > 20, `${mbits} Mbit/s`);
    const { counters } = await weft.interface(NAME);
    assert.ok(counters.rxBytes / counters.rxPackets > 10_000, "super-packets came");
    assert.ok(counters.rxNoBuffer > 0, `the counter tells: ${JSON.stringify(counters)}`);
    await weft.atRest();
    for (const [host, side] of [[a, A], [b, B]] as const) await countersAgree(weft, host, side);
    assert.is((await ping(a, B.address, ["-c", "3", "-i", "0.05", "-s", "4000"])).received, 3);
  });
});

/** Sends garbage from a raw socket: random bytes of every EtherType that weft knows, and an echo request with bytes changed. */
const GARBAGE = `
import random, socket, struct, sys
mac, count = bytes.fromhex(sys.argv[1].replace(":", "")), int(sys.argv[2])
rng = random.Random(7)
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
wire.bind(("eth0", 0))
ether = lambda kind, to=mac: to + bytes.fromhex("020000000001") + struct.pack("!H", kind)
ip = bytes.fromhex("4500 0054 0000 4000 4001 0000 c6336402 c6336401 0800 0000 0001 0001".replace(" ", "")) + bytes(56)
arp = bytes.fromhex("0001 0800 06 04 0001 020000000001 c6336402 000000000000 c6336401".replace(" ", ""))
for i in range(count):
    kind = rng.choice([0x0800, 0x0800, 0x0806, 0x86dd, 0x8100, rng.randrange(65536)])
    frame = bytearray(ether(kind, rng.choice([mac, mac, b"\\xff" * 6])))
    if i % 2: frame += rng.randbytes(rng.choice([1, 19, 20, 27, 28, 60, 600, 1500]))
    else:
        body = bytearray(ip if kind == 0x0800 else arp)
        for _ in range(rng.randrange(1, 4)): body[rng.randrange(len(body))] = rng.randrange(256)
        frame += body[:rng.randrange(1, len(body) + 1)]
    if kind in (0x8100, 0x88a8) and len(frame) < 20: continue # the kernel drops a tag that is cut short before anybody sees it
    try: wire.send(frame)
    except OSError: pass
`;

withRouter("garbage from a raw socket", async (weft, host) => {
  const { mac } = await weft.interface(NAME);
  const sent = await host.run("python3", ["-c", GARBAGE, mac, "20000"]);
  assert.is(sent.status, 0, sent.stderr);
  await countersAgree(weft, host, A);
  const { rxPackets, rxMissed } = (await weft.interface(NAME)).counters;
  assert.ok(rxPackets + rxMissed > 15_000, `${rxPackets} received, ${rxMissed} missed`);
  for (const [node, reason] of [
    ["ethernet-input", /unknown type/],
    ["arp-input", /too short/], ["arp-input", /hardware/],
    ["ip4-input", /version/], ["ip4-input", /checksum/], ["ip4-input", /too short/],
  ] as const) {
    assert.ok((await weft.errors(node, reason)) > 0, `${node}: ${reason}`);
  }
  await weft.ctl("clear ip neighbors"); // a changed ARP packet may have told anything
  await host.ip("neighbor", "flush", "dev", "eth0");
  await reachable(weft, host);
});

test.run();
