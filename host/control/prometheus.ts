// The HTTP endpoint that Prometheus scrapes, and the one that says whether the router works.
//
// Whoever reaches it may be slow, hostile or many: a connection carries one request and lives ten seconds at most.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, isIP, isIPv6 } from "node:net";
import { WeftError } from "../errors.js";
import { CONTENT_TYPE, expose, type Metric } from "./exposition.js";

/** Most connections at a time; one more is closed at once. */
const CONNECTIONS_MAX = 32;
/** ms from a connection's begin to its end, whatever it does. */
const LIFETIME = 10_000;
const HEADERS_MAX = 8192;

export interface PrometheusInfo {
  /** "127.0.0.1", "::1" */
  address: string;
  port: number;
  /** "http://127.0.0.1:9469/metrics" */
  url: string;
}

/** Whether the router does its work. */
export interface Health {
  status: "ok" | "failed";
  /** what is wrong, a line each */
  causes: string[];
}

/** What is told. */
export interface Told {
  metrics: () => Metric[];
  health: () => Promise<Health>;
}

export class Prometheus {
  private constructor(private readonly server: Server, readonly info: PrometheusInfo) {}

  /** Throws BAD_ARGUMENT; CONFLICT where the port is taken, NO_PERMISSION where it must not be. Port 0: any that is free. */
  static async listen(address: string, port: number, told: Told): Promise<Prometheus> {
    const where = isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
    if (!isIP(address)) throw new WeftError("BAD_ARGUMENT", `prometheus: "${address}" is no address: give an IPv4 or IPv6 one, such as 127.0.0.1`);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new WeftError("BAD_ARGUMENT", `prometheus: port ${port} is not from 0 to 65535`);
    const server = createServer({ maxHeaderSize: HEADERS_MAX, keepAlive: false }, (request, response) => void answer(request, response, told));
    server.maxConnections = CONNECTIONS_MAX;
    server.on("connection", (socket) => {
      const end = setTimeout(() => socket.destroy(), LIFETIME);
      socket.once("close", () => clearTimeout(end));
    });
    await new Promise<void>((resolve, reject) => {
      server.once("error", (cause) => reject(refusal(where, cause)));
      server.listen({ host: address, port }, resolve);
    });
    server.removeAllListeners("error").on("error", () => {}); // a failed accept() concerns its client alone
    const bound = server.address() as AddressInfo;
    const host = bound.family === "IPv6" ? `[${bound.address}]` : bound.address;
    return new Prometheus(server, { address: bound.address, port: bound.port, url: `http://${host}:${bound.port}/metrics` });
  }

  /** Cuts off who is connected. */
  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    return closed;
  }
}

function refusal(where: string, cause: NodeJS.ErrnoException): WeftError {
  const system = { cause, ...(cause.syscall && { syscall: cause.syscall }), ...(cause.code && { errno: cause.code }) };
  switch (cause.code) {
    case "EADDRINUSE":
      return new WeftError("CONFLICT", `prometheus: ${where} is taken by another program: choose another port`, system);
    case "EADDRNOTAVAIL":
      return new WeftError("BAD_ARGUMENT", `prometheus: ${where}: no interface of Linux has that address ("ip address" lists all)`, system);
    case "EACCES":
      return new WeftError("NO_PERMISSION", `prometheus: ${where} is not allowed: ports below 1024 need CAP_NET_BIND_SERVICE`, system);
    default:
      return new WeftError("SYSTEM", `prometheus: cannot listen on ${where}: ${cause.code ?? cause.message}`, system);
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, told: Told): Promise<void> {
  response.on("error", () => {}); // who asked is gone
  try {
    const path = request.url?.split("?")[0];
    if (path !== "/metrics" && path !== "/healthz") return send(request, response, 404, "text/plain", "there are /metrics and /healthz\n");
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return send(request, response, 405, "text/plain", "only GET and HEAD\n");
    }
    if (path === "/metrics") return send(request, response, 200, CONTENT_TYPE, expose(told.metrics()));
    const health = await told.health();
    send(request, response, health.status === "ok" ? 200 : 503, "application/json", `${JSON.stringify(health)}\n`);
  } catch (error) {
    send(request, response, 500, "text/plain", `${(error as Error).message}\n`);
  }
}

function send(request: IncomingMessage, response: ServerResponse, status: number, type: string, text: string): void {
  const length = Buffer.byteLength(text);
  response.writeHead(status, { "content-type": type, "content-length": length, connection: "close" });
  response.end(request.method === "HEAD" ? undefined : text);
}
