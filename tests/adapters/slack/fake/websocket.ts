// The server's end of a websocket, frame by frame (RFC 6455), so that a test can leave out any of them.
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Wire } from "./hub.ts";

const handshakeSalt = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const frameBytesMax = 1024 * 1024;
const opcodes = { text: 1, close: 8, ping: 9, pong: 10 };

export interface Socket extends Wire {
  ping(payload: string): void;
}

/**
 * Does the handshake and reads frames. `onText` gets each message, `onGone` the end. Pings are answered. With `lingers`
 * a close frame is answered and the ending of the TCP connection is left to the client, as the real platform does
 * (github.com/slackapi/node-slack-sdk/pull/2752).
 */
export function accept(
  request: IncomingMessage,
  socket: Duplex,
  { onText, onGone, lingers }: { onText: (text: string) => void; onGone: () => void; lingers: boolean },
): Socket {
  const key = request.headers["sec-websocket-key"] ?? "";
  const answer = createHash("sha1").update(`${key}${handshakeSalt}`).digest("base64");
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${answer}\r\n\r\n`,
  );
  let muted = false;
  let closeSent = false;
  let rest: Uint8Array = new Uint8Array();
  const put = (opcode: number, payload: Uint8Array) => {
    if (!muted && !socket.destroyed && socket.writable) socket.write(frameOf(opcode, payload));
  };
  const close = (payload: Uint8Array) => {
    if (closeSent) return;
    closeSent = true;
    put(opcodes.close, payload);
  };
  socket.on("data", (chunk: Uint8Array) => {
    if (muted) return;
    rest = Buffer.concat([rest, chunk]);
    for (let frame = readFrame(rest); frame !== undefined; frame = readFrame(rest)) {
      rest = rest.subarray(frame.length);
      if (frame.opcode === opcodes.text) onText(Buffer.from(frame.payload).toString());
      else if (frame.opcode === opcodes.ping) put(opcodes.pong, frame.payload);
      else if (frame.opcode === opcodes.close) {
        onGone();
        close(frame.payload);
        if (!lingers) socket.end();
      }
    }
    if (rest.length > frameBytesMax) socket.destroy();
  });
  socket.on("error", () => socket.destroy());
  socket.on("end", () => socket.destroy());
  socket.on("close", onGone);
  return {
    send: (text) => put(opcodes.text, Buffer.from(text)),
    ping: (text) => put(opcodes.ping, Buffer.from(text)),
    close(code, reason) {
      const payload = Buffer.alloc(2 + Buffer.byteLength(reason));
      payload.writeUInt16BE(code);
      payload.write(reason, 2);
      close(payload);
      socket.end();
    },
    destroy: () => void socket.destroy(),
    mute() {
      muted = true;
    },
  };
}

/** One unfragmented frame, without a mask, as servers send them. */
function frameOf(opcode: number, payload: Uint8Array): Uint8Array {
  const size = payload.length;
  const head = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (size < 126) head[1] = size;
  else if (size < 65_536) {
    head[1] = 126;
    head.writeUInt16BE(size, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(size), 2);
  }
  return Buffer.concat([head, payload]);
}

/** The first whole frame of the bytes; undefined when more must come. Clients mask theirs. */
function readFrame(bytes: Uint8Array): { opcode: number; payload: Uint8Array; length: number } | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length < 2) return undefined;
  const short = view.readUInt8(1) & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const masked = (view.readUInt8(1) & 0x80) !== 0;
  const start = 2 + lengthBytes + (masked ? 4 : 0);
  if (view.length < start) return undefined;
  const size = lengthBytes === 2 ? view.readUInt16BE(2) : lengthBytes === 8 ? Number(view.readBigUInt64BE(2)) : short;
  if (view.length < start + size) return undefined;
  const payload = Uint8Array.from(view.subarray(start, start + size));
  if (masked) {
    const mask = view.subarray(start - 4, start);
    for (const [index, byte] of payload.entries()) payload[index] = byte ^ (mask[index % 4] ?? 0);
  }
  return { opcode: view.readUInt8(0) & 0x0f, payload, length: start + size };
}
