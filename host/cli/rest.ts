// Waits for a router's graph to come to rest.

import type { Balance, Control } from "../control/api.js";

/** The balance once the graph is at rest: what is under way comes to its end within moments. Gives up after `timeout` ms. */
export async function atRest(control: Control, timeout = 2000): Promise<Balance> {
  const deadline = performance.now() + timeout;
  for (;;) {
    const balance = control.balance();
    if (balance.difference === 0 || performance.now() > deadline) return balance;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
