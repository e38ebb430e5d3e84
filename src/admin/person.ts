// How the command line names a person: the adapter and the platform's immutable id, `tg/57`.
import { Failure } from "../core/failure.ts";

/** Somebody on one adapter. */
export interface Person {
  adapter: string;
  user: string;
}

/** Reads `tg/57`; what follows the first `/` is the id, whatever characters it has. @throws Failure `usage`. */
export function parsePerson(text: string): Person {
  const slash = text.indexOf("/");
  const adapter = text.slice(0, Math.max(0, slash)).trim();
  const user = text.slice(slash + 1).trim();
  if (slash > 0 && adapter !== "" && user !== "") return { adapter, user };
  throw new Failure("usage", `Cannot tell who ${JSON.stringify(text)} is: it is no adapter/id`, {
    hint: "Such as tg/123456789; remoteagent users list and dropped-messages list show ids",
  });
}

/** `tg/57` */
export function personText({ adapter, user }: Person): string {
  return `${adapter}/${user}`;
}

/** A row number. @throws Failure `not-found`, as for one that is not there. */
export function parseNumber(text: string, noun: string): number {
  const digits = /^#?0*([1-9][0-9]{0,14})$/.exec(text.trim())?.[1];
  if (digits !== undefined) return Number(digits);
  throw new Failure("not-found", `Cannot find ${noun} ${JSON.stringify(text)}: there is none with this number`);
}
