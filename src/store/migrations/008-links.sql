-- Web addresses that were given out, each for one purpose, one person and one place. Of what opens them only hashes
-- are kept. Times are Unix milliseconds.

CREATE TABLE links (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  -- SHA-256 of the secret in the address, in hex.
  hash         TEXT NOT NULL UNIQUE,
  -- What it opens, such as 'session'; it opens nothing else.
  purpose      TEXT NOT NULL,
  adapter      TEXT NOT NULL,
  -- Where it was asked for: the right is that of this person in this place, looked up at each request.
  conversation TEXT NOT NULL,
  kind         TEXT NOT NULL CHECK (kind IN ('direct', 'shared')),
  user         TEXT NOT NULL,
  session      INTEGER REFERENCES sessions (id),
  -- How often it can still be opened; NULL: as often as one likes while it lasts.
  opens_left   INTEGER,
  created_at   INTEGER NOT NULL,
  expires_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX links_user ON links (adapter, user, purpose, id);
CREATE INDEX links_expiry ON links (expires_at);

-- The browsers in which a link was opened: each has a secret of its own, in a cookie.
CREATE TABLE visits (
  id   INTEGER PRIMARY KEY AUTOINCREMENT,
  hash TEXT NOT NULL UNIQUE,
  link INTEGER NOT NULL REFERENCES links (id) ON DELETE CASCADE,
  at   INTEGER NOT NULL
) STRICT;
CREATE INDEX visits_link ON visits (link, id);

-- What a session's page shows beside its events: forks of it, entries that belong to no turn, and summaries.
CREATE INDEX sessions_parent ON sessions (parent, id) WHERE parent IS NOT NULL;
CREATE INDEX entries_loose ON entries (session, id) WHERE turn IS NULL;
CREATE INDEX entries_summaries ON entries (turn, at) WHERE kind = 'compaction';
