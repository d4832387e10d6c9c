// How often something may be done: so many times at once, then once an interval (the virtual scheduling form of a token bucket).

/**
 * Whether it may be done now; if so it has been. `interval` 0: always; `burst` is at least 1. The bucket is an f64: when it will be full again, in
 * the unit of `now`; zeros are a full one.
 */
export function mayNow(bucket: usize, now: f64, interval: f64, burst: u32): bool {
  // At most an empty one: a clock that went back, or an interval that has become shorter, must not bar the way for longer.
  const full = min<f64>(max<f64>(load<f64>(bucket), now), now + interval * f64(burst));
  const may = full <= now + interval * f64(burst - 1);
  store<f64>(bucket, may ? full + interval : full);
  return may;
}
