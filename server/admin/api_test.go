package admin

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
)

// program is a token of the shop with some rights, as it is shown.
func (w *world) program(site string, rights ...operator.Right) string {
	w.t.Helper()
	secret := operator.NewTokenSecret()
	err := w.db.AddToken(w.t.Context(), operator.Token{ID: operator.NewID(), Digest: operator.Digest(secret), Name: "CI", Site: site, Rights: rights, By: "cli", CreatedAt: noon, EndsAt: noon.Add(time.Hour)})
	if err != nil {
		w.t.Fatal(err)
	}
	return secret
}

// publish sends a body as a program does.
func (w *world) publish(token, path, body string) *answer {
	w.t.Helper()
	h := http.Header{"Content-Type": {"application/json"}}
	if token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	return w.stranger().do(http.MethodPost, path, h, strings.NewReader(body))
}

const shopVersions = "/v1/sites/shop/policies/privacy/versions"

func TestProgramsPublish(t *testing.T) {
	w := newWorld(t)
	token := w.program(shop, operator.PublishPolicies)
	const body = `{"language":"en","filename":"privacy.md","text":"# Privacy\n\nWe ask.\n","effective":"2026-12-01",` +
		`"translations":[{"language":"de","text":"# Datenschutz\n\nWir fragen.\n"}],"material":true,"summary":{"en":"New.","de":"Neu."},"grace_days":14}`
	a := w.publish(token, shopVersions, body)
	var got PublishAnswer
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.code != http.StatusCreated {
		t.Fatalf("%d %s", a.code, a.body)
	}
	// The day begins where the site is.
	if got.Number != 1 || !got.Published || got.Effective != time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC).UnixMilli() || got.Binds-got.Effective != 14*24*3600*1000 ||
		len(got.Translations) != 1 || got.Address != "/policies/shop/privacy/versions/1" || a.header.Get("Location") != got.Address {
		t.Errorf("%+v", got)
	}
	v, err := w.db.Version(t.Context(), shop, "privacy", 1)
	if err != nil || string(v.Original) != "# Privacy\n\nWe ask.\n" || v.Digest != got.Digest || !strings.HasPrefix(v.PublishedBy, "token ") {
		t.Errorf("%v %+v", err, v)
	}
	if acts := w.acts(); len(acts) != 1 || acts[0] != "policy.publish privacy 1" {
		t.Errorf("the audit log says %q", acts)
	}
	// Sent again: the same version, and nothing more.
	if a = w.publish(token, shopVersions, body); a.code != http.StatusOK || !strings.Contains(a.body, `"published":false`) || !strings.Contains(a.body, string(got.Digest)) {
		t.Errorf("again: %d %s", a.code, a.body)
	}
	original := base64.StdEncoding.EncodeToString([]byte("<!doctype html><title>x</title><h1>Privacy</h1><p>We ask twice.</p>"))
	if a = w.publish(token, shopVersions, `{"language":"en","original":"`+original+`","effective":"2026-12-02"}`); a.code != http.StatusCreated || !strings.Contains(a.body, `"number":2`) {
		t.Errorf("bytes: %d %s", a.code, a.body)
	}
	if acts := w.acts(); len(acts) != 2 {
		t.Errorf("the audit log says %q", acts)
	}
}

func TestProgramsAreRefused(t *testing.T) {
	w := newWorld(t)
	token := w.program(shop, operator.PublishPolicies)
	const fine = `{"language":"en","text":"# Privacy\n\nWe ask.\n"}`
	for name, c := range map[string]struct {
		token, path, body string
		want              int
	}{
		"no token":           {"", shopVersions, fine, 401},
		"another's secret":   {operator.NewTokenSecret(), shopVersions, fine, 401},
		"another right":      {w.program(shop, operator.WritePolicies, operator.ReadPolicies), shopVersions, fine, 403},
		"another site":       {w.program(blog, operator.PublishPolicies), shopVersions, fine, 404},
		"no site":            {token, "/v1/sites/nobody/policies/privacy/versions", fine, 404},
		"no key":             {token, "/v1/sites/shop/policies/Not%20A%20Key/versions", fine, 422},
		"no JSON":            {token, shopVersions, "# Privacy", 422},
		"two objects":        {token, shopVersions, fine + fine, 422},
		"an unknown member":  {token, shopVersions, `{"language":"en","text":"# P","site":"blog"}`, 422},
		"no text":            {token, shopVersions, `{"language":"en"}`, 422},
		"two documents":      {token, shopVersions, `{"language":"en","text":"# P","original":"IyBQ"}`, 422},
		"no words":           {token, shopVersions, `{"language":"en","text":" "}`, 422},
		"no language":        {token, shopVersions, `{"text":"# P"}`, 422},
		"a language twice":   {token, shopVersions, `{"language":"en","text":"# P","translations":[{"language":"en","text":"# Q"}]}`, 422},
		"no day":             {token, shopVersions, `{"language":"en","text":"# P","effective":"soon"}`, 422},
		"a grace too long":   {token, shopVersions, `{"language":"en","text":"# P","grace_days":1000000000}`, 422},
		"a summary too few":  {token, shopVersions, `{"language":"en","text":"# P","material":true}`, 422},
		"an old Word file":   {token, shopVersions, `{"language":"en","original":"` + base64.StdEncoding.EncodeToString([]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")) + `"}`, 422},
		"a translation lost": {token, shopVersions, `{"language":"en","text":"# P","translations":[{"language":"de"}]}`, 422},
	} {
		if a := w.publish(c.token, c.path, c.body); a.code != c.want {
			t.Errorf("%s: %d, want %d: %s", name, a.code, c.want, a.body)
		}
	}
	if _, err := w.db.Versions(t.Context(), shop, "privacy"); err == nil {
		t.Error("something was published")
	}
	// A program is nobody's second pair of eyes.
	if err := w.db.SetSecondPair(t.Context(), shop, true); err != nil {
		t.Fatal(err)
	}
	if a := w.publish(token, shopVersions, fine); a.code < 400 || !strings.Contains(a.body, "second pair of eyes") {
		t.Errorf("without approval: %d %s", a.code, a.body)
	}
	if _, err := w.db.Versions(t.Context(), shop, "privacy"); err == nil {
		t.Error("it was published without approval")
	}
	// A session is no token, and a token ends.
	owner := w.as(w.operator(operator.Owner))
	if a := owner.do(http.MethodPost, shopVersions, http.Header{"Content-Type": {"application/json"}}, strings.NewReader(fine)); a.code != 401 {
		t.Errorf("by a session's cookie: %d", a.code)
	}
	w.wait(2 * time.Hour)
	if a := w.publish(token, shopVersions, fine); a.code != 401 {
		t.Errorf("after its end: %d", a.code)
	}
}
