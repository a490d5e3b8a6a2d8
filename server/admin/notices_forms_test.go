package admin

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
)

const draftFile = `# Ask legal first.
site = "shop"
languages = ["en"]
origins = ["https://shop.example"]

[controller]
name = "Shop GmbH"
address = "Beispielgasse 1, 1010 Wien"
contact = "privacy@shop.example"
establishment = "AT"

# Since March.
[[vendor]]
key = "maps"
name = "Maps"
category = "preferences"
`

// draftIs keeps a file as the draft of shop's banner, and answers its revision.
func (w *world) draftIs(file string) {
	w.t.Helper()
	draft, err := w.db.NoticeWork(w.t.Context(), shop)
	if err != nil && !errors.Is(err, notice.ErrNoWork) {
		w.t.Fatal(err)
	}
	draft.Site, draft.Source, draft.ChangedAt = shop, file, w.clock()
	if _, err := w.db.SaveNoticeWork(w.t.Context(), draft); err != nil {
		w.t.Fatal(err)
	}
}

func TestTypingChangesNothingAndSaysWhatIsWrong(t *testing.T) {
	w := newWorld(t)
	c := w.as(w.operator(operator.Marketing, shop))
	w.draftIs(draftFile)
	const at = "/admin/sites/shop/notice/draft/"
	c.open(at+"tags").has(t, http.StatusOK, "No tags yet")
	revision := url.Values{"revision": {"1"}, "do": {"add"}, "add": {""}}
	if a := c.post(at+"tags", revision); a.code != http.StatusSeeOther {
		t.Fatal(a.code, a.body)
	}
	// Typed, and not kept.
	typed := url.Values{"revision": {"2"}, "tags[0].vendor": {"maps"}, "tags[0].kind": {"script"}, "tags[0].src": {"http://maps.example/a.js"}}
	c.post(at+"tags/look", typed).has(t, http.StatusOK, `id="wrong-tags[0].src"`, "https")
	kept, err := w.db.NoticeWork(t.Context(), shop)
	if err != nil || strings.Contains(kept.Source, "maps.example") || kept.Revision != 2 {
		t.Fatalf("revision %d, %v\n%s", kept.Revision, err, kept.Source)
	}
	typed.Set("tags[0].src", "https://maps.example/a.js")
	if a := c.post(at+"tags/look", typed); a.code != http.StatusOK || strings.Contains(a.body, "wrong-tags[0].src") {
		t.Errorf("%d: what is right is called wrong", a.code)
	}
	if a := c.post(at+"tags", typed); a.code != http.StatusSeeOther {
		t.Fatal(a.code)
	}
	kept, err = w.db.NoticeWork(t.Context(), shop)
	if err != nil || !strings.HasPrefix(kept.Source, "# Ask legal first.\n") || !strings.Contains(kept.Source, "# Since March.\n[[vendor]]") || !strings.Contains(kept.Source, `src = "https://maps.example/a.js"`) {
		t.Errorf("%v\n%s", err, kept.Source)
	}
	// What was done is told on the next page, and not where somebody types.
	if a := c.post(at+"tags/look", typed); strings.Contains(a.body, "The draft is kept.") {
		t.Error("told to whoever types")
	}
	c.open(at+"tags").has(t, http.StatusOK, "The draft is kept.")
	if a := c.open(at + "tags"); strings.Contains(a.body, "The draft is kept.") {
		t.Error("told twice")
	}
	// A form that is older than the draft keeps nothing.
	typed.Set("tags[0].src", "https://maps.example/b.js")
	c.post(at+"tags", typed).has(t, http.StatusConflict, "Changed meanwhile", "https://maps.example/b.js")
	// A source that nobody can read: no form loses what is in it.
	w.draftIs("site = [")
	c.post(at+"tags/look", typed).has(t, http.StatusOK, "Mend the source")
	if a := c.post(at+"tags", typed); a.to() != at+"source" {
		t.Errorf("%d to %s", a.code, a.to())
	}
	if kept, err := w.db.NoticeWork(t.Context(), shop); err != nil || kept.Source != "site = [" {
		t.Errorf("%v %q", err, kept.Source)
	}
	// Who may not write may not type.
	w.as(w.operator(operator.Auditor, shop)).post(at+"tags/look", typed).has(t, http.StatusForbidden)
}

// oneScript is a compiler and a judge: what it was asked for, and what it answers.
type oneScript struct {
	asked []string
	found []notice.Issue
	err   error
}

func (o *oneScript) Compile(n *notice.Notice, _ map[string]notice.Wording) ([]notice.Script, error) {
	o.asked = append(o.asked, strings.Join(n.Languages, " "))
	return nil, o.err
}

