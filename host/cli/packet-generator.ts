// packet-generator: VPP's commands, a stream in one line in place of braces.

import type { PacketGeneratorInfo, PacketStreamInfo } from "../control/api.js";
import { amount } from "./arguments.js";
import type { Command, Context, Values } from "./grammar.js";
import { show } from "./show.js";
import { table } from "./table.js";

const STREAM = "[limit <limit>] [rate <rate>] [size <sizes>] [seed <seed>] [data <data>] [pcap <pcap>]";

export const PACKET_GENERATOR: Command[] = [
  {
    pattern: "create packet-generator interface <interface>",
    help: "an interface without a device, whose packets streams make",
    examples: ["create packet-generator interface pg0"],
    run: async ({ control, out }, values) => {
      const { name } = await control.createPacketGenerator(values.interface!);
      out(name);
    },
  },
  {
    pattern: "delete packet-generator interface <interface>",
    help: "remove it with its streams",
    examples: ["delete packet-generator interface pg0"],
    run: ({ control }, values) => control.deletePacketGenerator(values.interface!),
  },
  {
    pattern: "set packet-generator output <interface> <peer>",
    help: "what is sent through it comes in at another one",
    examples: ["set packet-generator output pg0 pg1"],
    run: ({ control }, values) => control.connectPacketGenerator(values.interface!, values.peer!),
  },
  {
    pattern: "set packet-generator output <interface> drop",
    help: "what is sent through it is dropped, as at first",
    examples: ["set packet-generator output pg0 drop"],
    run: ({ control }, values) => control.connectPacketGenerator(values.interface!, null),
  },
  {
    pattern: `packet-generator new name <stream> interface <interface> ${STREAM}`,
    help: "a stream of packets, of a text or a capture file; not enabled yet",
    examples: [
      'packet-generator new name s0 interface pg0 rate 1e5 size 60-1500 data "UDP: 192.0.2.2 -> 198.51.100.1-198.51.100.9 UDP: 1 -> 2"',
      "packet-generator new name s1 interface pg0 limit 1000 pcap web.pcapng",
    ],
    run: async ({ control }, values) => {
      await control.newPacketStream(streamOf(values));
    },
  },
  ...([["enable-stream", "start it at its first packet"], ["disable-stream", "stop it"]] as const).map(([word, help], i) => ({
    pattern: `packet-generator ${word} [<stream>]`,
    help: `${help}; without a name: all streams`,
    examples: [`packet-generator ${word} s0`],
    run: ({ control }: Context, { stream }: Values) => (i === 0 ? control.enablePacketStream(stream) : control.disablePacketStream(stream)),
  })),
  {
    pattern: "packet-generator delete <stream>",
    help: "remove a stream",
    examples: ["packet-generator delete s0"],
    run: ({ control }, { stream }) => control.deletePacketStream(stream!),
  },
  show("show packet-generator", "streams, and where the packets of generator interfaces go", (control) => control.packetGenerator(), generatorText),
];

function streamOf(values: Values): Parameters<Context["control"]["newPacketStream"]>[0] {
  return {
    name: values.stream!,
    interface: values.interface!,
    ...(values.limit !== undefined && { limit: amount(values.limit) }),
    ...(values.rate !== undefined && { rate: amount(values.rate) }),
    ...(values.sizes !== undefined && { size: values.sizes }),
    ...(values.seed !== undefined && { seed: amount(values.seed) }),
    ...(values.data !== undefined && { data: values.data }),
    ...(values.pcap !== undefined && { pcap: values.pcap }),
  };
}

function generatorText({ interfaces, streams }: PacketGeneratorInfo): string {
  const head = ["Name", "Enabled", "Count", "Interface", "Parameters"];
  const rows = streams.map((stream) => [stream.name, stream.enabled ? "Yes" : "No", stream.packets, stream.interface, parameters(stream)]);
  const outputs = interfaces.map(({ name, output }) => [name, output ?? "drop"]);
  const parts = [rows.length > 0 ? table(head, rows) : "no streams currently defined"];
  if (outputs.length > 0) parts.push(table(["Interface", "Output"], outputs));
  return parts.join("\n\n");
}

function parameters({ limit, rate, size, seed, data, pcap, failure }: PacketStreamInfo): string {
  const source = pcap === null ? `${size === null ? "" : `size ${size}, `}seed ${seed}, ${data}` : `pcap ${pcap}`;
  return `limit ${limit}, rate ${rate}, ${source}${failure === null ? "" : `, stopped: ${failure}`}`;
}
