// What somebody may ask of routes: whether it can be meant, and which gateways it names.

import { bad, WeftError } from "../errors.js";
import { formatIp4, formatPrefix } from "./addresses.js";
import type { RoutePath, RouteTarget } from "./api.js";

/** Throws BAD_ARGUMENT for arrays that do not fit each other. */
export function checkBatch(networks: Uint32Array, lengths: Uint8Array, targets: number, choices: Uint16Array | undefined): void {
  if (lengths.length !== networks.length || (choices && choices.length !== networks.length)) {
    const found = `${lengths.length} lengths${choices ? ` and ${choices.length} choices` : ""}`;
    throw new WeftError("BAD_ARGUMENT", `${networks.length} networks, but ${found}: each needs one`);
  }
  if (targets === 0) throw new WeftError("BAD_ARGUMENT", "routes lead nowhere: name a target");
  const wrong = choices?.find((choice) => choice >= targets);
  if (wrong !== undefined) throw new WeftError("BAD_ARGUMENT", `there is no target ${wrong}: there are ${targets}, the first is 0`);
}

export function hostBits(text: string, network: number, length: number): WeftError {
  return bad(`${text} has host bits set: the network is ${formatPrefix(network >>> 0, length)}`);
}

/** The gateways that a target names; undefined: it names none. A host on the link is its own gateway; of a network each becomes a neighbour. */
export function namedPaths(network: number, length: number, target: RouteTarget): readonly RoutePath[] | undefined {
  const { kind, via, interface: name, weight, paths } = target;
  if (kind) return undefined;
  if (paths?.length) return paths;
  const more = { ...(name !== undefined && { interface: name }), ...(weight !== undefined && { weight }) };
  if (via !== undefined) return [{ via, ...more }];
  if (name === undefined) throw bad(`route ${formatPrefix(network, length)} leads nowhere: name a gateway or an interface`);
  return length === 32 ? [{ via: formatIp4(network), ...more }] : undefined;
}
