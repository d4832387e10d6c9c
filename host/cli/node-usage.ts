// What weft node … --help prints.

export const NODE_SUBCOMMANDS = ["new", "build", "check", "bench", "test"];

export const NODE = `Usage: weft node SUBCOMMAND …

Nodes of your own: written, compiled, checked, tested and measured. They stand in the folder that you are in:
nodes/NAME.ts, its tests nodes/NAME.test, and build/NAME.wasm, which a router loads.

  new NAME          write a node to begin with, and its tests
  build [NAME…]     compile nodes/*.ts, or other files, to build/*.wasm
  check FILE.wasm   say whether a router will take a module, and what is wrong with it
  test [NAME…]      run the nodes' tests
  bench FILE.wasm   measure a node's clocks per packet

Examples:
  weft node new hello && weft node build && weft node test
  weft run & weft ctl node load build/hello.wasm as hello && weft ctl node insert hello after ip4-input
  weft node test --help
`;

const NEW = `Usage: weft node new NAME

Writes nodes/NAME.ts, which counts packets and passes them on, and its tests nodes/NAME.test; once, nodes/tsconfig.json,
so that editors know the types. NAME has lower-case letters, digits and single dashes. Nothing is overwritten.

Examples:
  weft node new hello
`;

const BUILD = `Usage: weft node build [NAME|FILE.ts …] [--region N] [--json]

Compiles nodes/NAME.ts, all of nodes/*.ts, or files from elsewhere, to build/NAME.wasm, and checks that a router will
take them.

  --region N   region of the packet memory for the module's static data, 1 to 63, in place of the one that its name gives
               it: when two modules of one router meet in one
  --json       one JSON object on standard output

Exit status 0 only if everything came out.

Examples:
  weft node build
  weft node build hello --region 7
  weft node build ../others/acl.ts
`;

const CHECK = `Usage: weft node check FILE.wasm [--json]

Says whether a router will take a module, from whatever language, and what is wrong with it.

Examples:
  weft node check build/hello.wasm
`;

const BENCH = `Usage: weft node bench FILE.wasm [--node NAME] [--config JSON] [--packets FILE.pcap [--strip N]] [--ms N] [--json]

Clocks (TSC) per packet, for vectors of 1 to 256 packets: the median of many rounds and its quartiles, and the same of a
node that only passes packets on, measured in turns with it.

  --node NAME      one of several nodes of the module; default its first
  --config JSON    the node's configuration
  --packets FILE   packets of a capture (pcap), as the node gets them; default IPv4 UDP packets of 46 bytes
  --strip N        of each, the first N bytes have been stripped already: 14 for the Ethernet header
  --ms N           time for each size of a vector; default 300
  --json           one JSON object on standard output

Examples:
  weft node bench build/hello.wasm
  weft node bench build/acl.wasm --config '{"rules": []}' --packets lan.pcap --strip 14
`;

const TEST = `Usage: weft node test [NAME…] [--json]

Runs nodes/NAME.test, or all of nodes/*.test, with build/NAME.wasm. Exit status 0 only if every test passed.

A file of tests has a directive on each line; a line that begins with a blank goes on with the one before, and one that
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
  counter packets 1

Examples:
  weft node test
  weft node test hello
`;

/** Help for a subcommand of weft node, or for all of it. */
export function nodeUsage(subcommand?: string): string {
  return { new: NEW, build: BUILD, check: CHECK, bench: BENCH, test: TEST }[subcommand ?? ""] ?? NODE;
}
