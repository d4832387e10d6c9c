// A transform for asc: takes each declareNode({...}) out of the source and writes all of them, as
// JSON, into the module's custom section `weft`. A call left in place would need a start function,
// which the contract forbids.

import { Transform } from "assemblyscript/transform";
import { LiteralKind, NodeKind } from "assemblyscript";

const CONTRACT = 1;

export default class Manifest extends Transform {
  nodes = [];

  afterParse(parser) {
    for (const source of parser.sources) {
      source.statements = source.statements.filter((statement) => {
        const call = statement.expression;
        if (statement.kind !== NodeKind.Expression || call.kind !== NodeKind.Call || call.expression.text !== "declareNode") return true;
        this.nodes.push(literal(call.args[0], source));
        return false;
      });
    }
  }

  afterCompile(module) {
    const text = JSON.stringify({ contract: CONTRACT, nodes: this.nodes });
    module.addCustomSection("weft", new TextEncoder().encode(text));
  }
}

/** The value of a literal expression; anything else is the author's mistake, told with its place. */
function literal(expression, source) {
  if (expression.kind === NodeKind.Literal) {
    switch (expression.literalKind) {
      case LiteralKind.String: return expression.value;
      case LiteralKind.Integer: return Number(expression.range.toString());
      case LiteralKind.Array: return expression.elementExpressions.map((e) => literal(e, source));
      case LiteralKind.Object: return Object.fromEntries(expression.names.map((name, i) => [name.text, literal(expression.values[i], source)]));
    }
  }
  throw new Error(`${source.normalizedPath}: declareNode takes literals only: ${expression.range}`);
}
