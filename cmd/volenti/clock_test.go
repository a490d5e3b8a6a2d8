package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store/storetest"
)

// A clock is wrong from two minutes on in either direction, however long the answer took,
// and what was found last holds while there is none.
func TestClockIsComparedWithTheDatabases(t *testing.T) {
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		asked, said, answered time.Duration // of noon
		wrong                 string
	}{
		"the same":                    {0, 0, 0, ""},
		"two minutes behind":          {0, 2 * time.Minute, 0, ""},
		"more than that":              {0, 2*time.Minute + time.Millisecond, 0, "2m0s behind"},
		"two minutes ahead":           {0, -2 * time.Minute, 0, ""},
		"an hour ahead":               {0, -time.Hour, 0, "1h0m0s ahead of"},
		"an hour behind":              {0, time.Hour, 0, "1h0m0s behind"},
		"a question of three minutes": {0, 3 * time.Minute, 3 * time.Minute, ""},
		"an answer of three minutes":  {0, 0, 3 * time.Minute, ""},
		"an hour, and three minutes":  {0, time.Hour + 3*time.Minute, 3 * time.Minute, "1h0m0s behind"},
	} {
		times := []time.Time{noon.Add(c.asked), noon.Add(c.answered)}
		var fails error
		w := &clock{
			now: func() time.Time { next := times[0]; times = times[1:]; return next },
			shared: func(context.Context) (time.Time, bool, error) {
				return noon.Add(c.said), true, fails
			},
		}
		if err := w.compare(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			switch err := w.wrong(); {
			case c.wrong == "" && err != nil, c.wrong != "" && (!errors.Is(err, consent.ErrUnavailable) || !strings.Contains(err.Error(), c.wrong)):
				t.Errorf("%s: %v", name, err)
			}
			times, fails = []time.Time{noon, noon}, errors.New("no answer")
			if err := w.compare(t.Context()); !errors.Is(err, fails) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	alone := &clock{now: time.Now, shared: func(context.Context) (at time.Time, ok bool, err error) { return }}
	if err := errors.Join(alone.compare(t.Context()), alone.wrong()); err != nil {
		t.Errorf("nobody to compare with: %v", err)
	}
}

// Of three nodes one is an hour off: it serves banners, records nothing and says why, and
// the others go on as if it were not there. When it is right it does its part again. The
// log is one, and no receipt is dated wrongly.
func TestANodeWithAWrongClock(t *testing.T) {
	dsn := storetest.Postgres(t, nil)
	flags := sharedFlags(t, dsn)
	publishAt(t, flags...)
	// To this node the database says another time: its clock is off against it.
	db, err := pgconn.Connect(t.Context(), strings.Replace(dsn, "volenti_durable_elsewhere=true", "", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.WithoutCancel(t.Context()))
	off := func(by string) {
		t.Helper()
		if _, err := db.Exec(t.Context(), `CREATE SCHEMA IF NOT EXISTS wrong; CREATE OR REPLACE FUNCTION wrong.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp() + interval ''`+by+`'''`).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	off("0 hours")
	wrong := at(t, flags, dsn+"&search_path=public,wrong,pg_catalog")
	var all []*process
	var visits []*visit
	for i, f := range [][]string{flags, flags, wrong} {
		p := startAt(t, append([]string{"--data", filepath.Join(filepath.Dir(flags[3]), fmt.Sprint("n", i))}, f[2:]...), "--limits-local", "--limits-decisions", "0")
		all, visits = append(all, p), append(visits, p.open(nil))
	}
	late := visits[2]
	ready := func(v *visit) bool {
		status, _, err := v.get("/readyz")
		return err == nil && status == http.StatusOK
	}
	places := map[int64]bool{}
	decides := func(v *visit, id string) {
		t.Helper()
		began := time.Now().Add(-time.Second)
		status, receipt, err := v.decide(id)
		if err != nil || status != http.StatusCreated {
			t.Fatalf("%s: %d %v %s", id, status, err, receipt)
		}
		_, leaf, err := place(receipt)
		report, unsound := consent.Verify(receipt, visits[0].keys(t))
		if err = errors.Join(err, unsound); err != nil || places[leaf] {
			t.Errorf("%s: leaf %d, %v", id, leaf, err)
		}
		if dated := time.UnixMilli(report.Core.ReceivedAt); dated.Before(began) || dated.After(time.Now().Add(time.Second)) {
			t.Errorf("%s is dated %v", id, dated)
		}
		places[leaf] = true
	}
	refuses := func(id string) {
		t.Helper()
		if ready(late) {
			t.Error("it says that it is ready")
		}
		if status, answer, err := late.decide(id); err != nil || status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %v %s", id, status, err, answer)
		}
		for i, v := range visits[:2] {
			if !ready(v) {
				t.Errorf("node %d is not ready either", i)
			}
			decides(v, fmt.Sprintf("%s-%d", id, i))
		}
	}
	decides(late, "right-2")
	for _, by := range []string{"-1 hour", "1 hour"} {
		off(by)
		eventually(t, "it is not ready", func() bool { return !ready(late) })
		refuses("off" + strings.Fields(by)[0])
		if status, script, err := late.get("/b/shop.js"); err != nil || status != http.StatusOK || len(script) == 0 {
			t.Errorf("it serves no banner: %d %v", status, err)
		}
		off("0 hours")
		eventually(t, "it is ready again", func() bool { return ready(late) })
		decides(late, "again"+strings.Fields(by)[0])
	}
	for _, p := range all {
		p.end()
	}
	for _, says := range []string{"1h0m0s ahead of the database server's", "1h0m0s behind the database server's", "the clock is right again"} {
		if log := all[2].log.String(); !strings.Contains(log, says) {
			t.Errorf("it does not say %q:\n%s", says, log)
		}
	}
	must(t, 0, flags, "log", "audit")
}
