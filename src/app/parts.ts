// What stands between the store and the doors: models, workspace, sandbox, redaction.
import { becomeSubreaper, reap } from "#ffi";
import { errorText } from "../core/failure.ts";
import { formatModelName } from "../core/model-name.ts";
import type { Session } from "../core/session.ts";
import { createHub } from "../gateway/hub.ts";
import { idleSettings } from "../gateway/status.ts";
import { configuredModels } from "../models/configured.ts";
import type { Models } from "../models/model.ts";
import { openDriver } from "../sandbox/index.ts";
import type { SandboxHealth } from "../sandbox/sandbox.ts";
import type { Store } from "../store/store.ts";
import { processTable } from "../sys/process-tree.ts";
import { systemSpawn } from "../sys/spawn.ts";
import { createRedactor } from "../vault/redact.ts";
import type { Vault } from "../vault/vault.ts";
import { createLayout } from "../workspace/layout.ts";
import { createTranscript } from "../workspace/transcript.ts";
import type { StartOptions } from "./options.ts";
import { quietly } from "./quietly.ts";
import { keysOf, startVault } from "./vault.ts";

/** What stands between the store and the doors. */
export interface Parts {
  store: Store;
  startId: number;
  driver: Awaited<ReturnType<typeof openDriver>>;
  hub: ReturnType<typeof createHub>;
  models: Models;
  redactor: ReturnType<typeof createRedactor>;
  vault: Vault;
  layout: ReturnType<typeof createLayout>;
  transcript: ReturnType<typeof createTranscript>;
  modelOf(session: Session | undefined): string;
  /** What the driver last said of itself; it is asked in the background, since the answer takes a while. */
  health(): SandboxHealth | undefined;
  /** What the owner should know, for `status`. */
  notices: string[];
}

/** Models, workspace, sandbox driver, redaction. */
export async function openParts(
  options: StartOptions,
  { store, startId }: Pick<Parts, "store" | "startId">,
): Promise<Parts> {
  const { config, log, clock, version } = options;
  const { settings } = config;
  // First of all: what it holds is a secret from here on, and a model's key may be in it.
  const vault = await startVault(options, store);
  const layout = createLayout(config.workspace, { folderOf: store.moves.folder });
  await layout.prepare();
  const credential = keysOf(vault);
  const models = configuredModels(config, { version, clock, log: log.child({ part: "models" }), credential });
  const chosen = formatModelName(await models.fallback());
  const driver = await openDriver(settings.sandbox, {
    spawn: systemSpawn,
    clock,
    log: log.child({ part: "sandbox" }),
    table: processTable(),
    isolation: settings.isolation,
    stateDir: config.stateDir,
    environment: config.env,
    orphans: { becomeSubreaper, reap },
  });
  let health: SandboxHealth | undefined;
  void quietly(log, async () => {
    health = await driver.check();
  });
  return {
    store,
    startId,
    driver,
    hub: createHub((error) => log.error("A listener failed", { error: errorText(error) })),
    models,
    redactor: createRedactor(() => config.secretValues()),
    vault,
    layout,
    transcript: createTranscript({ log, root: layout.root }),
    modelOf: (session) => session?.model ?? settings.agents[session?.agent ?? "main"]?.model ?? chosen,
    health: () => health,
    notices: idleSettings(config),
  };
}
