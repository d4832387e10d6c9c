// A router with two interfaces and nothing configured, for tests of what is configured, refused and taken away again.

import * as assert from "uvu/assert";
import type { WeftError } from "../../host/errors.js";
import { InlineRouter } from "../graph/inline.js";

export const inline = await InlineRouter.startPair();
export const { router } = inline;
router.removeAddress("host-left", "192.0.2.1/24");
router.removeAddress("host-right", "198.51.100.1/24");

export const state = () => ({
  routes: router.routes(),
  interfaces: router.interfaces().map(({ counters, ...rest }) => rest), // a new address is announced
  neighbors: router.neighbors().map(({ age, ...rest }) => rest),
});
/** Adjacencies in use. */
export const used = (): number => router["adjacencyTable"]["pool"].used + router["routeTable"]["sets"].list().length;
export const EMPTY = state();
export const UNUSED = used();

/** Leaves the router without addresses and routes. */
export function clear(): void {
  for (const { prefix } of router.routes()) {
    try {
      router.deleteRoute(prefix);
    } catch (error) {
      // It goes with an address, or went with the route through it.
      assert.ok(["CONFLICT", "NOT_FOUND"].includes((error as WeftError).code));
    }
  }
  for (const { name, addresses } of router.interfaces()) for (const address of addresses) router.removeAddress(name, address);
  for (const { interface: name, address } of router.neighbors()) router.deleteNeighbor(name, address);
  inline.settle();
}
