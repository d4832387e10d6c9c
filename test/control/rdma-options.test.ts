import { test } from "uvu";
import * as assert from "uvu/assert";
import type { WeftError } from "../../host/errors.js";
import { explain } from "../../host/ports/rdma.js";
import { type RdmaOptions, rdmaSettings } from "../../host/ports/rdma-options.js";

test("what stands where nothing was asked for", () => {
  assert.equal(rdmaSettings({ hostInterface: "eth0" }), {
    name: "eth0", kind: "netdev", mode: "auto", rxQueueSize: 1024, txQueueSize: 1024, rxQueues: 1, rss: ["ipv4-tcp", "ipv6-tcp"],
    maxPacketLength: 0, multiSegment: true, striding: true, rxChecksum: true, compression: true,
  });
});

test("what was asked for", () => {
  const asked: RdmaOptions = {
    device: "mlx5_1", mode: "ibv", rxQueueSize: 256, txQueueSize: 32768, rxQueues: 4, rss: ["ipv6-udp"], maxPacketLength: 9018,
    multiSegment: false, striding: false, rxChecksum: false, compression: false,
  };
  const { device, rss, ...rest } = asked;
  assert.equal(rdmaSettings(asked), { ...rest, name: device, kind: "device", rss: ["ipv4-tcp", "ipv6-udp"] });
});

test("what cannot be asked for", () => {
  for (const [options, message] of [
    [{}, "which port?"],
    [{ hostInterface: "eth0", device: "mlx5_0" }, "either its netdev (host-if eth0) or its verbs device"],
    [{ rxQueueSize: 1000 }, "rx-queue-size 1000 is not a power of two from 256 to 32768, such as 1024"],
    [{ rxQueueSize: 128 }, "rx-queue-size 128 is not a power of two"],
    [{ txQueueSize: 65536 }, "tx-queue-size 65536 is not a power of two"],
    [{ txQueueSize: 0 }, "tx-queue-size 0"],
    [{ rxQueues: 0 }, "num-rx-queues 0 is not a whole number from 1 to 64"],
    [{ rxQueues: 1.5 }, "num-rx-queues 1.5"],
    [{ maxPacketLength: 63 }, "max-pktlen 63"],
    [{ mode: "fast" }, "mode fast is not one of auto, ibv, dv"],
    [{ rss: ["ipv4", "ipv4-udp"] }, "rss ipv4 and rss ipv4-udp: one for ipv4 at most"],
    [{ rss: ["sctp"] }, "rss sctp is not one of ipv4, ipv4-udp"],
  ] as const) {
    const whole = { ...(Object.keys(options).some((key) => key !== "hostInterface") ? { hostInterface: "eth0" } : {}), ...options };
    assert.throws(() => rdmaSettings(whole as RdmaOptions), (error: WeftError) => error.code === "BAD_ARGUMENT" && error.message.includes(message), message);
  }
});

test("what the shim throws: one line with the cause and the remedy", () => {
  for (const [failure, code, ...parts] of [
    [{ code: "RDMA_NO_LIBRARY", detail: "libmlx5.so.1" }, "NOT_FOUND", "libmlx5.so.1 is not installed", "apt-get install libibverbs1 ibverbs-providers"],
    [{ code: "RDMA_NO_DEVICES" }, "NOT_FOUND", "no rdma device here", "lspci -d 15b3:", "weft emulate"],
    [{ code: "RDMA_NOT_FOUND", detail: "mlx5_0, mlx5_1" }, "NOT_FOUND", 'no netdev or verbs device "eth9"', "there are mlx5_0, mlx5_1"],
    [{ code: "RDMA_NOT_RDMA", detail: "e1000e" }, "BAD_ARGUMENT", "eth9 (e1000e) has no verbs device", "create host-interface"],
    [{ code: "RDMA_UNSUPPORTED", detail: "8086:1592 irdma0" }, "BAD_ARGUMENT", "eth9 (8086:1592 irdma0) is no adapter that weft knows", "ConnectX-4"],
    [{ code: "RDMA_NO_PERMISSION", detail: "/dev/infiniband/uverbs0" }, "NO_PERMISSION", "/dev/infiniband/uverbs0 may not be opened", "run as root"],
    [{ code: "RDMA_MEMLOCK", detail: "need 36700160, limit 8388608" }, "NO_MEMORY", "(35 MiB, the limit is 8 MiB)", "ulimit -l unlimited"],
    [{ code: "RDMA_MODE", detail: "no Direct Verbs" }, "BAD_ARGUMENT", "mode dv is not possible: no Direct Verbs", "mode auto or ibv"],
    [{ code: "RDMA_SIZE", detail: "at most 16384 entries" }, "BAD_ARGUMENT", "more than the adapter can: at most 16384 entries"],
    [{ code: "EPERM", syscall: "ibv_create_qp" }, "NO_PERMISSION", "ibv_create_qp failed with EPERM", "CAP_NET_RAW"],
    [{ code: "ENOMEM", syscall: "ibv_create_cq" }, "NO_MEMORY", "ibv_create_cq failed with ENOMEM", "ulimit -l"],
    [{ code: "EBUSY", syscall: "ibv_create_flow" }, "CONFLICT", "ibv_create_flow failed with EBUSY"],
    [{ code: "EIO", syscall: "ibv_create_qp" }, "SYSTEM", "fatal state or gone"],
    [{ code: "EINVAL", syscall: "ibv_create_wq", detail: "wq type" }, "SYSTEM", "eth9: ibv_create_wq failed with EINVAL (wq type)"],
  ] as const) {
    const error = explain("eth9", { message: "", ...failure });
    assert.is(error.code, code);
    assert.is(error.errno, failure.code);
    for (const part of parts) assert.match(error.message, part);
    assert.not.match(error.message, "\n");
  }
});

test.run();
