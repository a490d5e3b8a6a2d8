-- Times are Unix milliseconds. Digests are 64 hexadecimal digits, hashes and
-- salts 32 bytes. Numbers and ids are made by the application. What a row refers to is
-- inserted before it: no constraint is deferred. TEXT sorts by bytes (postgres.go).

CREATE TABLE site (
	key        TEXT   NOT NULL PRIMARY KEY,
	name       TEXT   NOT NULL,
	time_zone  TEXT   NOT NULL,
	created_at BIGINT NOT NULL
);

-- Content under its digest: policy texts, notices, wordings, scripts, experiences,
-- rows of the law table. Whatever names a digest finds the bytes here.
CREATE TABLE artifact (
	digest TEXT NOT NULL PRIMARY KEY,
	kind   TEXT NOT NULL,
	bytes  BYTEA NOT NULL
);

-- Compressed forms of artifacts: derived, so they may be made anew.
CREATE TABLE encoded (
	digest   TEXT NOT NULL REFERENCES artifact (digest),
	encoding TEXT NOT NULL,
	bytes    BYTEA NOT NULL,
	PRIMARY KEY (digest, encoding)
);

CREATE TABLE publication (
	seq          BIGINT NOT NULL PRIMARY KEY,
	site         TEXT   NOT NULL REFERENCES site (key),
	notice       TEXT   NOT NULL REFERENCES artifact (digest),
	published_at BIGINT NOT NULL
);
CREATE INDEX publication_site   ON publication (site, seq);
CREATE INDEX publication_notice ON publication (site, notice);

CREATE TABLE publication_wording (
	seq      BIGINT NOT NULL REFERENCES publication (seq),
	language TEXT   NOT NULL,
	digest   TEXT   NOT NULL REFERENCES artifact (digest),
	PRIMARY KEY (seq, language)
);

CREATE TABLE publication_script (
	seq      BIGINT NOT NULL REFERENCES publication (seq),
	position BIGINT NOT NULL,
	kind     TEXT   NOT NULL,
	surface  TEXT   NOT NULL,
	language TEXT   NOT NULL,
	digest   TEXT   NOT NULL REFERENCES artifact (digest),
	PRIMARY KEY (seq, position)
);

CREATE TABLE policy_version (
	site         TEXT   NOT NULL REFERENCES site (key),
	policy       TEXT   NOT NULL,
	number       BIGINT NOT NULL,
	digest       TEXT   NOT NULL REFERENCES artifact (digest),
	title        TEXT   NOT NULL,
	language     TEXT   NOT NULL,
	published_at BIGINT NOT NULL,
	effective    BIGINT NOT NULL,
	format       TEXT   NOT NULL,
	original     BYTEA  NOT NULL,
	PRIMARY KEY (site, policy, number)
);
CREATE INDEX policy_version_effective ON policy_version (site, policy, effective);

-- The log: one row that says where it ends, the leaves, the nodes of the tree in
-- the order of x/mod/sumdb/tlog. Leaves outlive the records they stand for.
CREATE TABLE log_head (
	id   BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
	size BIGINT NOT NULL,
	root BYTEA  NOT NULL
);

CREATE TABLE log_leaf (
	position BIGINT  NOT NULL PRIMARY KEY,
	leaf     BYTEA   NOT NULL
);

CREATE TABLE log_node (
	position BIGINT  NOT NULL PRIMARY KEY,
	hash     BYTEA   NOT NULL
);

-- A record can be erased, or lose its personal half; it can't become another one.
CREATE TABLE record (
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
	core        BYTEA   NOT NULL
);
-- Unique ones last: while there are no statistics of a table, all indexes that begin
-- with a column asked for cost the same, and the one made last is used.
CREATE INDEX        record_subject  ON record (subject, site) WHERE subject IS NOT NULL;
CREATE INDEX        record_received ON record (site, received_at, position);
CREATE UNIQUE INDEX record_decision ON record (site, decision);
CREATE UNIQUE INDEX record_id       ON record (id);

-- What is evidence stays as it is, also against a mistake in our own code.
CREATE FUNCTION artifact_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'an artifact never changes'; END $$;
CREATE TRIGGER artifact_fixed BEFORE UPDATE ON artifact FOR EACH ROW EXECUTE FUNCTION artifact_fixed();
CREATE FUNCTION artifact_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'an artifact is never deleted'; END $$;
CREATE TRIGGER artifact_kept BEFORE DELETE ON artifact FOR EACH ROW EXECUTE FUNCTION artifact_kept();

