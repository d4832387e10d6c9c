// What runs inside a host of the laboratory: tells whoever asks, by UDP or TCP, from which address and port the question came.
//
//   serve PORT [ADDRESS]                     answers; a UDP datagram to ADDRESS first, so that a NAT on the way has a session for PORT
//   ask udp|tcp ADDRESS PORT [LOCAL-PORT]    prints the answer, or the error's code

import { type Socket as UdpSocket, createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";

/** ms after which no answer is expected any more */
const PATIENCE = 8000;
/** where nobody listens */
const DISCARD = 9;

async function serve(port: number, knockAt: string | undefined): Promise<void> {
  const udp = createSocket("udp4").on("error", () => {});
  udp.on("message", (_, from) => udp.send(`${from.address}:${from.port}`, from.port, from.address));
  await once(udp.bind(port), "listening");
  const tcp = createServer((socket) => socket.on("error", () => {}).end(`${socket.remoteAddress}:${socket.remotePort}`));
  await once(tcp.listen(port, "0.0.0.0"), "listening");
  if (knockAt !== undefined) await new Promise((done) => udp.send("", DISCARD, knockAt, done));
  console.log("serving");
}

async function ask(protocol: string, address: string, port: number, localPort: number): Promise<string> {
  const question = protocol === "udp" ? askUdp(address, port, localPort) : askTcp(address, port, localPort);
  const late = new Promise<string>((resolve) => setTimeout(resolve, PATIENCE, "no answer").unref());
  return Promise.race([question, late]).catch((error: NodeJS.ErrnoException) => error.code ?? error.message);
}

async function askUdp(address: string, port: number, localPort: number): Promise<string> {
  const socket: UdpSocket = createSocket("udp4");
  await once(socket.bind(localPort), "listening");
  socket.connect(port, address); // so that ICMP errors are told
  await once(socket, "connect");
  socket.send("who am I?");
  const [answer] = (await once(socket, "message")) as [Buffer];
  return answer.toString();
}

async function askTcp(address: string, port: number, localPort: number): Promise<string> {
  const socket = connect({ host: address, port, localPort: localPort });
  let answer = "";
  for await (const part of socket.setEncoding("utf8")) answer += part as string;
  return answer;
}

const [verb, ...words] = process.argv.slice(2) as [string, ...string[]];
if (verb === "serve") {
  await serve(Number(words[0]), words[1]);
} else {
  console.log(await ask(words[0]!, words[1]!, Number(words[2]), Number(words[3] ?? 0)));
  process.exit();
}
