package web

import (
	"strings"
	"testing"
)

// A samplePage is a page and what it has to say.
type samplePage = struct {
	page Page
	says []string
}

func requestKinds() (all []RequestKind) {
	for _, key := range []string{"access", "copy", "portability", "rectification", "erasure", "restriction", "objection", "do-not-sell", "limit", "sb-27"} {
		all = append(all, RequestKind{Key: key, Name: strings.ReplaceAll(key, "-", "_"), Chosen: key == "copy"})
	}
	return all
}

// requestPages are the pages of requests, in all they can say.
func requestPages() []samplePage {
	head := func() Head { return Head{Site: "Example <Shop>", Root: "../../../", Language: "en"} }
	controller := Controller{Name: "Shop", Address: "1 Way", Contact: "mailto:privacy@example.com"}
	wrong := map[string]string{"kind": "req_wrong_kind", "who": "req_wrong_who", "address": "req_wrong_address", "receipt": "req_wrong_receipt", "text": "req_wrong_long"}
	all := []samplePage{
		{&Requests{Head: head(), SiteKey: "shop", Kinds: requestKinds(), ByCookie: true, Action: "./requests", Controller: controller,
			Yours: []RequestLine{{ID: "a1", Kind: "erasure", State: "open", Due: spring, Waits: true}}}, []string{"Ask Example <Shop> for", "Deletion of my data", "proof enough", "An answer is due by 1 March 2026."}},
		{&Requests{Head: head(), SiteKey: "shop", Kinds: requestKinds(), Mails: true, Wrong: wrong, Address: `"><script>`, Text: "</textarea>", Action: "./requests", Controller: controller},
			[]string{"This is no e-mail address.", "Choose what you ask for.", "too long", "privacy@example.com", "</textarea>"}},
		{&RequestMail{Head: head(), SiteKey: "shop", Step: "mailed"}, []string{"on its way"}},
		{&RequestMail{Head: head(), SiteKey: "shop", Step: "confirm", Kind: "do_not_sell", Key: "k"}, []string{"Yes, I made this request", "Do not sell or share my data"}},
		{&RequestMail{Head: head(), SiteKey: "shop", Step: "gone"}, []string{"This link was used"}},
	}
	for _, state := range []string{"pending", "open", "extended", "fulfilled", "refused", "withdrawn", "lapsed"} {
		r := &Request{Head: head(), SiteKey: "shop", ID: "a1", Key: "k", Kind: "access", State: state, Waits: state == "open" || state == "extended", Promised: state == "open", Due: spring, File: state == "fulfilled", Until: spring, Mine: true, Wrong: "req_wrong_long"}
		says := []string{"Request a1"}
		for _, what := range []string{"received", "confirmed", "asked", "answered", "extended", "refused", "fulfilled", "withdrawn", "lapsed", "switched_off", "taken", "removed"} {
			r.Steps = append(r.Steps, RequestStep{At: spring, What: what, Text: "<b>said</b> & \n done"})
		}
		if r.Closed = !r.Waits; state == "fulfilled" {
			r.Done = []RequestDone{{"copied", 3}, {"erased", 4}, {"restricted", 5}, {What: "switched"}, {What: "corrected"}, {What: "nothing"}, {What: "statistics"}, {"told", 6}, {What: "elsewhere"}}
			says = append(says, "Download your data", "Put into the download, records of your choices: 3", "told: 6", "<b>said</b>")
		}
		all = append(all, samplePage{r, says})
	}
	for _, why := range []string{"unidentified", "excessive", "legal_duty", "legal_claims", "others", "not_owed", "yearly", "complex", "numerous"} {
		all = append(all, samplePage{&Request{Head: head(), SiteKey: "shop", ID: "a1", Kind: "erasure", State: "refused", Ground: why, Closed: true}, []string{"You can complain"}})
	}
	return all
}

// Mails are made of these texts, as they stand.
func TestText(t *testing.T) {
	r := renderer(t)
	got, err := r.Text("de-AT,de;q=0.9", "req_mail_confirm", "site", "<Shop> & {kind}", "kind", "x")
	if err != nil || !strings.Contains(got, "<Shop> & {kind} gestellt: „x“") {
		t.Errorf("%q, %v", got, err)
	}
	for _, key := range []string{"no_such_words", "req_mail_news"} {
		if _, err := r.Text("en", key, "kind", "x"); err == nil {
			t.Errorf("%s was filled though it has no such place", key)
		}
	}
	if r.Direction("ar-EG") != "rtl" || r.Direction("xx") != "ltr" || r.Nearest("pt-BR") != "pt-BR" {
		t.Error("a language is taken for another")
	}
	if (&Request{Key: "k"}).Query() != "?key=k" || (&Request{}).Query() != "" {
		t.Error("the way back to a page is lost")
	}
}