CREATE FUNCTION publication_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a publication never changes'; END $$;
CREATE TRIGGER publication_fixed BEFORE UPDATE ON publication FOR EACH ROW EXECUTE FUNCTION publication_fixed();
CREATE FUNCTION publication_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a publication is never deleted'; END $$;
CREATE TRIGGER publication_kept BEFORE DELETE ON publication FOR EACH ROW EXECUTE FUNCTION publication_kept();
CREATE FUNCTION publication_wording_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a publication never changes'; END $$;
CREATE TRIGGER publication_wording_fixed BEFORE UPDATE ON publication_wording FOR EACH ROW EXECUTE FUNCTION publication_wording_fixed();
CREATE FUNCTION publication_wording_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a publication is never deleted'; END $$;
CREATE TRIGGER publication_wording_kept BEFORE DELETE ON publication_wording FOR EACH ROW EXECUTE FUNCTION publication_wording_kept();
CREATE FUNCTION publication_script_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a publication never changes'; END $$;
CREATE TRIGGER publication_script_fixed BEFORE UPDATE ON publication_script FOR EACH ROW EXECUTE FUNCTION publication_script_fixed();
CREATE FUNCTION publication_script_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a publication is never deleted'; END $$;
CREATE TRIGGER publication_script_kept BEFORE DELETE ON publication_script FOR EACH ROW EXECUTE FUNCTION publication_script_kept();

CREATE FUNCTION policy_version_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a policy version never changes'; END $$;
CREATE TRIGGER policy_version_fixed BEFORE UPDATE ON policy_version FOR EACH ROW EXECUTE FUNCTION policy_version_fixed();
CREATE FUNCTION policy_version_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a policy version is never deleted'; END $$;
CREATE TRIGGER policy_version_kept BEFORE DELETE ON policy_version FOR EACH ROW EXECUTE FUNCTION policy_version_kept();

CREATE FUNCTION log_head_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.size < OLD.size OR NEW.id <> OLD.id THEN
	RAISE EXCEPTION 'the log never shrinks';
END IF; RETURN NEW; END $$;
CREATE TRIGGER log_head_grows BEFORE UPDATE ON log_head FOR EACH ROW EXECUTE FUNCTION log_head_grows();
CREATE FUNCTION log_head_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the log is never deleted'; END $$;
CREATE TRIGGER log_head_kept BEFORE DELETE ON log_head FOR EACH ROW EXECUTE FUNCTION log_head_kept();
CREATE FUNCTION log_leaf_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a leaf never changes'; END $$;
CREATE TRIGGER log_leaf_fixed BEFORE UPDATE ON log_leaf FOR EACH ROW EXECUTE FUNCTION log_leaf_fixed();
CREATE FUNCTION log_leaf_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a leaf is never deleted'; END $$;
CREATE TRIGGER log_leaf_kept BEFORE DELETE ON log_leaf FOR EACH ROW EXECUTE FUNCTION log_leaf_kept();
CREATE FUNCTION log_node_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a node of the log never changes'; END $$;
CREATE TRIGGER log_node_fixed BEFORE UPDATE ON log_node FOR EACH ROW EXECUTE FUNCTION log_node_fixed();
CREATE FUNCTION log_node_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a node of the log is never deleted'; END $$;
CREATE TRIGGER log_node_kept BEFORE DELETE ON log_node FOR EACH ROW EXECUTE FUNCTION log_node_kept();

CREATE FUNCTION record_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF (NEW.position, NEW.site, NEW.id, NEW.decision, NEW.request, NEW.previous, NEW.received_at, NEW.key_id, NEW.signature, NEW.salt_core, NEW.core) IS DISTINCT FROM (OLD.position, OLD.site, OLD.id, OLD.decision, OLD.request, OLD.previous, OLD.received_at, OLD.key_id, OLD.signature, OLD.salt_core, OLD.core) THEN
	RAISE EXCEPTION 'a record never changes';
END IF; RETURN NEW; END $$;
CREATE TRIGGER record_fixed BEFORE UPDATE ON record FOR EACH ROW EXECUTE FUNCTION record_fixed();
CREATE FUNCTION record_only_loses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF (NEW.subject, NEW.salt_person, NEW.personal, NEW.commit_pers) IS DISTINCT FROM (OLD.subject, OLD.salt_person, OLD.personal, OLD.commit_pers)
	AND (NEW.subject IS NOT NULL OR NEW.salt_person IS NOT NULL OR NEW.personal IS NOT NULL OR NEW.commit_pers IS NULL OR OLD.commit_pers IS NOT NULL) THEN
	RAISE EXCEPTION 'a record can only lose its personal half';
END IF; RETURN NEW; END $$;
CREATE TRIGGER record_only_loses BEFORE UPDATE ON record FOR EACH ROW EXECUTE FUNCTION record_only_loses();
