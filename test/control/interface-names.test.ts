// What a name of an interface looks like.

import { test } from "uvu";
import * as assert from "uvu/assert";
import { isInterfaceName } from "../../host/control/interfaces.js";

test("a letter first, a dash or a digit in it, at most 64 characters, none of them a blank", () => {
  for (const name of ["local0", "host-eth0", "a-", "A1", `a${"1".repeat(63)}`, "rdma-0.100@x"]) assert.ok(isInterfaceName(name), name);
  for (const name of ["", "drop", "a", "0", "-", "9a", "-a", "a b-1", "a1 ", `a${"1".repeat(64)}`, "\u00e4-1", "a-1\n"]) assert.not(isInterfaceName(name), name);
});

test.run();
