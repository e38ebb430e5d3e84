// What goes wrong, as a page for people and as JSON for programs. Nothing of the request comes back in it.
import { fill } from "./fill.ts";
import page from "./problem.html" with { type: "text" };

/** Why a request is not answered. `text` is one or two whole sentences, of our own words alone. */
export interface Problem {
  status: 400 | 401 | 403 | 404 | 405 | 413 | 414 | 415 | 429 | 500 | 503;
  title: string;
  text: string;
  headers?: Readonly<Record<string, string>>;
}

/** One answer for what does not exist, is over, was taken back, and is somebody else's (SECURITY.md 9). */
export const deadLink: Problem = {
  status: 404,
  title: "This link does not work",
  text: "It is wrong, too old, or was taken back. Write /session in the chat for a new one.",
};

export const notThere: Problem = { status: 404, title: "Nothing is here", text: "There is no page at this address." };

export const tooMany: Problem = {
  status: 429,
  title: "Too many requests",
  text: "Wait a moment and load the page again.",
  headers: { "retry-after": "5" },
};

export const broken: Problem = {
  status: 500,
  title: "Something went wrong",
  text: "The reason is in the log: remoteagent logs.",
};

/** The response: HTML where the caller wants a page. */
export function problemResponse(problem: Problem, { request, assets }: { request: Request; assets: string }): Response {
  const { status, title, text, headers = {} } = problem;
  if (!(request.headers.get("accept") ?? "").includes("text/html")) {
    return Response.json({ error: { message: title, hint: text } }, { status, headers });
  }
  const html = fill(page, { assets, title, text, status: String(status) });
  return new Response(html, { status, headers: { ...headers, "content-type": "text/html; charset=utf-8" } });
}
