-- Drafts of notices: every revision of a site's draft, so that a change can be
-- taken back. All of them go when the draft is published or dropped.
CREATE TABLE notice_work (
	site       TEXT   NOT NULL REFERENCES site (key),
	revision   BIGINT NOT NULL,
	source     TEXT   NOT NULL, -- a notice file
	base       TEXT   NOT NULL, -- digest of the notice it began with, or ''
	did        TEXT   NOT NULL,
	changed_by TEXT   NOT NULL,
	changed_at BIGINT NOT NULL,
	PRIMARY KEY (site, revision)
);
