// Shapes of the control plane's part that looks at packets: traces and captures. See api.ts.

/** Which packets are traced: those that fit all that is given. */
export interface TraceFilter {
  /** an address or a prefix; in ARP the sender's and the target's */
  source?: string;
  destination?: string;
  protocol?: "icmp" | "tcp" | "udp" | "arp" | number;
  /** of TCP or UDP, at either end */
  port?: number;
}

/** Which traced packets are shown: the first `packets` that passed a node, or that did not. */
export interface TraceNodeFilter {
  node: string;
  include: boolean;
  packets: number;
}

/** A traced packet at a node. */
export interface TraceStep {
  /** ms since the router's process began */
  time: number;
  node: string;
  /** what the node's declaration shows: headers as they came, fields as it left them */
  lines: string[];
  /** next slot that it took, by name */
  next: string | null;
  /** what was counted for it */
  counted: string[];
  /** how it ended here, if it did not go on: held, lost to a trap, … */
  end: string | null;
}

export interface TracedPacket {
  number: number;
  /** 0: the packet itself; 1, 2, …: its copies and fragments */
  copy: number;
  steps: TraceStep[];
}

export interface TraceInfo {
  packets: TracedPacket[];
  /** traced packets that are kept; a filter may show fewer */
  kept: number;
  /** steps that found the ring of records full */
  lost: number;
}

export interface PcapTraceOptions {
  /** pcapng; one that exists is overwritten */
  file: string;
  rx?: boolean;
  tx?: boolean;
  /** packets that end for another reason than having been sent: the reason is the packet's comment */
  drop?: boolean;
  /** packets after which it ends by itself; default 100,000 */
  max?: number;
  /** default "any": all, those too that come later; a dropped packet's is the one that it came in by */
  interface?: string;
}

export interface PcapTraceStatus extends Required<PcapTraceOptions> {
  running: boolean;
  /** why it ended; null: it runs */
  ended: string | null;
  /** packets captured */
  received: number;
  sent: number;
  dropped: number;
  /** packets that came faster than they could be written */
  missed: number;
  /** bytes in the file */
  bytes: number;
}

/** The part of the control plane that looks at packets. */
export interface Watching {
  /** Has the next packets of a node traced: 1 … 1000, the newest 1000 are kept. An input node's are those that come in. */
  addTrace(node: string, packets: number): Promise<void>;
  /** For traces that begin from now on. */
  setTraceFilter(filter: TraceFilter): Promise<void>;
  setTraceNodeFilter(filter: TraceNodeFilter): void;
  /** Every packet is traced and shown again. */
  clearTraceFilters(): Promise<void>;
  /** Forgets all traces and traces no more. */
  clearTrace(): Promise<void>;
  /** Throws BAD_ARGUMENT, NOT_FOUND, NO_PERMISSION, SYSTEM; CONFLICT when one is running. */
  startPcapTrace(options: PcapTraceOptions): Promise<void>;
  /** Closes the file. Throws NOT_FOUND when none is running. */
  stopPcapTrace(): Promise<PcapTraceStatus>;

  /** the first `max` of the traced packets, as they came */
  trace(max?: number): TraceInfo;
  /** the capture that runs, or the last one; null: there was none */
  pcapTrace(): PcapTraceStatus | null;
}
