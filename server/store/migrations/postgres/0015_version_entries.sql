-- What entries of policy versions say from policy-version/v2 on: the digest of the
-- bytes that were imported, and the calendar days that a grace was worked out of. The
-- entries of the versions that are here already are of v1, and stay so.
ALTER TABLE policy_version     ADD COLUMN entry_schema    TEXT   NOT NULL DEFAULT 'policy-version/v1';
ALTER TABLE policy_version     ADD COLUMN grace_days      BIGINT NOT NULL DEFAULT 0;
ALTER TABLE policy_version     ADD COLUMN original_digest TEXT   NOT NULL DEFAULT '';
ALTER TABLE policy_translation ADD COLUMN original_digest TEXT   NOT NULL DEFAULT '';

-- The policy archive of a site is for its readers, and not for search engines.
ALTER TABLE site ADD COLUMN noindex BIGINT NOT NULL DEFAULT 0;
