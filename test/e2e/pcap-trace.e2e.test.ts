// Captures of a running router, read by tshark: what is in them is what the router has counted.

import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Balance, ErrorCounter, PcapTraceStatus } from "../../host/control/api.js";
import { iperf } from "../../host/cli/peers.js";
import { must, run } from "../../host/lab/command.js";
import type { Host } from "../../host/lab/host.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import { readPcapng } from "../pcapng.js";
import { A, B, hostAt, ping, script } from "./network.js";
import { Weft, routed, scratch, until } from "./weft.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);

interface Packet {
  interface: string;
  direction: "" | "1" | "2";
  comment: string;
}

/** What tshark tells of a capture; it must find nothing wrong with the file. */
async function packetsIn(file: string): Promise<Packet[]> {
  const fields = ["frame.interface_name", "frame.packet_flags_direction", "frame.comment"].flatMap((field) => ["-e", field]);
  const { status, stdout, stderr } = await run(null, "tshark", ["-n", "-r", file, "-T", "fields", "-E", "separator=;", ...fields]);
  assert.is(status, 0, stderr);
  assert.not.match(stderr, /cut short|damaged|corrupt/);
  return stdout.split("\n").filter((line) => line !== "").map((line) => {
    const [name, direction, comment] = line.split(";");
    return { interface: name!, direction: Number(direction || 0) === 0 ? "" : (String(Number(direction)) as "1"), comment: comment! };
  });
}

const count = (packets: Packet[], fits: (packet: Packet) => boolean): number => packets.filter(fits).length;

/** Traffic of all kinds: through the router, to it, refused by it, dropped by it. */
async function traffic(weft: Weft, a: Host, b: Host): Promise<void> {
  assert.is((await ping(a, B.address, ["-c", "20", "-i", "0.01", "-W", "2"])).received, 20);
  assert.is((await ping(a, A.gateway, ["-c", "5", "-i", "0.01", "-s", "1400", "-W", "2"])).received, 5);
  await a.run("ping", ["-n", "-c", "3", "-i", "0.01", "-W", "1", "10.9.9.9"]); // no route
  await a.run("ping", ["-n", "-c", "2", "-i", "0.01", "-t", "1", "-W", "1", B.address]); // TTL
  await a.run("timeout", ["1", "bash", "-c", `: > /dev/tcp/${A.gateway}/9`]); // no TCP listener
  assert.match(await weft.ctl(`ping ${B.address} repeat 3 interval 0.02`), "3 received");
  await b.run("ping", ["-n", "-c", "2", "-i", "0.2", "-W", "1", "198.51.100.77"]); // a neighbour that is not there
}

/** The two sides' interfaces, on modelled ConnectX ports. */
const RDMA = [A, B].flatMap(({ device, gateway }, i) => [
  `create interface rdma host-if ${device} name rdma-${i}`,
  `set interface state rdma-${i} up`,
  `set interface ip address rdma-${i} ${gateway}/24`,
]);
const KINDS: [kind: string, commands: string[], names: [string, string], ...options: string[]][] = [
  ["af_packet", script(A, B), ["host-weft0", "host-weft1"]],
  ["rdma", RDMA, ["rdma-0", "rdma-1"], "--emulated", `netdev:${A.device},netdev:${B.device}`],
];

for (const [kind, commands, names, ...options] of KINDS) test(`${kind}: received, sent and dropped packets are those that were counted`, async () => {
  const file = join(scratch(), "all.pcapng");
  const hosts = [await hostAt(A), await hostAt(B)];
  // Before the interfaces: not even their first packet is missed.
  const weft = await Weft.start([`pcap trace rx tx drop file ${file}`, ...commands], ...options);
  await routed(hosts, weft, async () => {
    await traffic(weft, hosts[0]!, hosts[1]!);
    await Promise.all(hosts.map((host) => host.down("eth0"))); // no kernel sends anything any more,
    await until("no neighbour is asked whether it is there", async () => {
      await weft.ctl("clear ip neighbors"); // errors about what waited for one may wait for another
      return (await weft.show<unknown[]>("ip neighbors")).length === 0 && (await weft.show<Balance>("balance")).held === 0;
    });
    await weft.ctl("trace filter none"); // answered by the worker, so it has done what it was told before
    const balance = await weft.atRest();
    const [errors, left, right] = [await weft.show<ErrorCounter[]>("errors"), await weft.interface(names[0]), await weft.interface(names[1])];
    assert.match(await weft.ctl("pcap trace off"), "ended: stopped");
    const packets = await packetsIn(file);
    for (const { name, counters } of [left, right]) {
      const seen = (direction: string): number => count(packets, (one) => one.interface === name && one.direction === direction);
      assert.equal([seen("1"), seen("2")], [counters.rxPackets, counters.txPackets], name);
    }
    const drops = packets.filter(({ direction }) => direction === "");
    assert.is(drops.length, balance.dropped);
    const comments = new Set(drops.map(({ comment }) => comment).filter((comment) => !comment.startsWith("tx "))); // those the interface counts
    const captured = [...comments].map((comment) => [comment, count(drops, (one) => one.comment === comment)]);
    const counted = [...comments].map((comment) => [comment, errors.find(({ node, reason }) => `${node}: ${reason}` === comment)?.count]);
    assert.equal(captured, counted, JSON.stringify(errors));
    for (const comment of ["punt: echo reply delivered", "arp-input: reply taken"]) assert.ok(comments.has(comment), [...comments].join());
    // Dropped ones are frames too, also where their Ethernet header was off already.
    assert.is(await must(null, "tshark", ["-n", "-r", file, "-Y", "!eth || _ws.malformed"]), "");
    const status = JSON.parse(await weft.ctl("pcap trace status --json")) as PcapTraceStatus;
    assert.equal([status.running, status.missed, status.bytes], [false, 0, statSync(file).size]);
    assert.equal([status.received, status.sent, status.dropped], [left, right].reduce(([rx, tx, drop], { counters }) =>
      [rx! + counters.rxPackets, tx! + counters.txPackets, drop!], [0, 0, balance.dropped]));
  });
});

