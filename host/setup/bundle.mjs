// Puts the program into few files: Node takes as long to load the modules of a router one by one as for all the rest of its start.
//
//   build/program/cli/main.js, graph/worker.js, kit/thread.js     what is started
//   build/program/chunks/                                         what they share, and what is loaded when it is needed

import { readFile, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const HOST = join(ROOT, "dist/host");
const PROGRAM = join(ROOT, "build/program");

/** What a module finds from its own place it finds from the same place in the program, which lies as deep. */
const places = {
  name: "places",
  setup({ onLoad }) {
    onLoad({ filter: /\.js$/ }, async ({ path }) => {
      const text = await readFile(path, "utf8");
      return { contents: text.replaceAll("import.meta.url", `new URL("../${relative(HOST, path)}", import.meta.url).href`) };
    });
  },
};

await rm(PROGRAM, { recursive: true, force: true });
await build({
  entryPoints: ["cli/main.js", "graph/worker.js", "kit/thread.js"].map((file) => join(HOST, file)),
  outbase: HOST, outdir: PROGRAM, chunkNames: "chunks/[name]-[hash]",
  bundle: true, splitting: true, format: "esm", platform: "node", target: "node20", packages: "external", plugins: [places], logLevel: "warning",
});
