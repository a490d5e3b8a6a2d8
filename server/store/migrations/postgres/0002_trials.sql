-- Trials: other first layers, shown to a share of visitors, and how often each
-- first layer was answered. A showing counts; it knows nobody.

ALTER TABLE publication_script ADD COLUMN trial TEXT NOT NULL DEFAULT '';

CREATE TABLE publication_trial_wording (
	seq      BIGINT NOT NULL REFERENCES publication (seq),
	trial    TEXT   NOT NULL,
	language TEXT   NOT NULL,
	digest   TEXT   NOT NULL REFERENCES artifact (digest),
	PRIMARY KEY (seq, trial, language)
);

CREATE FUNCTION publication_trial_wording_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a publication never changes'; END $$;
CREATE TRIGGER publication_trial_wording_fixed BEFORE UPDATE ON publication_trial_wording FOR EACH ROW EXECUTE FUNCTION publication_trial_wording_fixed();
CREATE FUNCTION publication_trial_wording_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'a publication is never deleted'; END $$;
CREATE TRIGGER publication_trial_wording_kept BEFORE DELETE ON publication_trial_wording FOR EACH ROW EXECUTE FUNCTION publication_trial_wording_kept();

CREATE TABLE showing (
	site   TEXT   NOT NULL REFERENCES site (key),
	day    TEXT   NOT NULL, -- 2026-11-21, UTC
	script TEXT   NOT NULL, -- digest
	times  BIGINT NOT NULL,
	PRIMARY KEY (site, day, script)
);
