// Frames on a host's interface, and tshark's judgement of them.

import { copyFileSync, mkdtempSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ended, must } from "../../host/lab/command.js";
import type { Host } from "../../host/lab/host.js";
import { scratch, until } from "./weft.js";

export interface Capture {
  /** Ends the capture once an echo to this address is in it; gives its file. Throws if a frame was missed. */
  stop(answering: string): Promise<string>;
}

export async function capture(host: Host, name: string): Promise<Capture> {
  const file = join(scratch(), "frames.pcapng");
  const child = host.spawn("tshark", ["-i", name, "-w", file, "-q", "-B", "64"]);
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  child.stdout.resume();
  const end = ended(child);
  // dumpcap writes the file's header once it listens
  await until("tshark captures", () => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0);
  return {
    stop: async (answering) => {
      await host.run("ping", ["-n", "-c", "1", "-W", "30", "-p", LAST, answering]);
      await until("the last frame is written", () => contains(file, LAST));
      child.kill("SIGINT");
      assert.is(await end, 0, text);
      assert.not.match(text, /packets? dropped from/, text);
      return file;
    },
  };
}

/** The kernel hands frames over in blocks, and dumpcap drops the last one when it is stopped: so an echo with this pattern has to be in the file. */
const LAST = "776566742d6c617374";

function contains(file: string, hex: string): boolean {
  return readFileSync(file).subarray(-65536).includes(Buffer.from(hex, "hex"));
}

/** What tshark tells of a frame; of a field that occurs more than once (an ICMP error quotes a header) every value. */
export type Frame = Record<(typeof FIELDS)[number], string[]>;

const CHECKSUMS = ["ip.checksum.status", "icmp.checksum.status", "tcp.checksum.status", "udp.checksum.status"] as const;
const FIELDS = [
  "frame.number", "_ws.malformed", "ip.bogus_ip_length", "arp.opcode", "icmp.type", "ip.src", "ip.id", "tcp.seq_raw", "tcp.checksum",
  "tcp.checksum_calculated", ...CHECKSUMS,
] as const;
/** Without these preferences tshark believes checksums, as they are often the network adapter's to fill in. */
const CHECKS = ["ip", "udp", "tcp"].flatMap((protocol) => ["-o", `${protocol}.check_checksum:TRUE`]);
/** What iperf3 carries is random: now and then tshark would take it for DNS, malformed. */
const IPERF_IS_DATA = ["udp", "tcp"].flatMap((protocol) => ["-d", `${protocol}.port==5201,data`]);
const [BAD, GOOD] = ["0", "1"];

/**
 * Whether a TCP checksum is -0 where it should be 0. It verifies (RFC 1071), but tshark calls it bad. Linux writes it, for any protocol, where
 * it makes a checksum in place of a device (skb_checksum_help): so does one packet in 65,536 of a host without offloads.
 */
function isMinusZero(frame: Frame): boolean {
  return frame["tcp.checksum"].join() === "0xffff" && frame["tcp.checksum_calculated"].join() === "0x0000";
}

/** All frames that came from a MAC address. */
export async function framesFrom(file: string, mac: string): Promise<Frame[]> {
  const fields = ["-T", "fields", "-E", "separator=;", ...FIELDS.flatMap((field) => ["-e", field])];
  const text = await must(null, "tshark", ["-n", "-r", file, ...CHECKS, ...IPERF_IS_DATA, "-Y", `eth.src == ${mac}`, ...fields]);
  return text.trimEnd().split("\n").map((line) => {
    const cells = line.split(";");
    return Object.fromEntries(FIELDS.map((field, i) => [field, cells[i] === "" ? [] : cells[i]!.split(",")])) as Frame;
  });
}

/**
 * Fails if a frame of a capture is not well-formed. Checksums of TCP and UDP are judged where no offload leaves them to others. The failure
 * shows the first bad frame as tshark sees it, here and in the captures of others whom the same packet passed; the files are kept.
 */
export async function judge(file: string, all: Frame[], transport: boolean, others: string[] = []): Promise<void> {
  const judged = transport ? CHECKSUMS : CHECKSUMS.slice(0, 2);
  const malformed = (frame: Frame): boolean => frame["_ws.malformed"].length + frame["ip.bogus_ip_length"].length > 0;
  const bad = all.filter((frame) => malformed(frame) || judged.some((name) => isBad(frame, name)));
  if (bad.length > 0) {
    assert.unreachable(`${bad.length} of ${all.length} frames: ${JSON.stringify(bad.slice(0, 3))}\n${await inFull(bad[0]!, file, others)}`);
  }
  for (const name of judged) assert.ok(all.some((frame) => frame[name].includes(GOOD!)), `${name} was judged`);
}

function isBad(frame: Frame, name: (typeof CHECKSUMS)[number]): boolean {
  return frame[name].includes(BAD!) && !(name === "tcp.checksum.status" && isMinusZero(frame));
}

/** A frame and what else carried its packet, everything that tshark can tell; the captures stay behind. */
async function inFull(frame: Frame, file: string, others: string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "weft-frames-"));
  const [[number], [source], [id], [sequence]] = [frame["frame.number"], frame["ip.src"], frame["ip.id"], frame["tcp.seq_raw"]];
  const same = `ip.src == ${source} && ip.id == ${id}${sequence === undefined ? "" : ` && tcp.seq_raw == ${sequence}`}`;
  const parts: string[] = [];
  for (const [i, path] of [file, ...others].entries()) {
    const kept = join(folder, `${i}.pcapng`);
    copyFileSync(path, kept);
    const filter = i === 0 || source === undefined ? `frame.number == ${number}` : same;
    parts.push(`${kept}, ${filter}:\n${await must(null, "tshark", ["-n", "-r", kept, ...CHECKS, ...IPERF_IS_DATA, "-V", "-x", "-Y", filter])}`);
  }
  return parts.join("\n");
}
