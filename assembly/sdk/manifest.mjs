// A transform for asc: takes each declareNode({...}) out of the source and writes all of them, as
// JSON, into the module's custom section `weft`. A call left in place would need a start function,
// which the contract forbids. A node that declares `packet`, a function for one packet, gets the loop
// over the vector made for it.

import { DecoratorKind, LiteralKind, Node, NodeKind, Source, SourceKind, Token, Tokenizer } from "assemblyscript";
import { Transform } from "assemblyscript/transform";

// as assembly/abi.ts has them; a test compares
const CONTRACT_VERSION = 1;
const BUFFER_SHIFT = 6;
const FRAME_NEXT = 1024;

const isText = (value) => typeof value === "string";
const isCount = (value) => Number.isInteger(value) && value >= 0;
const listOf = (check) => (value) => Array.isArray(value) && value.every(check);
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** What may stand in a declaration; the host looks deeper when it loads the module. */
const FIELDS = {
  name: ["a text", isText],
  packet: ["a function's name", isText],
  process: ["an exported function's name", isText],
  next: ["a list of texts", listOf(isText)],
  counters: ["a list of texts", listOf(isText)],
  gauges: ["a list of texts", listOf(isText)],
  state: ["a whole number", isCount],
  stateVersion: ["a whole number", isCount],
  stateAccepts: ["a list of whole numbers", listOf(isCount)],
  configure: ["an exported function's name", isText],
  config: ["an object", isObject],
  tables: ["a list of objects", listOf(isObject)],
  trace: ["an object", isObject],
};

export default class Manifest extends Transform {
  nodes = [];

  afterParse(parser) {
    for (const source of parser.sources) {
      const calls = [];
      source.statements = source.statements.filter((statement) => {
        const call = statement.expression;
        if (statement.kind !== NodeKind.Expression || call.kind !== NodeKind.Call || call.expression.text !== "declareNode") return true;
        calls.push(call);
        return false;
      });
      for (const call of calls) this.nodes.push(declaration(parser, source, call));
    }
  }

  afterCompile(module) {
    const text = JSON.stringify({ contract: CONTRACT_VERSION, nodes: this.nodes });
    module.addCustomSection("weft", new TextEncoder().encode(text));
  }
}

/** A node as the manifest has it. */
function declaration(parser, source, call) {
  const [object] = call.args;
  if (call.args.length !== 1 || object.literalKind !== LiteralKind.Object) {
    throw wrong(source, call, "declareNode takes one object: declareNode({ … })");
  }
  const node = { counters: [], ...literal(object, source) };
  object.names.forEach(({ text: field }, i) => {
    if (!Object.hasOwn(FIELDS, field)) {
      throw wrong(source, object.names[i], `a node has no field "${field}": there are ${Object.keys(FIELDS).join(", ")}`);
    }
    const [expected, check] = FIELDS[field];
    if (!check(node[field])) throw wrong(source, object.values[i], `${field} must be ${expected}`);
  });
  const lacking = ["name", "next"].find((field) => !(field in node));
  if (lacking !== undefined) throw wrong(source, call, `the node has no ${lacking}`);
  if ("packet" in node === "process" in node) {
    throw wrong(source, call, "a node has either packet or process: the function for a packet, or for a vector");
  }
  if (!("packet" in node)) return node;
  const { packet, ...rest } = node;
  return { ...rest, process: vectorLoop(parser, source, packet, object.values[object.names.findIndex(({ text }) => text === "packet")]) };
}

/** Adds the loop that calls a function for each packet of a vector; gives its name. */
function vectorLoop(parser, source, packet, place) {
  const one = topLevelFunction(source, packet);
  if (one === undefined) throw wrong(source, place, `no function ${packet}(node: usize, buffer: usize): u32 in this file`);
  if (one.signature.parameters.length !== 2) throw wrong(source, one, `${packet} takes (node: usize, buffer: usize) and gives its next slot, a u32`);
  const name = `${packet}Vector`;
  if (topLevelFunction(source, name) !== undefined) return name; // two nodes with the same function, or the author's own loop
  inline(one);
  const buffer = `<usize>load<u32>(frame + (<usize>i << 2)) << ${BUFFER_SHIFT}`;
  const text = `export function ${name}(node: usize, frame: usize, n: u32): void {
    for (let i: u32 = 0; i < n; i++) store<u16>(frame + (<usize>i << 1), <u16>${packet}(node, ${buffer}), ${FRAME_NEXT});
  }`;
  source.statements.push(parseStatement(parser, text, source.normalizedPath));
  return name;
}

function topLevelFunction(source, name) {
  return source.statements.find((statement) => statement.kind === NodeKind.FunctionDeclaration && statement.name.text === name);
}

/** One call a packet would cost more than most nodes do. */
function inline(statement) {
  statement.decorators ??= [];
  if (statement.decorators.some(({ decoratorKind }) => decoratorKind === DecoratorKind.Inline)) return;
  statement.decorators.push(Node.createDecorator(Node.createIdentifierExpression("inline", statement.range), null, statement.range));
}

function parseStatement(parser, text, path) {
  const tokenizer = new Tokenizer(new Source(SourceKind.UserEntry, path, text), parser.diagnostics);
  parser.currentSource = tokenizer.source;
  const statement = parser.parseTopLevelStatement(tokenizer, null);
  parser.currentSource = null;
  return statement;
}

/** The value of a literal expression; anything else is the author's mistake, told with its place. */
function literal(expression, source) {
  switch (expression.kind) {
    case NodeKind.True: return true;
    case NodeKind.False: return false;
    case NodeKind.Null: return null;
    case NodeKind.UnaryPrefix:
      if (expression.operator === Token.Minus && isNumber(expression.operand)) return -literal(expression.operand, source);
      break;
    case NodeKind.Literal:
      switch (expression.literalKind) {
        case LiteralKind.String: return expression.value;
        case LiteralKind.Integer: case LiteralKind.Float: return number(expression, source);
        case LiteralKind.Array: return expression.elementExpressions.map((element) => literal(element, source));
        case LiteralKind.Object: return objectLiteral(expression, source);
      }
  }
  throw wrong(source, expression, `a declaration takes literals only, not ${expression.range}`);
}

function isNumber({ kind, literalKind }) {
  return kind === NodeKind.Literal && (literalKind === LiteralKind.Integer || literalKind === LiteralKind.Float);
}

function number(expression, source) {
  const value = Number(String(expression.range).replaceAll("_", ""));
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw wrong(source, expression, `${expression.range} is too large for a declaration`);
  return value;
}

function objectLiteral({ names, values }, source) {
  names.forEach((name, i) => {
    if (names.findIndex(({ text }) => text === name.text) < i) throw wrong(source, name, `"${name.text}" stands twice in one object`);
  });
  return Object.fromEntries(names.map(({ text }, i) => [text, literal(values[i], source)]));
}

/** asc prints the error's stack: one line will do. */
function wrong(source, { range }, what) {
  const error = new Error(`${source.normalizedPath}:${source.lineAt(range.start)}: ${what}`);
  error.stack = error.message;
  return error;
}
