-- Erasing and restricting records. A record goes, or loses its personal half, only
-- in a transaction that also keeps the entry of the log that says so.

-- Records nobody may read (GDPR Art. 18): moved here whole, so that whatever reads
-- records, today or later, does not find them. Only erasure and audits look here.
CREATE TABLE restricted_record (
	position    INTEGER NOT NULL PRIMARY KEY REFERENCES log_leaf (position),
	site        TEXT    NOT NULL REFERENCES site (key),
	id          TEXT    NOT NULL,
	decision    TEXT    NOT NULL,
	request     TEXT    NOT NULL,
	previous    TEXT    NOT NULL,
	subject     TEXT,
	received_at BIGINT  NOT NULL,
	key_id      TEXT    NOT NULL,
	signature   BLOB    NOT NULL,
	salt_core   BLOB    NOT NULL,
	salt_person BLOB,
	commit_pers BLOB,
	personal    BLOB,
	core        BLOB    NOT NULL,
	ground      TEXT    NOT NULL, -- 'contested', 'unlawful', 'claims', 'objection', 'deletion'
	since       BIGINT  NOT NULL,
	released    BIGINT  NOT NULL DEFAULT 0 -- 1 within the transaction that moves it back
);
CREATE UNIQUE INDEX restricted_record_id       ON restricted_record (id);
CREATE UNIQUE INDEX restricted_record_decision ON restricted_record (site, decision);
CREATE INDEX        restricted_record_subject  ON restricted_record (subject, site) WHERE subject IS NOT NULL;

-- Every record there is, for audits: they count leaves, and answer nobody.
CREATE VIEW kept_record AS
	SELECT position, site, id, decision, request, previous, subject, received_at, key_id, signature,
		salt_core, salt_person, commit_pers, personal, core FROM record
	UNION ALL
	SELECT position, site, id, decision, request, previous, subject, received_at, key_id, signature,
		salt_core, salt_person, commit_pers, personal, core FROM restricted_record;

CREATE TRIGGER restricted_record_fixed
BEFORE UPDATE OF position, site, id, decision, request, previous, received_at, key_id, signature, salt_core, core ON restricted_record
BEGIN SELECT RAISE(ABORT, 'a record never changes'); END;
CREATE TRIGGER restricted_record_only_loses
BEFORE UPDATE OF subject, salt_person, personal, commit_pers ON restricted_record
WHEN NEW.subject IS NOT NULL OR NEW.salt_person IS NOT NULL OR NEW.personal IS NOT NULL
	OR NEW.commit_pers IS NULL OR OLD.commit_pers IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a record can only lose its personal half'); END;
CREATE TRIGGER restricted_record_kept BEFORE DELETE ON restricted_record
WHEN OLD.released = 0 AND NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.erased = OLD.position AND t.how = 'shredded')
BEGIN SELECT RAISE(ABORT, 'a record is erased with an entry of the log, or not at all'); END;

CREATE TRIGGER record_kept BEFORE DELETE ON record
WHEN NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.erased = OLD.position AND t.how = 'shredded')
	AND NOT EXISTS (SELECT 1 FROM restricted_record r WHERE r.position = OLD.position)
BEGIN SELECT RAISE(ABORT, 'a record is erased with an entry of the log, or not at all'); END;
CREATE TRIGGER record_loses_with_entry BEFORE UPDATE OF personal ON record
WHEN NEW.personal IS NULL AND NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.erased = OLD.position)
BEGIN SELECT RAISE(ABORT, 'a record is minimised with an entry of the log, or not at all'); END;
CREATE TRIGGER restricted_record_loses_with_entry BEFORE UPDATE OF personal ON restricted_record
WHEN NEW.personal IS NULL AND NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.erased = OLD.position)
BEGIN SELECT RAISE(ABORT, 'a record is minimised with an entry of the log, or not at all'); END;

-- What is restricted can't come in again beside itself, and what was shredded not
-- at its old leaf.
CREATE TRIGGER record_restricted BEFORE INSERT ON record
WHEN EXISTS (SELECT 1 FROM restricted_record r WHERE r.released = 0
	AND (r.position = NEW.position OR r.id = NEW.id OR (r.site = NEW.site AND r.decision = NEW.decision)))
BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER record_shredded BEFORE INSERT ON record
WHEN EXISTS (SELECT 1 FROM tombstone t WHERE t.erased = NEW.position AND t.how = 'shredded')
BEGIN SELECT RAISE(ABORT, 'what was erased stays erased'); END;
