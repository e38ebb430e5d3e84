// `#unix-fetch` under Deno: its fetch needs an unstable client for unix sockets, so node:http serves.
import type { UnixFetch } from "./unix-fetch.ts";

export const unixFetch: UnixFetch | undefined = undefined;
