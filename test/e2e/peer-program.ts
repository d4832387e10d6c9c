// What runs inside a host of the laboratory: answers datagrams and streams, and sends some when it is told to. Every datagram says
// which it is, and the rest of it follows from that, so whoever gets one can tell whether it is whole.

import { createHash } from "node:crypto";
import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const ECHO_PORT = 7777;
const DIGEST_PORT = 7778;
const DISCARD_PORT = 7779;
/** bytes that say which datagram it is: index of its target, sequence number, both big-endian */
const HEAD = 8;
/** ms without an answer after which none is expected any more */
const PATIENCE = 20_000;

export interface ExchangeOptions {
  target: string;
  count: number;
  /** bytes of payload */
  size: number;
  /** datagrams under way at a time; default 128 */
  window?: number;
  /** source ports to send from; default 1 */
  flows?: number;
  /** ms to wait for an answer; default 20,000 */
  patience?: number;
  /** of the first flow; the others' follow. Any if it is not given */
  port?: number;
}

export interface Exchanged {
  sent: number;
  echoed: number;
  /** answers that were not what was sent */
  wrong: number;
}

export interface LoadOptions {
  /** each gets a copy of every datagram */
  targets: string[];
  size: number;
  /** datagrams a millisecond and target; Linux and Node keep this roughly */
  rate: number;
  flows?: number;
  /** ms to wait for answers at the end; default 1000 */
  patience?: number;
}

export interface Loaded {
  sent: number;
  wrong: number;
  /** sequence numbers that came back, for each target */
  echoed: number[][];
  /** how many came back after a later one of their flow */
  reordered: number;
}

function datagram(target: number, sequence: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  bytes.writeUInt32BE(target, 0);
  bytes.writeUInt32BE(sequence, 4);
  for (let i = HEAD; i < size; i++) bytes[i] = (sequence * 31 + i) & 0xff;
  return bytes;
}

async function openSockets(count: number, received: (bytes: Buffer, flow: number) => void, port = 0): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, (_, flow) => createSocket("udp4").on("message", (bytes) => received(bytes, flow)).on("error", () => {}));
  await Promise.all(sockets.map((socket, i) => once(socket.bind(port && port + i), "listening")));
  for (const socket of sockets) socket.setRecvBufferSize(4 << 20);
  return sockets;
}

/** Sends datagrams to an echo server, a window of them at a time, until all have come back or none comes any more. */
async function exchange(options: ExchangeOptions): Promise<Exchanged> {
  const { target, count, size, window = 128, flows = 1, patience = PATIENCE, port } = options;
  const seen = new Set<number>();
  let [sent, gone, wrong, latest] = [0, 0, 0, Date.now()];
  const send = (): void => {
    for (; sent < count && sent - seen.size < window; sent++) sockets[sent % flows]!.send(datagram(0, sent, size), ECHO_PORT, target, () => gone++);
  };
  const sockets = await openSockets(flows, (bytes) => {
    const sequence = bytes.readUInt32BE(4);
    if (seen.has(sequence) || !bytes.equals(datagram(0, sequence, size))) wrong++;
    seen.add(sequence);
    latest = Date.now();
    send();
  }, port);
  latest = Date.now();
  send();
  while (gone < sent || (seen.size < count && Date.now() - latest < patience)) await sleep(2); // a socket that is closed sends nothing more
  for (const socket of sockets) socket.close();
  return { sent, echoed: seen.size, wrong };
}

