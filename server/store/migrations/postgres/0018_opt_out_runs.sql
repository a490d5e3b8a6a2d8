-- Opt-outs on their way through the addresses of this server and the pages of its sites, and
-- what each came to there. Names are random; nothing says whose they are. Gone after minutes.
CREATE TABLE opt_out_run (
	id    TEXT   NOT NULL PRIMARY KEY,
	run   TEXT   NOT NULL,
	until BIGINT NOT NULL
);
CREATE INDEX opt_out_run_until ON opt_out_run (until);

CREATE TABLE opt_out_result (
	run   TEXT NOT NULL REFERENCES opt_out_run (id) ON DELETE CASCADE,
	place TEXT NOT NULL,
	state TEXT NOT NULL,
	PRIMARY KEY (run, place)
);
