// Bounds of what the agent does: inputs, turns, tools, sandboxes, the workspace, events. Units come last.

export const work = {
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
} as const;