/** Sends at a rate, whatever comes back, until the function that it gives is called. */
async function load({ targets, size, rate, flows = 1, patience = 1000 }: LoadOptions): Promise<() => Promise<Loaded>> {
  const echoed = targets.map(() => new Set<number>());
  const last = new Map<string, number>();
  let [sent, wrong, latest, reordered] = [0, 0, 0, 0];
  const sockets = await openSockets(flows, (bytes, flow) => {
    const [target, sequence] = [bytes.readUInt32BE(0), bytes.readUInt32BE(4)];
    if (sequence < (last.get(`${target} ${flow}`) ?? 0)) reordered++;
    else last.set(`${target} ${flow}`, sequence);
    if (!echoed[target] || !bytes.equals(datagram(target, sequence, size))) wrong++;
    else echoed[target]!.add(sequence);
    latest = Date.now();
  });
  const timer = setInterval(() => {
    for (let i = 0; i < rate; i++, sent++) {
      for (const [place, target] of targets.entries()) sockets[sent % flows]!.send(datagram(place, sent, size), ECHO_PORT, target);
    }
  }, 1);
  return async () => {
    clearInterval(timer);
    latest = Date.now();
    while (Date.now() - latest < patience && echoed.every((seen) => seen.size < sent)) await sleep(2);
    for (const socket of sockets) socket.close();
    return { sent, wrong, reordered, echoed: echoed.map((seen) => [...seen].sort((a, b) => a - b)) };
  };
}

/** Sends datagrams as fast as it can, to where nobody answers. */
async function flood({ target, count, size, flows = 1 }: ExchangeOptions): Promise<void> {
  const sockets = await openSockets(flows, () => {});
  let gone = 0;
  for (let sent = 0; sent < count; sent++) {
    sockets[sent % flows]!.send(datagram(0, sent, size), DISCARD_PORT, target, () => gone++);
    if (sent % 64 === 63) await new Promise(setImmediate);
  }
  while (gone < count) await sleep(1);
  for (const socket of sockets) socket.close();
}

/** One datagram of IPv6 from each of many source ports, which nobody answers. */
async function flood6({ target, flows = 1, size, port = 0 }: ExchangeOptions): Promise<void> {
  for (let i = 0; i < flows; i++) {
    const socket = createSocket("udp6").on("error", () => {});
    await once(socket.bind(port && port + i), "listening");
    await new Promise((done) => socket.send(datagram(0, i, size), ECHO_PORT, target, done));
    socket.close();
  }
}

/** Sends a stream to a digest server; true if that has read what was sent. */
async function stream({ target, size }: ExchangeOptions): Promise<boolean> {
  const bytes = datagram(0, 1, size);
  const socket = connect(DIGEST_PORT, target);
  socket.setTimeout(30_000, () => socket.destroy(new Error("the stream stands still")));
  socket.end(bytes);
  let answer = "";
  for await (const part of socket.setEncoding("utf8")) answer += part as string;
  return answer === createHash("sha1").update(bytes).digest("hex");
}

async function serve(): Promise<void> {
  const echo = createSocket("udp4");
  echo.on("message", (bytes, from) => echo.send(bytes, from.port, from.address));
  echo.on("error", () => {});
  await once(echo.bind(ECHO_PORT), "listening");
  echo.setRecvBufferSize(4 << 20);
  await once(createSocket("udp4").bind(DISCARD_PORT), "listening");
  const digest = createServer({ allowHalfOpen: true }, (socket) => {
    const hash = createHash("sha1");
    socket.on("data", (part) => hash.update(part)).on("end", () => socket.end(hash.digest("hex"))).on("error", () => {});
  });
  await once(digest.listen(DIGEST_PORT), "listening");
}

let endLoad: () => Promise<Loaded>;
const calls = {
  exchange,
  flood,
  flood6,
  stream,
  load: async (options: LoadOptions): Promise<void> => void (endLoad = await load(options)),
  endLoad: (): Promise<Loaded> => endLoad(),
};
export type PeerCalls = typeof calls;
export type PeerRequest = { id: number; call: keyof PeerCalls; options: unknown };
export type PeerAnswer = { id: number; result?: unknown; error?: string };

if (process.send) {
  await serve();
  process.on("message", ({ id, call, options }: PeerRequest) => {
    const answer = (rest: Omit<PeerAnswer, "id">): unknown => process.send!({ id, ...rest });
    const made = (calls[call] as (options: unknown) => Promise<unknown>)(options);
    made.then((result) => answer({ result }), (error: Error) => answer({ error: error.message }));
  });
  process.send({ id: 0 });
}
