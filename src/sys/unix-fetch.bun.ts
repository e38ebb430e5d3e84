// `#unix-fetch` under Bun: its fetch is there without loading anything, unlike node:http.
import type { UnixFetch } from "./unix-fetch.ts";

/** Bun's fetch; without its own limit of five minutes, since the caller has one. */
export const unixFetch: UnixFetch | undefined = (socketPath, { path, method, headers, body, signal }) =>
  fetch(`http://localhost${path}`, {
    unix: socketPath,
    method,
    headers,
    timeout: false,
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    ...(signal === undefined ? {} : { signal }),
  } as RequestInit);
