// How a node declares itself: its type for editors. The build takes each call out of the code and
// writes it into the module's `weft` section (manifest.mjs), so nothing of this is ever compiled.

/**
 * Declares a node: `declareNode({ name: "hello", packet: "inspect", next: ["error-drop", "continue"] })`. Literals only.
 * sdk/editor.d.ts describes the fields, sdk/CONTRACT.md what stands behind them.
 */
export declare function declareNode(node: NodeDeclaration): void;
