-- Counters of decisions: one property at a time, so that no rare combination is
-- kept. Written with the records, in their transaction. A counter is a number and
-- stays when records are erased.
CREATE TABLE statistic (
	site      TEXT   NOT NULL REFERENCES site (key),
	dimension TEXT   NOT NULL,
	day       TEXT   NOT NULL, -- 2026-11-21, UTC
	value     TEXT   NOT NULL,
	outcome   TEXT   NOT NULL,
	times     BIGINT NOT NULL,
	PRIMARY KEY (site, dimension, day, value, outcome)
);

-- How search finds records at any size: one row for each, under what it is
-- searched by. A facet's id is made of its columns; granted is " analytics
-- marketing ". Both go when the record goes.
CREATE TABLE facet (
	id      BIGINT  NOT NULL PRIMARY KEY,
	site    TEXT    NOT NULL REFERENCES site (key),
	outcome TEXT    NOT NULL,
	region  TEXT    NOT NULL,
	granted TEXT    NOT NULL
);
CREATE INDEX facet_site ON facet (site, region);

CREATE TABLE record_facet (
	facet       BIGINT  NOT NULL REFERENCES facet (id),
	received_at BIGINT  NOT NULL,
	position    BIGINT  NOT NULL,
	PRIMARY KEY (facet, received_at, position)
);

CREATE FUNCTION record_facet_gone() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM record_facet WHERE facet IN (SELECT f.id FROM facet f WHERE f.site = OLD.site)
		AND received_at = OLD.received_at AND position = OLD.position;
	DELETE FROM facet f WHERE f.site = OLD.site AND NOT EXISTS (SELECT 1 FROM record_facet r WHERE r.facet = f.id);
	RETURN NULL;
END $$;
CREATE TRIGGER record_facet_gone AFTER DELETE ON record FOR EACH ROW EXECUTE FUNCTION record_facet_gone();

-- Records that were there before the counters: those at positions [next, until)
-- are still to be counted, a batch at a time.
CREATE TABLE uncounted (
	id    BIGINT NOT NULL PRIMARY KEY,
	next  BIGINT NOT NULL,
	until BIGINT NOT NULL
);
INSERT INTO uncounted (id, next, until) SELECT 1, 0, size FROM log_head;
