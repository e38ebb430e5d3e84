-- Doors to the outside: who may come in, what they are asked, and what was sent to them.
-- Times are Unix milliseconds. JSON columns hold the types of src/core.

-- Everybody who was ever let in, by the platform's immutable id.
CREATE TABLE users (
  adapter  TEXT NOT NULL,
  id       TEXT NOT NULL,
  -- As the platform showed it last; for display alone.
  name     TEXT NOT NULL,
  -- Their direct conversation with the agent, once it is known: where cards and private answers go.
  direct   TEXT,
  first_at INTEGER NOT NULL,
  last_at  INTEGER NOT NULL,
  PRIMARY KEY (adapter, id)
) STRICT, WITHOUT ROWID;

-- What somebody may do. A grant carries the surface it was given on.
CREATE TABLE roles (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  adapter  TEXT NOT NULL,
  user     TEXT NOT NULL,
  role     TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
  -- '' is every agent.
  agent    TEXT NOT NULL DEFAULT '',
  -- '*' everywhere on the adapter, 'direct' in the direct chat, else the id of one shared conversation.
  surface  TEXT NOT NULL DEFAULT '*',
  -- Who gave it: a Sender as JSON, or the command line.
  given_by TEXT NOT NULL,
  given_at INTEGER NOT NULL,
  UNIQUE (adapter, user, role, agent, surface)
) STRICT;

-- One-time codes by which the first owner, or another person, pairs. Only a hash is kept.
CREATE TABLE pairings (
  hash       TEXT PRIMARY KEY,
  role       TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
  -- NULL: whichever adapter it is sent to.
  adapter    TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at    INTEGER,
  -- The Sender as JSON; NULL with used_at: it was shown in a shared room and is void.
  used_by    TEXT
) STRICT, WITHOUT ROWID;

