package store

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// V2: whatever the store offers for reading, nothing of a restricted record comes out
// of it. Every exported method that only reads is called, with each id and subject there is.
func TestNoReaderSeesARestrictedRecord(t *testing.T) {
	db := openedSQLite(t, filepath.Join(t.TempDir(), "volenti.db"))
	ctx := t.Context()
	withSites(t, db, "shop", "blog")
	chain := withChain(t, db, 2)
	hidden, seen := chain[0], chain[1]
	said := func() string {
		t.Helper()
		var all strings.Builder
		v := reflect.ValueOf(db)
		called := 0
		for i := range v.NumMethod() {
			for _, text := range []string{hidden.ReceiptID, hidden.Subject, hidden.DecisionID} {
				out, ok := callReader(ctx, v.Method(i), v.Type().Method(i).Name, text)
				if ok {
					called++
				}
				all.WriteString(out)
			}
		}
		if called < 90 {
			t.Fatalf("only %d calls of readers: this test walks past them", called)
		}
		return all.String()
	}
	// What tells this record from others: not its subject, which the next one has too.
	secrets := []string{string(hidden.Core), fmt.Sprintf("%v", hidden.SaltCore), fmt.Sprintf("%v", hidden.Signature)}
	open := said()
	for _, secret := range secrets[:1] {
		if !strings.Contains(open, secret) {
			t.Fatal("no reader shows a record that is not restricted: this test shows nothing")
		}
	}
	if _, err := db.Restrict(ctx, "shop", []string{hidden.ReceiptID}, consent.GroundContested, noon); err != nil {
		t.Fatal(err)
	}
	closed := said()
	for i, secret := range secrets {
		if strings.Contains(closed, secret) {
			t.Errorf("secret %d of a restricted record comes out", i)
		}
	}
	if !strings.Contains(closed, string(seen.Core)) {
		t.Error("other records are hidden, too")
	}
}

// doers are methods that do something; all others are called.
var doers = regexp.MustCompile(`^(Add|Change|Keep|Set|Append|Erase|Restrict$|Unrestrict|Drop|Forget|End|Touch|Spend|Use|Close|Scrub|Backup|Reapply|Note|Remove|Accept|Count|Apply|Publish|Enter|Save|Delete|Put|Take|Mark|Withdraw|Submit|Approve|Send|Claim|Finish|Begin|Settle|Due|Deliver|Watch|Stand)`)

// callReader calls a method with what fits its parameters, and is all it answers.
func callReader(ctx context.Context, method reflect.Value, name, text string) (string, bool) {
	if doers.MatchString(name) {
		return "", false
	}
	kind := method.Type()
	var args []reflect.Value
	sites := 0
	for i := range kind.NumIn() {
		in := kind.In(i)
		switch {
		case in == reflect.TypeFor[context.Context]():
			args = append(args, reflect.ValueOf(ctx))
		case in == reflect.TypeFor[time.Time]():
			args = append(args, reflect.ValueOf(noon.AddDate(10, 0, 0)))
		case in == reflect.TypeFor[consent.Search]():
			args = append(args, reflect.ValueOf(consent.Search{Site: "shop", Limit: 100}))
		case in == reflect.TypeFor[consent.Place]():
			args = append(args, reflect.ValueOf(consent.Place{Index: -1}))
		case in.Kind() == reflect.String:
			sites++
			if sites == 1 && kind.NumIn() > 2 {
				args = append(args, reflect.ValueOf("shop").Convert(in))
			} else {
				args = append(args, reflect.ValueOf(text).Convert(in))
			}
		case in == reflect.TypeFor[[]string]():
			args = append(args, reflect.ValueOf([]string{text}))
		case in.Kind() == reflect.Int:
			args = append(args, reflect.ValueOf(100).Convert(in))
		case in.Kind() == reflect.Int64:
			n := int64(0)
			if i == 3 || name == "Candidates" {
				n = noon.AddDate(10, 0, 0).UnixMilli()
			}
			args = append(args, reflect.ValueOf(n).Convert(in))
		case in.Kind() == reflect.Func:
			return "", false
		default:
			if i == kind.NumIn()-1 && kind.IsVariadic() {
				continue
			}
			args = append(args, reflect.Zero(in))
		}
	}
	var all strings.Builder
	for _, out := range method.Call(args) {
		if !out.CanInterface() || out.Type() == reflect.TypeFor[error]() {
			continue
		}
		fmt.Fprintf(&all, "%+v\n", out.Interface())
		if b, err := json.Marshal(out.Interface()); err == nil {
			all.Write(b)
		}
		entries, ok := out.Interface().([]*consent.Entry)
		if e, one := out.Interface().(*consent.Entry); one {
			entries, ok = []*consent.Entry{e}, e != nil
		}
		for _, e := range entries {
			if ok && e != nil {
				fmt.Fprintf(&all, "%s %v %v\n", e.Core, e.SaltCore, e.Signature)
			}
		}
	}
	return all.String(), true
}

// Only erasure, restriction, audits with their list of leaves, and what decides which
// record a page's resent decision is, may know that there are restricted records at all; and
// what moves or vacuums their tables.
func TestWhoKnowsOfRestrictedRecords(t *testing.T) {
	may := regexp.MustCompile(`^(audit.*|log_list|reading|erasure|restriction|retention|records|statements|postgres|unclean|move|move_compare|move_rounds|vacuum)\.go$`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") || may.MatchString(file) {
			continue
		}
		for _, table := range []string{"restricted_record", "kept_record"} {
			if strings.Contains(string(text), table) {
				t.Errorf("%s reads %s", file, table)
			}
		}
	}
}
