// What --help prints.

export const SUBCOMMANDS = ["run", "ctl", "node", "demo", "emulate", "doctor", "help"];

const GENERAL = `weft: a packet graph whose every node is a WebAssembly function

Usage: weft SUBCOMMAND …

  run [FILE]      start a router, configured by the commands in FILE
  ctl COMMAND…    give a command to a running router
  node new|build|check|test|bench
                  nodes of your own
  demo ping       a router and the kernel ping each other
  demo forward    a router between two hosts: ping, traceroute, iperf3
  emulate         run any program on modelled ConnectX ports
  doctor          what this machine has and lacks
  help [SUBCOMMAND], --help, -h
  --version

Examples:
  weft demo ping
  weft node new hello && weft node build && weft node test
  weft run router.weft
  weft ctl show interface
  weft help run
`;

const RUN = `Usage: weft run [FILE] [OPTIONS]

Starts a router and executes the commands in FILE, one a line; "#" begins a comment. A file with an error changes
nothing. Files that it names are looked for from the folder in which weft was started. Runs until Ctrl-C or SIGTERM.

  --socket PATH     control socket; default $XDG_RUNTIME_DIR/weft.sock, else /run/weft.sock for root
  --buffers N       packet buffers of 2048 bytes, 1024 to 262128; default 16384
  --pool-size N     MiB of packet buffers, in place of --buffers; 3 to 559
  --cpu N           pin the worker to this CPU
  --no-clocks       do not measure the nodes' clocks
  --isolate         debugging: find what custom nodes write where they have no business; slow
  --user NAME       give up root's rights for this user's when FILE is done; new ports and addresses need them
  --emulated WIRES  on modelled ConnectX ports: for WIRES see weft emulate --help

Example of a FILE:
  create host-interface name eth0
  set interface state host-eth0 up
  set interface ip address host-eth0 192.0.2.1/24
  ip route add 0.0.0.0/0 via 192.0.2.254
  node load build/acl.wasm as acl config @acl.json
  node insert acl after ip4-input on host-eth0

Examples:
  weft run
  weft run router.weft --socket /tmp/weft.sock --cpu 1
  weft run router.weft --emulated netdev:weft0,netdev:weft1
`;

const CTL = `Usage: weft ctl [--socket PATH] [--json] COMMAND…

Gives one command to a running router. Any unambiguous prefix of a word will do: "sh int" is "show interface".
"weft ctl help" lists all commands, "weft ctl help show" those that begin with show. Files are looked for from the folder
that you are in; JSON needs the shell's quotes.

  --socket PATH   control socket of the router; default as for weft run
  --json          output of a show command as one line of JSON

Exit status: 0 done, 1 it failed (or a ping had no answer), 2 the command was wrong.

Examples:
  weft ctl show runtime
  weft ctl --json show interface
  weft ctl ip route add 198.51.100.0/24 via 192.0.2.2
  weft ctl ping 192.0.2.2 repeat 3
  weft ctl node load build/acl.wasm as acl
  weft ctl node config acl '{"rules": []}'
`;

const DEMO = `Usage: weft demo ping|forward [--port PORT] [--node FILE[:NODE]] [--json]

Runs in network namespaces of its own and leaves nothing behind.

  ping            the kernel pings a router, the router pings the kernel
  forward         two hosts with a router between them: ping, traceroute, iperf3
  --port PORT     what the router stands on:
                    emulated            modelled ConnectX ports, their wires veth pairs (default)
                    af_packet           packet sockets on veth pairs
                    rdma:IF[,IF2]       real ConnectX ports, one for ping, two for forward. For the time of the demo
                                        Linux' half of the port is the host, and loses its addresses. Needs root.
  --node FILE     ping: load a node from this .wasm or .mjs file (FILE:NODE: one of several), behind ip4-input, and show what
                  it has counted
  --json          one JSON object on standard output, nothing else there

Exit status 0 only if nothing was lost that should not be.

Examples:
  weft demo ping
  weft demo ping --node build/hello.wasm
  weft demo forward --json
  weft demo ping --port rdma:enp94s0f0
`;

const EMULATE = `Usage: weft emulate --wire WIRE[,WIRE…] [--ports N] [--model MODEL] -- COMMAND…

Runs a command on modelled ConnectX ports, mlx5_0, mlx5_1, …, for the genuine libibverbs and whatever is built on it. Its
exit status is the command's.

  --wire WIRE     what is behind each port, one for all or as many as there are ports:
                    netdev:IF             a Linux network device (also written veth:IF, tap:IF); the port's own, too
                    pair                  port 0 and port 1 are joined, 2 and 3, …
                    generator:PPS[:SIZE]  so many packets a second, for ever
                    sink                  nothing comes, what goes is forgotten
  --ports N       how many ports, 1 to 8; default one for each wire
  --model MODEL   cx4, cx4lx, cx5 (default), cx6, cx6dx, cx7, bf2, …

Examples:
  weft emulate --wire sink -- ibv_devinfo -v
  weft emulate --ports 2 --wire pair -- dpdk-testpmd -a 0000:41:00.0,dv_flow_en=0 -a 0000:42:00.0,dv_flow_en=0 -- -i
`;

const DOCTOR = `Usage: weft doctor [--json]

Says what this machine has and what it lacks, with a hint for each.

Examples:
  weft doctor
  weft doctor --json
`;

/** Help for a subcommand, or for all of weft. */
export function usage(subcommand?: string): string {
  return { run: RUN, ctl: CTL, demo: DEMO, emulate: EMULATE, doctor: DOCTOR }[subcommand ?? ""] ?? GENERAL;
}
