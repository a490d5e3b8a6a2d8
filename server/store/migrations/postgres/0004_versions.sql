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
	original BYTEA  NOT NULL,
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
	bytes       BYTEA  NOT NULL,
	position    BIGINT NOT NULL REFERENCES log_leaf (position),
	salt_core   BYTEA  NOT NULL,
	salt_person BYTEA  NOT NULL,
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

CREATE FUNCTION policy_translation_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a translation never changes'; END $$;
CREATE TRIGGER policy_translation_fixed BEFORE UPDATE ON policy_translation FOR EACH ROW EXECUTE FUNCTION policy_translation_fixed();
CREATE FUNCTION policy_translation_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a translation is never deleted'; END $$;
CREATE TRIGGER policy_translation_kept BEFORE DELETE ON policy_translation FOR EACH ROW EXECUTE FUNCTION policy_translation_kept();
-- A version is complete when its entry is there: nothing is added to it later.
CREATE FUNCTION policy_translation_entered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF EXISTS (SELECT 1 FROM policy_entry e WHERE e.site = NEW.site AND e.policy = NEW.policy AND e.number = NEW.number) THEN
	RAISE EXCEPTION 'a version never changes';
END IF; RETURN NEW; END $$;
CREATE TRIGGER policy_translation_entered BEFORE INSERT ON policy_translation FOR EACH ROW EXECUTE FUNCTION policy_translation_entered();
CREATE FUNCTION policy_entry_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'an entry never changes'; END $$;
CREATE TRIGGER policy_entry_fixed BEFORE UPDATE ON policy_entry FOR EACH ROW EXECUTE FUNCTION policy_entry_fixed();
CREATE FUNCTION policy_entry_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'an entry is never deleted'; END $$;
CREATE TRIGGER policy_entry_kept BEFORE DELETE ON policy_entry FOR EACH ROW EXECUTE FUNCTION policy_entry_kept();
