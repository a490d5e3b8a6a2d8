-- Who signs in to the console, how, and what they did. No secret stands here that
-- opens anything by itself: passwords are hashed, secrets of codes sealed with a key
-- outside the database, of all others only the digest is kept.

CREATE TABLE operator (
	id         TEXT   NOT NULL PRIMARY KEY,
	name       TEXT   NOT NULL,
	email      TEXT   NOT NULL UNIQUE,
	role       TEXT   NOT NULL,
	all_sites  BIGINT NOT NULL,
	disabled   BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);

CREATE TABLE operator_site (
	operator TEXT NOT NULL REFERENCES operator (id),
	site     TEXT NOT NULL REFERENCES site (key),
	PRIMARY KEY (operator, site)
);

CREATE TABLE operator_key (
	operator   TEXT   NOT NULL PRIMARY KEY REFERENCES operator (id),
	password   TEXT   NOT NULL,
	totp       BYTEA,
	step       BIGINT NOT NULL,
	recovery   TEXT   NOT NULL, -- digests, separated by spaces
	changed_at BIGINT NOT NULL
);

CREATE TABLE operator_passkey (
	id         TEXT   NOT NULL PRIMARY KEY,
	operator   TEXT   NOT NULL REFERENCES operator (id),
	name       TEXT   NOT NULL,
	credential BYTEA  NOT NULL,
	created_at BIGINT NOT NULL,
	used_at    BIGINT NOT NULL -- 0: never
);
CREATE INDEX operator_passkey_operator ON operator_passkey (operator, created_at);

CREATE TABLE operator_session (
	digest     TEXT   NOT NULL PRIMARY KEY,
	operator   TEXT   NOT NULL REFERENCES operator (id),
	created_at BIGINT NOT NULL,
	seen_at    BIGINT NOT NULL,
	proven_at  BIGINT NOT NULL,
	token      TEXT   NOT NULL,
	means      TEXT   NOT NULL
);
CREATE INDEX operator_session_operator ON operator_session (operator, seen_at);

CREATE TABLE operator_link (
	digest   TEXT   NOT NULL PRIMARY KEY,
	kind     TEXT   NOT NULL,
	operator TEXT   NOT NULL, -- '' for the link that makes the first owner
	made_by  TEXT   NOT NULL,
	ends_at  BIGINT NOT NULL
);
CREATE INDEX operator_link_operator ON operator_link (operator, kind);

-- What counts once and has counted, until it would not count any more anyway.
CREATE TABLE operator_spent (
	digest  TEXT   NOT NULL PRIMARY KEY,
	ends_at BIGINT NOT NULL
);
CREATE INDEX operator_spent_ends ON operator_spent (ends_at);

CREATE TABLE operator_token (
	id         TEXT   NOT NULL PRIMARY KEY,
	digest     TEXT   NOT NULL UNIQUE,
	name       TEXT   NOT NULL,
	site       TEXT   NOT NULL REFERENCES site (key),
	rights     TEXT   NOT NULL, -- separated by spaces
	made_by    TEXT   NOT NULL,
	created_at BIGINT NOT NULL,
	ends_at    BIGINT NOT NULL
);

-- The audit log. Its operators and sites are names, not references: an act stays
-- what it was, whatever becomes of them.
CREATE TABLE operator_act (
	seq      BIGINT NOT NULL PRIMARY KEY,
	at       BIGINT NOT NULL,
	operator TEXT   NOT NULL,
	site     TEXT   NOT NULL,
	what     TEXT   NOT NULL,
	object   TEXT   NOT NULL,
	detail   TEXT   NOT NULL
);
CREATE INDEX operator_act_site     ON operator_act (site, seq);
CREATE INDEX operator_act_operator ON operator_act (operator, seq);

CREATE FUNCTION operator_act_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'acts never change'; END $$;
CREATE TRIGGER operator_act_fixed BEFORE UPDATE ON operator_act FOR EACH ROW EXECUTE FUNCTION operator_act_fixed();
CREATE FUNCTION operator_act_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'acts never change'; END $$;
CREATE TRIGGER operator_act_kept BEFORE DELETE ON operator_act FOR EACH ROW EXECUTE FUNCTION operator_act_kept();
CREATE FUNCTION operator_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'operators are disabled, not deleted: the audit log names them'; END $$;
CREATE TRIGGER operator_kept BEFORE DELETE ON operator FOR EACH ROW EXECUTE FUNCTION operator_kept();
