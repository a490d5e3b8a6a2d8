package policyversions

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
)

// entered is a version with all that an entry names.
func entered() Version {
	return Version{
		Digest: canonical.Sum([]byte("a")), Site: "shop", Policy: "privacy", Number: 2, Title: "Datenschutz", Language: "de",
		PublishedAt: day, Effective: day.AddDate(0, 0, 10), PublishedBy: "op1", ApprovedBy: "op2", Previous: canonical.Sum([]byte("before")),
		Announcement: Announcement{Material: true, Summary: map[string]string{"en": "New.", "de": "Neu."}, Grace: 14 * 24 * time.Hour},
		Translations: []Translation{{Language: "en", Title: "Privacy", Digest: canonical.Sum([]byte("b")), Original: []byte("two")}},
		Original:     []byte("one"),
	}
}

// These bytes are what a chain is made of: they can't be made anew in another form.
func TestEntryBytes(t *testing.T) {
	const want = `{"approved_by":"op2","digest":"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb","effective":1773187200000,` +
		`"grace":1209600000,"language":"de","material":true,"number":2,"policy":"privacy",` +
		`"previous":"6cb7d0ec4dc92f76b1e4bd2b6e3d8c6b","published_at":1772323200000,"published_by":"op1","schema":"policy-version/v1","site":"shop",` +
		`"summary":"SUMMARY","title":"Datenschutz","translations":{"en":"3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d"}}`
	v := entered()
	v.Schema = EntryV1 // as they were made at first
	b, err := v.EntryBytes()
	if err != nil {
		t.Fatal(err)
	}
	summary := string(canonical.Sum([]byte(`{"de":"Neu.","en":"New."}`)))
	wanted := strings.Replace(strings.Replace(want, "SUMMARY", summary, 1), "6cb7d0ec4dc92f76b1e4bd2b6e3d8c6b", string(v.Previous), 1)
	if string(b) != wanted {
		t.Errorf("\n%s, want\n%s", b, wanted)
	}
	e, err := ParseEntry(b)
	if err != nil || e.Number != 2 || e.ApprovedBy != "op2" || e.Previous != v.Previous || e.Translations["en"] != v.Translations[0].Digest {
		t.Errorf("%+v, %v", e, err)
	}
	first := Version{Schema: EntryV1, Site: "shop", Policy: "privacy", Number: 1, Digest: v.Digest, Title: "P", Language: "en", PublishedAt: day, Effective: day}
	if b, err := first.EntryBytes(); err != nil || strings.Contains(string(b), "previous") || strings.Contains(string(b), "translations") || strings.Contains(string(b), "_by") {
		t.Errorf("%s, %v", b, err)
	}
	for _, text := range []string{
		"", "{}", string(b) + " ", " " + string(b), strings.Replace(string(b), "policy-version/v1", "policy-version/v2", 1),
		strings.Replace(string(b), `"site"`, `"also":1,"site"`, 1), strings.Replace(string(b), `"number":2`, `"number":2.0`, 1),
		strings.Replace(string(b), `"number":2`, `"number":1,"number":2`, 1),
	} {
		if _, err := ParseEntry([]byte(text)); err == nil {
			t.Errorf("%s was read as an entry", text)
		}
	}
}

// The second schema says besides what was imported, and what a grace was worked out of.
func TestEntryBytesOfTheSecondSchema(t *testing.T) {
	v := entered()
	v.GraceDays = 14
	v = v.Sealed()
	b, err := v.EntryBytes()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"grace":1209600000,"grace_days":14,"language"`, `"original":"7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"`, // sha256sum of "one"
		`"originals":{"en":"3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"}`, `"schema":"policy-version/v2"`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
	e, err := ParseEntry(b)
	if err != nil || e.Original != v.OriginalDigest || e.GraceDays != 14 || e.Originals["en"] != v.Translations[0].OriginalDigest {
		t.Errorf("%+v, %v", e, err)
	}
	old := entered()
	old.Schema = EntryV1
	before, err := old.EntryBytes()
	if err != nil || strings.Contains(string(before), "original") || strings.Contains(string(before), "grace_days") {
		t.Fatalf("%s, %v", before, err)
	}
	for _, text := range []string{
		strings.Replace(string(b), "policy-version/v2", "policy-version/v1", 1), strings.Replace(string(before), "policy-version/v1", "policy-version/v2", 1),
		strings.Replace(string(b), "policy-version/v2", "policy-version/v3", 1), strings.Replace(string(b), `"originals":{"en":"3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"},`, "", 1),
	} {
		if e, err := ParseEntry([]byte(text)); err == nil {
			t.Errorf("%s was read as %+v", text, e)
		}
	}
}

// Whatever is changed of a version, its link does not fit it any more.
func TestALinkFitsItsVersionAlone(t *testing.T) {
	v := entered().Sealed()
	b, err := v.EntryBytes()
	if err != nil {
		t.Fatal(err)
	}
	l := Link{Bytes: b, Digest: canonical.Sum(b)}
	v.Entry = l.Digest
	if err := l.Check(v); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Version){
		"text": func(v *Version) { v.Digest = canonical.Sum(nil) }, "title": func(v *Version) { v.Title = "x" }, "language": func(v *Version) { v.Language = "en" },
		"number": func(v *Version) { v.Number = 3 }, "site": func(v *Version) { v.Site = "blog" }, "policy": func(v *Version) { v.Policy = "cookies" },
		"published": func(v *Version) { v.PublishedAt = day.Add(-time.Millisecond) }, "effective": func(v *Version) { v.Effective = day },
		"material": func(v *Version) { v.Material = false }, "summary": func(v *Version) { v.Summary = map[string]string{"en": "New."} },
		"grace": func(v *Version) { v.Grace = 0 }, "publisher": func(v *Version) { v.PublishedBy = "op3" }, "approver": func(v *Version) { v.ApprovedBy = "" },
		"translation": func(v *Version) { v.Translations = nil }, "chain": func(v *Version) { v.Previous = "" }, "entry": func(v *Version) { v.Entry = "" },
		"original": func(v *Version) { v.OriginalDigest = canonical.Sum([]byte("three")) }, "original of a translation": func(v *Version) { v.Translations[0].OriginalDigest = canonical.Sum(nil) },
		"days of grace": func(v *Version) { v.GraceDays = 7 }, "schema": func(v *Version) { v.Schema = EntryV1 },
	} {
		altered := entered().Sealed()
		altered.Entry = l.Digest
		change(&altered)
		if err := l.Check(altered); !errors.Is(err, ErrAltered) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (Link{Bytes: b, Digest: v.Digest}).Check(v); !errors.Is(err, ErrAltered) {
		t.Errorf("another digest: %v", err)
	}
}
