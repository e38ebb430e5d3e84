// Every bound of the program, by name. Units come last.

export const limits = {
  /** Longest text of one input, in UTF-16 units; what is longer is stored as a file. */
  inputCharsMax: 100_000,
  /** What of such a text stays in the message. */
  inputHeadChars: 2_000,
  /** Largest inbound frame on the control socket, in bytes. */
  frameBytesMax: 32 * 1024 * 1024,
  /** Terminal screens connected at once, and what each may lag behind. */
  screensMax: 100,
  /** Of what was said while no terminal was open, this much is shown. */
  missedShownMax: 10,
  screenBytesMax: 16 * 1024 * 1024,
  /** A screen hears of a changed state this long after the change: half a frame of its own. */
  stateSoonMs: 16,
  /** Waiting inputs of one session. */
  waitingMax: 20,
  /** Turns that run at the same time, over all sessions. */
  turnsParallelMax: 64,
  /** A turn resumes by itself this often after a crash. */
  resumesMax: 2,
  /** This many starts, each shorter than `startLifeMs`, and nothing is resumed. */
  startsShortMax: 5,
  startLifeMs: 60_000,
  /** Afterwards its life is noted this often. */
  aliveEveryMs: 10 * 60_000,
  /** Between the answer to a stop and the closing of the socket that it goes through. */
  lastWordMs: 50,
  /** How often the forming answer is written to the store. */
  partialEveryMs: 1_000,
  /** Tool output shown to the model (MO-067). */
  toolLinesMax: 2_000,
  toolBytesMax: 50 * 1024,
  /** One command's output that is kept in a file at most; what is more stops the command. */
  outputBytesMax: 64 * 1024 * 1024,
  /** A command without a timeout of its own. */
  commandMs: 10 * 60_000,
  commandMsMax: 24 * 60 * 60_000,
  /** Memory and processes of one turn's commands together; as much for a session's background commands. */
  memoryBytesMax: 4 * 1024 * 1024 * 1024,
  processesMax: 512,
  /** Background commands of one session. */
  backgroundMax: 16,
  /** Largest file that `read` loads, that `attach` sends, that an image may have. */
  readBytesMax: 10 * 1024 * 1024,
  attachBytesMax: 50 * 1024 * 1024,
  imageBytesMax: 5 * 1024 * 1024,
  /** MEMORY.md in the prompt. */
  memoryCharsMax: 20_000,
  /** Drain at shutdown (MA-133). */
  drainMs: 30_000,
  /** From SIGTERM to SIGKILL. */
  killGraceMs: 500,
  /** After its commands are dead, a stopped turn has this long to end by itself; then it is left behind. */
  haltMs: 3_000,
  /** Waiting for proof that a killed tree is dead. */
  proofMs: 5_000,
  /** Compaction (MO-060). */
  reserveTokens: 16_384,
  keepRecentTokens: 20_000,
  /** Retry of model requests (MO-062). */
  modelRetriesMax: 3,
  modelRetryBaseMs: 2_000,
  modelRetryCapMs: 60_000,
  /** No byte from the model for this long ends the request. */
  modelSilenceMs: 5 * 60_000,
  /** One answer on the wire, in bytes; what goes on longer is cut off. */
  modelAnswerBytesMax: 32 * 1024 * 1024,
  /** Of a provider's error text in the log. */
  modelErrorCharsMax: 4_000,
  /** Tool calls that the demo model makes at once. */
  demoCallsMax: 10,
  /** Model requests of one turn. */
  requestsPerTurnMax: 200,
  /** Calls of one answer that run at the same time. */
  callsParallelMax: 16,
  /** After a stop, a model or tool that ignores it is left alone this long after. */
  stopGraceMs: 2_000,
  /** Progress of a running call: how often it is shown, and how much of its newest text. */
  progressEveryMs: 100,
  progressCharsMax: 8_192,
  /** A call's result as people see it; the model sees up to `toolBytesMax`. */
  toolShownCharsMax: 4_000,
  /** Images of one input that the model sees; the others are listed as files. */
  inputImagesMax: 20,
  /** A summary of older messages, and one tool result in what is summarised. */
  summaryCharsMax: 40_000,
  summaryResultCharsMax: 2_000,
  /** Sessions whose entries stay parsed in memory, and their text in all. */
  cachedSessionsMax: 64,
  cachedBytesMax: 32 * 1024 * 1024,
  /** Admin verbs: rows of a list, one argument, one request on the control socket. */
  adminRows: 200,
  adminRowsMax: 10_000,
  adminTextCharsMax: 4_000,
  adminBodyBytesMax: 1024 * 1024,
  /** Search for words that the index does not know: texts looked at, and how many of them at a time. */
  searchRowsMax: 200_000,
  searchPageRows: 500,
  /** From `start` to an instance that answers. */
  readyMs: 30_000,
  /** Longest `stop --timeout` and `drainMs`. */
  drainMsMax: 60 * 60_000,
  /** How often `start`, `stop` and `logs -f` look again. */
  lookMs: 25,
  followMs: 200,
  /** From SIGTERM to SIGKILL for an instance that no longer answers. */
  holderGraceMs: 5_000,
  /** Log lines shown when a start fails, and the end of a log file that is read for them. */
  tailLinesMax: 20,
  tailBytesMax: 16 * 1024 * 1024,
  /** With less room than this a process may end without its reason being written anywhere. */
  lastWordBytes: 64 * 1024,
  /** A paragraph, or another block, of a forming answer that is redrawn at most; what is longer is cut (terminal). */
  answerParagraphCharsMax: 4_000,
  answerBlockCharsMax: 16_000,
  /** Markdown that is parsed at once: the lexer's work grows faster than its text. */
  markdownChunkChars: 16 * 1024,
  markdownChunkLines: 512,
  /** Messages that one answer becomes on a platform; what is left goes along as a file. */
  answerPartsMax: 10,
  /** Of a forming answer on a platform: the end that is drawn, and how far back an open code block is looked for. */
  formingChars: 12 * 1024,
  formingScanChars: 1024 * 1024,
  /** Deliveries: calls to one platform at a time, rows of a conversation looked at, and splits made in one go. */
  deliveriesParallelMax: 64,
  deliveriesLookedAt: 32,
  deliveryRoundsMax: 64,
  /** A call to a platform that never comes back, in milliseconds; the largest file at a slow line's speed. */
  deliveryCallMs: 10 * 60_000,
  /** Waits between two tries: the first, the longest of ours, the longest that a platform may ask for; and the tries. */
  deliveryRetryBaseMs: 1_000,
  deliveryRetryCapMs: 60_000,
  deliveryWaitMsMax: 24 * 60 * 60_000,
  deliveryAttemptsMax: 500,
  /** Of a platform's words about a failure, and of a file's name in a sentence. */
  deliveryErrorCharsMax: 300,
  deliveryNameCharsMax: 80,
  /** At the end of the program, what is just going out has this long. */
  deliveryCloseMs: 3_000,
  /** An answer has its place this soon, when neither text nor a tool comes first. */
  placeholderMs: 700,
  /** Between that place and the first words in it: an answer that is done by then is shown at once. */
  formingFirstMs: 400,
  /** "Typing" is renewed this often where a platform does not say how long it lasts, and never more often than that. */
  typingMs: 4_000,
  typingMsMin: 1_000,
  /** A turn that takes longer than this rings once when it is over, and says this much of the answer. */
  bellMs: 30_000,
  bellCharsMax: 80,
  /** Tool lines between two texts of an answer, and of a tool's output where all of it is wanted. */
  toolLinesShownMax: 5,
  toolOutputShownCharsMax: 1_000,
  /** Outputs of one turn's tools that stand in the thread below its answer. */
  detailsMax: 30,
  /** Lines that were typed and are offered again, and the longest of them that is kept in the file. */
  historyEntriesMax: 1_000,
  historyEntryCharsMax: 10_000,
  /** A chat whose instance went away: first and longest wait between two tries, and tries in a row. */
  chatReconnectMs: 100,
  chatReconnectCapMs: 5_000,
  chatReconnectsMax: 1_000,
  /** A chat without a screen waits this long for an instance, and this long for one that said it stops (a restart). */
  chatAbsentMs: 10_000,
  chatByeMs: 2_000,
  /** What a chat has sent and asks for again after a lost connection. */
  chatUnansweredMax: 64,
  /** Frames that a chat keeps until the receipt tells which of them are about what it said. */
  chatEarlyFramesMax: 10_000,
  /** A chat with a message in its arguments waits this long for something on stdin as well. */
  stdinFirstMs: 3_000,
  /** Frames of a screen, and time between two of them. */
  frameMs: 34,
  /** A path from a turn, and one command's arguments and environment together. */
  pathBytesMax: 4_096,
  argumentsBytesMax: 1024 * 1024,
  /** One argument: the kernel takes no longer one. */
  argumentBytesMax: 128 * 1024 - 1,
  /** Folders bound into one sandbox. */
  bindsMax: 256,
  /** Entries of one listed folder. */
  listMax: 10_000,
  /** One read, write or list through a sandbox. */
  fileOperationMs: 60_000,
  /** What a sandbox keeps of a stream that nobody reads at the moment. */
  streamBufferBytes: 64 * 1024,
  /** How often the trees of running commands are measured; the second for commands older than `watchSlowAfterMs`. */
  watchMs: 250,
  watchSlowMs: 1_000,
  watchSlowAfterMs: 30_000,
  /** Of a process's command line, where it is told what was killed. */
  processLineCharsMax: 200,
  /** Rounds of freezing before a tree that grows while it is frozen is killed as it is. */
  freezeRoundsMax: 20,
  /** Scopes with commands outside of pid namespaces that are told apart; beyond, all are looked through when one is killed. */
  looseScopesMax: 1_000,
  /** Trying whether bubblewrap works. */
  sandboxCheckMs: 5_000,
  /** One call to a container engine; making and starting a container; one answer of it; its words in a sentence. */
  engineCallMs: 30_000,
  engineStartMs: 120_000,
  engineAnswerBytesMax: 16 * 1024 * 1024,
  engineSaidCharsMax: 300,
  /** Commands of one container: being started, running, waiting for a place; shells kept warm; one command's words. */
  execStartsMax: 8,
  execsMax: 128,
  execsWaitingMax: 1_000,
  warmShellsMax: 4,
  commandWordsMax: 4_096,
  /** One line of a shell inside about a command, one look at all processes of a container, and how long that may take. */
  shellLineBytesMax: 4_096,
  wardenBytesMax: 64 * 1024 * 1024,
  wardenMs: 3_000,
  /** A shell inside that is let go has this long to end. */
  shellEndMs: 2_000,
  /** A managed container: stopped after this long without use; its processes; its shared memory; SIGTERM to SIGKILL. */
  containerIdleMs: 10 * 60_000,
  containerProcessesMax: 2_048,
  containerCpusMax: 4,
  enginePullMs: 15 * 60_000,
  containerSharedBytes: 256 * 1024 * 1024,
  containerStopSeconds: 1,
  /** MEMORY.md as a file, and one addition to it. */
  memoryFileBytesMax: 256 * 1024,
  memoryLineCharsMax: 4_000,
  /** One read of a file from a sandbox, and how far `read` looks for a line, in bytes. */
  readChunkBytes: 256 * 1024,
  readScanBytesMax: 1024 * 1024 * 1024,
  /** Sides of an image that models accept, in pixels. */
  imageSideMax: 8_000,
  /** Sides of an image that models are shown: more of it costs and shows nothing (MO-066). */
  imageShownSideMax: 2_000,
  /** An image up to this size is made smaller; unpacked it takes four bytes a pixel. */
  imageSourceBytesMax: 20 * 1024 * 1024,
  imageSourcePixelsMax: 64_000_000,
  /** Entries of a folder that `read` lists. */
  listEntriesMax: 500,
  /** Lines of the diff that `edit` answers with. */
  diffLinesMax: 120,
  /** One shell command: Linux takes at most 128 KB for one argument. */
  commandBytesMax: 120_000,
  /** How long a command's output may stay open after the command ended (a child holds it). */
  pipeGraceMs: 300,
  /** How long a background command is watched for a start that fails. */
  backgroundWatchMs: 250,
  /** File and folder names that we make, in UTF-16 units and in bytes. */
  nameCharsMax: 100,
  nameBytesMax: 200,
  /** Skills of one folder, and one SKILL.md. */
  skillsMax: 200,
  /** Files and lists of the prompt whose text is kept in memory, the least used out first. */
  promptFilesKeptMax: 1_000,
  skillBytesMax: 256 * 1024,
  /** log.jsonl of one conversation, and lines that wait to be written to it. */
  transcriptBytesMax: 64 * 1024 * 1024,
  transcriptWaitingMax: 1_000,
  /** Pieces of work that one commit holds at most. */
  commitGroupMax: 500,
  /** Lines of one conversation within this time are written together. */
  transcriptPauseMs: 100,
  /** Event files (MA-110): how many are watched, how large one may be, its text. */
  eventFilesMax: 1_000,
  eventBytesMax: 64 * 1024,
  eventTextCharsMax: 20_000,
  /** A file that cannot be read is judged when it has not changed for this long. */
  eventSettleMs: 1_000,
  /** Changes that come within this time are looked at together. */
  eventDebounceMs: 100,
  /** The scheduler looks at the clock and the folder at least this often. */
  eventWakeMs: 60_000,
  /** Later than this is missed, and `catchUp` decides. */
  eventLateMs: 2 * 60_000,
  /** How far back `catchUp` looks, and how many missed runs of one event it makes up for. */
  eventCatchUpMs: 24 * 60 * 60_000,
  eventCatchUpMax: 20,
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
  /** A text cut by the client or an album: the rest is awaited this long. Texts from this length on count as cut. */
  splitJoinMs: 1_500,
  splitCharsMin: 4_000,
  /** Marks (links, code) of one message that are kept. */
  marksMax: 500,
  /** Chat platforms: how long a poll is held open by them, and how much later the line counts as dead. */
  pollMs: 50_000,
  pollMarginMs: 10_000,
  /** One call to a platform, one upload, one answer. */
  platformCallMs: 30_000,
  platformUploadMs: 5 * 60_000,
  platformAnswerBytesMax: 32 * 1024 * 1024,
  platformTextCharsMax: 200,
  /** Slack: names that one text needs, how long a message waits for them, how long they are believed. */
  namesPerTextMax: 30,
  namesWaitMs: 700,
  namesKeptMs: 6 * 60 * 60_000,
  /** A socket: its greeting, a probe of a silent one, silence that ends it (the last where probes cannot be seen). */
  socketHelloMs: 15_000,
  socketProbeMs: 10_000,
  socketSilentMs: 30_000,
  socketBlindMs: 5 * 60_000,
  /** How long a replaced socket may still bring something, and how long its end may take. */
  socketLingerMs: 10_000,
  socketCloseMs: 1_000,
  /** Happenings that wait to be taken; a frame that is longer is not read. */
  socketPendingMax: 1_000,
  socketFrameCharsMax: 4 * 1024 * 1024,
  /** Slack waits three seconds for the acknowledgement of what somebody pressed. */
  interactionAckMs: 2_400,
  /** An address for answers works half an hour and five times. */
  slackAnswerMs: 30 * 60_000,
  slackAnswersMax: 5,
  /** What was missed: places that are looked into, messages of one, messages of one page. */
  gapPlacesMax: 500,
  gapMessagesMax: 1_000,
  gapPageMessages: 200,
  /** A live message waits this long for what was missed before it. */
  gapWaitMs: 60_000,
  /** Messages of one conversation, and of one thread, that are downloaded. */
  historyMessagesMax: 100_000,
  /** Rows that `download` reads of the store at a time, the largest number of one, and how often it says how far it is. */
  downloadPageRows: 500,
  rowNumberMax: 999_999_999_999_999,
  downloadTellMs: 1_000,
  /** Pages that are looked through for a message that may have been sent. */
  findPagesMax: 5,
  /** A home page: for how long after it was opened it is kept current, for how many people, and how often. */
  homeOpenMs: 30 * 60_000,
  homePeopleMax: 50,
  homeEveryMs: 3_000,
  homeQuietMs: 10 * 60_000,
  homeRowsMax: 20,
  /** Pauses between tries to connect: after loss of the line, when another holds it, when the token is refused. */
  reconnectMs: 1_000,
  reconnectCapMs: 60_000,
  heldLineMs: 30_000,
  refusedTokenMs: 60_000,
  refusedTokenCapMs: 10 * 60_000,
  /** Longest pause that a platform may ask for. */
  retryAfterMsMax: 60 * 60_000,
  /** A happening that cannot be taken for a reason other than the store is given up after so many tries. */
  receiveTriesMax: 6,
  /** Others are fetched while one is being taken for longer than this, and then looked for this often. */
  receiveSlowMs: 500,
  /** Where reading stopped: noted this often, worthless after this long. */
  offsetNoteMs: 60_000,
  offsetOldMs: 24 * 60 * 60_000,
  /** Longest answer to a pressed button that is shown beside it, and how long one can be given. */
  toastCharsMax: 200,
  buttonAnswerMs: 15_000,
  /** Downloads: no byte for this long, tries that bring nothing new, all of it. */
  downloadStallMs: 15_000,
  downloadTriesMax: 5,
  downloadMsMax: 15 * 60_000,
  /** An image up to this size is shown as one; a larger one is sent as a file. */
  shownImageBytesMax: 10 * 1024 * 1024,
  /** Conversations and threads in which an adapter looks for gaps. */
  placesMax: 1_000,
  /** Moves of one conversation that are followed. */
  movesFollowedMax: 8,
  /** Albums and conversations that an adapter remembers something of. */
  adapterNotesMax: 1_000,
  /** Files that come in: the size of one, how many of one message, how long all of them may take, tries of one and the waits between. */
  inboundFileBytesMax: 20 * 1024 * 1024,
  inboundFilesMax: 20,
  /** Files of one conversation within 24 hours, of all of them together, and how long what was counted counts. */
  attachmentsDayBytesMax: 1024 * 1024 * 1024,
  attachmentsBytesMax: 10 * 1024 * 1024 * 1024,
  quotaLookMs: 60 * 60_000,
  quotaFilesMax: 100_000,
  fileFetchMs: 5 * 60_000,
  fileTriesMax: 5,
  fileRetryMs: 1_000,
  fileRetryCapMs: 30_000,
  /** Files that are fetched at the same time. */
  fetchesParallelMax: 8,
  /** When a turn could not be begun, or its end not be stored, its session is looked at again after this long. */
  startRetryMs: 10_000,
  /** A message that follows another within this time is asked together with it while no answer shows. Some platforms count whole seconds. */
  joinHastyMs: 2_000,
  /** How often an answer that has just begun is given up for that. */
  joinsMax: 5,
  /** Longest wait of a turn's begin for the rest of an album or of a split text. */
  joinMsMax: 10_000,
  /** What was said beside the agent, as a turn is told it: messages, and characters of all of them and of one. */
  contextMessagesMax: 30,
  contextCharsMax: 8_000,
  contextLineCharsMax: 1_000,
  /** A quoted message, as a turn is told it. */
  quoteCharsMax: 500,
  /** A message this much older than it should be was missed; what was missed together waits this long for its rest. */
  missedMs: 10 * 60_000,
  missedJoinMs: 3_000,
  /** Older than this, or more of one session, and the person is asked first; this many are held. */
  missedAskMs: 24 * 60 * 60_000,
  missedMax: 20,
  missedHeldMax: 1_000,
  /** A wrong clock: messages in a row that are late by the same time within a minute, and over how long they arrive. */
  skewCount: 3,
  skewSpreadMs: 60_000,
  skewSpanMs: 5 * 60_000,
  /** Messages of one `/batch`. */
  batchMax: 50,
  /** Macros of one person, and the text of one. */
  macrosMax: 50,
  macroCharsMax: 4_000,
  /** `/auto-reply`: its rules, one judgement, judgements at the same time. */
  rulesCharsMax: 2_000,
  judgeMs: 10_000,
  judgesMax: 4,
  /** The same person is told the same refusal in a place this often, over so many people. */
  refusalEveryMs: 60_000,
  refusalsKeptMax: 1_000,
  /** Buttons under one message of the program. */
  choicesMax: 10,
  /** Difference between clocks that is nobody's concern. */
  clockSkewMs: 5 * 60_000,
  /** How often it is noted that somebody was here. */
  seenEveryMs: 60 * 60_000,
  /** Strangers that are counted, how often one is told their id, and how many are told within that time. */
  strangersMax: 10_000,
  strangerTellMs: 60 * 60_000,
  strangersToldMax: 60,
  /**
   * Messages of one stranger that wait for an approval, the text of one, and questions about strangers that are open at
   * a time: all of them, and those about one person in several places.
   */
  heldMax: 5,
  heldCharsMax: 20_000,
  heldShownChars: 500,
  admitsOpenMax: 20,
  admitsOfOneMax: 2,
  /** Cards that are closed in one go. */
  cardsClosedMax: 100,
  /** How long nobody is asked again about a stranger who was denied. */
  deniedMs: 7 * 24 * 60 * 60_000,
  /** Pairing: how long a code works, how many work at a time, wrong codes of one sender and the time that they count. */
  pairMs: 15 * 60_000,
  pairingsMax: 5,
  guessesMax: 5,
  guessMs: 60 * 60_000,
  /** Approvals: how long one is open, how often that is looked at, people asked about one, and its text. */
  approvalMs: 24 * 60 * 60_000,
  approvalSweepMs: 60_000,
  askedMax: 5,
  /** Rows that one step of pruning looks at, the pause after it, and how long after the start and how often it is done. */
  pruneRows: 500,
  pruneStepMs: 250,
  pruneFirstMs: 10 * 60_000,
  pruneEveryMs: 6 * 60 * 60_000,
  /** What is done is kept so many days. */
  keepDays: 365,
  /** People whose own menus show the owner's commands. */
  menuAdminsMax: 50,
  approvalCharsMax: 3_000,
  /** Discord: texts from this length on count as cut, channels and roles whose names are known. */
  discordSplitCharsMin: 1_900,
  discordChannelsMax: 10_000,
  /** What is known of the limits of a route that is not called any more: those of an interaction live 15 minutes. */
  discordRouteMs: 15 * 60_000,
  /** How long an interaction can be answered after its acknowledgement, with a margin before Discord's 15 minutes. */
  interactionAnswerMs: 14 * 60_000,
  /** Between two tries to acknowledge an interaction. */
  interactionAgainMs: 100,
  /** Identifies of one key are so far apart; a connection that lived this long is no failed one. */
  identifyEveryMs: 5_000,
  stableLineMs: 60_000,
  /** An unanswered heartbeat is looked at again after this, and a changed token is looked for this often. */
  heartbeatGraceMs: 5_000,
  tokenLookMs: 5_000,
  /** Nothing from a gateway for this long, and it does not count as connected. */
  gatewaySilentMs: 120_000,
  /** Web: a link to a session's page, links of one person for one purpose, browsers in which one is open. */
  viewLinkMs: 24 * 60 * 60_000,
  linksOfOneMax: 20,
  linkVisitsMax: 20,
  /** Web: an address and one request's body, in bytes; requests at once and in a second, of one address and one link. */
  webUrlCharsMax: 4_096,
  webBodyBytesMax: 64 * 1024,
  webAddressBurst: 600,
  webAddressPerSecond: 100,
  webLinkBurst: 400,
  webLinkPerSecond: 50,
  /** Links that do not work, of one address: at once, and how long until one more may be tried. */
  webGuessesMax: 20,
  webGuessMs: 30_000,
  /** Addresses and links whose requests are counted, the least recent out first. */
  webCountedMax: 10_000,
  /** Session page: rows of a page, and forks back to the beginning of a branch. */
  viewItemsMax: 100,
  viewForksMax: 64,
  /** Of one text on the page; what is longer is cut, and can be asked for by itself up to the second. */
  viewTextCharsMax: 20_000,
  viewWholeCharsMax: 1_000_000,
  /** Search: its words, rows looked through in one go, hits in one answer, and what is shown around a hit. */
  viewQueryCharsMax: 200,
  viewSearchRows: 2_000,
  viewSearchMs: 10,
  viewHitsMax: 50,
  viewExcerptChars: 160,
  /** Turns whose use is summed up in one go, and sessions whose sums are kept. */
  viewSumTurns: 2_000,
  viewSumsKeptMax: 256,
  /** Live pages: all and of one link; how often the right is looked up; how often what forms is shown; bytes unread. */
  viewStreamsMax: 200,
  viewStreamsOfOneMax: 8,
  viewRightEveryMs: 5_000,
  viewFormingEveryMs: 150,
  viewFormingCharsMax: 16_000,
  viewProgressCharsMax: 2_000,
  viewStreamBytesMax: 4 * 1024 * 1024,
  /** After a lost connection, more than this many items and the page is loaded anew. */
  viewCatchUpMax: 200,
  /** A session page's file, one read of it; `/readyz` waits this long for the main loop; metrics are read this often. */
  viewFileChunkBytes: 256 * 1024,
  webReadyMs: 2_000,
  metricsEveryMs: 15_000,
  /** Shards of one bot. */
  shardsMax: 64,
} as const;
