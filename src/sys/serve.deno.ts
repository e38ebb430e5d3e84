// `#serve` under Deno.
import { limits } from "../core/limits.ts";
import { brokenAnswer, listenPrivately, type Serve } from "./serve.ts";

/** The part of Deno that is used here; its own types are absent where the other runtime's compiler checks. */
interface DenoServe {
  serve(
    options: { path: string; onListen(): void } | { hostname: string; port: number; onListen(): void },
    handler: (request: Request, info: { remoteAddr: { transport: string; hostname?: string } }) => Promise<Response>,
  ): { addr: { port?: number }; shutdown(): Promise<void>; finished: Promise<void> };
}
declare const Deno: DenoServe;

/** Listens at `where`; see the contract. */
export const serve: Serve = async (where, handler) => {
  const open = new AbortController();
  const address = "unix" in where ? { path: where.unix } : { hostname: where.hostname, port: where.port };
  const quiet = { onListen: () => undefined, signal: open.signal, onError: brokenAnswer };
  const server = listenPrivately(where, () =>
    Deno.serve({ ...address, ...quiet }, async (request, { remoteAddr }) => {
      if (Number(request.headers.get("content-length") ?? 0) > limits.frameBytesMax) {
        return new Response(null, { status: 413 });
      }
      return handler(bounded(request), remoteAddr.hostname === undefined ? {} : { address: remoteAddr.hostname });
    }),
  );
  const close = async () => {
    // An orderly shutdown would wait for streams that never end.
    open.abort();
    await server.finished;
  };
  if ("unix" in where) return { address: where.unix, close };
  return { address: where.hostname, port: server.addr.port ?? where.port, close };
};

/** The request with a body that fails once it is longer than allowed; Deno has no bound of its own. */
function bounded(request: Request): Request {
  if (request.body === null) return request;
  let left = limits.frameBytesMax;
  const guard = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      left -= chunk.byteLength;
      if (left < 0) controller.error(new Error("Request body is longer than allowed"));
      else controller.enqueue(chunk);
    },
  });
  return new Request(request, { body: request.body.pipeThrough(guard), duplex: "half" } as RequestInit);
}
