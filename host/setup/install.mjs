// npm starts this when it installs weft, and for "npm rebuild weft": the shim is compiled here, for this machine.
// In a checkout the set-up does that, when it is needed.

import { INSTALLED, build, staleSteps } from "./build.mjs";
import { SetupError } from "./step.mjs";

try {
  if (INSTALLED) await build(staleSteps());
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`weft: ${error.message}\n`);
  process.exitCode = 1;
}
