-- The keys that all nodes share: each is sealed under a secret that is not in here, and
-- bound to its name. In a database of one file the keys lie in a folder beside it.
CREATE TABLE sealed_key (
	name   TEXT NOT NULL PRIMARY KEY,
	secret TEXT NOT NULL,
	sealed BYTEA NOT NULL
);
CREATE TABLE sealed_key_state (
	id    BIGINT NOT NULL PRIMARY KEY,
	state BIGINT NOT NULL
);
INSERT INTO sealed_key_state (id, state) VALUES (1, 0);

-- Who does what one node alone is to do. Whoever sees that beat does not grow for a while
-- may put himself there; nobody's clock is compared with another's.
CREATE TABLE lease (
	name   TEXT   NOT NULL PRIMARY KEY,
	holder TEXT   NOT NULL,
	beat   BIGINT NOT NULL
);

-- Where this installation has moved to or from, as store migrate keeps it: "" is nowhere.
CREATE TABLE moving (
	id    BIGINT NOT NULL PRIMARY KEY,
	state TEXT   NOT NULL,
	note  TEXT   NOT NULL
);
INSERT INTO moving (id, state, note) VALUES (1, '', '');
