-- How long each site keeps what it keeps, and what went because its time was over.
-- A site without a row has the defaults.
CREATE TABLE retention (
	site       TEXT   NOT NULL PRIMARY KEY REFERENCES site (key),
	records    BIGINT NOT NULL, -- months, here and below
	statistics BIGINT NOT NULL, -- 0: they stay
	erasure    TEXT   NOT NULL  -- 'by-need', 'shred', 'minimise'
);
CREATE TABLE retention_law (
	site   TEXT   NOT NULL REFERENCES retention (site),
	law    TEXT   NOT NULL,
	months BIGINT NOT NULL,
	PRIMARY KEY (site, law)
);

CREATE TABLE retention_removal (
	seq        BIGINT NOT NULL PRIMARY KEY,
	at         BIGINT NOT NULL,
	site       TEXT   NOT NULL,
	kind       TEXT   NOT NULL,
	law        TEXT   NOT NULL,
	months     BIGINT NOT NULL,
	things     BIGINT NOT NULL,
	tombstones TEXT   NOT NULL -- leaves of the log, separated by spaces
);
CREATE INDEX retention_removal_site ON retention_removal (site, seq);
CREATE FUNCTION retention_removal_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'what was removed stays noted'; END $$;
CREATE TRIGGER retention_removal_fixed BEFORE UPDATE ON retention_removal FOR EACH ROW EXECUTE FUNCTION retention_removal_fixed();
CREATE FUNCTION retention_removal_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'what was removed stays noted'; END $$;
CREATE TRIGGER retention_removal_kept BEFORE DELETE ON retention_removal FOR EACH ROW EXECUTE FUNCTION retention_removal_kept();

