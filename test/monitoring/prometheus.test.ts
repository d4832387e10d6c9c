// The HTTP endpoint, by itself: what it answers, and what hostile clients get.

import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { createServer, connect, type Socket } from "node:net";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type Health, Prometheus, type Told } from "../../host/control/prometheus.js";
import type { WeftError } from "../../host/errors.js";
import { must } from "../../host/lab/command.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);
await must(null, "ip", ["link", "set", "lo", "up"]);

const HOST = "127.0.0.1";
let health: Health = { status: "ok", causes: [] };
let scrapes = 0;
const told: Told = {
  metrics: () => {
    scrapes++;
    return [{ name: "weft_nodes", type: "gauge", help: "Nodes.", samples: [{ labels: {}, value: 15 }] }];
  },
  health: async () => health,
};
const METRICS = "# HELP weft_nodes Nodes.\n# TYPE weft_nodes gauge\nweft_nodes 15\n";
const served = await Prometheus.listen(HOST, 0, told);
test.after(() => served.close());

interface Answer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  body: string;
}

/** What comes back for a request; `method` and `path` as they are sent. */
function ask(path: string, method = "GET", port = served.info.port, host = HOST): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = httpRequest({ host, port, path, method, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("end", () => resolve({ status: response.statusCode!, headers: response.headers, body }));
    });
    asking.on("error", reject).end();
  });
}

async function client(): Promise<Socket> {
  const socket = connect(served.info.port, HOST);
  await once(socket, "connect");
  return socket;
}

/** What comes back on a connection until it is closed; "" for one that is just cut. */
async function rest(socket: Socket): Promise<string> {
  let text = "";
  socket.setEncoding("utf8").on("data", (more: string) => (text += more)).on("error", () => {});
  if (!socket.closed) await once(socket, "close");
  return text;
}

async function refused(address: string, port: number): Promise<WeftError> {
  return Prometheus.listen(address, port, told).then(() => assert.unreachable(`${address}:${port} was taken`) as never, (error: WeftError) => error);
}

test("/metrics and /healthz, with GET and HEAD", async () => {
  assert.equal(served.info, { address: HOST, port: served.info.port, url: `http://${HOST}:${served.info.port}/metrics` });
  for (const path of ["/metrics", "/metrics?name[]=weft_nodes"]) {
    const { status, headers, body } = await ask(path);
    assert.equal([status, body, headers["content-type"]], [200, METRICS, "text/plain; version=0.0.4; charset=utf-8"]);
  }
  const head = await ask("/metrics", "HEAD");
  assert.equal([head.status, head.body, head.headers["content-length"]], [200, "", String(METRICS.length)]);
  const { status, headers, body } = await ask("/healthz");
  assert.equal([status, headers["content-type"], body], [200, "application/json", '{"status":"ok","causes":[]}\n']);
});

test("/healthz is 503 with the causes when the router fails", async () => {
  health = { status: "failed", causes: ["the packet worker ended: exit code 1"] };
  const { status, body } = await ask("/healthz");
  assert.equal([status, JSON.parse(body)], [503, health]);
  assert.is((await ask("/metrics")).status, 200, "metrics are told all the same");
  health = { status: "ok", causes: [] };
});

test("other paths and other methods are refused, and nothing is collected for them", async () => {
  const before = scrapes;
  for (const path of ["/", "/metricsx", "/metrics/", "/../metrics", "http://other/metrics", "/healthz/x"]) {
    assert.is((await ask(path)).status, 404, path);
  }
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"]) {
    const { status, headers } = await ask("/metrics", method);
    assert.equal([status, headers.allow], [405, "GET, HEAD"], method);
  }
  assert.is(scrapes, before);
});

test("what fails while figures are collected is told, and the next scrape works", async () => {
  const { metrics } = told;
  told.metrics = () => { throw new Error("no such thing"); };
  const { status, body } = await ask("/metrics");
  told.metrics = metrics;
  assert.equal([status, body], [500, "no such thing\n"]);
  assert.is((await ask("/metrics")).status, 200);
});

