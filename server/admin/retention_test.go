package admin

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/retention"
)

const retentionPath = "/admin/sites/shop/retention"

// overWorld is a busy world in which nothing of what was decided counts any more.
func overWorld(t *testing.T, receipts int) (*world, *client) {
	w, _ := busyWorld(t, receipts)
	w.console.Insight.Table = must(regime.Load())
	w.mu.Lock()
	w.now = noon.AddDate(5, 0, 0)
	w.mu.Unlock()
	return w, w.as(w.operator(operator.Owner))
}

// Settings are kept as they were typed, mistakes come back at their fields, and looking
// ahead counts what a run removes without removing or keeping anything.
func TestRetentionIsSet(t *testing.T) {
	w, owner := overWorld(t, 12)
	ctx, kept := t.Context(), len(w.entries())
	good := func(name, value string) url.Values {
		form := url.Values{"records": {"24"}, "statistics": {"6"}, "laws": {"us-ca-ccpa 48\r\n\r\neu-gdpr-eprivacy=12"}, "erasure": {"shred"}}
		if name != "" {
			form.Set(name, value)
		}
		return form
	}
	before := len(w.acts())
	for field, value := range map[string]string{"records": "-1", "statistics": "soon", "laws": "us-ca-ccpa", "erasure": "all"} {
		for _, to := range []string{retentionPath, retentionPath + "/try"} {
			if a := owner.post(to, good(field, value)); a.code != http.StatusUnprocessableEntity || !strings.Contains(a.body, "field-"+field+`">`) || field != "erasure" && !strings.Contains(a.body, value) {
				t.Errorf("%s of %s: %d", field, to, a.code)
			}
		}
	}
	owner.post(retentionPath, good("laws", "xx 3")).has(t, http.StatusUnprocessableEntity, "is no row of the law table")
	owner.post(retentionPath, good("records", "361")).has(t, http.StatusUnprocessableEntity, "from 0 to 360")

	owner.get(retentionPath).has(t, http.StatusOK, "over for 36 months", fmt.Sprintf("<td>%d</td>", kept))
	owner.post(retentionPath+"/try", good("records", "360")).has(t, http.StatusOK, "Nothing is kept yet", `value="360"`, "counters")
	if s := must(w.db.Retention(ctx, shop)); s.Records != 36 || len(w.acts()) != before || len(w.entries()) != kept {
		t.Errorf("%+v, %v", s, w.acts())
	}

	if a := owner.post(retentionPath, good("", "")); a.code != http.StatusSeeOther {
		t.Fatalf("%d %s", a.code, a.body)
	}
	if s := must(w.db.Retention(ctx, shop)); s.Records != 24 || s.Statistics != 6 || s.Laws["us-ca-ccpa"] != 48 || s.Laws["eu-gdpr-eprivacy"] != 12 || s.Erasure != retention.ShredAll {
		t.Errorf("%+v", s)
	}
	if acts := w.acts(); !slices.Contains(acts, "retention.change shop") {
		t.Errorf("%v", acts)
	}
	if s := must(w.db.Retention(ctx, blog)); s.Records != 36 {
		t.Errorf("another site's: %+v", s)
	}
	// Whoever may only look is offered no button.
	auditor := w.as(w.operator(operator.Auditor, shop)).get(retentionPath)
	auditor.has(t, http.StatusOK, "eu-gdpr-eprivacy 12")
	for _, button := range []string{"Keep these settings", "retention/try", "Lift the restriction"} {
		if strings.Contains(auditor.body, button) {
			t.Errorf("an auditor is offered %q", button)
		}
	}

	// The page says what a run did, as the export does.
	if _, err := (&retention.Job{Store: w.db, Now: w.clock}).Run(ctx, false); err != nil {
		t.Fatal(err)
	}
	page := owner.get(retentionPath)
	page.has(t, http.StatusOK, "no time is over", "/log/entries/")
	gone := must(w.db.Removals(ctx, shop, 100))
	for _, r := range gone {
		if why := fmt.Sprintf("over for %d months", r.Months); !strings.Contains(page.body, why) || r.Law != "" && !strings.Contains(page.body, why+", under "+r.Law) {
			t.Errorf("the page does not say %q", why)
		}
	}
	rows := must(csv.NewReader(strings.NewReader(owner.post(retentionPath+"/export", url.Values{"format": {"csv"}}).body)).ReadAll())
	if len(gone) == 0 || len(rows) != len(gone)+1 || strings.Join(rows[0], " ") != "at kind law months count tombstones" {
		t.Errorf("%d removals, %v", len(gone), rows)
	}
	lines := strings.Split(strings.TrimSpace(owner.post(retentionPath+"/export", url.Values{"format": {"json"}}).body), "\n")
	for i, line := range lines {
		var got removalLine
		if err := json.Unmarshal([]byte(line), &got); err != nil || got.Count != gone[i].Count || !slices.Equal(got.Tombstones, gone[i].Tombstones) {
			t.Errorf("%s, %v", line, err)
		}
	}
}

