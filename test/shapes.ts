// The shapes that show commands promise with --json: the types that their data has in the sources, as the compiler knows them.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SyntaxKind, type CallExpression, type Identifier, type Node, type StringLiteral } from "typescript/unstable/ast";
import { API, type Checker, SignatureKind, SymbolFlags, type Type, TypeFlags, isLiteralType, isTypeReference, isUnionType } from "typescript/unstable/sync";

// dist/test/shapes.js → the project
const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CONFIG = join(ROOT, "tsconfig.json");
const CLI = join(ROOT, "host/cli");

export class Shapes {
  readonly #api = new API({ cwd: ROOT });
  readonly #checker: Checker;
  /** what `show(pattern, help, data, …)` gives, by pattern */
  readonly #types = new Map<string, Type>();

  constructor() {
    const snapshot = this.#api.updateSnapshot({ openProjects: [CONFIG] });
    const { checker, program } = snapshot.getProject(CONFIG)!;
    this.#checker = checker;
    const visit = (node: Node): void => {
      if (node.kind === SyntaxKind.CallExpression) this.#note(node as CallExpression);
      node.forEachChild(visit);
    };
    for (const name of readdirSync(CLI)) if (name.endsWith(".ts")) visit(program.getSourceFile(join(CLI, name))!);
  }

  close(): void {
    this.#api.close();
  }

  get patterns(): string[] {
    return [...this.#types.keys()];
  }

  /** What in a value is not as the type of a command's data says: missing and other fields, wrong kinds, each with its place. */
  faults(pattern: string, value: unknown): string[] {
    const type = this.#types.get(pattern);
    return type === undefined ? [`no show("${pattern}", …) in host/cli: its data has no type to compare with`] : this.#faults(value, type, "$");
  }

  #note({ expression, arguments: words }: CallExpression): void {
    if ((expression as Identifier).text !== "show" || words.length < 4) return;
    const type = this.#checker.getTypeAtLocation(words[2]!)!;
    const [signature] = this.#checker.getSignaturesOfType(type, SignatureKind.Call);
    this.#types.set((words[0] as StringLiteral).text, this.#checker.getReturnTypeOfSignature(signature!)!);
  }

  #faults(value: unknown, type: Type, at: string): string[] {
    const wrong = (): string[] => [`${at}: ${JSON.stringify(value)?.slice(0, 60)} is no ${this.#checker.typeToString(type)}`];
    if (isUnionType(type)) {
      const all = type.getTypes().map((one) => this.#faults(value, one, at));
      const kind = typeof value === "object" && value !== null ? all.find((faults) => faults.some((fault) => !fault.startsWith(`${at}: `))) : undefined;
      return all.some((faults) => faults.length === 0) ? [] : (kind ?? wrong());
    }
    if (isLiteralType(type)) return value === type.value ? [] : wrong();
    if (type.flags & TypeFlags.Null) return value === null ? [] : wrong();
    for (const [flag, kind] of [[TypeFlags.String, "string"], [TypeFlags.Number, "number"], [TypeFlags.BooleanLike, "boolean"]] as const) {
      if (type.flags & flag) return typeof value === kind ? [] : wrong();
    }
    if (type.flags & (TypeFlags.Unknown | TypeFlags.Any)) return [];
    if (this.#checker.isArrayType(type) && isTypeReference(type)) {
      const [element] = this.#checker.getTypeArguments(type);
      return Array.isArray(value) ? value.flatMap((one, i) => this.#faults(one, element!, `${at}[${i}]`)) : wrong();
    }
    return typeof value === "object" && value !== null && !Array.isArray(value) ? this.#fieldFaults(value, type, at) : wrong();
  }

  #fieldFaults(value: object, type: Type, at: string): string[] {
    const fields = new Map(this.#checker.getPropertiesOfType(type).map((field) => [field.name, field]));
    const [index] = this.#checker.getIndexInfosOfType(type);
    const missing = [...fields].filter(([name, { flags }]) => !(name in value) && !(flags & SymbolFlags.Optional));
    return [
      ...missing.map(([name]) => `${at}.${name} is missing`),
      ...Object.entries(value).flatMap(([name, one]) => {
        const field = fields.get(name);
        const found = field ? this.#checker.getTypeOfSymbol(field) : index?.valueType;
        return found === undefined ? [`${at}.${name} is not documented`] : this.#faults(one, found, `${at}.${name}`);
      }),
    ];
  }
}
