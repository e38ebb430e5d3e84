-- Every message is a piece of the search index of its own. With the default of 16, one message in sixteen waits until
-- those before it are merged; pieces of the upper levels are merged by themselves as before.
INSERT INTO messages_search (messages_search, rank) VALUES ('crisismerge', 32);
