// The server's side of RFC 6455, as much as a gateway needs: text frames, ping, close, and an end without a close.
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Line, Wire } from "./protocol.ts";

const magic = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** Above what the gateway allows in a frame, so that it is the gateway that refuses. */
const messageBytesMax = 1024 * 1024;

/** Finishes the handshake and joins the socket with what `open` gives. */
export function accept(
  { request, socket, head }: { request: IncomingMessage; socket: Duplex; head: Uint8Array },
  open: (wire: Wire) => Line,
): void {
  const key = request.headers["sec-websocket-key"] ?? "";
  const proof = createHash("sha1").update(`${key}${magic}`).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${proof}\r\n\r\n`,
  );
  let code = 1006;
  let closing = false;
  const line = open({
    send(text) {
      if (!closing) socket.write(frame(1, Buffer.from(text)));
    },
    close(number, reason) {
      closing = true;
      socket.write(frame(8, Buffer.concat([short(number), Buffer.from(reason)])));
    },
    sever: () => socket.destroy(),
  });
  const reader = createReader({
    text: (text) => line.receive(text),
    ping: (data) => socket.write(frame(10, data)),
    close(number) {
      code = number;
      if (!closing) socket.write(frame(8, short(number)));
      closing = true;
      socket.end();
      line.ended(code);
    },
    broken: () => socket.destroy(),
  });
  socket.on("data", (chunk: Uint8Array) => reader(chunk));
  socket.on("error", () => socket.destroy());
  socket.on("close", () => line.ended(code));
  if (head.length > 0) reader(head);
}

function short(number: number): Uint8Array {
  return Uint8Array.of(number >> 8, number & 0xff);
}

/** One whole frame from the server, which masks nothing. */
function frame(opcode: number, data: Uint8Array): Uint8Array {
  const { length } = data;
  if (length < 126) return Buffer.concat([Uint8Array.of(0x80 | opcode, length), data]);
  if (length < 65_536) return Buffer.concat([Uint8Array.of(0x80 | opcode, 126), short(length), data]);
  const size = Buffer.alloc(8);
  size.writeBigUInt64BE(BigInt(length));
  return Buffer.concat([Uint8Array.of(0x80 | opcode, 127), size, data]);
}

interface Handler {
  text(text: string): void;
  ping(data: Uint8Array): void;
  close(code: number): void;
  broken(): void;
}

/** Takes chunks as they come and calls the handler for each whole message. */
function createReader(handler: Handler): (chunk: Uint8Array) => void {
  let rest = Buffer.alloc(0);
  let parts: Uint8Array[] = [];
  const take = (opcode: number, data: Uint8Array, last: boolean) => {
    if (opcode === 8) return handler.close(data.length >= 2 ? ((data[0] ?? 0) << 8) | (data[1] ?? 0) : 1005);
    if (opcode === 9) return handler.ping(data);
    if (opcode === 10) return;
    parts.push(data);
    if (!last) return;
    const whole = Buffer.concat(parts);
    parts = [];
    handler.text(whole.toString("utf8"));
  };
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    if (rest.length > messageBytesMax) return handler.broken();
    for (;;) {
      const found = readFrame(rest);
      if (found === undefined) return;
      rest = rest.subarray(found.size);
      take(found.opcode, found.data, found.last);
    }
  };
}

/** The first whole frame of the bytes; a client masks all it sends. */
function readFrame(bytes: Buffer): { opcode: number; data: Uint8Array; last: boolean; size: number } | undefined {
  if (bytes.length < 2) return undefined;
  const [first = 0, second = 0] = bytes;
  const kind = second & 0x7f;
  const extra = kind === 126 ? 2 : kind === 127 ? 8 : 0;
  if (bytes.length < 2 + extra + 4) return undefined;
  const length = extra === 2 ? bytes.readUInt16BE(2) : extra === 8 ? Number(bytes.readBigUInt64BE(2)) : kind;
  const start = 2 + extra + 4;
  if (bytes.length < start + length) return undefined;
  const mask = bytes.subarray(2 + extra, start);
  const data = Uint8Array.from(bytes.subarray(start, start + length), (byte, at) => byte ^ (mask[at % 4] ?? 0));
  return { opcode: first & 0x0f, data, last: (first & 0x80) !== 0, size: start + length };
}
