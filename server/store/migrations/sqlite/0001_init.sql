-- Times are Unix milliseconds. Digests are 64 hexadecimal digits, hashes and
-- salts 32 bytes. Numbers and ids are made by the application.

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
	bytes  BLOB NOT NULL
);

-- Compressed forms of artifacts: derived, so they may be made anew.
CREATE TABLE encoded (
	digest   TEXT NOT NULL REFERENCES artifact (digest),
	encoding TEXT NOT NULL,
	bytes    BLOB NOT NULL,
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
	original     BLOB   NOT NULL,
	PRIMARY KEY (site, policy, number)
);
CREATE INDEX policy_version_effective ON policy_version (site, policy, effective);

-- The log: one row that says where it ends, the leaves, the nodes of the tree in
-- the order of x/mod/sumdb/tlog. Leaves outlive the records they stand for.
CREATE TABLE log_head (
	id   BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
	size BIGINT NOT NULL,
	root BLOB   NOT NULL
);

CREATE TABLE log_leaf (
	position INTEGER NOT NULL PRIMARY KEY,
	leaf     BLOB    NOT NULL
);

CREATE TABLE log_node (
	position INTEGER NOT NULL PRIMARY KEY,
	hash     BLOB    NOT NULL
);

-- A record can be erased, or lose its personal half; it can't become another one.
CREATE TABLE record (
	position    INTEGER NOT NULL PRIMARY KEY REFERENCES log_leaf (position) DEFERRABLE INITIALLY DEFERRED,
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
	core        BLOB    NOT NULL
);
CREATE UNIQUE INDEX record_id       ON record (id);
CREATE UNIQUE INDEX record_decision ON record (site, decision);
CREATE INDEX        record_subject  ON record (subject, site) WHERE subject IS NOT NULL;
CREATE INDEX        record_received ON record (site, received_at);

-- What is evidence stays as it is, also against a mistake in our own code.
CREATE TRIGGER artifact_fixed BEFORE UPDATE ON artifact
BEGIN SELECT RAISE(ABORT, 'an artifact never changes'); END;
CREATE TRIGGER artifact_kept BEFORE DELETE ON artifact
BEGIN SELECT RAISE(ABORT, 'an artifact is never deleted'); END;

CREATE TRIGGER publication_fixed BEFORE UPDATE ON publication
BEGIN SELECT RAISE(ABORT, 'a publication never changes'); END;
CREATE TRIGGER publication_kept BEFORE DELETE ON publication
BEGIN SELECT RAISE(ABORT, 'a publication is never deleted'); END;
CREATE TRIGGER publication_wording_fixed BEFORE UPDATE ON publication_wording
BEGIN SELECT RAISE(ABORT, 'a publication never changes'); END;
CREATE TRIGGER publication_wording_kept BEFORE DELETE ON publication_wording
BEGIN SELECT RAISE(ABORT, 'a publication is never deleted'); END;
CREATE TRIGGER publication_script_fixed BEFORE UPDATE ON publication_script
BEGIN SELECT RAISE(ABORT, 'a publication never changes'); END;
CREATE TRIGGER publication_script_kept BEFORE DELETE ON publication_script
BEGIN SELECT RAISE(ABORT, 'a publication is never deleted'); END;

CREATE TRIGGER policy_version_fixed BEFORE UPDATE ON policy_version
BEGIN SELECT RAISE(ABORT, 'a policy version never changes'); END;
CREATE TRIGGER policy_version_kept BEFORE DELETE ON policy_version
BEGIN SELECT RAISE(ABORT, 'a policy version is never deleted'); END;

CREATE TRIGGER log_head_grows BEFORE UPDATE ON log_head WHEN NEW.size < OLD.size OR NEW.id <> OLD.id
BEGIN SELECT RAISE(ABORT, 'the log never shrinks'); END;
CREATE TRIGGER log_head_kept BEFORE DELETE ON log_head
BEGIN SELECT RAISE(ABORT, 'the log is never deleted'); END;
CREATE TRIGGER log_leaf_fixed BEFORE UPDATE ON log_leaf
BEGIN SELECT RAISE(ABORT, 'a leaf never changes'); END;
CREATE TRIGGER log_leaf_kept BEFORE DELETE ON log_leaf
BEGIN SELECT RAISE(ABORT, 'a leaf is never deleted'); END;
CREATE TRIGGER log_node_fixed BEFORE UPDATE ON log_node
BEGIN SELECT RAISE(ABORT, 'a node of the log never changes'); END;
CREATE TRIGGER log_node_kept BEFORE DELETE ON log_node
BEGIN SELECT RAISE(ABORT, 'a node of the log is never deleted'); END;

CREATE TRIGGER record_fixed
BEFORE UPDATE OF position, site, id, decision, request, previous, received_at, key_id, signature, salt_core, core ON record
BEGIN SELECT RAISE(ABORT, 'a record never changes'); END;
CREATE TRIGGER record_only_loses
BEFORE UPDATE OF subject, salt_person, personal, commit_pers ON record
WHEN NEW.subject IS NOT NULL OR NEW.salt_person IS NOT NULL OR NEW.personal IS NOT NULL
	OR NEW.commit_pers IS NULL OR OLD.commit_pers IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a record can only lose its personal half'); END;