test("one interface and one direction; so many packets, then it ends by itself", async () => {
  const file = join(scratch(), "some.pcapng");
  const hosts = [await hostAt(A), await hostAt(B)];
  const weft = await Weft.start(script(A, B));
  await routed(hosts, weft, async () => {
    await weft.ctl(`pcap trace tx intfc host-weft1 max 7 file ${file}`);
    assert.is((await weft.try(`pcap trace rx file ${file}`)).status, 1, "one at a time");
    await ping(hosts[0]!, B.address, ["-c", "20", "-i", "0.01", "-W", "2"]);
    await until("it has ended", async () => (await weft.ctl("pcap trace status")).includes("as many packets as were asked for"));
    const packets = await packetsIn(file);
    assert.is(packets.length, 7);
    assert.ok(packets.every((one) => one.interface === "host-weft1" && one.direction === "2"));
    assert.match((await weft.try("pcap trace off")).stderr, "no capture is running");
  });
});

test("what a device is left to do is said; long packets are whole", async () => {
  const file = join(scratch(), "long.pcapng");
  const hosts = [await hostAt(A), await hostAt(B)];
  const weft = await Weft.start(script(A, B));
  await routed(hosts, weft, async () => {
    await weft.ctl(`pcap trace rx tx max 3000 file ${file}`);
    await iperf(hosts[0]!, hosts[1]!, B.address, 1, ["-b", "100M"], () => {});
    await weft.try("pcap trace off"); // unless it has ended by itself
    const packets = readPcapng(file);
    const long = packets.filter(({ data }) => data.length > 1514);
    assert.ok(long.length > 0 && long.length < packets.length, `${long.length} of ${packets.length} are super-packets`);
    for (const { data, original, comment } of long) {
      assert.is(data.length, original);
      assert.is(data.readUInt16BE(16), data.length - 14, "the IP packet's total length");
      assert.match(comment, /^super-packet: to be cut into segments of 14\d\d bytes, checksums not filled in yet$/);
    }
    assert.ok(packets.some(({ comment }) => comment === "transport checksum not filled in yet"));
  });
});

test("files that cannot be: one line, and no capture runs", async () => {
  const folder = scratch();
  const weft = await Weft.start([]);
  try {
    const refused = async (command: string, message: RegExp): Promise<void> => {
      const { status, stderr } = await weft.try(command);
      assert.ok(status !== 0, command);
      assert.match(stderr, message);
      assert.is(stderr.trimEnd().split("\n").length, 1);
      assert.match(await weft.ctl("pcap trace status"), "no capture");
    };
    await refused(`pcap trace rx file ${folder}/none/a.pcapng`, /no such folder/);
    await refused(`pcap trace rx file ${folder}`, /is not a file/);
    await refused(`pcap trace file ${folder}/a.pcapng`, /name one or more of rx, tx, drop/);
    await refused(`pcap trace rx intfc host-none file ${folder}/a.pcapng`, /no interface "host-none"/);
    await refused("pcap trace rx file /proc/sys/kernel/ostype", /cannot be|is not/);
    assert.is(existsSync(`${folder}/a.pcapng`), false);
  } finally {
    await weft.stop();
  }
});

test("a full disk: a notice, and the file is whole up to there", async () => {
  const folder = scratch();
  await must(null, "mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", folder]);
  const host = await hostAt(A);
  const weft = await Weft.start(script(A));
  try {
    await routed([host], weft, async () => {
      const file = join(folder, "full.pcapng");
      await weft.ctl(`pcap trace rx tx file ${file}`);
      await ping(host, A.gateway, ["-c", "5", "-i", "0.01", "-s", "1400", "-W", "1"]);
      await until("the first packets are written", () => statSync(file).size > 1400);
      await ping(host, A.gateway, ["-c", "100", "-i", "0.002", "-s", "1400", "-W", "1"]);
      await until("a notice", () => /full\.pcapng cannot be written: no space left/.test(weft.notices));
      assert.match(await weft.ctl("pcap trace status"), "no space left on its device");
      const packets = await packetsIn(file);
      assert.ok(packets.length > 0 && packets.length < 200);
    });
  } finally {
    await must(null, "umount", [folder]);
  }
});

test("a router that is killed leaves a file that can be read", async () => {
  const file = join(scratch(), "killed.pcapng");
  const host = await hostAt(A);
  const weft = await Weft.start([`pcap trace rx tx drop file ${file}`, ...script(A)]);
  await ping(host, A.gateway, ["-c", "10", "-i", "0.01", "-W", "2"]);
  await until("packets are in the file", () => statSync(file).size > 2000);
  weft.kill();
  await until("it is gone", () => !existsSync(`/proc/${weft.pid}`));
  assert.ok((await packetsIn(file)).length >= 10);
  await host.close();
});

test.run();
