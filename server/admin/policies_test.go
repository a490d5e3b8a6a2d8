package admin

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/operator"
)

// written keeps a draft of the shop's privacy policy.
func (w *world) written(by operator.Operator, change func(*policyversions.Work)) policyversions.Work {
	w.t.Helper()
	work := policyversions.Work{Site: shop, Policy: "privacy", Language: "en", Title: "Privacy policy", Markdown: "# Privacy policy\n\nWe keep orders.\n",
		By: by.ID, ChangedAt: w.clock(), State: policyversions.Drafted}
	if change != nil {
		change(&work)
	}
	work, err := w.db.SaveWork(w.t.Context(), work)
	if err != nil {
		w.t.Fatal(err)
	}
	return work
}

func draftAddress(work policyversions.Work) string {
	return "/admin/sites/" + shop + "/policies/" + work.Policy + "/drafts/" + work.ID
}

func form(work policyversions.Work, text string) url.Values {
	return url.Values{"revision": {itoa(work.Revision)}, "language-0": {"en"}, "title-0": {"Privacy policy"}, "text-0": {text}, "do": {"keep"}}
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestWhatIsTypedAtOnceIsShownBesideTheOther(t *testing.T) {
	w := newWorld(t)
	anna := w.operator(operator.Legal, shop)
	work := w.written(anna, nil)
	c := w.as(anna)
	if a := c.post(draftAddress(work), form(work, "Words of the first.")); a.code != http.StatusSeeOther {
		t.Fatalf("%d %s", a.code, a.body)
	}
	a := c.post(draftAddress(work), form(work, "Words of the second."))
	if a.code != http.StatusConflict || !strings.Contains(a.body, "Words of the first.") || !strings.Contains(a.body, "Words of the second.") {
		t.Errorf("%d: both are not shown", a.code)
	}
	if kept, err := w.db.Work(t.Context(), shop, work.ID); err != nil || kept.Markdown != "Words of the first." || kept.Revision != 2 {
		t.Errorf("kept %+v, %v", kept, err)
	}
	// The same words twice are no conflict: a form may be sent again.
	if a := c.post(draftAddress(work), form(work, "Words of the first.")); a.code != http.StatusSeeOther {
		t.Errorf("the same words: %d", a.code)
	}
	if a := c.post(draftAddress(work)+"/autosave", form(work, "Typed on.")); a.code != http.StatusConflict || !strings.Contains(a.body, "nothing is lost") {
		t.Errorf("autosave: %d %s", a.code, a.body)
	}
}

// The last look is not passed by: a tick, the revision that was read, a day that is
// still ahead.
func TestPublishingWhatWasRead(t *testing.T) {
	for name, c := range map[string]struct {
		work func(*policyversions.Work)
		form func(policyversions.Work) url.Values
		wait time.Duration
		want string
	}{
		"not ticked":        {form: func(w policyversions.Work) url.Values { return url.Values{"revision": {itoa(w.Revision)}} }, want: "Read the text first"},
		"another revision":  {form: func(policyversions.Work) url.Values { return url.Values{"revision": {"7"}, "read": {"yes"}} }, want: "Look it over again"},
		"a day that passed": {work: func(w *policyversions.Work) { w.Effective = noon.Add(time.Minute) }, wait: 5 * time.Minute, want: "has passed"},
		"no words":          {work: func(w *policyversions.Work) { w.Markdown, w.Title = "***", "" }, want: "no words"},
		"nobody is told":    {work: func(w *policyversions.Work) { w.Material = true }, want: "summary"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			legal := w.operator(operator.Legal, shop)
			work := w.written(legal, c.work)
			client := w.as(legal)
			w.wait(c.wait)
			f := url.Values{"revision": {itoa(work.Revision)}, "read": {"yes"}}
			if c.form != nil {
				f = c.form(work)
			}
			a := client.post(draftAddress(work)+"/confirm", f)
			if a.code/100 == 3 || !strings.Contains(a.body, c.want) {
				t.Errorf("%d, without %q", a.code, c.want)
			}
			if _, err := w.db.Versions(t.Context(), shop, "privacy"); !errors.Is(err, policyversions.ErrUnknownPolicy) {
				t.Errorf("it is published: %v", err)
			}
		})
	}
}

