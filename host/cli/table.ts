// Aligned text tables, as every show command prints them.

const GAP = "  ";
/** "12", "-3", "0.25", ".0533"; not "192.0.2.1" */
const NUMBER = /^-?\d*\.?\d+$/;

/**
 * Text of a table: two spaces between columns, columns of numbers to the right, others to the left, no blanks
 * at the ends of lines. Numbers are not grouped, so that scripts can cut them out.
 */
export function table(head: string[], rows: (string | number)[][]): string {
  const cells = rows.map((row) => row.map(String));
  const columns = head.map((title, column) => {
    const values = cells.map((row) => row[column] ?? "");
    return {
      width: values.reduce((width, value) => Math.max(width, value.length), title.length),
      right: values.every((value) => value === "" || NUMBER.test(value)),
    };
  });
  const line = (row: string[]): string =>
    columns.map(({ width, right }, i) => (right ? (row[i] ?? "").padStart(width) : (row[i] ?? "").padEnd(width))).join(GAP).trimEnd();
  return [head, ...cells].map(line).join("\n");
}
