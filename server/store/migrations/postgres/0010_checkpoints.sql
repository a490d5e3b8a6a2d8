-- Heads that the log has signed. note is as the log signed it: cosignatures of
-- witnesses come later, the first and the newest of each is kept.
CREATE TABLE checkpoint (
	seq    BIGINT NOT NULL PRIMARY KEY,
	origin TEXT   NOT NULL,
	size   BIGINT NOT NULL,
	root   BYTEA  NOT NULL,
	at     BIGINT NOT NULL,
	note   BYTEA  NOT NULL
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
	position BIGINT  NOT NULL PRIMARY KEY REFERENCES log_leaf (position),
	at       BIGINT  NOT NULL,
	since    BIGINT  NOT NULL,
	pinned   BYTEA   NOT NULL,
	why      TEXT    NOT NULL
);

-- Where checkpoints were pinned, once a day and place. answer is the token of a
-- time-stamping authority, else empty.
CREATE TABLE pin (
	place      TEXT   NOT NULL,
	day        TEXT   NOT NULL, -- 2026-11-21, UTC
	checkpoint BIGINT NOT NULL REFERENCES checkpoint (seq),
	at         BIGINT NOT NULL,
	answer     BYTEA  NOT NULL,
	PRIMARY KEY (place, day)
);

-- Other logs, as far as this server has cosigned them as a witness.
CREATE TABLE witnessed (
	origin TEXT   NOT NULL PRIMARY KEY,
	size   BIGINT NOT NULL,
	root   BYTEA  NOT NULL,
	at     BIGINT NOT NULL,
	note   BYTEA  NOT NULL
);

CREATE FUNCTION checkpoint_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a checkpoint never changes'; END $$;
CREATE TRIGGER checkpoint_fixed BEFORE UPDATE ON checkpoint FOR EACH ROW EXECUTE FUNCTION checkpoint_fixed();
CREATE FUNCTION checkpoint_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a checkpoint is never deleted'; END $$;
CREATE TRIGGER checkpoint_kept BEFORE DELETE ON checkpoint FOR EACH ROW EXECUTE FUNCTION checkpoint_kept();

CREATE FUNCTION cosignature_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF (NEW.checkpoint, NEW.witness, NEW.first) IS DISTINCT FROM (OLD.checkpoint, OLD.witness, OLD.first) THEN
	RAISE EXCEPTION 'a cosignature never changes';
END IF; RETURN NEW; END $$;
CREATE TRIGGER cosignature_fixed BEFORE UPDATE ON cosignature FOR EACH ROW EXECUTE FUNCTION cosignature_fixed();
CREATE FUNCTION cosignature_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a cosignature is never deleted'; END $$;
CREATE TRIGGER cosignature_kept BEFORE DELETE ON cosignature FOR EACH ROW EXECUTE FUNCTION cosignature_kept();
CREATE FUNCTION log_accepted_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'what was accepted stays accepted'; END $$;
CREATE TRIGGER log_accepted_fixed BEFORE UPDATE ON log_accepted FOR EACH ROW EXECUTE FUNCTION log_accepted_fixed();
CREATE FUNCTION log_accepted_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'what was accepted stays accepted'; END $$;
CREATE TRIGGER log_accepted_kept BEFORE DELETE ON log_accepted FOR EACH ROW EXECUTE FUNCTION log_accepted_kept();
CREATE FUNCTION pin_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a pin never changes'; END $$;
CREATE TRIGGER pin_fixed BEFORE UPDATE ON pin FOR EACH ROW EXECUTE FUNCTION pin_fixed();
CREATE FUNCTION pin_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a pin is never deleted'; END $$;
CREATE TRIGGER pin_kept BEFORE DELETE ON pin FOR EACH ROW EXECUTE FUNCTION pin_kept();
CREATE FUNCTION witnessed_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.origin <> OLD.origin OR NEW.size < OLD.size OR (NEW.size = OLD.size AND NEW.root <> OLD.root) THEN
	RAISE EXCEPTION 'a witness never rolls back';
END IF; RETURN NEW; END $$;
CREATE TRIGGER witnessed_grows BEFORE UPDATE ON witnessed FOR EACH ROW EXECUTE FUNCTION witnessed_grows();
CREATE FUNCTION witnessed_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a witness never forgets'; END $$;
CREATE TRIGGER witnessed_kept BEFORE DELETE ON witnessed FOR EACH ROW EXECUTE FUNCTION witnessed_kept();

-- Publications and acts that are older than their entries in the log: those up to this
-- number may be without one, until the database is opened.
CREATE TABLE log_older (
	kind  TEXT   NOT NULL PRIMARY KEY,
	until BIGINT NOT NULL
);
INSERT INTO log_older (kind, until) SELECT 'publication/v1', COALESCE(MAX(seq), 0) FROM publication;
INSERT INTO log_older (kind, until) SELECT 'act/v1', COALESCE(MAX(seq), 0) FROM operator_act;
CREATE FUNCTION log_older_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'what is old stays so'; END $$;
CREATE TRIGGER log_older_fixed BEFORE UPDATE ON log_older FOR EACH ROW EXECUTE FUNCTION log_older_fixed();
