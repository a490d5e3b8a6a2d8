package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
)

// entered is the entry of an object, with its core decoded into a T.
func entered[T any](t *testing.T, db *DB, kind auditlog.Kind, object string) (auditlog.Entry, T) {
	t.Helper()
	var core T
	e, position, err := db.LogEntry(t.Context(), kind, object)
	if err != nil {
		t.Fatal(err)
	}
	leaves, err := db.Leaves(t.Context(), position, 1)
	if err != nil || len(leaves) != 1 || leaves[0] != e.Leaf() {
		t.Fatalf("entry %s %s is not what leaf %d stands for: %v", kind, object, position, err)
	}
	if err := json.Unmarshal(e.Core, &core); err != nil {
		t.Fatal(err)
	}
	return e, core
}

func TestPublicationsEnterTheLog(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		for i, site := range []string{"shop", "blog", "shop"} {
			p := publication(t, site, fmt.Sprint("label ", i), noon.Add(time.Duration(i)*time.Hour))
			if err := db.AddPublication(ctx, p); err != nil {
				t.Fatal(err)
			}
			_, got := entered[notice.Entry](t, db, auditlog.Publication, fmt.Sprint(p.Seq))
			if want := p.Entry(got.Previous); !reflect.DeepEqual(got, want) || len(got.Scripts) == 0 || len(got.Wordings) != 2 {
				t.Errorf("entered %+v,\nwant %+v", got, want)
			}
		}
		first, _ := entered[notice.Entry](t, db, auditlog.Publication, "1")
		_, other := entered[notice.Entry](t, db, auditlog.Publication, "2")
		_, second := entered[notice.Entry](t, db, auditlog.Publication, "3")
		if other.Previous != "" || second.Previous != canonical.Sum(first.Core) {
			t.Errorf("the chain of shop: %q after %q; of blog: %q", second.Previous, canonical.Sum(first.Core), other.Previous)
		}
		// A publication that is refused leaves no entry behind.
		if err := db.AddPublication(ctx, publication(t, "nobody", "x", noon)); err == nil {
			t.Fatal("published for a site that is not there")
		}
		if head := checkLog(t, db); head.Size != 3 {
			t.Errorf("%d leaves after three publications", head.Size)
		}
	})
}

func TestActsEnterTheLogInTwoHalves(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		act := operator.Act{At: noon, Operator: "0f", Site: "shop", What: "operator.rename", Object: "Anna Müller", Detail: "was Anna Maier"}
		for range 2 {
			if err := db.AddAct(ctx, act); err != nil {
				t.Fatal(err)
			}
		}
		e, core := entered[operator.ActEntry](t, db, auditlog.Act, "2")
		if core != (operator.ActEntry{Schema: "act/v1", Seq: 2, At: noon.UnixMilli(), Site: "shop", What: "operator.rename"}) {
			t.Errorf("core %s", e.Core)
		}
		for _, personal := range []string{"Anna", "0f", "Maier"} {
			if strings.Contains(string(e.Core), personal) {
				t.Errorf("the half that stays says %q: %s", personal, e.Core)
			}
		}
		var half operator.ActPersonal
		if err := json.Unmarshal(e.Personal, &half); err != nil || half.Object != act.Object || half.Detail != act.Detail || half.Operator != "0f" || half.Seq != 2 {
			t.Errorf("personal %s, %v", e.Personal, err)
		}
		acts, err := db.Acts(ctx, operator.ActQuery{})
		if err != nil || len(acts) != 2 || acts[0].Seq != 2 || acts[0].Detail != act.Detail {
			t.Fatalf("%+v, %v", acts, err)
		}
		checkLog(t, db)
	})
}

