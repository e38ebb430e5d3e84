// `#serve` under Bun.
import { limits } from "../core/limits.ts";
import { brokenAnswer, listenPrivately, type Peer, type Serve } from "./serve.ts";

/** Listens at `where`; see the contract. */
export const serve: Serve = async (where, handler) => {
  const common = {
    // Bun closes connections that are silent for 10 s by default, streams of a thinking model among them.
    idleTimeout: 0,
    maxRequestBodySize: limits.frameBytesMax,
    // The development page would show our source to whoever asks.
    development: false,
    error: brokenAnswer,
  };
  const server = listenPrivately(where, () =>
    "unix" in where
      ? Bun.serve(socketOptions(common, { unix: where.unix, fetch: (request: Request) => handler(request, {}) }))
      : Bun.serve({
          ...common,
          hostname: where.hostname,
          port: where.port,
          // Without development pages Bun shares the port with whoever asks for it too.
          reusePort: false,
          fetch: (request: Request, listening: Listening) => handler(request, peerOf(listening.requestIP(request))),
        }),
  );
  const close = () => server.stop(true);
  if ("unix" in where) return { address: where.unix, close };
  return { address: where.hostname, port: server.port ?? where.port, close };
};

/** Bun's types deny unix sockets the idle timeout that they have all the same. */
function socketOptions<Common extends { idleTimeout: number }, Own>(common: Common, own: Own) {
  const options: Omit<Common, "idleTimeout"> & Own = { ...common, ...own };
  return options;
}

type Listening = Bun.Server<undefined>;

function peerOf(peer: { address: string } | null): Peer {
  return peer === null ? {} : { address: peer.address };
}
