// The program's figures as Prometheus text (exposition format 0.0.4): what is now, and what happened since the web listens.
import type { TurnEvent } from "../../core/event.ts";
import { limits } from "../../core/limits.ts";
import type { WebDeps } from "../part.ts";

export type MetricsDeps = Pick<WebDeps, "store" | "hub" | "vitals" | "clock">;

/** One line: `name{labels} value`. */
interface Sample {
  labels?: Readonly<Record<string, string>>;
  value: number;
}
type Kind = "counter" | "gauge";

/** Counts from now on. @returns the text of this moment, and what ends the counting. */
export function createMetrics({ store, hub, vitals, clock }: MetricsDeps) {
  const turns: Record<string, number> = { done: 0, stopped: 0, failed: 0 };
  const used = { tokens: 0, costUsd: 0 };
  let tools = 0;
  let toolsFailed = 0;
  const count = (event: TurnEvent): void => {
    if (event.type === "tool" && event.step === "end") {
      tools += 1;
      if (!event.ok) toolsFailed += 1;
    }
    if (event.type !== "ended") return;
    turns[event.outcome] = (turns[event.outcome] ?? 0) + 1;
    const { input, output, cacheRead, cacheWrite, costUsd } = event.usage;
    used.tokens += input + output + cacheRead + cacheWrite;
    used.costUsd += costUsd;
  };
  const leave = hub.subscribe(({ event }) => count(event));

  // Counting rows reads the whole table, so nobody makes us do it at each of their requests.
  let counted: { at: number; fates: Sample[] } | undefined;
  const fates = (): Sample[] => {
    const now = clock.monotonic();
    if (counted === undefined || now - counted.at > limits.metricsEveryMs) {
      const rows = store.deliveries.fates();
      counted = { at: now, fates: rows.map(({ fate, count: value }) => ({ labels: { fate }, value })) };
    }
    return counted.fates;
  };
  const adapters = () =>
    vitals.adapters().map(({ name, type, state }) => ({ labels: { adapter: name, type }, name, state }));
  return {
    leave,
    text(): string {
      const now = clock.now();
      const silent = adapters().flatMap(({ labels, name }): Sample[] => {
        const heardAt = vitals.health(name)?.heardAt ?? null;
        return heardAt === null ? [] : [{ labels, value: seconds(now - heardAt) }];
      });
      const states = adapters().map(({ labels, state }) => ({ labels, value: state === "connected" ? 1 : 0 }));
      return [
        metric("build_info", "gauge", "The program that runs.", [{ labels: { version: vitals.version }, value: 1 }]),
        metric("uptime_seconds", "gauge", "Since the start.", [{ value: seconds(now - vitals.startedAt) }]),
        metric("memory_bytes", "gauge", "Resident memory.", [{ value: vitals.memoryBytes() }]),
        metric("database_bytes", "gauge", "The database with its journal.", [{ value: vitals.databaseBytes() }]),
        metric("turns_running", "gauge", "Turns that run now.", [{ value: vitals.running() }]),
        metric("inputs_waiting", "gauge", "Messages that wait for a turn.", [{ value: store.inputs.waitingCount() }]),
        metric(
          "turns_total",
          "counter",
          "Turns that ended, by outcome.",
          Object.entries(turns).map(([outcome, value]) => ({ labels: { outcome }, value })),
        ),
        metric("tool_calls_total", "counter", "Tool calls that ended.", [{ value: tools }]),
        metric("tool_calls_failed_total", "counter", "Tool calls that failed.", [{ value: toolsFailed }]),
        metric("tokens_total", "counter", "Tokens of ended turns.", [{ value: used.tokens }]),
        metric("cost_usd_total", "counter", "Cost of ended turns in US dollars.", [{ value: used.costUsd }]),
        metric("deliveries", "gauge", "Outgoing messages in the store, by fate.", fates()),
        metric("adapter_connected", "gauge", "1 while something was received lately.", states),
        metric("adapter_silent_seconds", "gauge", "Since something last came from the platform.", silent),
      ].join("");
    },
  };
}

function seconds(ms: number): number {
  return Math.max(0, Math.round(ms) / 1000);
}

function metric(name: string, kind: Kind, help: string, samples: readonly Sample[]): string {
  const full = `remoteagent_${name}`;
  const lines = samples.map(({ labels = {}, value }) => {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
    return `${full}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}`;
  });
  return `${[`# HELP ${full} ${help}`, `# TYPE ${full} ${kind}`, ...lines].join("\n")}\n`;
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
