import { test } from "uvu";
import * as assert from "uvu/assert";
import { table } from "../../host/cli/table.js";

test("numbers to the right, text to the left, no blanks at the end", () => {
  const text = table(["Count", "Node", "Clocks", "Reason"], [[7, "ip4-input", "6.60", "bad checksum"], [123456789, "arp", ".5", ""]]);
  assert.is(text, [
    "    Count  Node       Clocks  Reason",
    "        7  ip4-input    6.60  bad checksum",
    "123456789  arp            .5",
  ].join("\n"));
});

test("addresses are text, blanks do not make a column of numbers text", () => {
  assert.is(table(["Via", "N"], [["192.0.2.1", 5], ["-", ""], ["", 10]]), "Via         N\n192.0.2.1   5\n-\n           10");
});

test("no rows: the head alone", () => {
  assert.is(table(["Count", "Node"], []), "Count  Node");
});

test.run();
