// Bounds of the program on its machine: lock, log, settings, vault, command line, setup, service. Units come last.

export const instance = {
  /** Tries for the instance lock while readers look at it, looks at its facts, the longest pause between two, its size. */
  lockAttemptsMax: 60,
  lockReadsMax: 10,
  lockPauseMs: 4,
  lockFactsBytesMax: 4_096,
  /** Connections that one client keeps to the control socket. */
  clientSocketsMax: 16,
  /** Log: one text, nesting, members of one value, one line; a file and how many of them. */
  logFieldCharsMax: 8_192,
  logDepthMax: 5,
  logItemsMax: 100,
  logLineCharsMax: 64 * 1024,
  logFileBytesMax: 10 * 1024 * 1024,
  logFilesMax: 5,
  /** Longest value that the redactor knows; a text is cut this far from the end of what was redacted. */
  secretCharsMax: 16 * 1024,
  /** settings.json, and a file that holds one secret. */
  settingsBytesMax: 1024 * 1024,
  secretBytesMax: 64 * 1024,
  /** The vault: entries of one and of all, vaults, bindings, files of one, bytes of one file, and of all values of one vault. */
  vaultEntriesMax: 100,
  vaultEntriesTotalMax: 2_000,
  vaultsMax: 1_000,
  vaultBindingsMax: 10_000,
  vaultFilesMax: 32,
  vaultFileBytesMax: 256 * 1024,
  vaultBytesMax: 1024 * 1024,
  /** All variables of one vault together: a process takes no more than about four times of it. */
  vaultEnvironmentBytesMax: 512 * 1024,
  /** A replaced or removed value can be brought back for this long. */
  vaultPastMs: 7 * 24 * 60 * 60_000,
  /** Longest path of a file in the vault, and how deep it may lie. */
  vaultPathCharsMax: 255,
  vaultPathPartsMax: 8,
  /** What opens the vault from outside: the bytes of a credential, the characters of a passphrase. */
  credentialBytesMin: 16,
  passphraseCharsMin: 8,
  passphraseCharsMax: 1_024,
  /** What an import looks at in a folder of vaults. */
  vaultImportFilesMax: 2_000,
  /** How long the command line waits for one short answer of the instance. */
  answerMs: 2_000,
  /** How long an admin request may take. */
  adminMs: 60_000,
  /** How often a waiting `stop` says what it waits for. */
  progressMs: 1_000,
  /** Width of tables that no terminal bounds. */
  pipeCells: 1_000,
  /** Lines pasted ahead of the questions that they answer. */
  promptLinesMax: 100,
  /** `logs -n` at most. */
  logShownMax: 100_000,
  /** The tiny request by which `setup` and `doctor --online` try a model. */
  tryModelMs: 30_000,
  tryModelTokens: 16,
  /** `setup`: how often it looks; for the line to a platform, for the first answer, for something to be seen there. */
  setupLookMs: 300,
  /** How often it asks a platform whether the bot was let in. */
  setupInviteLookMs: 3_000,
  setupConnectMs: 45_000,
  setupAnswerMs: 5 * 60_000,
  /** Bots that `setup` and `doctor` look at, and rows that they read at a time. */
  setupBotsMax: 50,
  setupRowsMax: 100,
  /** A look for another poller, and the difference to a platform's clock that is worth a word. */
  listenSeconds: 4,
  serverClockMs: 60_000,
  /** Free room below which `doctor` warns, and below which it calls it bad. */
  diskFreeBytesLow: 1024 * 1024 * 1024,
  diskFreeBytesBad: 100 * 1024 * 1024,
  /** As a service: to READY=1, a restart's pause, the longest stop (drain, kill, proof), silence of the main loop. */
  serviceStartMs: 180_000,
  serviceRestartMs: 5_000,
  serviceStopMs: 60_000,
  serviceWatchdogMs: 60_000,
  /** How often the service manager hears what the program does, and how long one question to it may take. */
  serviceStatusMs: 10_000,
  serviceAskMs: 20_000,
  /** Of what a service manager's command prints. */
  serviceTextBytesMax: 256 * 1024,
  /** Lines of the journal that are shown when the service does not start. */
  serviceJournalLinesMax: 10,
} as const;
