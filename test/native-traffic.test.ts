// The C++ program of the packet generator and fault ports.

import { runProgram } from "./native-programs.js";

runProgram("traffic-test", ["fault", "fault_line", "pg", "pg_bursts", "pg_replay", "pg_template", "pg_wire", "worker_memory"]);
