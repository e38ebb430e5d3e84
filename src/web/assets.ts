// The files of the pages: the same for everybody, so a browser may keep them and asks only whether they changed.
import { createHash } from "node:crypto";
import type { Hono } from "hono";
import base from "./base.css" with { type: "text" };
import icon from "./icon.svg" with { type: "text" };
import type { WebEnv } from "./part.ts";
import { notThere, problemResponse } from "./problem.ts";

const types: Readonly<Record<string, string>> = {
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

/** Serves them below `/assets/`. */
export function mountAssets(app: Hono<WebEnv>, files: Readonly<Record<string, string>>): void {
  const known = new Map(
    Object.entries({ "base.css": base, "icon.svg": icon, ...files }).map(([name, text]) => {
      const tag = `"${createHash("sha256").update(text).digest("hex").slice(0, 32)}"`;
      const type = types[name.slice(name.lastIndexOf(".") + 1)] ?? "application/octet-stream";
      return [name, { text, headers: { etag: tag, "content-type": type, "cache-control": "no-cache" } }];
    }),
  );
  app.get("/assets/:name", (context) => {
    const found = known.get(context.req.param("name"));
    if (found === undefined) return problemResponse(notThere, { request: context.req.raw, assets: "" });
    const { text, headers } = found;
    if (context.req.header("if-none-match") === headers.etag) return new Response(null, { status: 304, headers });
    return new Response(text, { headers });
  });
}
