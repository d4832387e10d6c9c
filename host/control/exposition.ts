// Metrics as Prometheus reads them: its text format, version 0.0.4.
//
//   # HELP weft_interface_receive_packets_total Packets received.
//   # TYPE weft_interface_receive_packets_total counter
//   weft_interface_receive_packets_total{interface="host-eth0"} 12

export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A metric with all its series, as a scrape of /metrics finds it. */
export interface Metric {
  /** "weft_interface_receive_packets_total"; a counter's ends in _total, and it never falls while its series is there */
  name: string;
  type: "counter" | "gauge" | "untyped";
  /** one line */
  help: string;
  /** each with labels that no other has */
  samples: MetricSample[];
}

export interface MetricSample {
  labels: Record<string, string>;
  value: number;
}

/** The text of a scrape. A metric without a series is left out. */
export function expose(metrics: Metric[]): string {
  return metrics.filter(({ samples }) => samples.length > 0).map(block).join("");
}

function block({ name, type, help, samples }: Metric): string {
  const lines = samples.map(({ labels, value }) => `${name}${labelText(labels)} ${numberText(value)}\n`);
  return `# HELP ${name} ${escaped(help, /[\\\n]/g)}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function labelText(labels: Record<string, string>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value, /[\\\n"]/g)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(text: string, special: RegExp): string {
  return text.replace(special, (character) => (character === "\n" ? "\\n" : `\\${character}`));
}

/** As Go's ParseFloat takes it. */
function numberText(value: number): string {
  return Number.isFinite(value) ? String(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