func (o *oneScript) Inspect(context.Context, *notice.Notice, map[string]notice.Wording, []notice.Script) ([]notice.Issue, error) {
	return o.found, nil
}

func TestWhatIsTypedIsJudgedInOneLanguage(t *testing.T) {
	w := newWorld(t)
	maker := &oneScript{}
	w.console.Compiler, w.console.Fairness = maker, maker
	c := w.as(w.operator(operator.Marketing, shop))
	w.draftIs(strings.Replace(draftFile, `["en"]`, `["en", "de"]`, 1))
	const look = "/admin/sites/shop/notice/draft/look/look"
	typed := url.Values{"look.radius": {"3"}}
	if a := c.post(look, typed); a.code != http.StatusOK || len(maker.asked) > 0 {
		t.Fatalf("%d: made %q without being asked", a.code, maker.asked)
	}
	typed.Set("fair", "yes")
	c.post(look, typed).has(t, http.StatusOK, "no is as easy as yes")
	if !slices.Equal(maker.asked, []string{"en"}) {
		t.Errorf("made in %q", maker.asked)
	}
	maker.found = []notice.Issue{{Path: "look", Severity: notice.SeverityError, What: "is unfair", Remedy: "be fair", Rule: "EDPB"}}
	c.post(look, typed).has(t, http.StatusOK, "could not be published like this", "is unfair; be fair", "EDPB")
	maker.err = errors.New("no such adapter")
	c.post(look, typed).has(t, http.StatusOK, "made like this: No such adapter")
	// What Lint refuses is not made, and of two at once one waits.
	maker.asked = nil
	typed.Set("look.radius", "99")
	c.post(look, typed).has(t, http.StatusOK, "wrong-look.radius")
	typed.Set("look.radius", "9")
	w.console.judging.Lock()
	c.post(look, typed).has(t, http.StatusOK, "for somebody else")
	w.console.judging.Unlock()
	if len(maker.asked) > 0 {
		t.Errorf("made: %q", maker.asked)
	}
}

// Colours that trials share with the banner change with it; their own stay.
func TestTrialsFollowTheLook(t *testing.T) {
	w := newWorld(t)
	c := w.as(w.operator(operator.Marketing, shop))
	w.draftIs(draftFile + "\n[[trial]]\nkey = \"round\"\npercent = 20\n\n[trial.look]\nradius = 20\n")
	typed := url.Values{"revision": {"1"}, "look.accent": {"#123456"}, "look.radius": {"3"}}
	if a := c.post("/admin/sites/shop/notice/draft/look", typed); a.code != http.StatusSeeOther {
		t.Fatal(a.code, a.body)
	}
	kept, err := w.db.NoticeWork(t.Context(), shop)
	if err != nil {
		t.Fatal(err)
	}
	n, _ := notice.Read([]byte(kept.Source), noticeFile)
	if n == nil || n.Look.Accent != "#123456" || n.Trials[0].Look.Accent != "#123456" || n.Look.Radius != 3 || n.Trials[0].Look.Radius != 20 {
		t.Errorf("%s", kept.Source)
	}
}

// What is ahead stands on one list, soonest first; and the first page says that a
// banner is being drafted, to those who may go on with it.
func TestWhatIsAhead(t *testing.T) {
	w := newWorld(t)
	owner := w.as(w.operator(operator.Owner))
	owner.get("/admin/sites/shop/policies").has(t, http.StatusOK, "This site has no policy yet")
	w.draftIs(draftFile)
	owner.get("/admin").has(t, http.StatusOK, "The banner has a draft, changed last on 21 November 2026")
	if a := w.as(w.operator(operator.Auditor, shop)).get("/admin"); strings.Contains(a.body, "has a draft") {
		t.Error("told to somebody who can't go on with it")
	}
	token := w.program(shop, operator.PublishPolicies)
	for _, body := range []string{
		`{"language":"en","filename":"privacy.md","text":"# Privacy\n\nWe ask.\n"}`,
		`{"language":"en","filename":"privacy.md","text":"# Privacy\n\nWe ask twice.\n","effective":"2027-02-01","material":true,"grace_days":14,"summary":{"en":"Twice."}}`,
	} {
		if a := w.publish(token, shopVersions, body); a.code != http.StatusCreated {
			t.Fatal(a.code, a.body)
		}
	}
	page := owner.get("/admin/sites/shop/policies")
	page.has(t, http.StatusOK, "What is ahead", "1 February 2027", "15 February 2027", "comes into force, for new visitors; those who decided before are told", "binds those who decided before it, too")
	if strings.Index(page.body, "1 February 2027") > strings.Index(page.body, "15 February 2027") {
		t.Error("not soonest first")
	}
}
