-- What counts once and was used: digests of random bytes, kept as long as it would count.
CREATE TABLE spent_pass (
	digest BYTEA  NOT NULL PRIMARY KEY,
	until  BIGINT NOT NULL
);
CREATE INDEX spent_pass_until ON spent_pass (until);

-- Receipts whose cookies are not what counts any more, because another browser decided
-- for them. Digests: whoever has the receipt finds it here, and nobody the receipt.
CREATE TABLE replaced_elsewhere (
	site   TEXT   NOT NULL REFERENCES site (key),
	digest BYTEA  NOT NULL,
	at     BIGINT NOT NULL,
	PRIMARY KEY (site, digest)
);
CREATE INDEX replaced_elsewhere_at ON replaced_elsewhere (at);
