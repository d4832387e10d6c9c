// A route as the control plane keeps it.

import type { RouteInfo } from "./api-routes.js";
import type { Path, PathSet } from "./paths.js";

export interface Route {
  network: number;
  length: number;
  kind: RouteInfo["kind"];
  /** what it came with, and goes with */
  owner: "operator" | "address" | "neighbour";
  adjacency: number;
  /** software interface index; of several paths the first one's */
  index: number | null;
  /** gateways, each held once */
  paths: readonly Path[];
  /** what several of them share */
  set: PathSet | null;
}
