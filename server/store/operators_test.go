package store

import (
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/site"
)

func person(id string, role operator.Role, sites ...string) operator.Operator {
	return operator.Operator{ID: id, Name: "Name of " + id, Email: id + "@example.com", Role: role, AllSites: len(sites) == 0, Sites: sites, CreatedAt: noon}
}

func TestOperators(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		withSites(t, db, "shop", "blog")
		ada, ben := person("ada", operator.Owner), person("ben", operator.Legal, "blog", "shop")
		for _, o := range []operator.Operator{ben, ada} {
			if err := db.AddOperator(ctx, o); err != nil {
				t.Fatal(err)
			}
		}
		taken := person("eve", operator.Legal)
		taken.Email = ada.Email
		if err := db.AddOperator(ctx, taken); !errors.Is(err, operator.ErrTaken) {
			t.Errorf("an address that is taken: %v", err)
		}
		if err := db.AddOperator(ctx, person("sam", operator.Legal, "nowhere")); !errors.Is(err, site.ErrUnknown) {
			t.Errorf("a site that is not there: %v", err)
		}
		if _, err := db.Operator(ctx, "sam"); !errors.Is(err, operator.ErrUnknown) {
			t.Errorf("half an operator was kept: %v", err)
		}
		for _, change := range []func(*operator.Operator){
			func(o *operator.Operator) { o.Disabled = true },
			func(o *operator.Operator) { o.Role = operator.Auditor },
			func(o *operator.Operator) { o.AllSites, o.Sites = false, []string{"shop"} },
		} {
			o := ada
			change(&o)
			if err := db.ChangeOperator(ctx, o); !errors.Is(err, operator.ErrLastOwner) {
				t.Errorf("the last owner went: %v", err)
			}
		}
		ben.Name, ben.Sites = "Benedict", []string{"shop"}
		if err := db.ChangeOperator(ctx, ben); err != nil {
			t.Fatal(err)
		}
		ben.Email = ada.Email
		if err := db.ChangeOperator(ctx, ben); !errors.Is(err, operator.ErrTaken) {
			t.Errorf("changed to an address that is taken: %v", err)
		}
		ben.Email = "ben@example.com"
		if err := db.ChangeOperator(ctx, person("nobody", operator.Legal)); !errors.Is(err, operator.ErrUnknown) {
			t.Errorf("nobody: %v", err)
		}
		for name, db := range map[string]*DB{"at once": db, "after another start": open()} {
			if all, err := db.Operators(ctx); err != nil || !reflect.DeepEqual(all, []operator.Operator{ben, ada}) {
				t.Errorf("%s: %+v, %v", name, all, err)
			}
			if o, err := db.OperatorOf(ctx, "ben@example.com"); err != nil || !reflect.DeepEqual(o, ben) {
				t.Errorf("%s: %+v, %v", name, o, err)
			}
		}
	})
}

func TestActsStay(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		if err := db.AddOperator(ctx, person("ada", operator.Owner)); err != nil {
			t.Fatal(err)
		}
		var want []operator.Act
		for i, what := range []string{"policy.publish", "policy.draft", "site.add"} {
			a := operator.Act{Seq: int64(i + 1), At: noon, Operator: "ada", Site: []string{"shop", "blog", ""}[i], What: what, Object: "x", Detail: "ü"}
			if err := db.AddAct(ctx, a); err != nil {
				t.Fatal(err)
			}
			want = append([]operator.Act{a}, want...)
		}
		for _, text := range []string{`UPDATE operator_act SET detail = ''`, `DELETE FROM operator_act`, `DELETE FROM operator`} {
			refuses(t, db, text)
		}
		for name, test := range map[string]struct {
			q    operator.ActQuery
			want []operator.Act
		}{
			"all":             {operator.ActQuery{}, want},
			"of a site":       {operator.ActQuery{Sites: []string{"shop"}}, want[2:]},
			"of two":          {operator.ActQuery{Sites: []string{"", "blog"}}, want[:2]},
			"of none":         {operator.ActQuery{Sites: []string{"x"}}, nil},
			"of a kind":       {operator.ActQuery{What: "policy."}, want[1:]},
			"no wildcard":     {operator.ActQuery{What: "%"}, nil},
			"of somebody":     {operator.ActQuery{Operator: "ada", Most: 1}, want[:1]},
			"of nobody":       {operator.ActQuery{Operator: "eve"}, nil},
			"the next page":   {operator.ActQuery{Below: 2}, want[2:]},
			"before the time": {operator.ActQuery{Before: noon}, nil},
		} {
			if got, err := db.Acts(ctx, test.q); err != nil || !reflect.DeepEqual(got, test.want) {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
	})
}

