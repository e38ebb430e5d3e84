-- What platforms with threads and a search need.
-- Times are Unix milliseconds.

-- Since when a message may stand over there without anybody knowing; NULL: it surely does not, or its ref is known.
ALTER TABLE deliveries ADD COLUMN tried_at INTEGER;
-- What that was: its marker, the whole of it, or what it said before it was changed.
ALTER TABLE deliveries ADD COLUMN tried TEXT CHECK (tried IN ('marker', 'whole', 'other'));

-- Under which id a conversation is known now, after its platform gave it another one.
CREATE TABLE moves (
  adapter TEXT NOT NULL,
  source  TEXT NOT NULL,
  target  TEXT NOT NULL,
  at      INTEGER NOT NULL,
  PRIMARY KEY (adapter, source)
) STRICT, WITHOUT ROWID;

-- The id by which the conversation's folder in the workspace is named, when it is not its own any more.
ALTER TABLE conversations ADD COLUMN folder TEXT;

-- The newest message of each place, where gaps are looked for; threads stand in the body.
CREATE INDEX inputs_place ON inputs (adapter, conversation, ifnull(body ->> '$.thread', ''), id)
  WHERE kind = 'message' AND body ->> '$.event' IS NULL;
CREATE INDEX bindings_conversation ON bindings (conversation);
