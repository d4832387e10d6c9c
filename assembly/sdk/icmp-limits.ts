// What the operator allows of messages that anybody can make the router send (RFC 1812, 4.3.2.8), and the time of day.

import { CONTROL, CONTROL_ICMP_BURST, CONTROL_ICMP_INTERVAL, CONTROL_ICMP_RATE, CONTROL_UTC } from "../abi";
import { mayNow } from "./rate";

const NS_PER_MS: f64 = 1e6;
const NS_PER_SECOND: f64 = 1e9;
const MS_PER_DAY: f64 = 86_400_000;
/** Errors at once to one destination. */
const DESTINATION_BURST: u32 = 6;

/** Whether one more message may go to one destination; `now` from weft.now. */
export function mayReachDestination(bucket: usize, now: f64): bool {
  return mayNow(bucket, now, f64(load<u32>(CONTROL, CONTROL_ICMP_INTERVAL)) * NS_PER_MS, DESTINATION_BURST);
}

/** Whether one more message may be sent to anybody. */
export function mayLeave(bucket: usize, now: f64): bool {
  const rate = load<u32>(CONTROL, CONTROL_ICMP_RATE);
  return rate == 0 || mayNow(bucket, now, NS_PER_SECOND / f64(rate), load<u32>(CONTROL, CONTROL_ICMP_BURST));
}

/** ms since midnight UT (RFC 791, timestamp option; RFC 792, timestamp message). */
export function timeOfDay(now: f64): u32 {
  const ms = Math.floor(load<f64>(CONTROL, CONTROL_UTC) + now / NS_PER_MS);
  return <u32>(ms - Math.floor(ms / MS_PER_DAY) * MS_PER_DAY);
}
