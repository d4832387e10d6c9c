// Which packets a trace is for, as a worker is told.

/** Which packets are worth a trace; addresses and masks raw. */
export interface PacketFilter {
  source: number;
  sourceMask: number;
  destination: number;
  destinationMask: number;
  /** of IPv4, or 256 for ARP */
  protocol: number | null;
  port: number | null;
}

export const EVERY_PACKET: PacketFilter = { source: 0, sourceMask: 0, destination: 0, destinationMask: 0, protocol: null, port: null };
