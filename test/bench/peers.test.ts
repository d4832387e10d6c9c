// What is compared does the same: the native twin sends byte for byte what weft sends, node by node and as one loop.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { lastCpu } from "../../host/lab/cpu.js";
import { compileTwin, Peer } from "../../bench/native.js";

const WEFT = fileURLToPath(new URL("../../bench/peer.js", import.meta.url));

test("the twin sends what weft sends, and both tell clocks of the same nodes", async () => {
  const folder = mkdtempSync(join(tmpdir(), "weft-test-"));
  const peers: Peer[] = [];
  try {
    const twin = compileTwin();
    const weft = new Peer("weft", [process.execPath, WEFT, "forward", folder, "nodes"], lastCpu());
    peers.push(weft);
    const { sent, rx } = await weft.greeting();
    for (const how of ["nodes", "loop"]) {
      const peer = new Peer(how, [twin, folder, how, String(rx)], lastCpu());
      peers.push(peer);
      assert.is((await peer.greeting()).sent, sent, how);
    }
    const [ours, theirs, loop] = await Promise.all(peers.map((peer) => peer.measure(16, 20)));
    assert.equal(Object.keys(theirs!).sort(), Object.keys(ours!).sort());
    assert.ok([...Object.values(ours!), ...Object.values(theirs!), ...Object.values(loop!)].every((clocks) => clocks > 0));
  } finally {
    for (const peer of peers) peer.close();
    rmSync(folder, { recursive: true });
  }
});

test.run();
