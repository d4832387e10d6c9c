// Giving up root's rights: what a router needs them for is done once its ports are open.

import { readFileSync } from "node:fs";
import { WeftError } from "../errors.js";

export interface User {
  name: string;
  uid: number;
  gid: number;
}

/** A user of this system, passwd(5). Throws BAD_ARGUMENT for an unknown one, NO_PERMISSION where this process may not become another. */
export function findUser(name: string): User {
  const line = readFileSync("/etc/passwd", "utf8").split("\n").find((one) => one.startsWith(`${name}:`));
  const [, , uid, gid] = (line ?? "").split(":").map(Number);
  if (uid === undefined || gid === undefined) throw new WeftError("BAD_ARGUMENT", `no user "${name}" in /etc/passwd: --user takes the name of one`);
  if (process.getuid!() !== 0) throw new WeftError("NO_PERMISSION", `--user ${name}: only root can become another user: leave the option out`);
  return { name, uid, gid };
}

/** From root to a user, in all threads and for good: capabilities(7), "Effect of user ID changes on capabilities". */
export function become({ uid, gid }: User): void {
  process.setgroups!([gid]);
  process.setgid!(gid);
  process.setuid!(uid);
}
