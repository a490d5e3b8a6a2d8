-- Erasing and restricting records. A record goes, or loses its personal half, only
-- in a transaction that also keeps the entry of the log that says so.

-- Records nobody may read (GDPR Art. 18): moved here whole, so that whatever reads
-- records, today or later, does not find them. Only erasure and audits look here.
CREATE TABLE restricted_record (
	position    BIGINT  NOT NULL PRIMARY KEY REFERENCES log_leaf (position),
	site        TEXT    NOT NULL REFERENCES site (key),
	id          TEXT    NOT NULL,
	decision    TEXT    NOT NULL,
	request     TEXT    NOT NULL,
	previous    TEXT    NOT NULL,
	subject     TEXT,
	received_at BIGINT  NOT NULL,
	key_id      TEXT    NOT NULL,
	signature   BYTEA   NOT NULL,
	salt_core   BYTEA   NOT NULL,
	salt_person BYTEA,
	commit_pers BYTEA,
	personal    BYTEA,
	core        BYTEA   NOT NULL,
	ground      TEXT    NOT NULL, -- 'contested', 'unlawful', 'claims', 'objection', 'deletion'
	since       BIGINT  NOT NULL,
	released    BIGINT  NOT NULL DEFAULT 0 -- 1 within the transaction that moves it back
);
CREATE INDEX        restricted_record_subject  ON restricted_record (subject, site) WHERE subject IS NOT NULL;
CREATE UNIQUE INDEX restricted_record_decision ON restricted_record (site, decision);
CREATE UNIQUE INDEX restricted_record_id       ON restricted_record (id);

-- Every record there is, for audits: they count leaves, and answer nobody.
CREATE VIEW kept_record AS
	SELECT position, site, id, decision, request, previous, subject, received_at, key_id, signature,
		salt_core, salt_person, commit_pers, personal, core FROM record
	UNION ALL
	SELECT position, site, id, decision, request, previous, subject, received_at, key_id, signature,
		salt_core, salt_person, commit_pers, personal, core FROM restricted_record;

CREATE FUNCTION restricted_record_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF (NEW.position, NEW.site, NEW.id, NEW.decision, NEW.request, NEW.previous, NEW.received_at, NEW.key_id, NEW.signature, NEW.salt_core, NEW.core) IS DISTINCT FROM (OLD.position, OLD.site, OLD.id, OLD.decision, OLD.request, OLD.previous, OLD.received_at, OLD.key_id, OLD.signature, OLD.salt_core, OLD.core) THEN
	RAISE EXCEPTION 'a record never changes';
END IF; RETURN NEW; END $$;
CREATE TRIGGER restricted_record_fixed BEFORE UPDATE ON restricted_record FOR EACH ROW EXECUTE FUNCTION restricted_record_fixed();
CREATE FUNCTION restricted_record_only_loses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF (NEW.subject, NEW.salt_person, NEW.personal, NEW.commit_pers) IS DISTINCT FROM (OLD.subject, OLD.salt_person, OLD.personal, OLD.commit_pers)
	AND (NEW.subject IS NOT NULL OR NEW.salt_person IS NOT NULL OR NEW.personal IS NOT NULL OR NEW.commit_pers IS NULL OR OLD.commit_pers IS NOT NULL) THEN
	RAISE EXCEPTION 'a record can only lose its personal half';
END IF; RETURN NEW; END $$;
CREATE TRIGGER restricted_record_only_loses BEFORE UPDATE ON restricted_record FOR EACH ROW EXECUTE FUNCTION restricted_record_only_loses();
CREATE FUNCTION restricted_record_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF OLD.released = 0 AND NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.erased = OLD.position AND t.how = 'shredded') THEN
	RAISE EXCEPTION 'a record is erased with an entry of the log, or not at all';
END IF; RETURN OLD; END $$;
CREATE TRIGGER restricted_record_kept BEFORE DELETE ON restricted_record FOR EACH ROW EXECUTE FUNCTION restricted_record_kept();

CREATE FUNCTION record_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.erased = OLD.position AND t.how = 'shredded') AND NOT EXISTS (SELECT 1 FROM restricted_record r WHERE r.position = OLD.position) THEN
	RAISE EXCEPTION 'a record is erased with an entry of the log, or not at all';
END IF; RETURN OLD; END $$;
CREATE TRIGGER record_kept BEFORE DELETE ON record FOR EACH ROW EXECUTE FUNCTION record_kept();
CREATE FUNCTION record_loses_with_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.personal IS DISTINCT FROM OLD.personal
	AND (NEW.personal IS NULL AND NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.erased = OLD.position)) THEN
	RAISE EXCEPTION 'a record is minimised with an entry of the log, or not at all';
END IF; RETURN NEW; END $$;
CREATE TRIGGER record_loses_with_entry BEFORE UPDATE ON record FOR EACH ROW EXECUTE FUNCTION record_loses_with_entry();
CREATE FUNCTION restricted_record_loses_with_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.personal IS DISTINCT FROM OLD.personal
	AND (NEW.personal IS NULL AND NOT EXISTS (SELECT 1 FROM tombstone t WHERE t.erased = OLD.position)) THEN
	RAISE EXCEPTION 'a record is minimised with an entry of the log, or not at all';
END IF; RETURN NEW; END $$;
CREATE TRIGGER restricted_record_loses_with_entry BEFORE UPDATE ON restricted_record FOR EACH ROW EXECUTE FUNCTION restricted_record_loses_with_entry();

-- What is restricted can't come in again beside itself, and what was shredded not
-- at its old leaf.
CREATE FUNCTION record_restricted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF EXISTS (SELECT 1 FROM restricted_record r WHERE r.position = NEW.position AND r.released = 0)
	OR EXISTS (SELECT 1 FROM restricted_record r WHERE r.id = NEW.id AND r.released = 0)
	OR EXISTS (SELECT 1 FROM restricted_record r WHERE r.site = NEW.site AND r.decision = NEW.decision AND r.released = 0) THEN
	RETURN NULL;
END IF; RETURN NEW; END $$;
CREATE TRIGGER record_restricted BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION record_restricted();
CREATE FUNCTION record_shredded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF EXISTS (SELECT 1 FROM tombstone t WHERE t.erased = NEW.position AND t.how = 'shredded') THEN
	RAISE EXCEPTION 'what was erased stays erased';
END IF; RETURN NEW; END $$;
CREATE TRIGGER record_shredded BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION record_shredded();
