// The rules of the code's structure: who may import whom, who may print, how long a file may be.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";

// dist/test/structure.test.js → the project
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Every source file below some folders, by its path from the project's root. */
function sources(folders: string[], endings: RegExp): { path: string; text: string }[] {
  const found = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .map((name) => `${folder}/${name}`)
      .filter((path) => endings.test(path) && !path.startsWith("native/build/"))
      .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") })),
  );
  assert.ok(found.length > 0, `no source file in ${folders.join(", ")}`);
  return found;
}

interface Import {
  from: string;
  /** path of the imported file, without its ending; a package's name as it stands */
  to: string;
}

/** Static imports and exports, dynamic ones and types' alike. */
function imports(folder: string): Import[] {
  return sources([folder], /\.(ts|mjs)$/).flatMap(({ path, text }) =>
    [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g)].map(([, name]) => ({
      from: path,
      to: name!.startsWith(".") ? normalize(join(dirname(path), name!)).replace(/\.(js|ts|mjs)$/, "") : name!,
    })),
  );
}

/** Fails with every import that is not allowed. */
function allowOnly(all: Import[], allowed: (one: Import) => boolean): void {
  assert.equal(all.filter((one) => !allowed(one)).map(({ from, to }) => `${from} imports ${to}`), []);
}

const below = (path: string, ...folders: string[]): boolean => folders.some((folder) => path.startsWith(`${folder}/`));

test("nodes import sdk, wire and abi, never each other; the graph's functions sdk, wire and abi", () => {
  const nodes = imports("assembly/nodes").filter(({ from }) => from !== "assembly/nodes/index.ts");
  allowOnly(nodes, ({ to }) => below(to, "assembly/sdk", "assembly/wire") || to === "assembly/abi");
  allowOnly(imports("assembly/graph"), ({ to }) => below(to, "assembly/graph", "assembly/sdk", "assembly/wire") || to === "assembly/abi");
  allowOnly(imports("assembly/examples"), ({ from, to }) => {
    return below(to, "assembly/sdk", "assembly/wire", from.replace(/(\/[\w-]+)(\.ts|\/[^/]*)$/, "$1")) || ["assembly/abi", "assembly/sdk"].includes(to);
  });
});

test("sdk imports abi and wire, wire imports abi", () => {
  const builders = ["assemblyscript", "assemblyscript/transform"]; // of the transform, which asc loads
  allowOnly(imports("assembly/sdk"), ({ from, to }) => {
    if (from.endsWith(".mjs")) return builders.includes(to);
    return below(to, "assembly/sdk", "assembly/wire") || to === "assembly/abi";
  });
  allowOnly(imports("assembly/wire"), ({ to }) => below(to, "assembly/wire") || to === "assembly/abi");
});

test("of assembly/ the host imports abi alone", () => {
  allowOnly(imports("host"), ({ to }) => !below(to, "assembly") || to === "assembly/abi");
});

test("the host's layers import downwards: cli, control, ports and graph, memory", () => {
  const layers = [["host/cli"], ["host/control"], ["host/ports", "host/graph"], ["host/memory"]];
  const rank = (path: string): number => layers.findIndex((folders) => below(path, ...folders));
  const layered = imports("host").filter(({ from, to }) => rank(from) >= 0 && rank(to) >= 0);
  allowOnly(layered, ({ from, to }) => rank(from) <= rank(to));
  // beside the layers: the node kit, which the command line uses
  allowOnly(imports("host/kit"), ({ to }) => !below(to, "host/cli", "host/control", "host/lab"));
  allowOnly(imports("host"), ({ from, to }) => !below(to, "host/kit") || below(from, "host/cli", "host/kit"));
  // and the laboratory, which needs nothing of them, and only the command line uses it
  allowOnly(imports("host/lab"), ({ to }) => !below(to, "host") || below(to, "host/lab") || to === "host/errors");
  allowOnly(imports("host"), ({ from, to }) => !below(to, "host/lab") || below(from, "host/cli", "host/lab"));
});

test("no import cycle between files of the host", () => {
  const edges = new Map<string, string[]>();
  for (const { from, to } of imports("host")) edges.set(from.replace(/\.\w+$/, ""), [...(edges.get(from.replace(/\.\w+$/, "")) ?? []), to]);
  const done = new Set<string>();
  const visit = (file: string, path: string[]): void => {
    if (path.includes(file)) assert.unreachable(`cycle: ${[...path.slice(path.indexOf(file)), file].join(" → ")}`);
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
});

test("the addon is loaded in host/addon.ts alone", () => {
  const loads = /\bcreateRequire\b|\bprocess\.dlopen\b/;
  const loaders = sources(["host", "test"], /\.(ts|mjs)$/).filter(({ path, text }) => path !== "test/structure.test.ts" && loads.test(text));
  assert.equal(loaders.map(({ path }) => path), ["host/addon.ts"]);
});

test("only the command line and the set-up print or exit", () => {
  const loud = /\bconsole\.|\bprocess\.(stdout|stderr)\.write\b|\bprocess\.exit\b|\bprocess\.exitCode\b/;
  const culprits = sources(["host"], /\.(ts|mjs)$/).filter(({ path, text }) => !below(path, "host/cli", "host/setup") && loud.test(text));
  assert.equal(culprits.map(({ path }) => path), []);
});

test("no source file is longer than 400 lines", () => {
  const long = sources(["assembly", "host", "native"], /\.(ts|mjs|cc|h|gyp)$/).filter(({ text }) => text.split("\n").length > 401);
  assert.equal(long.map(({ path }) => path), []);
});

test("the lock file names no registry", () => {
  assert.not.match(readFileSync(join(ROOT, "package-lock.json"), "utf8"), /"resolved"/);
});

test.run();
