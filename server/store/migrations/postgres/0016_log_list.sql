-- Lists of the log, newest first: by site, by kind, by both.
CREATE INDEX log_entry_site      ON log_entry (site, position);
CREATE INDEX log_entry_kind      ON log_entry (kind, position);
CREATE INDEX log_entry_site_kind ON log_entry (site, kind, position);
-- Made last, it is the one that finds an entry while there are no statistics (0001).
DROP INDEX log_entry_object;
CREATE UNIQUE INDEX log_entry_object ON log_entry (kind, object);
