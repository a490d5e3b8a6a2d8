package store

import (
	"fmt"
	"net"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/volenti-consent/volenti/server/store/storetest"
)

// A host that takes connections and never says a word is waited for once, not by each new
// connection.
func TestASilentHostIsWaitedForOnce(t *testing.T) {
	config, err := pgconn.ParseConfig(storetest.Postgres(t, migrated))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var asked atomic.Int64
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			asked.Add(1)
			defer conn.Close()
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	dsn := fmt.Sprintf("host=127.0.0.1,%s port=%s,%d user=%s dbname=%s sslmode=disable connect_timeout=1 %s=true", config.Host, port, config.Port, config.User, config.Database, durableElsewhere)
	if config.Password != "" {
		dsn += " password=" + config.Password
	}
	db, err := OpenPostgres(t.Context(), dsn, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	before := asked.Load()
	db.read.SetMaxIdleConns(0)
	for range 5 {
		if _, err := db.Sites(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked.Load(); before != 1 || n != before {
		t.Errorf("the silent host was asked %d times to open the database, and %d times afterwards", before, n-before)
	}
}
