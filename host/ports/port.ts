/** What moves packets between a frame and the world. Each call handles a burst; a driver counts its losses in the interface's counter block. */
export interface Port {
  /** software interface index */
  readonly index: number;
  /** what a sleeping worker waits on; null: there is nothing to wait for */
  readonly handle: number | null;
  /** Fills a frame with at most `max` packets; gives how many. */
  receive(frame: number, max: number): number;
  /** Sends a frame's n packets; every buffer returns to the free list, sent or not. */
  transmit(frame: number, n: number): void;
}

/** How the control plane tells a worker of a port. */
export interface PortSpec {
  index: number;
  handle: number;
}
