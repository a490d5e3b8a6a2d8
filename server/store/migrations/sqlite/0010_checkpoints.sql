-- Heads that the log has signed. note is as the log signed it: cosignatures of
-- witnesses come later, the first and the newest of each is kept.
CREATE TABLE checkpoint (
	seq    BIGINT NOT NULL PRIMARY KEY,
	origin TEXT   NOT NULL,
	size   BIGINT NOT NULL,
	root   BLOB   NOT NULL,
	at     BIGINT NOT NULL,
	note   BLOB   NOT NULL
);
CREATE UNIQUE INDEX checkpoint_head ON checkpoint (origin, size, root);
CREATE INDEX        checkpoint_size ON checkpoint (size, seq);

CREATE TABLE cosignature (
	checkpoint BIGINT NOT NULL REFERENCES checkpoint (seq),
	witness    TEXT   NOT NULL, -- name+hash of its key
	first      TEXT   NOT NULL, -- signature lines
	newest     TEXT   NOT NULL,
	PRIMARY KEY (checkpoint, witness)
);

-- That somebody said to go on with a log that did not continue what it had signed.
-- Checkpoints up to since are not held against it any more; pinned, if not empty, is
-- the one that was kept outside the database.
CREATE TABLE log_accepted (
	position INTEGER NOT NULL PRIMARY KEY REFERENCES log_leaf (position) DEFERRABLE INITIALLY DEFERRED,
	at       BIGINT  NOT NULL,
	since    BIGINT  NOT NULL,
	pinned   BLOB    NOT NULL,
	why      TEXT    NOT NULL
);

-- Where checkpoints were pinned, once a day and place. answer is the token of a
-- time-stamping authority, else empty.
CREATE TABLE pin (
	place      TEXT   NOT NULL,
	day        TEXT   NOT NULL, -- 2026-11-21, UTC
	checkpoint BIGINT NOT NULL REFERENCES checkpoint (seq),
	at         BIGINT NOT NULL,
	answer     BLOB   NOT NULL,
	PRIMARY KEY (place, day)
);

-- Other logs, as far as this server has cosigned them as a witness.
CREATE TABLE witnessed (
	origin TEXT   NOT NULL PRIMARY KEY,
	size   BIGINT NOT NULL,
	root   BLOB   NOT NULL,
	at     BIGINT NOT NULL,
	note   BLOB   NOT NULL
);

CREATE TRIGGER checkpoint_fixed BEFORE UPDATE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'a checkpoint never changes'); END;
CREATE TRIGGER checkpoint_kept BEFORE DELETE ON checkpoint
BEGIN SELECT RAISE(ABORT, 'a checkpoint is never deleted'); END;
CREATE TRIGGER checkpoint_once BEFORE INSERT ON checkpoint
WHEN EXISTS (SELECT 1 FROM checkpoint c WHERE c.seq = NEW.seq OR (c.origin = NEW.origin AND c.size = NEW.size AND c.root = NEW.root))
BEGIN SELECT RAISE(ABORT, 'a checkpoint never changes'); END;
CREATE TRIGGER cosignature_fixed BEFORE UPDATE OF checkpoint, witness, first ON cosignature
BEGIN SELECT RAISE(ABORT, 'a cosignature never changes'); END;
CREATE TRIGGER cosignature_kept BEFORE DELETE ON cosignature
BEGIN SELECT RAISE(ABORT, 'a cosignature is never deleted'); END;
CREATE TRIGGER log_accepted_fixed BEFORE UPDATE ON log_accepted
BEGIN SELECT RAISE(ABORT, 'what was accepted stays accepted'); END;
CREATE TRIGGER log_accepted_kept BEFORE DELETE ON log_accepted
BEGIN SELECT RAISE(ABORT, 'what was accepted stays accepted'); END;
CREATE TRIGGER pin_fixed BEFORE UPDATE ON pin
BEGIN SELECT RAISE(ABORT, 'a pin never changes'); END;
CREATE TRIGGER pin_kept BEFORE DELETE ON pin
BEGIN SELECT RAISE(ABORT, 'a pin is never deleted'); END;
CREATE TRIGGER witnessed_grows BEFORE UPDATE ON witnessed
WHEN NEW.origin <> OLD.origin OR NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.root <> OLD.root)
BEGIN SELECT RAISE(ABORT, 'a witness never rolls back'); END;
CREATE TRIGGER witnessed_kept BEFORE DELETE ON witnessed
BEGIN SELECT RAISE(ABORT, 'a witness never forgets'); END;

-- Publications and acts that are older than their entries in the log: those up to this
-- number may be without one, until the database is opened.
CREATE TABLE log_older (
	kind  TEXT   NOT NULL PRIMARY KEY,
	until BIGINT NOT NULL
);
INSERT INTO log_older (kind, until) SELECT 'publication/v1', COALESCE(MAX(seq), 0) FROM publication;
INSERT INTO log_older (kind, until) SELECT 'act/v1', COALESCE(MAX(seq), 0) FROM operator_act;
CREATE TRIGGER log_older_fixed BEFORE UPDATE ON log_older
BEGIN SELECT RAISE(ABORT, 'what is old stays so'); END;
