-- Policy versions: translations, the chain of their entries, what is being worked on.

-- On this site what one operator writes, another approves.
ALTER TABLE site ADD COLUMN second_pair BIGINT NOT NULL DEFAULT 0;

-- Operator ids, or 'cli'; '' for a version that is older than these columns.
ALTER TABLE policy_version ADD COLUMN published_by TEXT NOT NULL DEFAULT '';
ALTER TABLE policy_version ADD COLUMN approved_by  TEXT NOT NULL DEFAULT '';

CREATE TABLE policy_translation (
	site     TEXT   NOT NULL,
	policy   TEXT   NOT NULL,
	number   BIGINT NOT NULL,
	language TEXT   NOT NULL,
	title    TEXT   NOT NULL,
	digest   TEXT   NOT NULL REFERENCES artifact (digest),
	format   TEXT   NOT NULL,
	original BLOB   NOT NULL,
	PRIMARY KEY (site, policy, number, language),
	FOREIGN KEY (site, policy, number) REFERENCES policy_version (site, policy, number)
);

-- One for each version: canonical JSON that names all there is to it and the entry
-- before, and the leaf of the log that stands for it.
CREATE TABLE policy_entry (
	site        TEXT   NOT NULL,
	policy      TEXT   NOT NULL,
	number      BIGINT NOT NULL,
	digest      TEXT   NOT NULL,
	previous    TEXT   NOT NULL,
	bytes       BLOB   NOT NULL,
	position    BIGINT NOT NULL REFERENCES log_leaf (position) DEFERRABLE INITIALLY DEFERRED,
	salt_core   BLOB   NOT NULL,
	salt_person BLOB   NOT NULL,
	PRIMARY KEY (site, policy, number),
	FOREIGN KEY (site, policy, number) REFERENCES policy_version (site, policy, number)
);
CREATE UNIQUE INDEX policy_entry_digest   ON policy_entry (digest);
CREATE UNIQUE INDEX policy_entry_position ON policy_entry (position);

-- Not evidence: changed and dropped at will.
CREATE TABLE policy_work (
	id           TEXT   NOT NULL PRIMARY KEY,
	site         TEXT   NOT NULL REFERENCES site (key),
	policy       TEXT   NOT NULL,
	revision     BIGINT NOT NULL,
	language     TEXT   NOT NULL,
	title        TEXT   NOT NULL,
	markdown     TEXT   NOT NULL,
	translations TEXT   NOT NULL, -- JSON: [{"language", "title", "markdown"}]
	material     BIGINT NOT NULL,
	summary      TEXT   NOT NULL, -- JSON: text by language; '' for none
	grace        BIGINT NOT NULL, -- milliseconds
	effective    BIGINT,          -- NULL: when it is published
	state        TEXT   NOT NULL,
	changed_by   TEXT   NOT NULL,
	submitted_by TEXT   NOT NULL,
	changed_at   BIGINT NOT NULL
);
CREATE INDEX policy_work_site ON policy_work (site, changed_at);

CREATE TRIGGER policy_translation_fixed BEFORE UPDATE ON policy_translation
BEGIN SELECT RAISE(ABORT, 'a translation never changes'); END;
CREATE TRIGGER policy_translation_kept BEFORE DELETE ON policy_translation
BEGIN SELECT RAISE(ABORT, 'a translation is never deleted'); END;
-- A version is complete when its entry is there: nothing is added to it later.
CREATE TRIGGER policy_translation_entered BEFORE INSERT ON policy_translation
WHEN EXISTS (SELECT 1 FROM policy_entry e WHERE e.site = NEW.site AND e.policy = NEW.policy AND e.number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'a version never changes'); END;
CREATE TRIGGER policy_entry_fixed BEFORE UPDATE ON policy_entry
BEGIN SELECT RAISE(ABORT, 'an entry never changes'); END;
CREATE TRIGGER policy_entry_kept BEFORE DELETE ON policy_entry
BEGIN SELECT RAISE(ABORT, 'an entry is never deleted'); END;

-- REPLACE deletes without asking the triggers on deletion. Records and artifacts that
-- are there already are no error, and stay as they are.
CREATE TRIGGER policy_version_once BEFORE INSERT ON policy_version
WHEN EXISTS (SELECT 1 FROM policy_version v WHERE v.site = NEW.site AND v.policy = NEW.policy AND v.number = NEW.number)
BEGIN SELECT RAISE(ABORT, 'a policy version never changes'); END;
CREATE TRIGGER policy_entry_once BEFORE INSERT ON policy_entry
WHEN EXISTS (SELECT 1 FROM policy_entry e WHERE e.digest = NEW.digest OR e.position = NEW.position
	OR (e.site = NEW.site AND e.policy = NEW.policy AND e.number = NEW.number))
BEGIN SELECT RAISE(ABORT, 'an entry never changes'); END;
CREATE TRIGGER policy_translation_once BEFORE INSERT ON policy_translation
WHEN EXISTS (SELECT 1 FROM policy_translation t WHERE t.site = NEW.site AND t.policy = NEW.policy AND t.number = NEW.number AND t.language = NEW.language)
BEGIN SELECT RAISE(ABORT, 'a translation never changes'); END;
CREATE TRIGGER log_leaf_once BEFORE INSERT ON log_leaf WHEN EXISTS (SELECT 1 FROM log_leaf l WHERE l.position = NEW.position)
BEGIN SELECT RAISE(ABORT, 'a leaf never changes'); END;
CREATE TRIGGER log_node_once BEFORE INSERT ON log_node WHEN EXISTS (SELECT 1 FROM log_node n WHERE n.position = NEW.position)
BEGIN SELECT RAISE(ABORT, 'a node of the log never changes'); END;
CREATE TRIGGER artifact_once BEFORE INSERT ON artifact WHEN EXISTS (SELECT 1 FROM artifact a WHERE a.digest = NEW.digest)
BEGIN SELECT RAISE(IGNORE); END;
CREATE TRIGGER record_once BEFORE INSERT ON record
WHEN EXISTS (SELECT 1 FROM record r WHERE r.position = NEW.position)
	OR EXISTS (SELECT 1 FROM record r WHERE r.id = NEW.id)
	OR EXISTS (SELECT 1 FROM record r WHERE r.site = NEW.site AND r.decision = NEW.decision)
BEGIN SELECT RAISE(IGNORE); END;
