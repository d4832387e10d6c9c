// What sysfs tells of an adapter, from a folder that looks like a PCI function's.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { deviceCounters, functionFacts, needsInlineHeaders, portFacts, portSpeed } from "../../host/ports/rdma-devices.js";

const root = mkdtempSync(join(tmpdir(), "weft-sysfs-"));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), `${text}\n`);
}

/** A PCI function with a verbs device: its folder. */
function functionAt(pci: string, id: string): string {
  put(`${pci}/vendor`, "0x15b3");
  put(`${pci}/device`, `0x${id}`);
  put(`${pci}/infiniband/mlx5_0/ports/1/rate`, "100 Gb/sec (4X EDR)");
  put(`${pci}/infiniband/mlx5_0/ports/1/gids/0`, "fe80:0000:0000:0000:ba59:9fff:fe12:3456");
  put(`${pci}/infiniband/mlx5_0/ports/1/counters/port_rcv_packets`, "12");
  put(`${pci}/infiniband/mlx5_0/ports/1/hw_counters/out_of_buffer`, "3");
  return join(root, pci);
}

test("model, netdev among representors, virtual function", () => {
  const folder = functionAt("0000:5e:00.2", "1018");
  put("0000:5e:00.2/net/eth2/dev_port", "1");
  put("0000:5e:00.2/net/eth5/dev_port", "0");
  mkdirSync(join(folder, "physfn"));
  const facts = functionFacts(folder);
  const expected = { netdev: "eth5", pci: "0000:5e:00.2", model: "ConnectX-5 VF", vendor: "15b3", deviceId: "1018", virtualFunction: true };
  assert.equal(facts, expected);
});

test("a device that weft does not know, and one that is gone", () => {
  assert.is(functionFacts(functionAt("0000:3b:00.0", "6750")).model, null);
  const gone = { netdev: null, pci: "0000:ff:00.0", model: null, vendor: "", deviceId: "", virtualFunction: false };
  assert.equal(functionFacts(join(root, "0000:ff:00.0")), gone);
});

test("inline headers: ConnectX-4 and 4 Lx", () => {
  const needing = ["1012", "1013", "1014", "1015", "1016", "1017", "101d"].filter((deviceId) => {
    return needsInlineHeaders({ device: "", node: "", folder: "", netdev: null, pci: "", model: null, vendor: "15b3", deviceId, virtualFunction: false });
  });
  assert.equal(needing, ["1013", "1014", "1015", "1016"]);
});

test("MAC address and MTU: the netdev's, else the GID's and the usual one", () => {
  const folder = functionAt("0000:5e:00.0", "1017");
  const adapter = { device: "mlx5_0", node: "", folder, ...functionFacts(folder) };
  const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
  assert.equal(portFacts(adapter), { portMac: bytes("b8599f123456"), portMtu: 1500 });
  assert.equal(portFacts({ ...adapter, device: "mlx5_9" }).portMac, new Uint8Array(6));
  put("0000:5e:00.0/net/eth0/address", "b8:59:9f:00:00:01");
  put("0000:5e:00.0/net/eth0/mtu", "9000");
  assert.equal(portFacts({ ...adapter, ...functionFacts(folder) }), { portMac: bytes("b8599f000001"), portMtu: 9000 });
});

test("speed and counters", () => {
  const folder = functionAt("0000:5e:00.0", "1017");
  assert.equal([portSpeed(folder, "mlx5_0"), portSpeed(folder, "mlx5_9")], [100_000, 0]);
  assert.equal(deviceCounters(folder, "mlx5_0"), { port_rcv_packets: 12, out_of_buffer: 3 });
});

test.after(() => rmSync(root, { recursive: true }));
test.run();
