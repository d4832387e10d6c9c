// Writes build/abi.h, the C++ side of assembly/abi.ts, from what tsc compiled it to.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";

const abi = await import(new URL("../dist/assembly/abi.js", import.meta.url));
const lines = Object.entries(abi).map(([name, value]) => {
  if (!Number.isInteger(value) || value < 0 || value > 0xffffffff) throw new Error(`assembly/abi.ts: ${name} is ${value}, not a u32`);
  return `constexpr uint32_t ${name} = ${value}u;`;
});
mkdirSync(new URL("../build/", import.meta.url), { recursive: true });
const opening = ["// Generated from assembly/abi.ts by native/abi-header.mjs.", "#pragma once", "#include <cstdint>", "", "namespace abi {"];
const text = [...opening, ...lines, "}", ""].join("\n");
const header = new URL("../build/abi.h", import.meta.url);
// A header that is written anew has everything compiled anew.
if (!existsSync(header) || readFileSync(header, "utf8") !== text) writeFileSync(header, text);
