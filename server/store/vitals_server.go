package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ServerVitals is what a PostgreSQL says of itself beside Vitals.
type ServerVitals struct {
	Clock       time.Time
	Standbys    string // synchronous_standby_names
	Synchronous int    // replicas that commits wait for; -1 if the role may not know
	Replicas    int
	Foreign     []string // tables whose owner is another role: they can't be cleaned or brought up to date
	Create      bool     // the role may make tables
	Super       bool     // it may do anything, on the whole server
	Logged      string   // the setting by which what is recorded gets into the server's log; "" if none
	Autovacuum  bool
	Unarchived  string // the file of the write-ahead log that can't be archived since the last one that was
}

// Server asks a PostgreSQL; nil for SQLite, and for another engine that lacks the catalogs.
func (db *DB) Server(ctx context.Context) (*ServerVitals, error) {
	if _, file := db.dialect.(sqlite); file {
		return nil, nil
	}
	v, err := db.server(ctx)
	if anotherEngine(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask the server: %w", db.seen(err))
	}
	return v, nil
}

func (db *DB) server(ctx context.Context) (*ServerVitals, error) {
	v := &ServerVitals{}
	var clock, seen int64
	var create, super, autovacuum int64
	var statement, parameters string
	var slow int64
	err := errors.Join(
		db.read.QueryRowContext(ctx, `SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT), current_setting('synchronous_standby_names'),
			CASE WHEN has_schema_privilege(current_user, current_schema(), 'CREATE') THEN 1 ELSE 0 END,
			(SELECT CASE WHEN rolsuper THEN 1 ELSE 0 END FROM pg_roles WHERE rolname = current_user),
			CASE WHEN current_setting('autovacuum') = 'on' THEN 1 ELSE 0 END`).Scan(&clock, &v.Standbys, &create, &super, &autovacuum),
		db.read.QueryRowContext(ctx, `SELECT COUNT(*), COUNT(sync_state), COUNT(CASE WHEN sync_state IN ('sync', 'quorum') THEN 1 END) FROM pg_stat_replication`).Scan(&v.Replicas, &seen, &v.Synchronous),
		db.read.QueryRowContext(ctx, `SELECT COALESCE(last_failed_wal, '') FROM pg_stat_archiver WHERE last_failed_time > COALESCE(last_archived_time, '-infinity')
			UNION ALL SELECT '' LIMIT 1`).Scan(&v.Unarchived),
		db.read.QueryRowContext(ctx, `SELECT current_setting('log_statement'), CAST((SELECT setting FROM pg_settings WHERE name = 'log_min_duration_statement') AS BIGINT), current_setting('log_parameter_max_length')`).
			Scan(&statement, &slow, &parameters),
	)
	if err != nil {
		return nil, err
	}
	v.Clock, v.Create, v.Super, v.Autovacuum = timeOf(clock), create == 1, super == 1, autovacuum == 1
	if seen < int64(v.Replicas) {
		v.Synchronous = -1
	}
	switch {
	case parameters == "0":
	case statement == "all", statement == "mod":
		v.Logged = "log_statement = " + statement
	case slow >= 0:
		v.Logged = fmt.Sprintf("log_min_duration_statement = %d", slow)
	}
	rows, err := db.read.QueryContext(ctx, `SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tableowner <> current_user ORDER BY tablename`)
	v.Foreign, err = collect(rows, err, func(row scanner) (name string, err error) { return name, row.Scan(&name) })
	return v, err
}
