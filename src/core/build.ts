// Which program this is: the build writes both values in, a run from source says "source".

declare const REMOTEAGENT_VERSION: string | undefined;
declare const REMOTEAGENT_COMMIT: string | undefined;

/** The version of package.json, such as `0.1.0`; `source` when nothing was built. */
export const programVersion: string = typeof REMOTEAGENT_VERSION === "string" ? REMOTEAGENT_VERSION : "source";

/** The short commit, with a `+` when the checkout had changes of its own; empty when unknown. */
export const programCommit: string = typeof REMOTEAGENT_COMMIT === "string" ? REMOTEAGENT_COMMIT : "";
