// The one table of subcommands and their options: parsing, --help, the manual and the shells' completion all come from it.

import { NODE_SUBCOMMANDS } from "./node-subcommands.js";
import type { Option, Subcommand } from "./subcommand.js";

const SOCKET: Option = { name: "socket", value: "PATH", completes: "file", help: "control socket of the router; default as for weft run" };
/** as native/emulator/options.cc knows them */
export const MODELS = ["cx4", "cx4lx", "cx5", "cx5ex", "cx6", "cx6dx", "cx6lx", "cx7", "bf", "bf2", "bf3"];

export const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: "run",
    synopsis: "[FILE] [OPTIONS]",
    summary: "start a router, configured by the commands in FILE",
    about: `Starts a router and executes the commands in FILE, one a line; "#" begins a comment. A file with an error changes
nothing. Files that it names are looked for from the folder in which weft was started. Runs until Ctrl-C or SIGTERM.`,
    completes: "file",
    options: [
      { name: "interactive", help: "a prompt for more commands, as weft ctl has; the router ends with it" },
      { name: "socket", value: "PATH", completes: "file", help: "control socket; default $XDG_RUNTIME_DIR/weft.sock, else /run/weft.sock for root" },
      { name: "buffers", value: "N", help: "packet buffers of 2048 bytes, 1024 to 262128, 128 a worker at least; default 16384" },
      { name: "pool-size", value: "N", help: "MiB of packet buffers, in place of --buffers; 3 to 559" },
      { name: "workers", value: "N", help: "threads that run the graph, 1 to 64; default 1" },
      { name: "cpu", value: "N[,N…]", help: "pin the worker to this CPU, or the workers to these in turn" },
      { name: "no-clocks", help: "do not measure the nodes' clocks" },
      { name: "no-fuse", help: "run node by node, for exact clocks of each: no pass through several at once" },
      { name: "isolate", help: "debugging: find what custom nodes write where they have no business; slow" },
      { name: "user", value: "NAME", help: "give up root's rights for this user's when FILE is done; new ports and addresses need them" },
      { name: "emulated", value: "WIRES", help: "on modelled ConnectX ports: for WIRES see weft emulate --help" },
    ],
    notes: `Example of a FILE:
  create host-interface name eth0
  set interface state host-eth0 up
  set interface ip address host-eth0 192.0.2.1/24
  ip route add 0.0.0.0/0 via 192.0.2.254
  node load build/acl.wasm as acl config @acl.json
  node insert acl after ip4-input on host-eth0`,
    examples: [
      "weft run",
      "weft run router.weft --socket /tmp/weft.sock --cpu 1",
      "weft run --interactive router.weft",
      "weft run router.weft --emulated netdev:weft0,netdev:weft1",
    ],
  },
  {
    name: "ctl",
    synopsis: "[--socket PATH] [--json] [COMMAND…]",
    summary: "give a command to a running router; without one: a prompt",
    about: `Gives one command to a running router. Any unambiguous prefix of a word will do: "sh int" is "show interface".
"weft ctl help" lists all commands, "weft ctl help show" those that begin with show. Files are looked for from the folder
that you are in; JSON needs the shell's quotes.

Without a command, on a terminal: a prompt. TAB completes, "?" shows what can come next, "watch [-n SECONDS] COMMAND"
shows something again and again until a key is pressed, Ctrl-C ends a command or abandons the line, "quit" or Ctrl-D
ends. Otherwise standard input is read as a script, which ends with the first command that fails.`,
    completes: "command",
    options: [SOCKET, { name: "json", help: "output of a show command as one line of JSON" }],
    notes: "Exit status: 0 done, 1 it failed (or a ping had no answer), 2 the command was wrong.",
    examples: [
      "weft ctl",
      "weft ctl show runtime",
      "weft ctl --json show interface",
      "weft ctl ip route add 198.51.100.0/24 via 192.0.2.2",
      "weft ctl ping 192.0.2.2 repeat 3",
      "weft ctl node load build/acl.wasm as acl",
      "weft ctl node config acl '{\"rules\": []}'",
    ],
  },
  {
    name: "top",
    synopsis: "[OPTIONS]",
    summary: "a running router's rates and clocks, node by node",
    about: `Shows once a second what a running router does: packets a second, drops, how busy each worker is, clocks a packet, and
the nodes, that with the largest share of the clocks first. Keys: q quit, p pause, s sort by something else, h help.
Where standard output is no terminal it measures once.`,
    options: [
      SOCKET,
      { name: "interval", value: "SECONDS", help: "how long to measure, 0.1 to 60; default 1" },
      { name: "once", help: "measure once, and end" },
      { name: "json", help: "measure once; one JSON object on standard output" },
    ],
    notes: "Colours are left out where the variable NO_COLOR is set.",
    examples: ["weft top", "weft top --once --interval 5", "weft top --socket /tmp/weft.sock --json"],
  },
  {
    name: "node",
    synopsis: "SUBCOMMAND …",
    summary: "nodes of your own",
    about: `Nodes of your own: written, compiled, checked, tested and measured. They stand in the folder that you are in:
nodes/NAME.ts, its tests nodes/NAME.test, and build/NAME.wasm, which a router loads.`,
    words: NODE_SUBCOMMANDS.map(({ name, summary }) => [name.split(" ")[1]!, summary] as const),
    options: [],
    examples: [
      "weft node new hello && weft node build && weft node test",
      "weft ctl node load build/hello.wasm as hello && weft ctl node insert hello after ip4-input",
      "weft node test --help",
    ],
  },
  ...NODE_SUBCOMMANDS,
  {
    name: "demo",
    synopsis: "ping|forward [--port PORT] [--node FILE[:NODE]] [--json]",
    summary: "a router and the kernel, in network namespaces of their own",
    about: "Runs in network namespaces of its own and leaves nothing behind.",
    words: [
      ["ping", "the kernel pings a router, the router pings the kernel"],
      ["forward", "two hosts with a router between them: ping, traceroute, iperf3"],
    ],
    options: [
      {
        name: "port", value: "PORT", completes: ["emulated", "af_packet"], help: `what the router stands on:
  emulated            modelled ConnectX ports, their wires veth pairs (default)
  af_packet           packet sockets on veth pairs
  rdma:IF[,IF2]       real ConnectX ports, one for ping, two for forward. For the time of the demo
                      Linux' half of the port is the host, and loses its addresses. Needs root.`,
      },
      {
        name: "node", value: "FILE", completes: "file",
        help: `ping: load a node from this .wasm or .mjs file (FILE:NODE: one of several), behind ip4-input, and show what
it has counted`,
      },
      { name: "json", help: "one JSON object on standard output, nothing else there" },
    ],
    notes: "Exit status 0 only if nothing was lost that should not be.",
    examples: [
      "weft demo ping",
      "weft demo ping --node build/hello.wasm",
      "weft demo forward --json",
      "weft demo ping --port rdma:enp94s0f0",
    ],
  },
  {
    name: "emulate",
    synopsis: "--wire WIRE[,WIRE…] [--ports N] [--model MODEL] -- COMMAND…",
    summary: "run any program on modelled ConnectX ports",
    about: `Runs a command on modelled ConnectX ports, mlx5_0, mlx5_1, …, for the genuine libibverbs and whatever is built on it. Its
exit status is the command's.`,
    completes: "file",
    options: [
      {
        name: "wire", value: "WIRE", completes: ["netdev:", "pair", "generator:", "sink"],
        help: `what is behind each port, one for all or as many as there are ports:
  netdev:IF             a Linux network device (also written veth:IF, tap:IF); the port's own, too
  pair                  port 0 and port 1 are joined, 2 and 3, …
  generator:PPS[:SIZE]  so many packets a second, for ever
  sink                  nothing comes, what goes is forgotten`,
      },
      { name: "ports", value: "N", help: "how many ports, 1 to 8; default one for each wire" },
      { name: "model", value: "MODEL", completes: MODELS, help: "cx4, cx4lx, cx5 (default), cx6, cx6dx, cx7, bf2, …" },
    ],
    examples: [
      "weft emulate --wire sink -- ibv_devinfo -v",
      "weft emulate --ports 2 --wire pair -- dpdk-testpmd -a 0000:41:00.0,dv_flow_en=0 -a 0000:42:00.0,dv_flow_en=0 -- -i",
    ],
  },
  {
    name: "doctor",
    synopsis: "[--json]",
    summary: "what this machine has and lacks",
    about: "Says what this machine has and what it lacks, with a hint for each.",
    options: [{ name: "json", help: "one JSON array on standard output" }],
    examples: ["weft doctor", "weft doctor --json"],
  },
  {
    name: "completion",
    synopsis: "bash|zsh|fish",
    summary: "have a shell complete weft's words",
    about: `Prints what a shell is to read so that TAB completes subcommands, options and, after weft ctl, the router's commands,
with the interfaces and nodes that it has.`,
    words: [
      ["bash", "for ~/.bashrc, with the package bash-completion or without"],
      ["zsh", "for ~/.zshrc, behind compinit"],
      ["fish", "for ~/.config/fish/completions/weft.fish"],
    ],
    options: [],
    examples: ['eval "$(weft completion bash)"', "weft completion fish > ~/.config/fish/completions/weft.fish"],
  },
  {
    name: "man",
    synopsis: "",
    summary: "the manual, all of it, for man",
    about: "Prints the manual page weft(1): all subcommands, and all commands of a router.",
    options: [],
    examples: ["weft man | man -l -"],
  },
];

/** Throws nothing: for names of this table. */
export function subcommand(name: string): Subcommand {
  return SUBCOMMANDS.find((one) => one.name === name)!;
}
