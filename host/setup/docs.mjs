// Writes the reference of the TypeScript API, as Markdown: build/docs/index.md. `npm run docs` compiles first, then starts it.
//
// Everything comes from the declarations that the compiler made, so what host/index.ts exports is in it. A type
// that is part of the API without being exported is an error.

import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Extractor, ExtractorConfig } from "@microsoft/api-extractor";
import { ROOT } from "./build.mjs";
import { step } from "./step.mjs";

const MODEL = join(ROOT, "build/api");
const PAGES = join(ROOT, "build/docs");
const QUIET = { logLevel: "none" };

const configObject = {
  projectFolder: ROOT,
  mainEntryPointFilePath: join(ROOT, "dist/host/index.d.ts"),
  compiler: { tsconfigFilePath: join(ROOT, "tsconfig.json") },
  apiReport: { enabled: false },
  docModel: { enabled: true, apiJsonFilePath: join(MODEL, "weft.api.json") },
  dtsRollup: { enabled: false },
  tsdocMetadata: { enabled: false },
  messages: {
    compilerMessageReporting: { default: { logLevel: "warning" } },
    extractorMessageReporting: { default: { logLevel: "error" }, "ae-missing-release-tag": QUIET, "ae-undocumented": QUIET },
    tsdocMessageReporting: { default: { logLevel: "none" } }, // { and > in prose are no mistakes
  },
};

for (const folder of [MODEL, PAGES]) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}
const config = ExtractorConfig.prepare({ configObject, configObjectFullPath: undefined, packageJsonFullPath: join(ROOT, "package.json") });
const { succeeded } = Extractor.invoke(config, { localBuild: true });
if (!succeeded) process.exit(1);
step("write the pages", ["npm", "exec", "--", "api-documenter", "markdown", "--input-folder", MODEL, "--output-folder", PAGES], { cwd: ROOT });
process.stdout.write(`${join(PAGES, "index.md")}\n`);
