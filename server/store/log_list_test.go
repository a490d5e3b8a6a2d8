package store

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// Page by page, whatever is asked for, nothing is there twice and nothing left out.
func TestTheLogIsListedPageByPage(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "volenti.db"), 3)
	for range 260 {
		w.live()
	}
	ctx := t.Context()
	head, err := w.db.Head(ctx)
	w.must(err)
	all := map[int64]auditlog.Opened{}
	for i := range head.Size {
		o, err := w.db.LogLeaf(ctx, i)
		w.must(err)
		if o.Index != i || (o.Core == nil) != (o.Erased || o.Hidden) || o.Hidden && o.Object != "" {
			t.Fatalf("leaf %d: %+v", i, o)
		}
		all[i] = o
	}
	if _, err := w.db.LogLeaf(ctx, head.Size); !errors.Is(err, auditlog.ErrNotInLog) {
		t.Errorf("beyond the end: %v", err)
	}
	seen := map[string]bool{}
	for _, kind := range []auditlog.Kind{"", auditlog.Consent, auditlog.PolicyVersion, auditlog.Publication, auditlog.Act, auditlog.Tombstone, auditlog.Standing} {
		for _, site := range []string{"", "shop", "blog", "-"} {
			q := auditlog.PlacedQuery{Kind: kind, Site: strings.Trim(site, "-"), Server: site == "-", Most: 7}
			var want, got []int64
			for i, o := range all {
				if o.Core != nil && (kind == "" || o.Kind == kind) && (site == "" || o.Site == q.Site) {
					want = append(want, i)
				}
			}
			slices.SortFunc(want, func(a, b int64) int { return int(b - a) })
			for {
				list, next, err := w.db.LogList(ctx, q)
				w.must(err)
				for _, p := range list {
					got = append(got, p.Index)
					if o := all[p.Index].Placed; o != p {
						t.Errorf("listed as %+v, opened as %+v", p, o)
					}
				}
				if next == (auditlog.Place{}) {
					break
				}
				q.After = next
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q of %q: %v, want %v", kind, site, got, want)
			}
			if len(got) > 7 {
				seen[fmt.Sprint(kind)] = true
			}
		}
	}
	if len(seen) < 4 {
		t.Errorf("several pages only of %v", seen)
	}
	w.close()
}
