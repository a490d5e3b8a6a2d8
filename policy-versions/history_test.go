package policyversions

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestDayInName(t *testing.T) {
	for name, want := range map[string]string{
		"2019-04-01.md": "2019-04-01", "privacy-2020-02-29.html": "2020-02-29", "20210301_terms.txt": "2021-03-01", "v2_2022.12.31.docx": "2022-12-31",
		"2021-02-29.md": "", "2021-13-01.md": "", "privacy.md": "", "120210301.md": "", "202103011.md": "", "2021-0301.md": "", "1789-07-14.md": "",
		"2021-03-01T10-00-00Z.md": "2021-03-01",
	} {
		if got, ok := DayInName(name); ok != (want != "") || ok && got != want {
			t.Errorf("%s is of %q, want %q", name, got, want)
		}
	}
}

func TestHistoryOfAFolder(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	folder := fstest.MapFS{
		"privacy-2021-05-01.md": file("# Three\n"), "2019-04-01.md": file("# One\n"), "20200229.txt": file("# One\n\n"), "notes.md": file("x"),
		".2018-01-01.md": file("hidden"), "2017-01-01.png": file("x"), "old/2016-01-01.md": file("deeper"),
	}
	past, passed, err := Dated(folder)
	if err != nil || fmt.Sprint(passed) != "[notes.md]" {
		t.Fatalf("%v %v", passed, err)
	}
	vienna, err := time.LoadLocation("Europe/Vienna")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	steps, err := Plan(past, nil, "en", vienna, func() { seen++ })
	if err != nil || seen != 3 {
		t.Fatal(seen, err)
	}
	fates := func(steps []Step) string {
		var b strings.Builder
		for _, s := range steps {
			fmt.Fprintf(&b, "%s %s %s\n", s.Day, s.Fate, s.Effective.UTC().Format(time.RFC3339))
		}
		return b.String()
	}
	const first = "2019-04-01 publish 2019-03-31T22:00:00Z\n2020-02-29 same 2020-02-28T23:00:00Z\n2021-05-01 publish 2021-04-30T22:00:00Z\n"
	if got := fates(steps); got != first {
		t.Errorf("got\n%s\nwant\n%s", got, first)
	}
	// It goes on where it was broken off, and again does nothing.
	one := Version{Digest: steps[0].Digest, Effective: steps[0].Effective}
	steps, _ = Plan(past, []Version{one}, "en", vienna, func() {})
	if got := fates(steps); got != strings.Replace(first, "01 publish 2019", "01 there 2019", 1) {
		t.Errorf("after the first it is\n%s", got)
	}
	two := Version{Digest: steps[2].Digest, Effective: steps[2].Effective}
	steps, _ = Plan(past, []Version{two, one}, "en", vienna, func() {})
	if got := fates(steps); strings.Contains(got, "publish") || strings.Contains(got, "too-late") {
		t.Errorf("after all it is\n%s", got)
	}
	// Nothing comes before what is in force later.
	other := Version{Digest: "x", Effective: time.Date(2020, 12, 1, 0, 0, 0, 0, vienna)}
	steps, _ = Plan(past, []Version{other}, "en", vienna, func() {})
	if steps[0].Fate != TooLate || steps[2].Fate != Publishes {
		t.Errorf("beside a later one it is\n%s", fates(steps))
	}
	folder["2020-01-01.md"] = file("\xff\xfe")
	folder["2020-01-02.md"] = file(" \n")
	past, _, _ = Dated(folder)
	if _, err = Plan(past, nil, "en", vienna, func() {}); !errors.Is(err, ErrEncoding) || !errors.Is(err, ErrEmpty) || !strings.Contains(err.Error(), "2020-01-02.md") {
		t.Errorf("two that can't be imported: %v", err)
	}
	if _, _, err := Dated(fstest.MapFS{"privacy.md": file("x")}); !errors.Is(err, ErrNoHistory) {
		t.Errorf("a folder without days: %v", err)
	}
}