func TestADraftIsPublishedOnce(t *testing.T) {
	w := newWorld(t)
	legal := w.operator(operator.Legal, shop)
	work := w.written(legal, func(w *policyversions.Work) { w.Effective = time.Date(2026, 12, 1, 0, 0, 0, 0, vienna(t)) })
	c := w.as(legal)
	f := url.Values{"revision": {itoa(work.Revision)}, "read": {"yes"}}
	if a := c.post(draftAddress(work)+"/confirm", f); a.code != http.StatusSeeOther {
		t.Fatalf("%d %s", a.code, a.body)
	}
	v, err := w.db.Version(t.Context(), shop, "privacy", 1)
	if err != nil || v.PublishedBy != legal.ID || v.Effective.Format(time.RFC3339) != "2026-11-30T23:00:00Z" {
		t.Errorf("%+v, %v", v, err)
	}
	if a := c.get(draftAddress(work)); a.code == http.StatusOK {
		t.Errorf("the draft is still there")
	}
	if a := c.get("/admin/sites/shop/policies/privacy"); !strings.Contains(a.body, "Scheduled") || !strings.Contains(a.body, "1 December 2026") {
		t.Errorf("it is not shown as scheduled: %s", a.body)
	}
}

func vienna(t *testing.T) *time.Location {
	zone, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestTheSecondPairOfEyesIsAnothers(t *testing.T) {
	w := newWorld(t)
	if err := w.db.SetSecondPair(t.Context(), shop, true); err != nil {
		t.Fatal(err)
	}
	anna, berta := w.operator(operator.Legal, shop), w.operator(operator.Legal, shop)
	work := w.written(anna, nil)
	a, b := w.as(anna), w.as(berta)
	confirm := func() url.Values {
		now, err := w.db.Work(t.Context(), shop, work.ID)
		if err != nil {
			t.Fatal(err)
		}
		return url.Values{"revision": {itoa(now.Revision)}, "read": {"yes"}}
	}
	for _, who := range []*client{a, b} { // nobody submitted it
		if got := who.post(draftAddress(work)+"/confirm", confirm()); got.code/100 == 3 {
			t.Errorf("published without being submitted")
		}
	}
	if got := a.post(draftAddress(work)+"/submit", confirm()); got.code != http.StatusSeeOther {
		t.Fatalf("%d %s", got.code, got.body)
	}
	if got := a.post(draftAddress(work)+"/confirm", confirm()); got.code/100 == 3 || !strings.Contains(got.body, "another operator") {
		t.Errorf("who submitted it approved it: %d", got.code)
	}
	changed, _ := w.db.Work(t.Context(), shop, work.ID)
	if got := b.post(draftAddress(work), form(changed, "Other words.")); !strings.Contains(got.body, "submitted for approval") || !strings.Contains(got.body, "Other words.") {
		t.Errorf("it was changed while it waited: %d", got.code)
	}
	if got := b.post(draftAddress(work)+"/return", url.Values{"word": {" "}}); got.code != http.StatusUnprocessableEntity {
		t.Errorf("sent back without a word: %d", got.code)
	}
	if got := b.post(draftAddress(work)+"/return", url.Values{"word": {"Say who."}}); got.code != http.StatusSeeOther {
		t.Errorf("not sent back: %d", got.code)
	}
	if got := a.get(draftAddress(work)); !strings.Contains(got.body, "Say who.") {
		t.Errorf("the word is not shown")
	}
	a.post(draftAddress(work)+"/submit", confirm())
	if got := b.post(draftAddress(work)+"/confirm", confirm()); got.code != http.StatusSeeOther {
		t.Fatalf("%d %s", got.code, got.body)
	}
	v, err := w.db.Version(t.Context(), shop, "privacy", 1)
	if err != nil || v.PublishedBy != anna.ID || v.ApprovedBy != berta.ID {
		t.Errorf("%+v, %v", v, err)
	}
}

// A draft of one site is not found under another, nor under another policy.
func TestDraftsOfOthersAreNotThere(t *testing.T) {
	w := newWorld(t)
	owner := w.operator(operator.Owner)
	work := w.written(owner, nil)
	c := w.as(owner)
	for _, path := range []string{
		strings.Replace(draftAddress(work), "/shop/", "/blog/", 1),
		strings.Replace(draftAddress(work), "/privacy/", "/cookies/", 1),
	} {
		for _, tail := range []string{"", "/announce", "/confirm"} {
			if a := c.get(path + tail); a.code == http.StatusOK || strings.Contains(a.body, "We keep orders") {
				t.Errorf("%s: %d", path+tail, a.code)
			}
		}
	}
}

// Ticket and preview: what opens one opens nothing else, and not for long.
func TestATicketOpensItsPreviewForAWhile(t *testing.T) {
	w := newWorld(t)
	address, err := w.console.preview(ticket{Site: shop, Language: "en", Draft: true})
	if err != nil {
		t.Fatal(err)
	}
	start := func() *answer { return w.stranger().get("/" + address) }
	if a := start(); a.code == http.StatusOK {
		t.Errorf("there is nothing to show yet: %d", a.code)
	}
	legal := w.as(w.operator(operator.Legal, shop))
	if a := legal.post("/admin/sites/shop/notice", nil); a.code != http.StatusSeeOther {
		t.Fatalf("%d %s", a.code, a.body)
	}
	a := start()
	policy := a.header.Get("Content-Security-Policy")
	if a.code != http.StatusOK || !strings.HasSuffix(policy, "; sandbox allow-scripts") || strings.Contains(policy, "unsafe") {
		t.Errorf("%d, %s", a.code, policy)
	}
	w.wait(previewLasts + time.Second)
	if a := start(); a.code != http.StatusNotFound {
		t.Errorf("after an hour: %d", a.code)
	}
	if a := w.stranger().get("/admin/preview/forged"); a.code != http.StatusNotFound {
		t.Errorf("a forged ticket: %d", a.code)
	}
}

// Forms and the file are one draft: each change can be gone back to, and what can't
// be read is never written over by a form.
func TestFormsOfABannerKeepItsFile(t *testing.T) {
	w := newWorld(t)
	c := w.as(w.operator(operator.Marketing, shop))
	const base = "/admin/sites/shop/notice"
	c.post(base, nil)
	newest := func() (revision, source string) {
		kept, err := w.db.NoticeWork(t.Context(), shop)
		if err != nil {
			t.Fatal(err)
		}
		return itoa(kept.Revision), kept.Source
	}
	revision, _ := newest()
	look := url.Values{"revision": {revision}, "look.accent": {"#7A1F5C"}, "look.position": {"center"}, "look.theme": {"auto"}, "look.reopen": {"end"}, "look.radius": {"4"}}
	if a := c.post(base+"/draft/look", look); a.code != http.StatusSeeOther {
		t.Fatalf("%d %s", a.code, a.body)
	}
	revision, source := newest()
	if !strings.Contains(source, "accent = \"#7a1f5c\"") || !strings.Contains(source, "position = \"center\"") {
		t.Errorf("the file says\n%s", source)
	}
	if a := c.post(base+"/draft/look", look); a.code != http.StatusConflict || !strings.Contains(a.body, "Changed meanwhile") {
		t.Errorf("an old form: %d", a.code)
	}
	if a := c.post(base+"/draft/vendors", url.Values{"revision": {revision}, "do": {"add"}, "add": {"hotjar"}}); a.code != http.StatusSeeOther {
		t.Errorf("%d", a.code)
	}
	if revision, source = newest(); !strings.Contains(source, "_hjSessionUser_*") {
		t.Errorf("what is known of the vendor is not there:\n%s", source)
	}
	c.post(base+"/draft/source", url.Values{"revision": {revision}, "source": {"site = "}})
	if a := c.get(base + "/draft/look"); !strings.Contains(a.body, "Mend the source") || strings.Contains(a.body, "look.accent\"") {
		t.Errorf("a form over what can't be read: %s", a.body)
	}
	if a := c.post(base+"/undo", url.Values{"revision": {"2"}}); a.code != http.StatusSeeOther {
		t.Errorf("%d", a.code)
	}
	if _, source = newest(); !strings.Contains(source, "#7a1f5c") || strings.Contains(source, "hotjar") {
		t.Errorf("it is not as it was:\n%s", source)
	}
}
