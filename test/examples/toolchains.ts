// The compilers for WebAssembly that this machine may have.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

export interface Toolchain {
  /** in which its commands work; or why there is none */
  environment: NodeJS.ProcessEnv | string;
}

/** Debian's directories come second, so that one who has a newer compiler tests that. */
const PATHS = [process.env.PATH!, `/usr/bin:${process.env.PATH}`];

function toolchain(language: string, works: (environment: NodeJS.ProcessEnv) => boolean): Toolchain {
  const environments = PATHS.map((PATH) => ({ ...process.env, PATH: `${ROOT}node_modules/.bin:${PATH}` }));
  return { environment: environments.find(works) ?? `no ${language} compiler for WebAssembly` };
}

function prints(environment: NodeJS.ProcessEnv, command: string, ...words: string[]): string {
  const { status, stdout } = spawnSync(command, words, { env: environment, encoding: "utf8" });
  return status === 0 ? stdout : "";
}

export const C = toolchain("C", (env) => prints(env, "clang", "--print-targets").includes("wasm32") && prints(env, "wasm-ld", "--version") !== "");
export const RUST = toolchain("Rust", (env) => {
  const libraries = prints(env, "rustc", "--print", "target-libdir", "--target", "wasm32-unknown-unknown").trim();
  return libraries !== "" && prints(env, "ls", libraries).includes("libcore");
});
export const WAT = toolchain("WAT", (env) => prints(env, "wat2wasm", "--version") !== "");
