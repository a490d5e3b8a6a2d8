package main

import (
	"context"
	"time"

	"github.com/volenti-consent/volenti/server/store"
)

// server is what a PostgreSQL is asked beside what any engine is.
func (d *doctor) server(db *store.DB) []examination {
	if !d.cfg.home().shared() {
		return nil
	}
	var v *store.ServerVitals
	asked := func(do func()) func(context.Context) error {
		return func(context.Context) error {
			if v != nil {
				do()
			}
			return nil
		}
	}
	return []examination{
		{"database.role", func(ctx context.Context) (err error) {
			if v, err = db.Server(ctx); err != nil || v == nil {
				return err
			}
			if n := len(v.Foreign); n > 0 {
				d.problem("as a superuser: ALTER TABLE … OWNER TO the role of store.dsn, for each", "%d tables belong to another role, the first is %s: they can't be cleaned after an erasure, nor brought up to date", n, v.Foreign[0])
			}
			if !v.Create {
				d.problem("GRANT CREATE ON SCHEMA to the role of store.dsn, or have it own the database", "the role may not make tables: the next version can't bring the database up to date")
			}
			if v.Super {
				d.hint("let a role of its own own the database (docs/postgresql.md), and name that in store.dsn", "the role is a superuser: whoever gets hold of store.dsn has the whole server")
			}
			return nil
		}},
		{"database.replicas", asked(func() {
			switch {
			case v.Standbys != "" && v.Synchronous == 0:
				d.problem("start the replica, or mend its application_name; to go on without one, for as long as it takes: ALTER SYSTEM SET synchronous_standby_names = '', and reload",
					"commits wait for a synchronous replica (synchronous_standby_names = %s), and none is connected: decisions are refused", v.Standbys)
			case v.Standbys != "" && v.Synchronous < 0:
				d.hint("GRANT pg_read_all_stats to the role of store.dsn", "the role may not see whether a synchronous replica is connected")
			case v.Standbys == "" && v.Replicas > 0:
				d.hint("set synchronous_standby_names (docs/scale.md)", "commits wait for none of the %d replicas: a failover may lose what was acknowledged", v.Replicas)
			}
		})},
		{"database.clock", asked(func() {
			if off := v.Clock.Sub(d.now()); off > time.Minute || off < -time.Minute {
				d.problem("set both clocks, and keep them so with NTP", "the clock of the database server and that of this machine are %s apart", off.Abs().Round(time.Second))
			}
		})},
		{"database.upkeep", asked(func() {
			if !v.Autovacuum {
				d.problem("ALTER SYSTEM SET autovacuum = on, and reload", "autovacuum is off: tables grow, and PostgreSQL stops in the end to protect itself")
			}
			if v.Unarchived != "" {
				d.problem("see the log of PostgreSQL for what archive_command answers", "%s can't be archived: no later moment can be restored, and the write-ahead log fills the disk", v.Unarchived)
			}
		})},
		{"database.log", asked(func() {
			if v.Logged != "" {
				d.problem("ALTER SYSTEM SET log_parameter_max_length = 0, and reload; then remove the logs so far", "with %s PostgreSQL writes what is recorded of visitors into its own log, where no erasure reaches it", v.Logged)
			}
		})},
	}
}
