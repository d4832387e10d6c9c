// What a node may ask the host for.

/** Nanoseconds that only ever go forward. It costs a call out of the node: once a vector is enough for most. */
// @ts-ignore: decorator
@external("weft", "now")
export declare function now(): f64;

/** Tells the operator something: UTF-8 text. Not for each packet: the host lets a few lines a second through. */
// @ts-ignore: decorator
@external("weft", "log")
export declare function log(at: usize, length: u32): void;