// A look ahead reads so many records and no more, and says that there may be others.
func TestLookingAheadIsBounded(t *testing.T) {
	w, _ := overWorld(t, 12)
	s := retention.Defaults()
	for left, cut := range map[int]bool{1: true, mostLooked: false} {
		look := &ahead{Store: single{w.db}, settings: s, left: left}
		due, err := (&retention.Job{Store: look, Now: w.clock}).Run(t.Context(), true, shop)
		total := 0
		for _, r := range due {
			total += r.Count
		}
		if err != nil || look.cut != cut || cut && total != 1000 {
			t.Errorf("%d: %d, cut %v, %v", left, total, look.cut, err)
		}
	}
}

// single has four full batches of records that are over.
type single struct{ retention.Store }

func (s single) Candidates(ctx context.Context, site string, before int64, after consent.Place, limit int) ([]consent.Candidate, error) {
	if after.Index >= 3000 {
		return nil, nil
	}
	all := make([]consent.Candidate, limit)
	for i := range all {
		all[i] = consent.Candidate{Index: after.Index + 1 + int64(i), Law: "eu-gdpr-eprivacy"}
	}
	return all, nil
}

// A record is restricted on a ground, is read by nobody, and is lifted by its leaf with a
// reason; both are acts, and another site's leaf is not there.
func TestRecordsAreRestrictedAndLifted(t *testing.T) {
	w, owner := busyWorld(t, 12)
	all := w.entries()
	e := all[0]
	path := "/admin/sites/shop/receipts/" + e.ReceiptID
	legal := w.as(w.operator(operator.Legal, shop))
	legal.get(path).has(t, http.StatusOK, "Restrict it")
	if a := w.as(w.operator(operator.Auditor, shop)).get(path); a.code != http.StatusOK || strings.Contains(a.body, "Restrict it") {
		t.Errorf("an auditor: %d", a.code)
	}
	if a := legal.post(path+"/restrict", url.Values{"ground": {"whim"}}); a.code != http.StatusUnprocessableEntity {
		t.Errorf("on no ground: %d", a.code)
	}
	if left := must(w.db.Restrictions(t.Context(), shop)); len(left) != 0 {
		t.Fatalf("%v", left)
	}
	a := legal.post(path+"/restrict", url.Values{"ground": {"contested"}, "all": {"1"}})
	if a.code != http.StatusSeeOther || !strings.HasPrefix(a.to(), retentionPath) {
		t.Fatalf("%d %s", a.code, a.body)
	}
	if a := owner.get(path); a.code != http.StatusNotFound {
		t.Errorf("it is still read: %d", a.code)
	}
	hidden := must(w.db.Restrictions(t.Context(), shop))
	same := 0
	for _, other := range all {
		if other.Subject == e.Subject {
			same++
		}
	}
	if len(hidden) != same || len(hidden) == 0 {
		t.Errorf("%d restricted, %d of that browser", len(hidden), same)
	}
	leaf := fmt.Sprint(e.Index)
	owner.get(retentionPath).has(t, http.StatusOK, "Leaf "+leaf+": its accuracy is being examined")
	if a := owner.get(retentionPath); strings.Contains(a.body, e.ReceiptID) {
		t.Error("the page names the receipt")
	}
	for _, form := range []url.Values{{"why": {"x"}}, {"leaf": {leaf}, "why": {" "}}} {
		if a := legal.post(retentionPath+"/lift", form); a.code != http.StatusUnprocessableEntity {
			t.Errorf("%v: %d", form, a.code)
		}
	}
	if a := owner.post("/admin/sites/blog/retention/lift", url.Values{"leaf": {leaf}, "why": {"x"}}); a.code != http.StatusSeeOther || len(must(w.db.Restrictions(t.Context(), shop))) != len(hidden) {
		t.Errorf("another site lifts it: %d", a.code)
	}
	if a := legal.post(retentionPath+"/lift", url.Values{"leaf": {leaf}, "why": {"examined: it is accurate"}}); a.code != http.StatusSeeOther {
		t.Errorf("%d %s", a.code, a.body)
	}
	owner.get(path).has(t, http.StatusOK, "Verified just now")
	acts := w.acts()
	if len(acts) < 2 || acts[0] != "record.unrestrict leaf "+leaf || !slices.ContainsFunc(acts, func(act string) bool {
		return strings.HasPrefix(act, "record.restrict leaf ") && strings.Contains(act, leaf)
	}) {
		t.Errorf("%v", acts)
	}
}
