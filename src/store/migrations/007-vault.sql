-- Credentials, sealed. Owners, names, times and sizes stand in the clear; values never do, in no table and in no log of
-- the engine: they are sealed before they come here.

-- The data key, itself sealed by what `source` names. There is one.
CREATE TABLE vault_keys (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  source TEXT NOT NULL CHECK (source IN ('file', 'passphrase', 'credential')),
  salt BLOB NOT NULL,
  -- How much work a passphrase costs, as a power of two.
  cost INTEGER NOT NULL,
  wrapped BLOB NOT NULL,
  made_at INTEGER NOT NULL
) STRICT;

-- Whose: a person or a room of an adapter, a container, a profile that several share, or the instance itself.
CREATE TABLE vaults (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('user', 'conversation', 'container', 'profile', 'instance')),
  adapter TEXT NOT NULL,
  name TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  UNIQUE (kind, adapter, name)
) STRICT;

-- What a vault holds, and the value before this one, for as long as it can be brought back.
CREATE TABLE vault_entries (
  vault INTEGER NOT NULL REFERENCES vaults (id) ON DELETE CASCADE,
  kind TEXT NOT NULL CHECK (kind IN ('env', 'file')),
  name TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('live', 'past')),
  version INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  bytes INTEGER NOT NULL,
  set_by TEXT NOT NULL,
  set_at INTEGER NOT NULL,
  -- When a past one was replaced or removed.
  ended_at INTEGER,
  PRIMARY KEY (vault, kind, name, state)
) STRICT, WITHOUT ROWID;

-- Which profile counts for a person or in a room, before what is their own.
CREATE TABLE vault_bindings (
  kind TEXT NOT NULL CHECK (kind IN ('user', 'conversation')),
  adapter TEXT NOT NULL,
  name TEXT NOT NULL,
  vault INTEGER NOT NULL REFERENCES vaults (id) ON DELETE CASCADE,
  set_by TEXT NOT NULL,
  set_at INTEGER NOT NULL,
  PRIMARY KEY (kind, adapter, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX vault_bindings_vault ON vault_bindings (vault);

-- Files that were put into a home and not yet taken out again; noted before, so that a crash leaves none behind.
CREATE TABLE vault_placed (
  place TEXT PRIMARY KEY,
  paths TEXT NOT NULL
) STRICT, WITHOUT ROWID;
