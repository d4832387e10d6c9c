// rdma-core's own programs on a modelled ConnectX: ibv_devinfo, and the Python tests as Debian's python3-pyverbs ships them. Evidence that
// it models that card and not our idea of it. What a test skips is said by the test itself; SKIPPED tells why the model lacks it.

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";

const SHIPPED = "/usr/share/doc/rdma-core/tests";
const WEFT = fileURLToPath(new URL("../../../host/setup/weft.mjs", import.meta.url));

/** What passes, by file and class. A test that is missing here and passes is news, one that is here and does not pass is a failure. */
const PASS: Record<string, string[]> = {
  "test_device.DeviceTest": [
    "test_dev_list", "test_open_dev", "test_phys_port_cnt_ex", "test_query_device", "test_query_device_ex", "test_query_gid", "test_query_gid_ex",
    "test_query_gid_table", "test_query_gid_table_bad_flow", "test_query_pkey", "test_query_port", "test_query_port_bad_flow",
  ],
  "test_pd.PDTest": ["test_alloc_pd", "test_dealloc_pd", "test_destroy_pd_twice", "test_multiple_pd_creation"],
  "test_mr.MRTest": ["test_reg_mr_bad_flags"],
  "test_cq.CQAPITest": ["test_create_cq", "test_create_cq_bad_flow", "test_create_cq_with_comp_channel"],
  "test_cqex.CQEXAPITest": ["test_create_cq_ex", "test_create_cq_ex_bad_flow"],
  "test_qp.QPTest": [
    "test_create_raw_qp_ex_no_attr", "test_create_raw_qp_ex_with_attr", "test_create_raw_qp_ex_with_illegal_caps_max_recv_sge",
    "test_create_raw_qp_ex_with_illegal_caps_max_recv_wr", "test_create_raw_qp_ex_with_illegal_caps_max_send_sge",
    "test_create_raw_qp_ex_with_illegal_caps_max_send_wr", "test_create_raw_qp_no_attr", "test_create_raw_qp_with_attr", "test_query_raw_qp",
  ],
  "test_flow.FlowTest": [
    "test_eth_spec_flow_traffic", "test_ipv4_spec_flow_traffic", "test_ipv6_spec_flow_traffic", "test_tcp_spec_flow_traffic",
    "test_udp_spec_flow_traffic",
  ],
  "test_rss_traffic.RSSTrafficTest": ["test_rss_traffic"],
  "test_mlx5_cq.DvCqTest": ["test_dv_cq_cqe_size_with_bad_size"],
  "test_mlx5_timestamp.TimeStampTest": [
    "test_timestamp_free_running_recv_raw_traffic", "test_timestamp_free_running_send_raw_traffic", "test_timestamp_real_time_raw_traffic",
  ],
};

/** Files that are run and may have nothing to pass: what they test needs more than Ethernet raw packets. */
const OTHERS = ["test_cq_events", "test_qpex", "test_mlx5_uar"];

/** Reasons to skip, as the tests print them, and why the model gives cause to. */
const SKIPPED: [RegExp, string][] = [
  [/^Create QP type [0-9]+ is not supported$/, "RC, UC, UD and XRC queue pairs are InfiniBand transports; the model has raw packets"],
  [/^Create (RC|UC|UD) QP .* is not supported$/, "the same"],
  [/^Create (XRCD|SRQ) is not supported$/, "InfiniBand transports"],
  [/^Device memory is not supported$/, "by ioctl only"],
  [/dmabuf is not supported/, "needs a graphics card"],
  [/^Create memory window of type [0-9] is not supported$/, "remote access, InfiniBand transports"],
  [/^All gid indices populated/, "a GID table of one entry has no empty one"],
  [/CQE 128B padding/, "by ioctl only: the capability is told there"],
  [/^UAR allocation .* is not supported$/, "by ioctl only"],
  [/^Query device real time is not supported$/, "by ioctl only"],
  [/^Extended QP is not supported on this device$/, "extended work requests of the same queue pairs"],
];

interface Result {
  name: string;
  verdict: string;
  reason: string;
}

/** unittest prints a test's name, on a line of its own where it has a description, then " ... " and the verdict. */
function parse(output: string): Result[] {
  const pattern = /^(test_\w+) \(tests\.([\w.]+)\)(?:\n[^\n]*?)? \.\.\. (ok|FAIL|ERROR|skipped) ?(?:'(.*)'|"(.*)")?$/gm;
  return [...output.matchAll(pattern)].map(([, , name, verdict, single, double]) => ({ name: name!, verdict: verdict!, reason: single ?? double ?? "" }));
}

function emulate(wires: string, command: string[], cwd: string): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(process.execPath, [WEFT, "emulate", "--wire", wires, "--", ...command], { cwd, encoding: "utf8", timeout: 300_000 });
}

function run(): { results: Result[]; output: string } {
  const folder = mkdtempSync(join(tmpdir(), "weft-pyverbs-"));
  try {
    mkdirSync(join(folder, "tests"));
    for (const file of readdirSync(SHIPPED)) {
      const content = readFileSync(join(SHIPPED, file));
      writeFileSync(join(folder, "tests", basename(file, ".gz")), file.endsWith(".gz") ? gunzipSync(content) : content);
    }
    const modules = [...new Set(Object.keys(PASS).map((name) => name.split(".")[0]!)), ...OTHERS].map((name) => `tests.${name}`);
    const python = ["/usr/bin/python3", "tests/run_tests.py", "-v", "--dev", "mlx5_0", ...modules];
    const { stdout, stderr } = emulate("sink", python, folder);
    return { results: parse(stderr), output: stdout + stderr };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("ibv_devinfo -v shows the ports", () => {
  const { stdout, status } = emulate("pair,pair", ["ibv_devinfo", "-v"], tmpdir());
  assert.is(status, 0);
  const [, ...devices] = stdout.split(/^hca_id:\t/m);
  assert.equal(devices.map((text) => text.split("\n")[0]), ["mlx5_0", "mlx5_1"]);
  for (const text of devices) {
    const value = (name: string): string | undefined => new RegExp(`^\\s*${name}:\\s+(.*)$`, "m").exec(text)?.[1];
    assert.is(value("vendor_part_id"), "4119"); // ConnectX-5, 0x1017
    assert.is(value("state"), "PORT_ACTIVE (4)");
    assert.is(value("link_layer"), "Ethernet");
    assert.is(value("max_rwq_indirection_table_size"), "2048");
    assert.is(value("rx_hash_function"), "0x1"); // Toeplitz
    assert.match(text, /tso_caps:\s+max_tso:\s+262144\s+supported_qp:\s+SUPPORT_RAW_PACKET/);
  }
});

const { results, output } = run();

test("what needs only Ethernet raw packets passes", () => {
  const passed = results.filter(({ verdict }) => verdict === "ok").map(({ name }) => name);
  const expected = Object.entries(PASS).flatMap(([place, names]) => names.map((name) => `${place}.${name}`));
  assert.equal(passed.sort(), expected.sort(), output);
});

test("nothing fails", () => {
  const failed = results.filter(({ verdict }) => verdict === "FAIL" || verdict === "ERROR");
  assert.equal(failed, [], output);
  assert.match(output, /^OK \(skipped=[0-9]+\)$/m);
});

test("what is skipped is skipped for a reason that is known", () => {
  const skipped = results.filter(({ verdict }) => verdict === "skipped");
  assert.ok(skipped.length > 0);
  const unknown = skipped.filter(({ reason }) => !SKIPPED.some(([pattern]) => pattern.test(reason)));
  assert.equal(unknown, []);
});

test.run();
