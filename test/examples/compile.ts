// Compiles a node's file as `weft node build` does, and writes the module to standard output:
//
//    node dist/test/examples/compile.js FILE REGION

import { compile } from "../../host/kit/compile.js";

const [file, region] = process.argv.slice(2);
const { wasm, diagnostics } = await compile(file!, Number(region));
if (diagnostics !== "") console.error(diagnostics);
if (wasm) process.stdout.write(wasm);
else process.exitCode = 1;
