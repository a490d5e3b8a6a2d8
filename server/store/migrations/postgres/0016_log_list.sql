-- Lists of the log, newest first: by site, by kind, by both.
CREATE INDEX log_entry_site      ON log_entry (site, position);
CREATE INDEX log_entry_kind      ON log_entry (kind, position);
CREATE INDEX log_entry_site_kind ON log_entry (site, kind, position);