// What counts once counts once, however many ask at the same time.
func TestOnce(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		if err := db.AddOperator(ctx, person("ada", operator.Owner)); err != nil {
			t.Fatal(err)
		}
		race := func(what string, want error, do func() error) {
			t.Helper()
			var mu sync.Mutex
			var wg sync.WaitGroup
			worked := 0
			for range 8 {
				wg.Go(func() {
					err := do()
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						worked++
					} else if !errors.Is(err, want) {
						t.Errorf("%s: %v", what, err)
					}
				})
			}
			wg.Wait()
			if worked != 1 {
				t.Errorf("%s counted %d times", what, worked)
			}
		}
		if err := db.KeepKeys(ctx, operator.Keys{Operator: "ada", Password: "x", TOTP: []byte("y"), Step: 7, Recovery: []string{"one", "two"}, ChangedAt: noon}); err != nil {
			t.Fatal(err)
		}
		race("a code", operator.ErrSpent, func() error { return db.SpendCode(ctx, "ada", 9) })
		if err := db.SpendCode(ctx, "ada", 8); !errors.Is(err, operator.ErrSpent) {
			t.Errorf("an earlier code: %v", err)
		}
		race("a recovery code", operator.ErrSpent, func() error { return db.SpendRecovery(ctx, "ada", "one") })
		if err := db.SpendRecovery(ctx, "nobody", "two"); !errors.Is(err, operator.ErrSpent) {
			t.Errorf("somebody else's: %v", err)
		}
		if k, err := db.Keys(ctx, "ada"); err != nil || !reflect.DeepEqual(k, operator.Keys{Operator: "ada", Password: "x", TOTP: []byte("y"), Step: 9, Recovery: []string{"two"}, ChangedAt: noon}) {
			t.Errorf("%+v, %v", k, err)
		}
		if err := db.AddLink(ctx, operator.Link{Digest: "old", Kind: operator.LinkReset, Operator: "ada", By: "cli", EndsAt: noon}); err != nil {
			t.Fatal(err)
		}
		if err := db.AddLink(ctx, operator.Link{Digest: "new", Kind: operator.LinkReset, Operator: "ada", By: "cli", EndsAt: noon}); err != nil {
			t.Fatal(err)
		}
		before := noon.Add(-time.Millisecond)
		if _, err := db.Link(ctx, "old", before); !errors.Is(err, operator.ErrLink) {
			t.Errorf("a link that was replaced: %v", err)
		}
		if _, err := db.UseLink(ctx, "new", noon); !errors.Is(err, operator.ErrLink) {
			t.Errorf("a link that has ended: %v", err)
		}
		race("a link", operator.ErrLink, func() error { _, err := db.UseLink(ctx, "new", before); return err })
		race("an answer", operator.ErrSpent, func() error { return db.Spend(ctx, "answer", noon, noon.Add(time.Minute)) })
		if err := db.Spend(ctx, "answer", noon.Add(59*time.Second), noon.Add(2*time.Minute)); !errors.Is(err, operator.ErrSpent) {
			t.Errorf("forgotten too early: %v", err)
		}
	})
}

func TestForget(t *testing.T) {
	forEachEngine(t, func(t *testing.T, open func() *DB) {
		db, ctx := open(), t.Context()
		for _, id := range []string{"ada", "ben"} {
			for _, err := range []error{
				db.AddOperator(ctx, person(id, operator.Owner)),
				db.KeepKeys(ctx, operator.Keys{Operator: id, Password: "x", TOTP: []byte("y")}),
				db.AddPasskey(ctx, operator.Passkey{ID: "key of " + id, Operator: id, Name: "x", Credential: []byte("{}"), CreatedAt: noon}),
				db.AddSession(ctx, operator.Session{Digest: "session of " + id, Operator: id, CreatedAt: noon, SeenAt: noon, Token: "t", By: operator.ByPasskey}),
				db.AddLink(ctx, operator.Link{Digest: "link of " + id, Kind: operator.LinkReset, Operator: id, EndsAt: noon}),
			} {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := db.AddPasskey(ctx, operator.Passkey{ID: "key of ada", Operator: "ben", Credential: []byte("{}")}); !errors.Is(err, operator.ErrTaken) {
			t.Errorf("a passkey that is known: %v", err)
		}
		if err := db.DropPasskey(ctx, "ben", "key of ada"); !errors.Is(err, operator.ErrUnknown) {
			t.Errorf("somebody else's passkey: %v", err)
		}
		if err := db.Forget(ctx, "ada"); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[string]error{"ada": operator.ErrUnknown, "ben": nil} {
			if _, err := db.Passkey(ctx, "key of "+id); !errors.Is(err, want) {
				t.Errorf("passkey of %s: %v", id, err)
			}
			if _, err := db.Session(ctx, "session of "+id); !errors.Is(err, want) {
				t.Errorf("session of %s: %v", id, err)
			}
			if k, err := db.Keys(ctx, id); err != nil || k.Open() != (want == nil) {
				t.Errorf("keys of %s: %+v, %v", id, k, err)
			}
			if _, err := db.Link(ctx, "link of "+id, noon.Add(-1*time.Millisecond)); (err == nil) != (want == nil) {
				t.Errorf("link of %s: %v", id, err)
			}
		}
	})
}
