// Metrics for Prometheus over HTTP: on and off.

import type { PrometheusInfo } from "../control/api.js";
import type { Command } from "./grammar.js";
import { show } from "./show.js";

export const PROMETHEUS: Command[] = [
  {
    pattern: "prometheus listen <endpoint>",
    help: "serve /metrics and /healthz over HTTP",
    examples: ["prometheus listen 127.0.0.1:9469", "prometheus listen 0.0.0.0:9469"],
    run: async ({ control, out }, { endpoint }) => {
      const colon = endpoint!.lastIndexOf(":");
      const { url } = await control.listenPrometheus(endpoint!.slice(0, colon).replace(/^\[|\]$/g, ""), Number(endpoint!.slice(colon + 1)));
      out(url);
    },
  },
  { pattern: "prometheus off", help: "end that", run: ({ control }) => control.closePrometheus() },
  show("show prometheus", "where metrics are served", (control) => control.prometheus(), prometheusText),
];

function prometheusText(info: PrometheusInfo | null): string {
  return info === null ? "off" : info.url;
}
