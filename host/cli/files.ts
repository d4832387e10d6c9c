// Names of files, for completion.

import { readdirSync } from "node:fs";
import { basename, dirname } from "node:path";

/** Those that begin like this, from the current folder; folders end in "/". `@` before a name stays. */
export function filesLike(partial: string): string[] {
  const at = partial.startsWith("@") ? "@" : "";
  const path = partial.slice(at.length);
  const folder = path.endsWith("/") ? path : path.includes("/") ? `${dirname(path).replace(/\/$/, "")}/` : "";
  const beginning = path.endsWith("/") ? "" : basename(path);
  try {
    return readdirSync(folder === "" ? "." : folder, { withFileTypes: true })
      .filter(({ name }) => name.startsWith(beginning) && (beginning !== "" || !name.startsWith(".")))
      .map((entry) => `${at}${folder}${entry.name}${entry.isDirectory() ? "/" : ""}`)
      .sort();
  } catch {
    return [];
  }
}
