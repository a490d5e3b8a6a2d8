-- What leaves of the log stand for that are neither records nor policy versions.
CREATE TABLE log_entry (
	position    INTEGER NOT NULL PRIMARY KEY REFERENCES log_leaf (position) DEFERRABLE INITIALLY DEFERRED,
	kind        TEXT    NOT NULL,
	site        TEXT    NOT NULL,
	object      TEXT    NOT NULL,
	salt_core   BLOB    NOT NULL,
	salt_person BLOB,            -- NULL where the personal half was removed
	commit_pers BLOB,            -- only there
	core        BLOB    NOT NULL,
	personal    BLOB             -- NULL: there is nothing personal, or it was removed
);
CREATE UNIQUE INDEX log_entry_object ON log_entry (kind, object);

-- Which leaves no longer open, or only half, and the entry that says so.
CREATE TABLE tombstone (
	erased   INTEGER NOT NULL PRIMARY KEY REFERENCES log_leaf (position),
	how      TEXT    NOT NULL, -- 'minimised', 'shredded'
	position INTEGER NOT NULL REFERENCES log_entry (position) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX tombstone_position ON tombstone (position);

CREATE TRIGGER log_entry_fixed BEFORE UPDATE OF position, kind, site, object, salt_core, core ON log_entry
BEGIN SELECT RAISE(ABORT, 'an entry of the log never changes'); END;
CREATE TRIGGER log_entry_only_loses BEFORE UPDATE OF salt_person, commit_pers, personal ON log_entry
WHEN NEW.salt_person IS NOT NULL OR NEW.personal IS NOT NULL OR NEW.commit_pers IS NULL OR OLD.commit_pers IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'an entry of the log can only lose its personal half'); END;
CREATE TRIGGER log_entry_kept BEFORE DELETE ON log_entry
BEGIN SELECT RAISE(ABORT, 'an entry of the log is never deleted'); END;
CREATE TRIGGER log_entry_once BEFORE INSERT ON log_entry
WHEN EXISTS (SELECT 1 FROM log_entry e WHERE e.position = NEW.position OR (e.kind = NEW.kind AND e.object = NEW.object))
BEGIN SELECT RAISE(ABORT, 'an entry of the log never changes'); END;
-- What was minimised can be shredded later; nothing comes back.
CREATE TRIGGER tombstone_only_grows BEFORE UPDATE ON tombstone
WHEN NEW.erased <> OLD.erased OR OLD.how <> 'minimised' OR NEW.how <> 'shredded' OR NEW.position <= OLD.position
BEGIN SELECT RAISE(ABORT, 'what was erased stays erased'); END;
CREATE TRIGGER tombstone_kept BEFORE DELETE ON tombstone
BEGIN SELECT RAISE(ABORT, 'what was erased stays erased'); END;
