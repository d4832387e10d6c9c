// Interfaces with a port: what is refused, and what a worker that dies leaves behind.

import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { WeftError } from "../../host/errors.js";
import { must } from "../../host/lab/command.js";
import { enterPrivateNetwork } from "../../host/lab/private-network.js";
import type { Connect } from "../../host/control/engine-link.js";
import { Router } from "../../host/control/router.js";
import type { FromEngine, ToEngine } from "../../host/graph/messages.js";
import { InlineRouter } from "../graph/inline.js";

const status = await enterPrivateNetwork();
if (status !== null) process.exit(status);
for (const name of ["one", "two"]) await must(null, "ip", ["link", "add", "name", name, "type", "veth", "peer", "name", `${name}-peer`]);

/** A router whose worker answers only when told to. */
class Mute {
  router!: Router;
  readonly messages: ToEngine[] = [];
  answer!: (message: FromEngine) => void;
  die!: () => void;

  static async start(): Promise<Mute> {
    const mute = new Mute();
    const connect: Connect = async (_options, _memory, receive, failed) => {
      mute.answer = receive;
      mute.die = () => failed(new WeftError("WORKER", "the packet worker ended: exit code 1"));
      const post = (message: ToEngine): void => void mute.messages.push(message);
      return { post, clock: () => -1, replace: async () => {}, close: async () => {} };
    };
    mute.router = await Router.start({ clocks: false }, connect);
    return mute;
  }

  state(): unknown {
    return [this.router.interfaces(), this.router["adjacencyTable"]["pool"].used];
  }
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(() => "none", (error: WeftError) => error.code);
}

test("the MTU is the netdev's as long as none was set", async () => {
  const router = await Router.start({ clocks: false, buffers: 1024 });
  await router.createHostInterface("one");
  router.setInterfaceState("host-one", true);
  router.addAddress("host-one", "192.0.2.1/24");
  router.setNeighbor("host-one", "192.0.2.2", "02:00:00:00:00:02");
  const mtu = async (given: number): Promise<unknown> => {
    await must(null, "ip", ["link", "set", "one", "mtu", `${given}`]);
    router["tick"]();
    const found = router.interfaces().find(({ name }) => name === "host-one")!.mtu;
    return [found, ...new Set(router.adjacencies().filter(({ interface: name }) => name === "host-one").flatMap((one) => one.mtu ?? []))];
  };
  try {
    assert.equal(await mtu(1400), [1400, 1400]);
    assert.equal(await mtu(1500), [1500, 1500]);
    router.setInterfaceMtu("host-one", 1450);
    assert.equal(await mtu(1400), [1450, 1450]);
  } finally {
    await router.stop();
  }
});

test("a worker that dies while it is to take a port: the promise is rejected, nothing is left", async () => {
  const mute = await Mute.start();
  const before = mute.state();
  const creating = codeOf(mute.router.createHostInterface("one"));
  assert.is(mute.messages[0]!.type, "add-port");
  mute.die();
  assert.is(await creating, "WORKER");
  assert.equal(mute.state(), before);
  assert.is(await codeOf(mute.router.createHostInterface("one")), "WORKER", "nor is there a worker for another");
  assert.equal(mute.state(), before);
  await mute.router.stop();
});

test("a worker that dies while it is to let go of a port: the promise is rejected, the interface is gone", async () => {
  const mute = await Mute.start();
  const before = mute.state();
  const creating = mute.router.createHostInterface("one");
  mute.answer({ type: "port-added", index: 1 });
  await creating;
  const deleting = codeOf(mute.router.deleteHostInterface("one"));
  assert.is(await codeOf(mute.router.deleteHostInterface("one")), "CONFLICT", "not twice at a time");
  mute.die();
  assert.is(await deleting, "WORKER");
  assert.equal(mute.state(), before);
  await mute.router.stop();
});

test("a router that is stopped while its worker is asked for something, and stopped twice", async () => {
  const mute = await Mute.start();
  const asking = codeOf(mute.router.addTrace("ip4-input", 1));
  const stopping = mute.router.stop();
  assert.is(mute.router.stop(), stopping);
  await stopping;
  assert.is(await asking, "WORKER");
});

