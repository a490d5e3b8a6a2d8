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
	contact     BLOB,            -- sealed; NULL: none, or forgotten
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
	sealed  BLOB   NOT NULL,
	PRIMARY KEY (request, seq)
);

CREATE TABLE request_file (
	request TEXT NOT NULL PRIMARY KEY REFERENCES request (id),
	name    TEXT NOT NULL,
	sealed  BLOB NOT NULL
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
	secret     BLOB   NOT NULL, -- sealed
	former     BLOB,            -- sealed
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
	body     BLOB,            -- NULL once it is over
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
	id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
	position BIGINT  NOT NULL
);
INSERT INTO webhook_watch (id, position) SELECT 1, COALESCE(MAX(size), 0) FROM log_head;

CREATE TRIGGER request_fixed BEFORE UPDATE OF id, site, kind, region, law, received_at, law_due, longer ON request
BEGIN SELECT RAISE(ABORT, 'what was asked, when, and by which law never changes'); END;
CREATE TRIGGER request_kept BEFORE DELETE ON request
BEGIN SELECT RAISE(ABORT, 'a request is never deleted, only who made it'); END;
CREATE TRIGGER request_closed BEFORE UPDATE OF state ON request
WHEN OLD.state IN ('fulfilled', 'refused', 'withdrawn', 'lapsed') AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'a closed request is not opened again'); END;
CREATE TRIGGER request_step_fixed BEFORE UPDATE ON request_step
BEGIN SELECT RAISE(ABORT, 'a step never changes'); END;
CREATE TRIGGER request_step_kept BEFORE DELETE ON request_step
BEGIN SELECT RAISE(ABORT, 'a step is never deleted'); END;
CREATE TRIGGER request_text_fixed BEFORE UPDATE ON request_text
BEGIN SELECT RAISE(ABORT, 'what was written never changes'); END;
