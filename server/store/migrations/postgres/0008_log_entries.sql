-- What leaves of the log stand for that are neither records nor policy versions.
CREATE TABLE log_entry (
	position    BIGINT  NOT NULL PRIMARY KEY REFERENCES log_leaf (position),
	kind        TEXT    NOT NULL,
	site        TEXT    NOT NULL,
	object      TEXT    NOT NULL,
	salt_core   BYTEA   NOT NULL,
	salt_person BYTEA,            -- NULL where the personal half was removed
	commit_pers BYTEA,            -- only there
	core        BYTEA   NOT NULL,
	personal    BYTEA             -- NULL: there is nothing personal, or it was removed
);
CREATE UNIQUE INDEX log_entry_object ON log_entry (kind, object);

-- Which leaves no longer open, or only half, and the entry that says so.
CREATE TABLE tombstone (
	erased   BIGINT  NOT NULL PRIMARY KEY REFERENCES log_leaf (position),
	how      TEXT    NOT NULL, -- 'minimised', 'shredded'
	position BIGINT  NOT NULL REFERENCES log_entry (position)
);
CREATE INDEX tombstone_position ON tombstone (position);

CREATE FUNCTION log_entry_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF (NEW.position, NEW.kind, NEW.site, NEW.object, NEW.salt_core, NEW.core) IS DISTINCT FROM (OLD.position, OLD.kind, OLD.site, OLD.object, OLD.salt_core, OLD.core) THEN
	RAISE EXCEPTION 'an entry of the log never changes';
END IF; RETURN NEW; END $$;
CREATE TRIGGER log_entry_fixed BEFORE UPDATE ON log_entry FOR EACH ROW EXECUTE FUNCTION log_entry_fixed();
CREATE FUNCTION log_entry_only_loses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF (NEW.salt_person, NEW.commit_pers, NEW.personal) IS DISTINCT FROM (OLD.salt_person, OLD.commit_pers, OLD.personal)
	AND (NEW.salt_person IS NOT NULL OR NEW.personal IS NOT NULL OR NEW.commit_pers IS NULL OR OLD.commit_pers IS NOT NULL) THEN
	RAISE EXCEPTION 'an entry of the log can only lose its personal half';
END IF; RETURN NEW; END $$;
CREATE TRIGGER log_entry_only_loses BEFORE UPDATE ON log_entry FOR EACH ROW EXECUTE FUNCTION log_entry_only_loses();
CREATE FUNCTION log_entry_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'an entry of the log is never deleted'; END $$;
CREATE TRIGGER log_entry_kept BEFORE DELETE ON log_entry FOR EACH ROW EXECUTE FUNCTION log_entry_kept();

-- What was minimised can be shredded later; nothing comes back.
CREATE FUNCTION tombstone_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.erased <> OLD.erased OR OLD.how <> 'minimised' OR NEW.how <> 'shredded' OR NEW.position <= OLD.position THEN
	RAISE EXCEPTION 'what was erased stays erased';
END IF; RETURN NEW; END $$;
CREATE TRIGGER tombstone_only_grows BEFORE UPDATE ON tombstone FOR EACH ROW EXECUTE FUNCTION tombstone_only_grows();
CREATE FUNCTION tombstone_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'what was erased stays erased'; END $$;
CREATE TRIGGER tombstone_kept BEFORE DELETE ON tombstone FOR EACH ROW EXECUTE FUNCTION tombstone_kept();
