package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A desk is a data folder with a site, and a folder to write files in.
type desk struct {
	t          *testing.T
	data, home string
}

func newDesk(t *testing.T) desk {
	t.Helper()
	d := desk{t, t.TempDir(), t.TempDir()}
	if err := os.Chmod(d.data, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, exit := volenti(t, "site", "add", "shop", "--data", d.data, "--time-zone", "Europe/Vienna"); exit != 0 {
		t.Fatal(out)
	}
	return d
}

func (d desk) file(name, text string) string {
	d.t.Helper()
	path := filepath.Join(d.home, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		d.t.Fatal(err)
	}
	return path
}

// run runs a command of policy on the desk, and wants it to end so.
func (d desk) run(want int, args ...string) string {
	d.t.Helper()
	all := append([]string{"policy"}, args...)
	out, exit := volenti(d.t, append(all, "--site", "shop", "--data", d.data)...)
	if exit != want {
		d.t.Fatalf("%v: exit %d, want %d\n%s", args, exit, want, out)
	}
	return out
}

func (d desk) json(into any, want int, args ...string) {
	d.t.Helper()
	out := d.run(want, append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), into); err != nil {
		d.t.Fatalf("%v: %v\n%s", args, err, out)
	}
}

const (
	oneText = "# Privacy policy\n\nShop Ltd is the controller: privacy@shop.example.\n\nWe keep orders for seven years.\n"
	twoText = "# Privacy policy\n\nShop Ltd is the controller: privacy@shop.example.\n\nWe keep orders for five years.\n"
)

