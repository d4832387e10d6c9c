// Random changes of custom nodes, from a seed that is printed.

import type { Router } from "../../host/control/router.js";
import { type Change, type Model, PLACES } from "./custom-model.js";

const NODES = 8;
/** marks of a node: its number times this, and one to MARKS more */
export const MARKS = 3;

let seed = Math.floor(Math.random() * 2 ** 32);
function random(limit: number): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * limit);
}
const oneOf = <T>(list: readonly T[]): T => list[random(list.length)]!;

/** Gives one change after the other, for the model as it is then; the nodes are of so many versions. */
export function randomChanges(model: Model, versions: number): () => Change {
  console.log(`seed ${seed}`);
  return () => randomChange(model, versions);
}

/** Rather one that can be than one that must be refused. */
function randomChange(model: Model, versions: number): Change {
  const number = random(NODES);
  const mark = number * MARKS + 1 + random(MARKS);
  const name = `n${number}`;
  const version = random(versions);
  const there = ["insert", "insert", "insert", "bypass", "replace", "configure", "unload", "load"] as const;
  const what = model.names.includes(name) ? oneOf(there) : "load";
  switch (what) {
    case "load":
      return { what, name, mark, version };
    case "replace":
      return { what, name, version };
    case "configure":
      return { what, name, mark };
    case "unload":
      return { what, name };
    case "bypass":
      return { what, name, ...(random(2) === 0 && { interface: oneOf(model.interfaces) }) };
    case "insert": {
      const place = random(3) === 0 ? { [oneOf(["after", "before"])]: `n${random(NODES)}` } : oneOf(PLACES);
      return { what, name, place: { ...place, ...(random(2) === 0 && { interface: oneOf(model.interfaces) }) } };
    }
  }
}

/** Has a router make a change; `versions`: files of them. */
export function make(router: Router, versions: string[], change: Change): Promise<unknown> {
  switch (change.what) {
    case "load":
      return router.loadNode(versions[change.version]!, change.name, { mark: change.mark });
    case "replace":
      return router.replaceNode(change.name, versions[change.version]!);
    case "configure":
      return router.configureNode(change.name, { mark: change.mark });
    case "unload":
      return router.unloadNode(change.name);
    case "bypass":
      return router.bypassNode(change.name, change.interface);
    case "insert":
      return router.insertNode(change.name, change.place);
  }
}
