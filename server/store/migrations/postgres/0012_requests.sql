-- What visitors ask for about their data. Whatever names a person is sealed with a key
-- outside the database, and deleted in its time; the steps stay.

CREATE TABLE request (
	id          TEXT   NOT NULL PRIMARY KEY,
	site        TEXT   NOT NULL REFERENCES site (key),
	kind        TEXT   NOT NULL,
	state       TEXT   NOT NULL,
	identity    TEXT   NOT NULL,
	language    TEXT   NOT NULL,
	region      TEXT   NOT NULL,
	law         TEXT   NOT NULL,
	promised    BIGINT NOT NULL,
	received_at BIGINT NOT NULL,
	due         BIGINT NOT NULL,
	law_due     BIGINT NOT NULL,
	longer      BIGINT NOT NULL, -- 0: no extension
	closed_at   BIGINT NOT NULL, -- 0: not closed
	ground      TEXT   NOT NULL,
	contact     BYTEA,            -- sealed; NULL: none, or forgotten
	file_until  BIGINT NOT NULL, -- 0: nothing to hand over
	forgotten   BIGINT NOT NULL,
	reminded    BIGINT NOT NULL,
	seq         BIGINT NOT NULL
);
CREATE INDEX request_due ON request (site, state, due, id);
CREATE INDEX request_state ON request (state, received_at);
CREATE INDEX request_ended ON request (site, forgotten, closed_at);
CREATE INDEX request_file_until ON request (file_until);

-- What whoever asked holds.
CREATE TABLE request_receipt (
	request TEXT NOT NULL REFERENCES request (id),
	site    TEXT NOT NULL,
	receipt TEXT NOT NULL,
	PRIMARY KEY (request, receipt)
);
CREATE INDEX request_receipt_receipt ON request_receipt (site, receipt);

CREATE TABLE request_step (
	request TEXT   NOT NULL REFERENCES request (id),
	seq     BIGINT NOT NULL,
	at      BIGINT NOT NULL,
	what    TEXT   NOT NULL,
	by_whom TEXT   NOT NULL,
	note    TEXT   NOT NULL, -- nothing personal
	PRIMARY KEY (request, seq)
);

-- Texts of steps, apart from them: they can be deleted.
CREATE TABLE request_text (
	request TEXT   NOT NULL REFERENCES request (id),
	seq     BIGINT NOT NULL,
	sealed  BYTEA  NOT NULL,
	PRIMARY KEY (request, seq)
);

CREATE TABLE request_file (
	request TEXT NOT NULL PRIMARY KEY REFERENCES request (id),
	name    TEXT NOT NULL,
	sealed  BYTEA NOT NULL
);

CREATE TABLE request_settings (
	site    TEXT   NOT NULL PRIMARY KEY REFERENCES site (key),
	promise BIGINT NOT NULL, -- days; 0: none
	keep    BIGINT NOT NULL  -- days
);

-- What is still to be sent, and what became of it.
CREATE TABLE request_mail (
	id       TEXT   NOT NULL PRIMARY KEY,
	site     TEXT   NOT NULL,
	request  TEXT   NOT NULL REFERENCES request (id),
	about    TEXT   NOT NULL,
	at       BIGINT NOT NULL,
	attempts BIGINT NOT NULL,
	next_at  BIGINT NOT NULL
);
CREATE INDEX request_mail_next ON request_mail (next_at);

CREATE TABLE webhook (
	id         TEXT   NOT NULL PRIMARY KEY,
	site       TEXT   NOT NULL REFERENCES site (key),
	url        TEXT   NOT NULL,
	events     TEXT   NOT NULL, -- names, separated by spaces; '': all
	secret     BYTEA  NOT NULL, -- sealed
	former     BYTEA,            -- sealed
	until      BIGINT NOT NULL,
	off        BIGINT NOT NULL,
	created_at BIGINT NOT NULL
);
CREATE INDEX webhook_site ON webhook (site, created_at);

CREATE TABLE webhook_delivery (
	id       TEXT   NOT NULL,
	webhook  TEXT   NOT NULL REFERENCES webhook (id),
	site     TEXT   NOT NULL,
	event    TEXT   NOT NULL,
	object   TEXT   NOT NULL,
	at       BIGINT NOT NULL,
	body     BYTEA,            -- NULL once it is over
	attempts BIGINT NOT NULL,
	next_at  BIGINT NOT NULL, -- 0: it is over
	status   BIGINT NOT NULL,
	problem  TEXT   NOT NULL,
	done_at  BIGINT NOT NULL, -- 0: not taken
	PRIMARY KEY (webhook, id)
);
CREATE INDEX webhook_delivery_next ON webhook_delivery (next_at);
CREATE INDEX webhook_delivery_at ON webhook_delivery (webhook, at);

-- How far the log was searched for what other systems are told of.
CREATE TABLE webhook_watch (
	id       BIGINT  NOT NULL PRIMARY KEY CHECK (id = 1),
	position BIGINT  NOT NULL
);
INSERT INTO webhook_watch (id, position) SELECT 1, COALESCE(MAX(size), 0) FROM log_head;

CREATE FUNCTION request_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF (NEW.id, NEW.site, NEW.kind, NEW.region, NEW.law, NEW.received_at, NEW.law_due, NEW.longer) IS DISTINCT FROM (OLD.id, OLD.site, OLD.kind, OLD.region, OLD.law, OLD.received_at, OLD.law_due, OLD.longer) THEN
	RAISE EXCEPTION 'what was asked, when, and by which law never changes';
END IF; RETURN NEW; END $$;
CREATE TRIGGER request_fixed BEFORE UPDATE ON request FOR EACH ROW EXECUTE FUNCTION request_fixed();
CREATE FUNCTION request_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a request is never deleted, only who made it'; END $$;
CREATE TRIGGER request_kept BEFORE DELETE ON request FOR EACH ROW EXECUTE FUNCTION request_kept();
CREATE FUNCTION request_closed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.state IS DISTINCT FROM OLD.state
	AND (OLD.state IN ('fulfilled', 'refused', 'withdrawn', 'lapsed') AND NEW.state <> OLD.state) THEN
	RAISE EXCEPTION 'a closed request is not opened again';
END IF; RETURN NEW; END $$;
CREATE TRIGGER request_closed BEFORE UPDATE ON request FOR EACH ROW EXECUTE FUNCTION request_closed();
CREATE FUNCTION request_step_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a step never changes'; END $$;
CREATE TRIGGER request_step_fixed BEFORE UPDATE ON request_step FOR EACH ROW EXECUTE FUNCTION request_step_fixed();
CREATE FUNCTION request_step_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a step is never deleted'; END $$;
CREATE TRIGGER request_step_kept BEFORE DELETE ON request_step FOR EACH ROW EXECUTE FUNCTION request_step_kept();
CREATE FUNCTION request_text_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'what was written never changes'; END $$;
CREATE TRIGGER request_text_fixed BEFORE UPDATE ON request_text FOR EACH ROW EXECUTE FUNCTION request_text_fixed();