-- Wrong codes that somebody sent, since when: guessing gets nowhere.
CREATE TABLE guesses (
  adapter TEXT NOT NULL,
  user    TEXT NOT NULL,
  count   INTEGER NOT NULL,
  since   INTEGER NOT NULL,
  PRIMARY KEY (adapter, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX guesses_since ON guesses (since);

-- Strangers who were turned away: counted, and told at most once an hour.
CREATE TABLE strangers (
  adapter  TEXT NOT NULL,
  user     TEXT NOT NULL,
  name     TEXT NOT NULL,
  -- Why the last one was dropped: 'strict', 'direct' (no direct messages), 'full', 'denied' or 'bot'.
  reason   TEXT NOT NULL,
  count    INTEGER NOT NULL,
  first_at INTEGER NOT NULL,
  last_at  INTEGER NOT NULL,
  told_at  INTEGER,
  PRIMARY KEY (adapter, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX strangers_last ON strangers (last_at);
CREATE INDEX strangers_told ON strangers (adapter, told_at) WHERE told_at IS NOT NULL;

-- What strangers wrote and an approval is to let in.
CREATE INDEX inputs_held ON inputs (adapter, conversation, id) WHERE state = 'held';

-- A question that a person with the right role must answer before something happens.
CREATE TABLE approvals (
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  -- What is asked for, such as 'tool' or 'admit'; a table in the program says what an answer does.
  kind        TEXT NOT NULL,
  -- The exact arguments (JSON) and their SHA-256: a changed call asks again.
  arguments   TEXT NOT NULL,
  hash        TEXT NOT NULL,
  text        TEXT NOT NULL,
  choices     TEXT NOT NULL,
  -- On whose behalf, and from where: what was approved runs as this caller.
  requester   TEXT NOT NULL,
  origin      TEXT NOT NULL,
  -- The least role that may answer.
  role        TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'member')),
  agent       TEXT NOT NULL,
  session     INTEGER REFERENCES sessions (id),
  turn        INTEGER REFERENCES turns (id),
  call        TEXT,
  state       TEXT NOT NULL CHECK (state IN ('open', 'allowed', 'denied', 'expired', 'void')),
  -- The choice that was made: 'once', 'session', 'always', 'deny', or 'automatic'.
  choice      TEXT,
  answered_by TEXT,
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  answered_at INTEGER
) STRICT;
CREATE INDEX approvals_open ON approvals (expires_at) WHERE state = 'open';
CREATE INDEX approvals_turn ON approvals (turn) WHERE turn IS NOT NULL;
CREATE INDEX approvals_hash ON approvals (kind, hash, id);

-- What was allowed "always": shown by `approvals rules`, and taken back there.
CREATE TABLE rules (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  kind      TEXT NOT NULL,
  hash      TEXT NOT NULL,
  text      TEXT NOT NULL,
  agent     TEXT NOT NULL,
  adapter   TEXT NOT NULL,
  user      TEXT NOT NULL,
  given_by  TEXT NOT NULL,
  given_at  INTEGER NOT NULL,
  UNIQUE (kind, hash, agent, adapter, user)
) STRICT;

-- One outgoing message with its fate. Order within a conversation is the order of the first parts, then of the parts.
CREATE TABLE deliveries (
  id                INTEGER PRIMARY KEY AUTOINCREMENT,
  turn              INTEGER REFERENCES turns (id),
  -- 'bell' is the short audible message after a long turn, 'tell' the sentence about what did not arrive.
  kind              TEXT NOT NULL CHECK (kind IN ('answer', 'notice', 'card', 'file', 'bell', 'reply', 'tell')),
  adapter           TEXT NOT NULL,
  conversation      TEXT NOT NULL,
  -- ReplyTarget as JSON, fixed when the row is made.
  target            TEXT NOT NULL,
  -- ReplyTarget as JSON of where it was asked for, when it goes to a private place instead.
  origin            TEXT,
  -- Root message of the session's thread, for replies to this message.
  root              TEXT,
  -- First part of the message that this is a later part of.
  head              INTEGER REFERENCES deliveries (id),
  part              INTEGER NOT NULL DEFAULT 1,
  parts             INTEGER NOT NULL DEFAULT 1,
  -- The delivery that this one answers on the platform, once that has arrived.
  answers           INTEGER REFERENCES deliveries (id),
  -- Number of the approval that a card asks for.
  question          INTEGER,
  -- What stands in body: nothing yet (the answer is forming), markdown that nobody split so far, the platform's form,
  -- or nothing ever (the message is to be taken away).
  form              TEXT NOT NULL CHECK (form IN ('forming', 'markdown', 'final', 'removed')),
  -- Emptied when it has arrived: messages keeps what was said.
  body              TEXT,
  -- Choice[] as JSON; a button names the delivery and the index.
  choices           TEXT NOT NULL DEFAULT '[]',
  -- {stored?, name, bytes, caption?} of a file; without stored its text is the body.
  file              TEXT,
  audible           INTEGER NOT NULL DEFAULT 0,
  nonce             TEXT NOT NULL UNIQUE,
  -- The platform's id of the message, as soon as it is known.
  ref               TEXT,
  fate              TEXT NOT NULL DEFAULT 'pending'
                    CHECK (fate IN ('pending', 'sending', 'placed', 'sent', 'unknown', 'failed', 'dropped')),
  attempts          INTEGER NOT NULL DEFAULT 0,
  -- How often it was sent anew because it had vanished over there.
  renewed           INTEGER NOT NULL DEFAULT 0,
  next_at           INTEGER NOT NULL,
  error             TEXT,
  -- That it failed was told to the people there.
  told_at           INTEGER,
  created_at        INTEGER NOT NULL,
  sent_at           INTEGER
) STRICT;
CREATE INDEX deliveries_open ON deliveries (adapter, conversation, ifnull(head, id), part)
  WHERE fate IN ('pending', 'sending', 'placed');
CREATE INDEX deliveries_turn ON deliveries (turn) WHERE turn IS NOT NULL;
CREATE INDEX deliveries_cards ON deliveries (question) WHERE question IS NOT NULL AND choices <> '[]';
CREATE INDEX deliveries_ref ON deliveries (adapter, conversation, ref) WHERE ref IS NOT NULL;
CREATE INDEX deliveries_untold ON deliveries (adapter, conversation) WHERE fate IN ('unknown', 'failed') AND told_at IS NULL;

-- Root message of the thread that a message belongs to, where a platform has a session for each root.
ALTER TABLE messages ADD COLUMN root TEXT;

-- What was chosen for one session by /option, /plan, /auto-reply and their like (JSON).
ALTER TABLE sessions ADD COLUMN options TEXT NOT NULL DEFAULT '{}';

-- Texts that a person saved under a name, for /macro.
CREATE TABLE macros (
  adapter TEXT NOT NULL,
  user    TEXT NOT NULL,
  name    TEXT NOT NULL,
  text    TEXT NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (adapter, user, name)
) STRICT, WITHOUT ROWID;

-- What was said beside the agent and given to no turn yet, and what waits for somebody's word.
CREATE INDEX inputs_context ON inputs (adapter, conversation, id) WHERE state = 'context' AND turn IS NULL;
CREATE INDEX inputs_held_here ON inputs (session, id) WHERE state = 'held' AND session IS NOT NULL;
CREATE INDEX messages_turn ON messages (turn) WHERE turn IS NOT NULL;
