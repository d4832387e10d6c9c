// Metrics for Prometheus over HTTP: on and off.

import type { PrometheusInfo } from "../control/api.js";
import type { Command } from "./grammar.js";
import { show } from "./show.js";

export const PROMETHEUS: Command[] = [
  {
    pattern: "prometheus listen <listen>",
    help: "serve /metrics and /healthz over HTTP",
    run: async ({ control, out }, { listen }) => {
      const colon = listen!.lastIndexOf(":");
      const { url } = await control.listenPrometheus(listen!.slice(0, colon).replace(/^\[|\]$/g, ""), Number(listen!.slice(colon + 1)));
      out(url);
    },
  },
  { pattern: "prometheus off", help: "end that", run: ({ control }) => control.closePrometheus() },
  show("show prometheus", "where metrics are served", (control) => control.prometheus(), prometheusText),
];

function prometheusText(info: PrometheusInfo | null): string {
  return info === null ? "off" : info.url;
}