test("what is no HTTP, and headers without end, get 400 and 431", async () => {
  for (const [sent, answer] of [
    ["\x16\x03\x01\x02\x00\x01", /^HTTP\/1\.1 400 /],
    ["GET /metrics HTTP/1.1\r\n\r\n", /^HTTP\/1\.1 400 /], // RFC 9112 3.2: no Host
    [`GET /metrics HTTP/1.1\r\nHost: a\r\nX: ${"x".repeat(20_000)}`, /^HTTP\/1\.1 431 /],
    [`GET /${"x".repeat(20_000)}`, /^HTTP\/1\.1 431 /],
  ] as const) {
    const socket = await client();
    socket.write(sent);
    assert.match(await rest(socket), answer);
  }
});

test("a connection carries one request, however many were sent, and a body is not waited for", async () => {
  const before = scrapes;
  const socket = await client();
  socket.write(`GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n`);
  assert.match(await rest(socket), METRICS);
  const pipelined = await client();
  pipelined.write("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n".repeat(50));
  const text = await rest(pipelined);
  assert.is(text.split("HTTP/1.1 200").length - 1, 1);
  assert.ok(scrapes - before <= 51);
});

test("more connections than it serves are closed, the others go on; when those end it serves again", async () => {
  const idle = await Promise.all(Array.from({ length: 32 }, client));
  const ends = idle.map((socket) => rest(socket));
  assert.is(await ask("/metrics").then(({ status }) => status, (error: NodeJS.ErrnoException) => error.code), "ECONNRESET");
  idle[0]!.write("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  assert.match(await ends[0]!, METRICS);
  for (const socket of idle) socket.destroy();
  await Promise.all(ends);
  for (;;) if (await ask("/metrics").then(({ status }) => status === 200, () => false)) break;
});

test("a connection lives ten seconds at most, whether it says nothing, speaks slowly or does not read", async () => {
  const silent = await client();
  const slow = await client();
  const drip = setInterval(() => slow.write("x"), 500);
  slow.write("GET /metrics HTTP/1.1\r\nX: ");
  const ends = await Promise.all([rest(silent), rest(slow)]); // the test's own time limit is the failure
  clearInterval(drip);
  for (const text of ends) assert.not.match(text, "200 OK");
});

test("closing cuts off who is connected and frees the port", async () => {
  const other = await Prometheus.listen("::1", 0, told);
  assert.equal(other.info, { address: "::1", port: other.info.port, url: `http://[::1]:${other.info.port}/metrics` });
  assert.is((await ask("/metrics", "GET", other.info.port, "::1")).body, METRICS);
  const socket = connect(other.info.port, "::1");
  await once(socket, "connect");
  const end = rest(socket);
  await other.close();
  await end;
  const again = await Prometheus.listen("::1", other.info.port, told);
  await again.close();
});

test("where it cannot listen: one line, what and how to mend it", async () => {
  const taken = createServer().listen(0, HOST);
  await once(taken, "listening");
  const { port } = taken.address() as { port: number };
  const cases: [address: string, port: number, code: string, message: string][] = [
    [HOST, port, "CONFLICT", `prometheus: ${HOST}:${port} is taken by another program: choose another port`],
    ["192.0.2.77", 9469, "BAD_ARGUMENT", 'prometheus: 192.0.2.77:9469: no interface of Linux has that address ("ip address" lists all)'],
    ["2001:db8::1", 9469, "BAD_ARGUMENT", 'prometheus: [2001:db8::1]:9469: no interface of Linux has that address ("ip address" lists all)'],
    ["localhost", 9469, "BAD_ARGUMENT", 'prometheus: "localhost" is no address: give an IPv4 or IPv6 one, such as 127.0.0.1'],
    [HOST, 65_536, "BAD_ARGUMENT", "prometheus: port 65536 is not from 0 to 65535"],
    [HOST, 1.5, "BAD_ARGUMENT", "prometheus: port 1.5 is not from 0 to 65535"],
  ];
  for (const [address, wanted, code, message] of cases) {
    const error = await refused(address, wanted);
    assert.equal([error.code, error.message], [code, message]);
  }
  taken.close();
});

test.run();
