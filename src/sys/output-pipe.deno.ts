// `#output-pipe` under Deno: its child processes write into pipes by themselves.
import type { OpenOutputPipe } from "./output-pipe.ts";

/** No pipe of ours. */
export const openOutputPipe: OpenOutputPipe = () => undefined;
