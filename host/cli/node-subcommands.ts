// The subcommands of weft node.

import type { Option, Subcommand } from "./subcommand.js";

const JSON_OPTION: Option = { name: "json", help: "one JSON object on standard output" };

const TEST_FILES = `A file of tests has a directive on each line; a line that begins with a blank goes on with the one before, and one that
begins with "#" is a comment. Each test begins with a node that was just loaded, and its lines are done in their order:

  === what it shows ===
  node NAME                  one of several nodes of the module; default its first
  config JSON                the node's configuration; default what its declaration says
  interface N [name NAME] [mac MAC] [ip4 ADDRESS] [mtu N] [down]
                             an interface of the router; there is interface 1, up, with MAC 02:00:00:00:00:01
  time SECONDS               what now() gives from here on
  in [OPTIONS] HEX           a packet, from the layer on that the node works on; "|" in it: what stands before was
                             stripped already; "/": from here on in another buffer. "#" begins a comment
  in [OPTIONS] pcap FILE [strip N]
                             packets of a capture, N bytes of each stripped already
  out NEXT [copy NEXT] [OPTIONS] [HEX | same | pcap FILE [strip N]]
                             the next node of a packet that came in, that of its copy, and its bytes afterwards; each
                             packet has its "out" line, in their order, or none has
  counter NAME VALUE         of a counter or a gauge; those that no line names must be 0 at the end

  OPTIONS: rx N, tx N (interfaces), flags N, adjacency N; times N: so many such packets

Lines "in" that stand together are processed as vectors of at most 256, and once more packet by packet: the outcome must
be the same. FILE is found from the test's folder.

Example of a FILE:
  === answers are counted ===
  config {"limit": 2}
  in  020000000001 020000000002 0800 | 4500001c00000000 4011 0000 c0000202 c6336407 0035c00000080000
  out continue same
  counter packets 1`;

export const NODE_SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: "node new",
    synopsis: "NAME",
    summary: "write a node to begin with, and its tests",
    about: `Writes nodes/NAME.ts, which counts packets and passes them on, and its tests nodes/NAME.test; once, nodes/tsconfig.json,
so that editors know the types. NAME has lower-case letters, digits and single dashes. Nothing is overwritten.`,
    options: [],
    examples: ["weft node new hello"],
  },
  {
    name: "node build",
    synopsis: "[NAME|FILE.ts …] [--region N] [--json]",
    summary: "compile nodes/*.ts, or other files, to build/*.wasm",
    about: `Compiles nodes/NAME.ts, all of nodes/*.ts, or files from elsewhere, to build/NAME.wasm, and checks that a router will
take them.`,
    completes: "file",
    options: [
      {
        name: "region", value: "N", help: `region of the packet memory for the module's static data, 1 to 63, in place of the one that its name gives
it: when two modules of one router meet in one`,
      },
      JSON_OPTION,
    ],
    notes: "Exit status 0 only if everything came out.",
    examples: ["weft node build", "weft node build hello --region 7", "weft node build ../others/acl.ts"],
  },
  {
    name: "node check",
    synopsis: "FILE.wasm [--json]",
    summary: "say whether a router will take a module, and what is wrong with it",
    about: "Says whether a router will take a module, from whatever language, and what is wrong with it.",
    completes: "file",
    options: [JSON_OPTION],
    examples: ["weft node check build/hello.wasm"],
  },
  {
    name: "node test",
    synopsis: "[NAME…] [--json]",
    summary: "run the nodes' tests",
    about: "Runs nodes/NAME.test, or all of nodes/*.test, with build/NAME.wasm. Exit status 0 only if every test passed.",
    completes: "file",
    options: [JSON_OPTION],
    notes: TEST_FILES,
    examples: ["weft node test", "weft node test hello"],
  },
  {
    name: "node bench",
    synopsis: "FILE.wasm [--node NAME] [--config JSON] [--packets FILE.pcap [--strip N]] [--ms N] [--json]",
    summary: "measure a node's clocks per packet",
    about: `Clocks (TSC) per packet, for vectors of 1 to 256 packets: the median of many rounds and its quartiles, and the same of a
node that only passes packets on, measured in turns with it.`,
    completes: "file",
    options: [
      { name: "node", value: "NAME", help: "one of several nodes of the module; default its first" },
      { name: "config", value: "JSON", help: "the node's configuration" },
      {
        name: "packets", value: "FILE", completes: "file",
        help: "packets of a capture (pcap), as the node gets them; default IPv4 UDP packets of 46 bytes",
      },
      { name: "strip", value: "N", help: "of each, the first N bytes have been stripped already: 14 for the Ethernet header" },
      { name: "ms", value: "N", help: "time for each size of a vector; default 300" },
      JSON_OPTION,
    ],
    examples: [
      "weft node bench build/hello.wasm",
      "weft node bench build/acl.wasm --config '{\"rules\": []}' --packets lan.pcap --strip 14",
    ],
  },
];
