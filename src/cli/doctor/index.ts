// The table of checks, from the ground up: what a later one needs, an earlier one has looked at.
import { checkAdapters } from "./adapters.ts";
import type { Check } from "./finding.ts";
import { checkClock, checkDisk, checkProgram, checkStateFolder } from "./machine.ts";
import { checkAttachments, checkModel, checkSandbox, checkSettings } from "./parts.ts";
import { checkPermissions, checkWorkspace } from "./permissions.ts";
import { checkService } from "./service.ts";
import { checkInstance, checkStore } from "./state.ts";
import { checkVault } from "./vault.ts";

export const allChecks: readonly Check[] = [
  checkProgram,
  checkStateFolder,
  checkDisk,
  checkClock,
  checkSettings,
  checkPermissions,
  checkWorkspace,
  checkService,
  checkInstance,
  checkStore,
  checkVault,
  checkAttachments,
  checkSandbox,
  checkModel,
  checkAdapters,
];
