-- The spine: who answers where, what came in, what was done about it, and what the agent remembers of it.
-- Times are Unix milliseconds. JSON columns hold the types of src/core.

CREATE TABLE agents (
  name       TEXT PRIMARY KEY,
  folder     TEXT NOT NULL UNIQUE,
  created_at INTEGER NOT NULL
) STRICT;

-- A wiring without adapter and conversation holds for every one that has none of its own.
CREATE TABLE wirings (
  id           INTEGER PRIMARY KEY,
  agent        TEXT NOT NULL REFERENCES agents (name) ON DELETE CASCADE,
  adapter      TEXT,
  conversation TEXT,
  trigger      TEXT NOT NULL DEFAULT 'mention' CHECK (trigger IN ('mention', 'all')),
  mode         TEXT NOT NULL DEFAULT 'per-thread'
               CHECK (mode IN ('per-thread', 'shared', 'per-user', 'agent-shared')),
  unmatched    TEXT NOT NULL DEFAULT 'drop' CHECK (unmatched IN ('drop', 'accumulate'))
) STRICT;
CREATE UNIQUE INDEX wirings_place ON wirings (agent, ifnull(adapter, ''), ifnull(conversation, ''));

CREATE TABLE conversations (
  id         INTEGER PRIMARY KEY,
  adapter    TEXT NOT NULL,
  external   TEXT NOT NULL,
  kind       TEXT NOT NULL CHECK (kind IN ('direct', 'shared')),
  name       TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL,
  UNIQUE (adapter, external)
) STRICT;

CREATE TABLE sessions (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  agent        TEXT NOT NULL REFERENCES agents (name),
  title        TEXT NOT NULL DEFAULT '',
  head         INTEGER REFERENCES entries (id),
  parent       INTEGER REFERENCES sessions (id),
  forked_at    INTEGER REFERENCES entries (id),
  model        TEXT,
  continuation TEXT,
  folder       TEXT,
  created_at   INTEGER NOT NULL,
  last_at      INTEGER NOT NULL
) STRICT;

-- Where a session is reached from. '' stands for none, so that uniqueness holds.
CREATE TABLE bindings (
  agent        TEXT NOT NULL,
  conversation INTEGER NOT NULL DEFAULT 0,
  root         TEXT NOT NULL DEFAULT '',
  user         TEXT NOT NULL DEFAULT '',
  session      INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  PRIMARY KEY (agent, conversation, root, user)
) STRICT, WITHOUT ROWID;
CREATE INDEX bindings_session ON bindings (session);

-- Entries form a tree over all sessions; a fork starts at a foreign entry and copies nothing.
CREATE TABLE entries (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  parent  INTEGER REFERENCES entries (id),
  session INTEGER NOT NULL REFERENCES sessions (id),
  turn    INTEGER REFERENCES turns (id),
  at      INTEGER NOT NULL,
  kind    TEXT NOT NULL CHECK (kind IN ('message', 'compaction')),
  body    TEXT NOT NULL
) STRICT;
CREATE INDEX entries_session ON entries (session);

CREATE TABLE turns (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  session    INTEGER NOT NULL REFERENCES sessions (id),
  agent      TEXT NOT NULL,
  requester  TEXT NOT NULL,
  reply_to   TEXT NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('running', 'waiting', 'interrupted', 'done', 'stopped', 'failed')),
  attempts   INTEGER NOT NULL DEFAULT 0,
  started_at INTEGER NOT NULL,
  ended_at   INTEGER,
  error      TEXT,
  usage      TEXT NOT NULL,
  partial    TEXT
) STRICT;
CREATE INDEX turns_session ON turns (session, id);
CREATE INDEX turns_open ON turns (state) WHERE state IN ('running', 'waiting', 'interrupted');

-- id is the event number by which readers go on.
CREATE TABLE events (
  id   INTEGER PRIMARY KEY AUTOINCREMENT,
  turn INTEGER NOT NULL REFERENCES turns (id),
  at   INTEGER NOT NULL,
  type TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX events_turn ON events (turn, id);

CREATE TABLE inputs (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  adapter      TEXT NOT NULL,
  conversation TEXT NOT NULL,
  kind         TEXT NOT NULL,
  external     TEXT NOT NULL,
  revision     INTEGER NOT NULL DEFAULT 0,
  session      INTEGER REFERENCES sessions (id),
  turn         INTEGER REFERENCES turns (id),
  state        TEXT NOT NULL CHECK (state IN ('waiting', 'context', 'held', 'taken', 'done', 'removed')),
  received_at  INTEGER NOT NULL,
  body         TEXT NOT NULL,
  UNIQUE (adapter, conversation, kind, external, revision)
) STRICT;
CREATE INDEX inputs_waiting ON inputs (session, id) WHERE state = 'waiting';
CREATE INDEX inputs_turn ON inputs (turn) WHERE turn IS NOT NULL;

-- What people said and what the agent answered, for search and for finding what a reply answers.
CREATE TABLE messages (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  adapter      TEXT NOT NULL,
  conversation TEXT NOT NULL,
  external     TEXT,
  session      INTEGER REFERENCES sessions (id),
  turn         INTEGER REFERENCES turns (id),
  direction    TEXT NOT NULL CHECK (direction IN ('in', 'out')),
  sender       TEXT NOT NULL,
  at           INTEGER NOT NULL,
  text         TEXT NOT NULL
) STRICT;
CREATE INDEX messages_session ON messages (session, id);
CREATE UNIQUE INDEX messages_external ON messages (adapter, conversation, external) WHERE external IS NOT NULL;

-- Trigrams find parts of words and scripts without spaces alike.
CREATE VIRTUAL TABLE messages_search USING fts5 (text, content = 'messages', content_rowid = 'id', tokenize = 'trigram');
CREATE TRIGGER messages_added AFTER INSERT ON messages BEGIN
  INSERT INTO messages_search (rowid, text) VALUES (new.id, new.text);
END;
CREATE TRIGGER messages_removed AFTER DELETE ON messages BEGIN
  INSERT INTO messages_search (messages_search, rowid, text) VALUES ('delete', old.id, old.text);
END;
CREATE TRIGGER messages_changed AFTER UPDATE OF text ON messages BEGIN
  INSERT INTO messages_search (messages_search, rowid, text) VALUES ('delete', old.id, old.text);
  INSERT INTO messages_search (rowid, text) VALUES (new.id, new.text);
END;

-- One row a start of the program: five short lives in a row and nothing is resumed by itself.
CREATE TABLE starts (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  at       INTEGER NOT NULL,
  alive_at INTEGER NOT NULL,
  clean    INTEGER NOT NULL DEFAULT 0
) STRICT;

INSERT INTO agents (name, folder, created_at) VALUES ('main', 'main', 0);
INSERT INTO wirings (agent, trigger, mode) VALUES ('main', 'mention', 'per-thread');

-- Small facts of this installation that survive restarts, such as "tools without isolation were confirmed".
CREATE TABLE facts (
  key   TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