func TestPublishAndCompare(t *testing.T) {
	d := newDesk(t)
	one, two := d.file("one.md", oneText), d.file("two.md", twoText)
	german := d.file("two.de.md", "# Datenschutz\n\nWir bewahren Bestellungen fünf Jahre auf.\n")
	if out := d.run(0, "import", one, "--effective", "2026-01-01"); !strings.Contains(out, "version 1") || !strings.Contains(out, "1 January 2026 00:00 CET") {
		t.Errorf("%s", out)
	}
	if out := d.run(0, "publish", one, "--effective", "2026-01-01"); !strings.Contains(out, "version 1 says this already") {
		t.Errorf("again: %s", out)
	}
	var answer struct {
		Number       int
		Published    bool
		Translations []struct{ Language, Digest string }
	}
	d.json(&answer, 0, "publish", two, "--translate", "de="+german, "--material", "--summary", "en=Orders go sooner.", "--summary", "de=Bestellungen gehen früher.")
	if answer.Number != 2 || !answer.Published || len(answer.Translations) != 1 || answer.Translations[0].Language != "de" {
		t.Errorf("%+v", answer)
	}
	var list []struct {
		Number    int
		State     string
		Effective string
		Material  bool
	}
	d.json(&list, 0, "list")
	if len(list) != 2 || list[0].Number != 2 || list[0].State != "in_force" || !list[0].Material || list[1].Effective != "2025-12-31T23:00:00Z" {
		t.Errorf("%+v", list)
	}
	if out := d.run(0, "list"); !strings.Contains(out, "2026-01-01") {
		t.Errorf("the day is the site's: %s", out)
	}
	out := d.run(1, "diff", "1..2")
	for _, want := range []string{"--- shop/privacy version 1, in force from 2026-01-01", "~ We keep orders for [-seven-]{+five+} years.", "1 words put in, 1 gone, 0 blocks moved"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if strings.Contains(out, "\x1b") {
		t.Errorf("colours where there is no terminal: %q", out)
	}
	if out := d.run(1, "diff", "1..2", "--color", "always"); !strings.Contains(out, "\x1b[32mfive") {
		t.Errorf("no colours: %q", out)
	}
	if out := d.run(0, "diff", two); out != "" {
		t.Errorf("the version in force differs from itself: %s", out)
	}
	var difference struct {
		Same              bool
		Inserted, Deleted int
		Blocks            []struct {
			Kind  string
			Spans []struct{ Op, Text string }
		}
	}
	d.json(&difference, 1, "diff", one)
	if difference.Same || difference.Inserted != 1 || difference.Blocks[2].Kind != "changed" || difference.Blocks[2].Spans[1].Text != "five" {
		t.Errorf("%+v", difference)
	}
	if _, exit := volenti(t, "policy", "diff", one, two); exit != 1 {
		t.Errorf("two files: exit %d", exit)
	}
	for _, args := range [][]string{{"diff", "1..9"}, {"diff", "missing.md"}, {"diff", "1..2", "--policy", "nothing"}, {"diff", "1..2", "--language", "x", "--bad"}} {
		d.run(2, args...)
	}
	if out, exit := volenti(t, "policy", "diff", "1..2"); exit != 2 || !strings.Contains(out, "--site") {
		t.Errorf("exit %d\n%s", exit, out)
	}
	for _, args := range [][]string{
		{"publish", one, "--effective", "1 December"}, {"publish", one, "--effective", "2020-01-01"}, {"publish", one, "--translate", "de"},
		{"publish", "missing.md"}, {"publish", one, "--policy", "Not A Key"}, {"publish", one, "--language", "gibberish-"}, {"publish", one, "--material"},
		{"list", "--policy", "nothing"},
	} {
		d.run(2, args...)
	}
	d.run(3, "publish", d.file("bytes.md", "\xff\xfe\xff"))
}

func TestLintPolicies(t *testing.T) {
	d := newDesk(t)
	if out, exit := volenti(t, "policy", "lint", d.file("fine.md", oneText)); exit != 0 || !strings.Contains(out, "nothing to mend") {
		t.Errorf("exit %d\n%s", exit, out)
	}
	bad := d.file("bad.md", "---\ntitle: x\n---\n"+oneText+"\n## Empty\n\n## Rights\n\nSee [there](#nowhere).\n")
	out, exit := volenti(t, "policy", "lint", bad)
	if exit != 3 || !strings.Contains(out, "bad.md:10: error: the section \"Empty\" says nothing") || !strings.Contains(out, "(broken-link)") || strings.Contains(out, "reported") {
		t.Errorf("exit %d\n%s", exit, out)
	}
	warned := d.file("warned.md", strings.Replace(oneText, "privacy@shop.example", "write to us", 1))
	if out, exit := volenti(t, "policy", "lint", warned); exit != 0 || !strings.Contains(out, "(no-contact)") {
		t.Errorf("exit %d\n%s", exit, out)
	}
	out, exit = volenti(t, "policy", "lint", warned, "--strict", "--json")
	var answer struct {
		Failed bool
		Issues []struct{ Rule, Remedy string }
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil || exit != 3 || !answer.Failed || len(answer.Issues) != 1 || answer.Issues[0].Rule != "no-contact" {
		t.Errorf("exit %d %v\n%s", exit, err, out)
	}
}

func TestHistoryOfDatedFiles(t *testing.T) {
	d := newDesk(t)
	d.file("old/2019-04-01.md", oneText)
	d.file("old/20200229.txt", oneText+"\n\n")
	d.file("old/privacy-2021-05-01.html", "<!doctype html><html><head><title>Privacy</title></head><body><main><h1>Privacy policy</h1><p>Five years.</p></main></body></html>")
	d.file("old/readme.md", "# Not a policy\n")
	old := filepath.Join(d.home, "old")
	if out := d.run(0, "history", "import", old, "--dry-run"); !strings.Contains(out, "2 to publish, 1 said nothing new") || !strings.Contains(out, "readme.md: no day") {
		t.Errorf("%s", out)
	}
	if out, exit := volenti(t, "policy", "list", "--site", "shop", "--data", d.data); exit != 2 {
		t.Fatalf("a dry run has published: %s", out)
	}
	var report struct {
		Texts []struct {
			Name, Outcome string
			Number        int
			Changes       []struct {
				What  string
				Count int
			}
		}
		Passed []string
	}
	d.json(&report, 0, "history", "import", old)
	if len(report.Texts) != 3 || report.Texts[0].Number != 1 || report.Texts[1].Outcome != "same" || report.Texts[2].Number != 2 || len(report.Passed) != 1 {
		t.Errorf("%+v", report)
	}
	if out := d.run(0, "history", "import", old); !strings.Contains(out, "0 published, 1 said nothing new, 2 there already") {
		t.Errorf("again: %s", out)
	}
	d.file("old/2022-01-01.md", twoText)
	if out := d.run(0, "history", "import", old); !strings.Contains(out, "version 3") || !strings.Contains(out, "2 there already") {
		t.Errorf("with one more: %s", out)
	}
	d.file("old/2018-01-01.md", "# Earlier\n")
	if out := d.run(3, "history", "import", old); !strings.Contains(out, "2018-01-01.md: a version of a later day is there") {
		t.Errorf("with one before: %s", out)
	}
	d.file("old/2023-01-01.md", "\xff")
	d.file("old/2024-01-01.md", "# Later\n")
	if out := d.run(3, "history", "import", old); !strings.Contains(out, "nothing was published") || !strings.Contains(out, "2023-01-01.md") {
		t.Errorf("with a broken one: %s", out)
	}
	if out := d.run(0, "list"); strings.Contains(out, "Later") {
		t.Errorf("it was published behind a gap: %s", out)
	}
	d.run(2, "history", "import", d.home) // nothing dated
}

func TestHistoryOfARepository(t *testing.T) {
	d := newDesk(t)
	repository, settings := filepath.Join(d.home, "archive"), d.file("gitconfig", "")
	git := func(day string, args ...string) {
		t.Helper()
		c := exec.Command("git", append([]string{"-C", repository, "-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"}, args...)...)
		c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+settings, "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_DATE="+day+"T23:30:00-08:00", "GIT_COMMITTER_DATE=2026-01-01T00:00:00Z")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	d.file("archive/Shop/Privacy Policy.md", oneText)
	git("2019-04-01", "init", "-q")
	git("2019-04-01", "add", ".")
	git("2019-04-01", "commit", "-qm", "first")
	d.file("archive/other.md", "x")
	git("2019-05-01", "add", ".")
	git("2019-05-01", "commit", "-qm", "another file")
	git("2019-06-01", "mv", "Shop/Privacy Policy.md", "--", "--output=x.md")
	git("2019-06-01", "commit", "-qm", "renamed, to a name that looks like an option")
	d.file("archive/--output=x.md", twoText)
	git("2020-02-29", "commit", "-qam", "second")
	out := d.run(0, "history", "import", repository, "--git", "--output=x.md")
	for _, want := range []string{"2019-04-01  ", "Privacy Policy.md: version 1", "says what the one before it says", "2020-02-29  ", "version 2", "2 published, 1 said nothing new"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if out := d.run(0, "list"); !strings.Contains(out, "2020-02-29") {
		t.Errorf("the day is the author's: %s", out)
	}
	d.run(2, "history", "import", repository, "--git", "nothing.md")
	d.run(2, "history", "import", d.home, "--git", "x.md")
}

func TestExportCanBeImported(t *testing.T) {
	d := newDesk(t)
	one, two := d.file("one.md", oneText), d.file("two.md", twoText)
	german := d.file("two.de.md", "# Datenschutz\n\nFünf Jahre.\n")
	d.run(0, "publish", one, "--effective", "2020-01-01")
	d.run(0, "publish", two, "--effective", "2021-01-01", "--translate", "de="+german)
	folder := filepath.Join(d.home, "export")
	d.run(0, "export", "-o", folder)
	for name, want := range map[string]string{"0001_2020-01-01.md": oneText, "markdown/0002_2021-01-01.md": twoText, "translations/de/0002_2021-01-01.md": "# Datenschutz\n\nFünf Jahre.\n"} {
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(got) != want {
			t.Errorf("%s: %v %q", name, err, got)
		}
	}
	if out := d.run(2, "export", "-o", folder); !strings.Contains(out, "there already") {
		t.Errorf("over what is there: %s", out)
	}
	archive := filepath.Join(d.home, "export.zip")
	d.run(0, "export", "-o", archive)
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	if n := len(z.File); n != 2*4+3+1 {
		t.Errorf("%d files", n)
	}
	if out := d.run(0, "export", "-o", "-"); !bytes.HasPrefix([]byte(out), []byte("PK")) {
		t.Errorf("%.40q", out)
	}
	other := newDesk(t)
	other.run(0, "history", "import", folder)
	mine, theirs := d.run(0, "list"), other.run(0, "list")
	if mine != theirs {
		t.Errorf("exported\n%s\nimported\n%s", mine, theirs)
	}
}

func TestShellsCompleteKeys(t *testing.T) {
	d := newDesk(t)
	d.run(0, "publish", d.file("one.md", oneText), "--policy", "cookies")
	for want, args := range map[string][]string{
		"shop":    {"__complete", "policy", "list", "--data", d.data, "--site", ""},
		"shop\t":  {"__complete", "embed", "--data", d.data, "--site", "s"},
		"cookies": {"__complete", "policy", "list", "--data", d.data, "--site", "shop", "--policy", ""},
	} {
		if out, _ := volenti(t, args...); !strings.HasPrefix(out, want) {
			t.Errorf("%v: %s", args, out)
		}
	}
	if out, exit := volenti(t, "site", "list", "--data", d.data, "--json"); exit != 0 || !strings.Contains(out, `"time_zone": "Europe/Vienna"`) {
		t.Errorf("exit %d\n%s", exit, out)
	}
	nowhere := filepath.Join(d.home, "nowhere")
	if out, _ := volenti(t, "__complete", "policy", "list", "--data", nowhere, "--site", ""); !strings.HasPrefix(out, ":4") {
		t.Errorf("%s", out)
	}
	if _, err := os.Stat(nowhere); err == nil {
		t.Error("completing has made a data folder")
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if out, exit := volenti(t, "completion", shell); exit != 0 || !strings.Contains(out, "volenti") {
			t.Errorf("%s: exit %d", shell, exit)
		}
	}
}

// token makes one for programs of the shop.
func (d desk) token(rights ...string) string {
	d.t.Helper()
	args := []string{"operator", "token", "add", "--site", "shop", "--data", d.data, "publish from CI"}
	for _, r := range rights {
		args = append(args, "--right", r)
	}
	out, exit := volenti(d.t, args...)
	found := regexp.MustCompile(`vt_[A-Za-z0-9_-]+`).FindString(out)
	if exit != 0 || found == "" {
		d.t.Fatalf("exit %d\n%s", exit, out)
	}
	return d.file("token-"+strings.Join(rights, "-"), found+"\n")
}

func TestPublishOnAServer(t *testing.T) {
	d := newDesk(t)
	one := d.file("one.md", oneText)
	token, reader := d.token("policies:publish"), d.token("policies:read")
	p := start(t, d.data)
	remote := func(want int, args ...string) string {
		t.Helper()
		all := append([]string{"policy", "publish", "--site", "shop", "--server", p.base}, args...)
		out, exit := volenti(t, all...)
		if exit != want {
			t.Fatalf("%v: exit %d, want %d\n%s", args, exit, want, out)
		}
		return out
	}
	if out := remote(0, one, "--token-file", token, "--effective", "2026-01-01"); !strings.Contains(out, "shop/privacy version 1") {
		t.Errorf("%s", out)
	}
	if out := remote(0, one, "--token-file", token, "--effective", "2026-01-01"); !strings.Contains(out, "says this already") {
		t.Errorf("again: %s", out)
	}
	german := d.file("two.de.md", "# Datenschutz\n\nFünf Jahre.\n")
	if out := remote(0, d.file("two.md", twoText), "--token-file", token, "--translate", "de="+german, "--json"); !strings.Contains(out, `"published": true`) || !strings.Contains(out, `"number": 2`) {
		t.Errorf("%s", out)
	}
	if out := remote(2, one, "--token-file", reader); !strings.Contains(out, "may not") {
		t.Errorf("with a token that may read: %s", out)
	}
	if out := remote(2, one, "--token-file", d.file("bad", "vt_nothing\n")); !strings.Contains(out, "token is not valid") {
		t.Errorf("with no token of it: %s", out)
	}
	if out := remote(3, d.file("three.md", "# Three\n"), "--token-file", token, "--material"); !strings.Contains(out, "summary") {
		t.Errorf("without a summary: %s", out)
	}
	if out := remote(2, d.file("four.md", "# Four\n"), "--token-file", token, "--effective", "2025-01-01"); !strings.Contains(out, "later day") {
		t.Errorf("back-dated: %s", out)
	}
	remote(2, one)
	for _, server := range []string{"http://consent.example.com", "ftp://localhost", "https://user@localhost", "consent.example.com"} {
		if out, exit := volenti(t, "policy", "publish", one, "--site", "shop", "--server", server, "--token-file", token); exit != 2 {
			t.Errorf("%s: exit %d\n%s", server, exit, out)
		}
	}
	// What was sent stands in the archive as it was handed in.
	if _, body := fetch(t, p.base+"/policies/shop/privacy/versions/1/original", nil); body != oneText {
		t.Errorf("%q", body)
	}
}

func TestManualPages(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "man1")
	if out, exit := volenti(t, "man", folder); exit != 0 || !strings.Contains(out, "pages") {
		t.Fatalf("exit %d\n%s", exit, out)
	}
	for name, want := range map[string]string{"volenti.1": "volenti-policy", "volenti-policy-diff.1": "word by word", "volenti-policy-history-import.1": "author"} {
		if page, err := os.ReadFile(filepath.Join(folder, name)); err != nil || !strings.Contains(string(page), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWordDocumentsAreHandedOutAsTheyCame(t *testing.T) {
	d := newDesk(t)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("word/document.xml")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write([]byte(`<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>Privacy policy</w:t></w:r></w:p></w:body></w:document>`))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	d.run(0, "publish", d.file("privacy.docx", b.String()))
	p := start(t, d.data)
	resp, body := fetch(t, p.base+"/policies/shop/privacy/versions/1/original", nil)
	if body != b.String() || !strings.Contains(resp.Header.Get("Content-Disposition"), ".docx") || !strings.HasSuffix(resp.Header.Get("Content-Type"), "wordprocessingml.document") {
		t.Errorf("%d bytes, %v", len(body), resp.Header)
	}
}
