import { test } from "uvu";
import * as assert from "uvu/assert";
import { deviceChecks } from "../../host/cli/doctor-rdma.js";

const CX5 = { device: "mlx5_0", netdev: "eth1", pci: "0000:5e:00.0", model: "ConnectX-5", vendor: "15b3", deviceId: "1017" };
const E810 = { device: "irdma0", netdev: null, pci: "0000:3b:00.0", model: null, vendor: "8086", deviceId: "1592" };

test("a ConnectX that may be used, one that may not, and an adapter that weft does not know", () => {
  const node = (device: string) => ({ path: `/dev/infiniband/${device}`, problem: device === "mlx5_1" ? "EACCES" : null });
  const rows = deviceChecks([CX5, { ...CX5, device: "mlx5_1", netdev: "eth2" }, E810], node).slice(1);
  assert.equal(rows.map(({ name, ok, found }) => [name, ok, found]), [
    ["mlx5_0", true, "ConnectX-5 at 0000:5e:00.0, netdev eth1"],
    ["mlx5_1", "warn", "ConnectX-5 at 0000:5e:00.0, netdev eth2"],
    ["irdma0", "warn", "8086:1592 at 0000:3b:00.0, no netdev"],
  ]);
  assert.is(rows[0]!.hint, "");
  assert.match(rows[1]!.hint, '/dev/infiniband/mlx5_1: EACCES: run as root, or as a user who may read and write it; in a container "--device');
  assert.match(rows[2]!.hint, "ConnectX-4 and newer");
});

test("no device is no lack, but says how to find one", () => {
  const [, row] = deviceChecks([], () => ({ path: "", problem: null }));
  assert.equal([row!.ok, row!.found], [true, "none"]);
  assert.match(row!.hint, "lspci -d 15b3:");
});

test.run();
