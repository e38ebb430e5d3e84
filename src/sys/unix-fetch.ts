// What `#unix-fetch` exports: one request over a unix socket by the runtime's own client, where it has one.

/** Sends one request. Rejects with the system's error, or with the signal's reason. */
export type UnixFetch = (
  socketPath: string,
  request: { path: string; method: string; headers: Record<string, string>; body?: Uint8Array; signal?: AbortSignal },
) => Promise<Response>;
