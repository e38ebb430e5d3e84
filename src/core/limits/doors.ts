// Bounds of what comes in and goes out: platforms, the gate, files, questions, web pages. Units come last.

export const doors = {
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
