-- What known visitors are told of a version: whether the change is material, what
-- it is (canonical JSON, text by language; '' for none), and how much later than
-- new visitors it binds them (milliseconds). Said once, with the version.
ALTER TABLE policy_version ADD COLUMN material BIGINT NOT NULL DEFAULT 0;
ALTER TABLE policy_version ADD COLUMN summary  TEXT   NOT NULL DEFAULT '';
ALTER TABLE policy_version ADD COLUMN grace    BIGINT NOT NULL DEFAULT 0;
