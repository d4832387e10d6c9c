// What tshark makes of IPv4 packets.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const LINKTYPE_RAW = 101; // the packets begin with an IP header

/** The values of fields in each packet, all that there are of a field; every checksum is judged ("Good", "Bad", …). */
export function dissect<Field extends string>(packets: Uint8Array[], fields: Field[]): Record<Field, string[]>[] {
  const folder = mkdtempSync(join(tmpdir(), "weft-"));
  try {
    const file = join(folder, "packets.pcap");
    writeFileSync(file, capture(packets));
    const checks = ["ip", "udp", "tcp"].flatMap((protocol) => ["-o", `${protocol}.check_checksum:TRUE`]);
    const words = ["-n", "-r", file, ...checks, "-T", "fields", "-E", "separator=;", ...fields.flatMap((field) => ["-e", field])];
    const lines = execFileSync("tshark", words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trimEnd().split("\n");
    return lines.map((line) => {
      const cells = line.split(";");
      return Object.fromEntries(fields.map((field, i) => [field, cells[i] === "" ? [] : cells[i]!.split(",")])) as Record<Field, string[]>;
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A pcap file (pcap-savefile(5)). */
function capture(packets: Uint8Array[]): Buffer {
  const words = (...values: number[]): Buffer => Buffer.from(Uint32Array.from(values).buffer);
  const header = words(0xa1b2c3d4, (4 << 16) | 2, 0, 0, 0x40000, LINKTYPE_RAW);
  return Buffer.concat([header, ...packets.flatMap((packet) => [words(0, 0, packet.length, packet.length), packet])]);
}