test("a router that is stopped while a new worker takes over: nothing fails, no thread is left", async () => {
  const threads = (): number => readdirSync("/proc/self/task").length;
  /** Waits until there are so many. A thread that has ended is in /proc for a moment more. */
  const steady = async (wanted?: number): Promise<number> => {
    let [last, same] = [0, 0];
    for (const end = Date.now() + 30_000; same < 10 && Date.now() < end; await sleep(10)) {
      const now = threads();
      same = now === (wanted ?? last) ? same + 1 : 0;
      last = now;
    }
    return last;
  };
  await (await Router.start()).stop();
  const before = await steady();
  let failure: WeftError | undefined;
  const real = await Router.start({ failed: (error) => (failure = error) });
  real["workers"]["supervisors"][0]!["pulse"].enter(1); // as if the worker were in a node from outside
  const { worker } = real["workers"]["supervisors"][0]!["link"] as unknown as { worker: Worker };
  await worker.terminate();
  assert.is(real.threads()[1]!.tid, null);
  await real.stop();
  assert.is(real["workers"].states()[0]!.takeovers, 1);
  assert.equal([failure, await steady(before)], [undefined, before]);
});

test("what a device says when its worker has died harms nobody", async () => {
  const mute = await Mute.start();
  const creating = mute.router.createPacketGenerator("pg0");
  mute.answer({ type: "port-added", index: 1 });
  await creating;
  Object.assign(mute.router["interfaceTable"].find("pg0"), { kind: "rdma", linkUp: false }); // its address is announced once it is up
  mute.router.setInterfaceState("pg0", true);
  mute.router.addAddress("pg0", "192.0.2.1/24");
  mute.die();
  assert.not.throws(() => mute.router["ports"]["event"](1));
  await mute.router.stop();
});

test("a fault that a worker cannot bring about is refused as everything is", async () => {
  const mute = await Mute.start();
  const creating = mute.router.createPacketGenerator("pg0");
  mute.answer({ type: "port-added", index: 1 });
  await creating;
  const setting = mute.router.setInterfaceFault("pg0", { rx: { loss: 1 } }).then(() => "nothing", ({ code, message }: WeftError) => `${code}: ${message}`);
  mute.answer({ type: "answer", request: 1, error: "epoll_create1: Too many open files" });
  assert.is(await setting, "SYSTEM: interface pg0: epoll_create1: Too many open files");
  await mute.router.stop();
});

test("a router that is stopped while an interface is being created", async () => {
  const mute = await Mute.start();
  const creating = codeOf(mute.router.createHostInterface("one"));
  await mute.router.stop();
  assert.is(await creating, "WORKER");
});

const inline = await InlineRouter.start(["one", "two"]);
const { router } = inline;
const codeIn = (run: () => void): string => {
  try {
    run();
  } catch (error) {
    return (error as WeftError).code;
  }
  return "none";
};

test("rx-mode: the most wakeful port decides", async () => {
  const turns = (): number => inline["engine"].idleTurns(10);
  const modes: [one: "polling" | "interrupt" | "adaptive", two: "polling" | "interrupt" | "adaptive", turns: number][] = [
    ["adaptive", "adaptive", 10], ["interrupt", "adaptive", 10], ["interrupt", "interrupt", 1], ["polling", "interrupt", Infinity],
  ];
  for (const [one, two, expected] of modes) {
    router.setInterfaceRxMode("host-one", one);
    router.setInterfaceRxMode("host-two", two);
    inline.settle();
    assert.is(turns(), expected, `${one} ${two}`);
    assert.equal(router.hardwareInterfaces().map(({ rxMode }) => rxMode), [one, two]);
  }
  assert.is(codeIn(() => router.setInterfaceRxMode("host-one", "often" as "polling")), "BAD_ARGUMENT");
  assert.is(codeIn(() => router.setInterfaceRxMode("local0", "polling")), "BAD_ARGUMENT");
  await router.deleteHostInterface("one");
  assert.is(turns(), 1);
  await router.deleteHostInterface("two");
  assert.is(turns(), 10);
  for (const name of ["one", "two"]) await router.createHostInterface(name);
  assert.equal(router.hardwareInterfaces().map(({ rxMode }) => rxMode), ["adaptive", "adaptive"]);
});

test("what only rdma interfaces have is refused to others, by kind", async () => {
  assert.is(codeIn(() => router.setInterfacePromiscuous("host-one", false)), "BAD_ARGUMENT");
  assert.is(codeIn(() => router.setInterfacePromiscuous("host-one", true)), "none");
  assert.is(codeIn(() => router.rdmaDump("host-one")), "BAD_ARGUMENT");
  assert.is(codeIn(() => router.rdmaDump("rdma-0")), "NOT_FOUND");
  assert.is(await codeOf(router.deleteRdmaInterface("host-one")), "BAD_ARGUMENT");
  assert.is(await codeOf(router.deleteRdmaInterface("rdma-0")), "NOT_FOUND");
  const [hardware] = router.hardwareInterfaces();
  assert.equal([hardware!.name, hardware!.kind, hardware!.hostInterface, hardware!.promiscuous, hardware!.rdma], ["host-one", "af_packet", "one", true, null]);
});

test.after(() => router.stop());
test.run();
