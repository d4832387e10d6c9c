/** A node's declaration. Literals only: the build takes it out of the code and writes it into the module's `weft` section. */
export class NodeDeclaration {
  /** the node's name in the graph, kebab-case */
  name: string;
  /** the exported function: process(node: usize, frame: usize, n: u32): void */
  process: string;
  /** next nodes by slot; slot 0 is always error-drop */
  next: string[];
  /** reasons by counter index, as `show errors` prints them */
  counters: string[];
  /** bytes of state */
  state: i32;
}
