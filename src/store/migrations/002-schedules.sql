-- Events of the workspace's events/ folder. The files are the truth; this remembers when each is due next.

CREATE TABLE schedules (
  -- Name of the file in events/.
  file       TEXT PRIMARY KEY,
  -- SHA-256 of its bytes and its time: a changed file is scheduled anew.
  hash       TEXT NOT NULL,
  -- What the file says, read once (JSON).
  spec       TEXT NOT NULL,
  -- Unix milliseconds; NULL when it will not be due again.
  next_at    INTEGER,
  -- The run that is being handed over. Kept until it is taken, so that it is handed over again after a
  -- crash, under the same id.
  claimed_at INTEGER
) STRICT;
