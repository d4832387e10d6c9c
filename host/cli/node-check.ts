// weft node check: what a module consists of, and whether the router would take it.

import { type Finding, inspect, type Inspection } from "../graph/verify.js";
import { readModule } from "../graph/module.js";
import { hex } from "../graph/findings.js";
import { WeftError } from "../errors.js";
import type { Output } from "./session.js";
import { quote } from "../nearest.js";
import { parseOptions } from "./options.js";
import { table } from "./table.js";

/** Runs `weft node check FILE.wasm [--json]`; gives the exit status: 0 it keeps the contract, 1 it does not. */
export function nodeCheck(argv: string[], output: Output): number {
  const { values, positionals } = parseOptions("node check", argv);
  const [file, ...others] = positionals;
  if (file === undefined) throw bad("which file? such as: weft node check build/acl.wasm");
  if (others.length > 0) throw bad(`one file at a time: unexpected ${quote(others[0]!)}`);
  const inspection = inspect(readModule(file));
  const ok = inspection.findings.length === 0;
  output.out(values.json ? `${JSON.stringify({ file, ok, ...inspection })}\n` : checkText(file, inspection));
  return ok ? 0 : 1;
}

function bad(message: string): WeftError {
  return new WeftError("BAD_COMMAND", `${message} (weft node check --help)`);
}

function checkText(file: string, inspection: Inspection): string {
  const { findings, more, nodes } = inspection;
  const count = findings.length + more;
  const verdict = count === 0 ? "keeps the contract" : `refused, ${count} finding${count === 1 ? "" : "s"}`;
  const parts = [
    `${file}: ${verdict}`,
    table(["", ""], about(inspection)).trimStart(),
    ...(nodes.length > 0 ? [nodesText(inspection)] : []),
    ...(count > 0 ? [findingsText(findings, more)] : []),
  ];
  return `${parts.join("\n\n")}\n`;
}

function about({ size, functions, imports, memory, region, relocatable, sections }: Inspection): string[][] {
  const data = region !== null ? `in module region ${region}` : relocatable ? "in any module region" : "none";
  return [
    ["size", `${size} bytes, ${functions} function${functions === 1 ? "" : "s"}`],
    ["sections", sections.map(({ name }) => name).join(", ") || "none"],
    ["imports", imports.map(({ name }) => name).join(", ") || "none"],
    ["memory", memory === null ? "none" : memoryText(memory)],
    ["static data", data],
  ];
}

function memoryText({ minimum, maximum, shared }: NonNullable<Inspection["memory"]>): string {
  return `declared as ${minimum} to ${maximum ?? "any number of"} pages${shared ? ", shared" : ""}; loaded as shared, of the router's size`;
}

function nodesText({ nodes }: Inspection): string {
  return nodes.map((node) => {
    const rows = [
      ["process", node.process],
      ["next", node.next.map((name, slot) => `${slot} ${name}`).join(", ")],
      ["counters", node.counters.join(", ")],
      ["gauges", node.gauges.join(", ")],
      ["state", node.state === 0 ? "" : `${node.state} bytes, ${versionText(node)}`],
      ["tables", node.tables.map(({ name, rows: count, size }) => `${name} (${count} rows of ${size} bytes)`).join(", ")],
      ["configure", node.configure ?? ""],
      ["config", Object.keys(node.config?.properties ?? {}).join(", ")],
    ];
    const said = rows.filter(([, text]) => text !== "");
    return `node ${node.name}\n${indented(table(["", ""], said).trimStart())}`;
  }).join("\n\n");
}

function versionText({ stateVersion, stateAccepts }: Inspection["nodes"][number]): string {
  return `version ${stateVersion}${stateAccepts.length > 0 ? `, goes on with ${stateAccepts.join(", ")}` : ""}`;
}

function findingsText(findings: Finding[], more: number): string {
  const rows = findings.map(({ what, at, function: place, mend }) => {
    const inside = place === null ? "" : `${place.index}${place.name === null ? "" : ` ${place.name}`}`;
    return [at === null ? "" : hex(at), inside, what, mend ?? ""];
  });
  return table(["Offset", "Function", "Finding", "Mend"], rows) + (more > 0 ? `\nand ${more} more` : "");
}

function indented(text: string): string {
  return text.split("\n").map((line) => `  ${line}`).join("\n");
}
