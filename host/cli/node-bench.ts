// weft node bench: what a node costs.

import { addon } from "../addon.js";
import { WeftError } from "../errors.js";
import type { NodeDeclaration } from "../graph/manifest.js";
import { verify } from "../graph/verify.js";
import { benchNode, type Measured, type Quartiles, samplePackets } from "../kit/bench.js";
import { readBytes } from "../kit/folder.js";
import { readCapture } from "../ports/capture-file.js";
import type { PacketIn } from "../kit/test-file.js";
import { quote, suggestion } from "../nearest.js";
import type { Output } from "./session.js";
import { numberOption, parseOptions } from "./options.js";
import { table } from "./table.js";

const STRIP_MAX = 256;
export async function nodeBench(argv: string[], output: Output): Promise<number> {
  const { values, positionals } = parseOptions("node bench", argv);
  const [file, extra] = positionals;
  if (file === undefined) throw bad("which file? weft node bench build/hello.wasm");
  if (extra !== undefined) throw bad(`one file at a time: unexpected ${quote(extra)}`);
  const module = verify(readBytes(process.cwd(), file, `"weft node build" makes modules`), file);
  const node = chosen(module.nodes, values.node as string | undefined, file);
  const config = values.config === undefined ? undefined : json(String(values.config));
  const strip = values.strip === undefined ? 0 : numberOption("strip", String(values.strip), 0, STRIP_MAX);
  if (values.strip !== undefined && values.packets === undefined) throw bad("--strip is for --packets");
  const packets = values.packets === undefined ? samplePackets() : captured(String(values.packets), strip);
  const time = values.ms === undefined ? 300 : numberOption("ms", String(values.ms), 1, 60_000);

  const results = await benchNode(module, node, { packets, config, time });
  if (values.json === true) output.out(`${JSON.stringify({ file, node: node.name, clockRate: addon.clockRate(), results })}\n`);
  else output.out(report(node.name, results));
  return 0;
}

function chosen(nodes: NodeDeclaration[], name: string | undefined, file: string): NodeDeclaration {
  const node = nodes.find((one) => name === undefined || one.name === name);
  if (node !== undefined) return node;
  throw new WeftError("NOT_FOUND", `${file} has no node ${quote(name!)}${suggestion(name!, nodes.map((one) => one.name))}`);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw bad(`--config is not JSON: ${(cause as Error).message}`);
  }
}

function captured(path: string, strip: number): PacketIn[] {
  const { packets } = readCapture(path);
  const short = packets.findIndex(({ data }) => data.length < strip);
  const wrong = (what: string): WeftError => new WeftError("BAD_ARGUMENT", `${path}: ${what}`);
  if (short >= 0) throw wrong(`packet ${short + 1} has ${packets[short]!.data.length} bytes, fewer than the ${strip} to strip`);
  if (packets.length === 0) throw wrong("no packet in it");
  return packets.map(({ data }) => ({ stripped: data.subarray(0, strip), pieces: [data.subarray(strip)], fields: {} }));
}

function report(name: string, results: Measured[]): string {
  const clocks = ({ low, median, high }: Quartiles): string[] => [median, low, high].map((value) => value.toFixed(1));
  const rows = results.map(({ vector, rounds, node, identity }) => [
    vector, ...clocks(node), ...clocks(identity), (node.median - identity.median).toFixed(1), rounds,
  ]);
  const head = ["Vector", name, "25 %", "75 %", "(pass on)", "25 %", "75 %", "Difference", "Rounds"];
  return `Clocks per packet, by the packets of a vector: median and quartiles; "pass on" is a node that does nothing else\n${table(head, rows)}\n`;
}

function bad(message: string): WeftError {
  return new WeftError("BAD_COMMAND", `${message} (weft node bench --help)`);
}
