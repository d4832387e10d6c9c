/**
 * What went wrong, for programs; the message is for people: what, where, how to mend it.
 *
 * - ADDON_MISSING: native/ is not built
 * - BAD_ARGUMENT: a value out of range or malformed
 * - BAD_COMMAND: a command line that does not parse
 * - BAD_MODULE: a node module that does not keep the contract
 * - CONFLICT: clashes with what is configured already
 * - NOT_FOUND: no such interface, route, neighbour, namespace, file
 * - NO_MEMORY: memory, memlock or huge pages
 * - NO_PERMISSION: a capability is missing
 * - NOT_RUNNING: no router answers on the socket
 * - SYSTEM: a system call failed; `syscall` and `errno` say which and why
 * - WORKER: a worker thread died, or the router was stopped
 */
export type WeftErrorCode =
  | "ADDON_MISSING"
  | "BAD_ARGUMENT"
  | "BAD_COMMAND"
  | "BAD_MODULE"
  | "CONFLICT"
  | "NOT_FOUND"
  | "NO_MEMORY"
  | "NO_PERMISSION"
  | "NOT_RUNNING"
  | "SYSTEM"
  | "WORKER";

/** The one error class that weft throws. */
export class WeftError extends Error {
  readonly code: WeftErrorCode;
  /** name of the failed system call, and its errno as text (`ENOBUFS`), where there is one */
  readonly syscall: string | undefined;
  readonly errno: string | undefined;

  constructor(code: WeftErrorCode, message: string, system: { syscall?: string; errno?: string; cause?: unknown } = {}) {
    super(message, system.cause === undefined ? undefined : { cause: system.cause });
    this.name = "WeftError";
    this.code = code;
    this.syscall = system.syscall;
    this.errno = system.errno;
  }
}

/** What is thrown for a value out of range or malformed. */
export function bad(message: string): WeftError {
  return new WeftError("BAD_ARGUMENT", message);
}

const OVERTAXED: Record<string, string> = {
  EMFILE: 'this process has too many files open: raise "ulimit -n"',
  ENFILE: 'the system has too many files open: raise "sysctl fs.file-max"',
  ENOMEM: "the system has no memory left: free some",
  EIO: 'the device fails: "dmesg" tells more',
};

/** The error for a file that cannot be opened or read for reasons that are not the file's; null: it is the file's own. */
export function systemFailure(path: string, cause: unknown): WeftError | null {
  const { code, syscall } = cause as NodeJS.ErrnoException;
  const mend = code === undefined ? undefined : OVERTAXED[code];
  if (mend === undefined) return null;
  return new WeftError("SYSTEM", `${path} cannot be opened: ${code}: ${mend}`, { cause, errno: code!, ...(syscall && { syscall }) });
}
