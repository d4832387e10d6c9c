// From the shim's errors to those that people see.

import { WeftError, type WeftErrorCode } from "../errors.js";

/** What the shim throws: `code` is an errno's name or RDMA_…, `syscall` a system call or verb. */
export interface ShimFailure {
  code?: string;
  syscall?: string;
  detail?: string;
  message: string;
}

/** The error that says the same to people. */
export function failure(code: WeftErrorCode, message: string, cause: ShimFailure): WeftError {
  return new WeftError(code, message, { cause, ...(cause.code && { errno: cause.code }), ...(cause.syscall && { syscall: cause.syscall }) });
}
