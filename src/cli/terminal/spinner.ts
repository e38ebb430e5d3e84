// Things that move or count: the spinner's frames and short durations.

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"] as const;
/** How long one frame of the spinner stands. */
export const spinnerMs = 100;

/** The spinner's frame at a time in milliseconds. */
export function spinner(nowMs: number): string {
  return frames[Math.floor(nowMs / spinnerMs) % frames.length] ?? frames[0];
}

/** `0.3s`, `12s`, `2m 05s`, `1h 02m`. */
export function duration(ms: number): string {
  if (ms < 9_950) return `${(Math.max(0, ms) / 1_000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds}s`;
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes}m ${two(seconds % 60)}s` : `${Math.floor(minutes / 60)}h ${two(minutes % 60)}m`;
}

/** `0s`, `12s`, …: whole seconds, for something that still runs. */
export function elapsed(ms: number): string {
  return ms < 60_000 ? `${Math.floor(Math.max(0, ms) / 1_000)}s` : duration(ms);
}