// A database that is older than these entries gets them once.
func TestOlderPublicationsAndActsEnterTheLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "volenti.db")
	fresh := openedSQLite(t, path)
	withSites(t, fresh, "shop")
	older(t, fresh)
	if err := fresh.Close(); err != nil {
		t.Fatal(err)
	}
	var heads []auditlog.Head
	for range 2 {
		db := openedSQLite(t, path)
		heads = append(heads, checkLog(t, db))
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if heads[0] != heads[1] || heads[0].Size != 1502 {
		t.Errorf("%d leaves, then %d", heads[0].Size, heads[1].Size)
	}
	db := openedSQLite(t, path)
	e, core := entered[notice.Entry](t, db, auditlog.Publication, "1")
	want := publication(t, "shop", "one", noon)
	want.Seq = 1
	if !reflect.DeepEqual(core, want.Entry("")) {
		t.Errorf("publication: %+v\nwant %+v", core, want.Entry(""))
	}
	if _, next := entered[notice.Entry](t, db, auditlog.Publication, "2"); next.Previous != canonical.Sum(e.Core) {
		t.Errorf("the second follows %q", next.Previous)
	}
	if _, act := entered[operator.ActEntry](t, db, auditlog.Act, "1500"); act.What != "site.add" || act.At != noon.UnixMilli()+1500 {
		t.Errorf("act: %+v", act)
	}
	// What comes in past us is not entered afterwards.
	if _, err := db.write.Exec(`INSERT INTO operator_act (seq, at, operator, site, what, object, detail) VALUES (1501, 0, 'x', '', 'x', '', '')`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if head := checkLog(t, openedSQLite(t, path)); head != heads[0] {
		t.Error("a row that somebody put in was entered as if it were old")
	}
}

// older takes a database back to what it was before publications and acts had
// entries, with two and 1500 of them.
func older(t *testing.T, db *DB) {
	t.Helper()
	exec := func(text string, args ...any) {
		t.Helper()
		if _, err := db.write.Exec(text, args...); err != nil {
			t.Fatalf("%v\n%.80s", err, text)
		}
	}
	exec(`PRAGMA foreign_keys = OFF`)
	err := db.inTransaction(t.Context(), "older", func(ctx context.Context, tx *sql.Tx) error {
		for i, label := range []string{"one", "two"} {
			p := publication(t, "shop", label, noon)
			if err := insertPublication(ctx, tx, db.dialect, int64(i+1), p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
		INSERT INTO operator_act (seq, at, operator, site, what, object, detail) SELECT i, ?1 + i, 'cli', '', 'site.add', 'shop', '' FROM n`, noon.UnixMilli())
	all, err := db.migrations()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if strings.Contains(m.text, "log_older") {
			exec(`DROP TRIGGER log_older_fixed`)
			_, after, _ := strings.Cut(m.text, "CREATE TABLE log_older")
			_, inserts, _ := strings.Cut(after, ");\n")
			exec(`DELETE FROM log_older`)
			exec(inserts)
		}
	}
}

func TestStandingIsEnteredOnceADay(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "blog", "shop", "empty")
		p := publication(t, "shop", "x", noon)
		if err := db.AddPublication(ctx, p); err != nil {
			t.Fatal(err)
		}
		one := published(t, db, "eins", noon)
		later := version("shop", "privacy", "later", noon.Add(90*24*time.Hour))
		if _, err := db.AddVersion(ctx, later); err != nil {
			t.Fatal(err)
		}
		if _, err := db.AddVersion(ctx, version("blog", "privacy", "blog", noon)); err != nil {
			t.Fatal(err)
		}
		before := checkLog(t, db).Size
		var wait sync.WaitGroup
		for range 4 { // processes that wake up at the same time
			other := open()
			wait.Go(func() {
				if _, err := other.EnterStanding(ctx, noon.Add(time.Hour)); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if n, err := db.EnterStanding(ctx, noon.Add(2*time.Hour)); n != 0 || err != nil {
			t.Errorf("on the same day again: %d, %v", n, err)
		}
		// Also where two have found it missing, and then come one after the other.
		if done, err := db.enterStanding(ctx, "shop", "2026-11-21", noon.Add(2*time.Hour)); done || err != nil {
			t.Errorf("a second time: %v, %v", done, err)
		}
		if after := checkLog(t, db).Size; after != before+2 { // of two sites something is published
			t.Errorf("%d entries", after-before)
		}
		_, core := entered[consent.Standing](t, db, auditlog.Standing, "shop 2026-11-21")
		publication, _ := entered[notice.Entry](t, db, auditlog.Publication, "1")
		if core.Publication == nil || *core.Publication != (consent.StandingNotice{Seq: 1, Notice: p.Notice, Entry: canonical.Sum(publication.Core)}) ||
			len(core.Policies) != 1 || core.Policies["privacy"] != (consent.StandingVersion{Number: 1, Digest: one.Digest, Entry: one.Entry}) {
			t.Errorf("%+v", core)
		}
		if n, err := db.EnterStanding(ctx, noon.Add(24*time.Hour)); n != 2 || err != nil {
			t.Errorf("the next day: %d, %v", n, err)
		}
		if n, err := db.EnterStanding(ctx, noon.Add(91*24*time.Hour)); n != 2 || err != nil {
			t.Errorf("in February: %d, %v", n, err)
		}
		if _, core := entered[consent.Standing](t, db, auditlog.Standing, "shop 2027-02-20"); core.Policies["privacy"].Number != 2 {
			t.Errorf("in February: %+v", core)
		}
	})
}

// That nothing changed is said of what was looked at.
func TestStandingIsNotEnteredWhereSomethingChanged(t *testing.T) {
	for name, text := range map[string]string{
		"wording": `UPDATE artifact SET bytes = CAST('{}' AS BLOB) WHERE digest = (SELECT digest FROM publication_wording LIMIT 1)`,
		"script":  `UPDATE artifact SET bytes = CAST('{}' AS BLOB) WHERE digest = (SELECT digest FROM publication_script LIMIT 1)`,
		"policy":  `UPDATE artifact SET bytes = CAST('{}' AS BLOB) WHERE digest = (SELECT digest FROM policy_translation LIMIT 1)`,
		"gone":    `DELETE FROM artifact WHERE digest = (SELECT notice FROM publication LIMIT 1)`,
	} {
		t.Run(name, func(t *testing.T) {
			db := openedSQLite(t, filepath.Join(t.TempDir(), "volenti.db"))
			withSites(t, db, "blog", "shop")
			for _, site := range []string{"blog", "shop"} {
				if err := db.AddPublication(t.Context(), publication(t, "shop", site, noon)); err != nil {
					t.Fatal(err)
				}
			}
			published(t, db, "eins", noon)
			if _, err := db.AddVersion(t.Context(), version("blog", "terms", "other", noon)); err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{`PRAGMA foreign_keys = OFF`, `DROP TRIGGER artifact_fixed`, `DROP TRIGGER artifact_kept`,
				strings.ReplaceAll(text, "FROM publication_script LIMIT 1", "FROM publication_script WHERE seq = 2 LIMIT 1")} {
				text = strings.ReplaceAll(text, "FROM publication LIMIT 1", "FROM publication WHERE seq = 2")
				if _, err := db.write.Exec(text); err != nil {
					t.Fatal(err)
				}
			}
			n, err := db.EnterStanding(t.Context(), noon.Add(time.Hour))
			if n != 1 || !errors.Is(err, consent.ErrDamaged) || !strings.Contains(err.Error(), "shop") {
				t.Errorf("entered %d sites: %v", n, err)
			}
		})
	}
}
