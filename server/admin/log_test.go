package admin

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
)

func TestPlainCell(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "ada": "ada", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "\r=1": "'\r=1", "a=1": "a=1", "'=1": "'=1", "ü": "ü",
	} {
		if got := PlainCell(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestExports(t *testing.T) {
	w := newWorld(t)
	o := w.operator(operator.Auditor)
	const n = 1203 // several pages of the store
	for i := range n {
		a := operator.Act{At: noon.Add(time.Duration(i/3) * time.Millisecond), Operator: "cli", Site: shop, What: "policy.publish", Object: fmt.Sprint("=cmd|", i), Detail: "two\nlines, \"quoted\""}
		if i%2 == 0 {
			a.Site, a.What = "", "operator.change"
		}
		if err := w.db.AddAct(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	c := w.as(o)
	a := c.get("/admin/log/acts.csv")
	rows, err := csv.NewReader(strings.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) != n+1 || a.header.Get("Content-Type") != "text/csv; charset=utf-8" || !strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment;") {
		t.Fatalf("%d rows, %v, %v", len(rows), err, a.header)
	}
	for i, row := range rows[1:] {
		if want := fmt.Sprint("'=cmd|", n-1-i); row[6] != want {
			t.Fatalf("row %d is of %s, want %s", i, row[6], want)
		}
	}
	var acts []map[string]any
	a = c.get("/admin/log/acts.json?what=policy.&of=shop")
	if err := json.Unmarshal([]byte(a.body), &acts); err != nil || len(acts) != n/2 {
		t.Fatalf("%d acts, %v", len(acts), err)
	}
	if acts[0]["object"] != fmt.Sprint("=cmd|", n-2) || acts[0]["site"] != shop || acts[0]["who"] != "command line" {
		t.Errorf("%v", acts[0])
	}
	if a := c.get("/admin/log/acts.json?what=nothing"); strings.TrimSpace(a.body) != "[]" {
		t.Errorf("none: %q", a.body)
	}
	// Page by page, nothing twice and nothing left out.
	seen, path := 0, "/admin/log?of=-"
	for path != "" {
		a := c.get(path)
		if a.code != http.StatusOK {
			t.Fatal(a.code)
		}
		seen += strings.Count(a.body, ` class="mono">operator.change`)
		_, rest, ok := strings.Cut(a.body, `href="../admin/log?below=`)
		path = ""
		if ok {
			below, _, _ := strings.Cut(rest, `"`)
			path = "/admin/log?below=" + strings.ReplaceAll(below, "&amp;", "&")
		}
	}
	if seen != n/2+1 {
		t.Errorf("%d acts on the pages, want %d", seen, n/2+1)
	}
}
