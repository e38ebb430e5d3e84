-- How long a delivery was to wait when that was decided, in milliseconds: of a longer wait the clock was set back.
ALTER TABLE deliveries ADD COLUMN wait_ms INTEGER NOT NULL DEFAULT 0;
