-- Answers to first layers by what was done, so that trials are compared without
-- reading records. Earlier ones are counted a batch at a time, as at 0006: row 1 is
-- what came then, row 2 what comes now.
INSERT INTO uncounted (id, next, until) SELECT 2, 0, size FROM log_head;

-- Attempts at signing in that failed, counted by all processes together. A name is
-- a digest under a key that the database does not hold and that changes daily; rows
-- go an hour after the last attempt.
CREATE TABLE throttle (
	name    TEXT   NOT NULL PRIMARY KEY,
	failed  BIGINT NOT NULL,
	next_at BIGINT NOT NULL,
	last_at BIGINT NOT NULL
);
CREATE INDEX throttle_last ON throttle (last_at);
