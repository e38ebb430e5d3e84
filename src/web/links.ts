// Links: addresses with a secret in them, for one purpose, one person and one place, and for a limited time.
import { createHash, timingSafeEqual } from "node:crypto";
import type { Link, LinkScope } from "../store/links.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../sys/clock.ts";

/** 256 bits: nobody guesses one, so a plain hash is enough to keep. */
const secretBytes = 32;
const secretForm = /^[0-9a-f]{64}$/;

/** A link as it is given out; the secret is kept nowhere. */
export interface IssuedLink {
  id: number;
  secret: string;
  expiresAt: number;
}

export type Links = ReturnType<typeof createLinks>;

/** The links of a store. `may` is the right of the person behind a link at this moment (SECURITY.md 5). */
export function createLinks({
  store,
  clock,
  may,
}: {
  store: Pick<Store, "links" | "transaction">;
  clock: Pick<Clock, "now" | "random">;
  may(link: LinkScope): boolean;
}) {
  const draw = () => Buffer.from(clock.random(secretBytes)).toString("hex");
  const allowed = (link: Link | undefined): Link | undefined => (link !== undefined && may(link) ? link : undefined);
  return {
    /** Makes a link; in the caller's transaction. `opens`: how often it can be opened, any number without. */
    issue(scope: LinkScope, { lastsMs, opens }: { lastsMs: number; opens?: number }): IssuedLink {
      const secret = draw();
      const at = clock.now();
      const expiresAt = at + lastsMs;
      const id = store.links.add({ ...scope, hash: secretHash(secret), opens: opens ?? null, at, expiresAt });
      return { id, secret, expiresAt };
    },
    /** The link that a secret would open: nothing is used up by looking. */
    look(secret: string, purpose: string): Link | undefined {
      if (!secretForm.test(secret)) return undefined;
      return allowed(store.links.find(secretHash(secret), { purpose, at: clock.now() }));
    },
    /** Opens a link in a browser. @returns the link, and the secret that this browser shows from now on. */
    open(secret: string, purpose: string): { link: Link; visit: string } | undefined {
      if (!secretForm.test(secret)) return undefined;
      return store.transaction(() => {
        const at = clock.now();
        const link = allowed(store.links.find(secretHash(secret), { purpose, at }));
        if (link === undefined) return undefined;
        const visit = draw();
        store.links.open(link.id, { visit: secretHash(visit), at });
        return { link, visit };
      });
    },
    /** The link with this number, opened in the browser that shows `visit`, while it lasts and its person may. */
    visited(visit: string | undefined, { id, purpose }: { id: number; purpose: string }): Link | undefined {
      if (visit === undefined || !secretForm.test(visit)) return undefined;
      return allowed(store.links.visited(secretHash(visit), { id, purpose, at: clock.now() }));
    },
    /** Whether it still works, asked by what is open for long. */
    works: (link: Link): boolean => link.expiresAt > clock.now() && may(link),
  };
}

/** What is kept of a secret, and looked up: how long a look-up takes tells something of the hash alone. */
function secretHash(secret: string): string {
  return createHash("sha256").update(secret).digest("hex");
}

/** Whether two texts are the same, in a time that tells nothing of where they differ. */
export function isSameSecret(one: string, other: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}
