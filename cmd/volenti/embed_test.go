package main

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/embedding"
)

const exampleServer = "https://consent.example.com"

// printed runs `volenti embed` and returns both outputs.
func printed(t *testing.T, data string, args ...string) (lines, notes string) {
	t.Helper()
	cmd := exec.Command(binary, append([]string{"embed", "--data", data, "--site", "shop", "--url", exampleServer}, args...)...)
	var out, beside strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &beside
	if err := cmd.Run(); err != nil {
		t.Fatalf("volenti embed %v: %v\n%s", args, err, beside.String())
	}
	return out.String(), beside.String()
}

// Who copies from the documentation gets what the command prints.
func TestTheDocumentationShowsWhatEmbedPrints(t *testing.T) {
	data := publish(t)
	for _, platform := range embedding.Platforms() {
		doc, err := os.ReadFile("../../docs/platforms/" + platform + ".md")
		if err != nil {
			t.Fatal(err)
		}
		lines, _ := printed(t, data, "--platform", platform)
		if platform == "gtm" {
			template, err := os.ReadFile("../../web/integrations/gtm/template.tpl")
			if err != nil || lines != string(template) {
				t.Errorf("gtm: the template for %s is not the one of web/integrations (%v)", exampleServer, err)
			}
			continue
		}
		if !strings.Contains(string(doc), "```\n") || !strings.Contains(string(doc), "\n"+strings.TrimSpace(lines)+"\n```\n") {
			t.Errorf("docs/platforms/%s.md does not show:\n%s", platform, lines)
		}
	}
	guide, err := os.ReadFile("../../docs/embed.md")
	if err != nil {
		t.Fatal(err)
	}
	lines, _ := printed(t, data)
	stub, notes := printed(t, data, "--inline-stub")
	for _, want := range []string{head(t, lines), head(t, stub)} {
		if !strings.Contains(string(guide), "```html\n"+want+"\n```") {
			t.Errorf("docs/embed.md does not show:\n%s", want)
		}
	}
	inline := regexp.MustCompile(`<script>(.*)</script>`).FindStringSubmatch(stub)[1]
	sum := sha256.Sum256([]byte(inline))
	if !strings.Contains(notes, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
		t.Errorf("the hash of the inline script is not in %q", notes)
	}
	if len(inline) > 400 {
		t.Errorf("the inline script has %d bytes; the documentation says some 340", len(inline))
	}
}

// head is the lines for the head in the HTML that embed prints.
func head(t *testing.T, lines string) string {
	t.Helper()
	_, after, ok := strings.Cut(lines, "<!-- first in <head> -->\n")
	text, _, end := strings.Cut(after, "\n\n")
	if !ok || !end {
		t.Fatalf("no lines for the head in:\n%s", lines)
	}
	return text
}

var pinnedTag = regexp.MustCompile(`src="https://consent\.example\.com(/b/shop/pinned/([0-9a-f]{64})\.js)" (?:integrity)="(sha384-[^"]+)" crossorigin="anonymous"`)

// A pinned script is answered as it was printed, in every coding, for as long as a
// page names it, and to the site it was made for only.
func TestAPinnedScriptIsAnsweredAsPrinted(t *testing.T) {
	data := publish(t)
	file, err := os.ReadFile("testdata/shop.toml")
	if err != nil {
		t.Fatal(err)
	}
	sister := filepath.Join(t.TempDir(), "sister.toml")
	if err := os.WriteFile(sister, []byte(strings.Replace(string(file), `site = "shop"`, `site = "sister"`, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"site", "add", "sister"}, {"notice", "publish", sister}} {
		if out, exit := volenti(t, append(args, "--data", data)...); exit != 0 {
			t.Fatalf("volenti %v: exit %d\n%s", args, exit, out)
		}
	}
	p := start(t, data)
	lines, _ := printed(t, data, "--pinned")
	found := pinnedTag.FindStringSubmatch(lines)
	if found == nil {
		t.Fatalf("no pinned script in:\n%s", lines)
	}
	again, _ := printed(t, data, "--pinned")
	if again != lines {
		t.Error("printed again, it is another")
	}
	if german, _ := printed(t, data, "--pinned", "--lang", "de"); strings.Contains(german, found[2]) {
		t.Error("the script of another language has the same digest")
	}
	for _, coding := range []string{"", "br", "gzip", "zstd"} {
		req, err := http.NewRequest(http.MethodGet, p.base+found[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", coding)
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Encoding") != coding {
			t.Fatalf("%s: %d in %q, %v", coding, resp.StatusCode, resp.Header.Get("Content-Encoding"), err)
		}
		if resp.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("header %v", resp.Header)
		}
		if coding == "" {
			sum := sha512.Sum384(body)
			if got := "sha384-" + base64.StdEncoding.EncodeToString(sum[:]); got != found[3] {
				t.Errorf("what is answered has the digest %s, what was printed says %s", got, found[3])
			}
		}
	}
	for path, want := range map[string]int{
		"/b/shop/pinned/" + strings.Repeat("0", 64) + ".js":     404,
		"/b/shop/pinned/" + found[2][:16] + ".js":               404,
		"/b/sister/pinned/" + found[2] + ".js":                  404,
		"/v1/sites/sister/boot?pinned=" + found[2]:              404,
		"/b/nobody/pinned/" + found[2] + ".js":                  404,
		"/v1/sites/shop/boot":                                   404,
		"/v1/sites/shop/boot?pinned=" + found[2]:                200,
		"/v1/sites/shop/boot?pinned=" + strings.Repeat("0", 64): 404,
		"/v1/sites/nobody/boot?pinned=" + found[2]:              404,
		"/v1/sites/shop/archive/" + found[2]:                    200,
	} {
		resp, err := http.Get(p.base + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
}

func TestEmbedSaysWhatIsWrong(t *testing.T) {
	data := publish(t)
	for says, args := range map[string][]string{
		"--site KEY":                           {"--url", exampleServer},
		"--url https://consent.example.com":    {"--site", "shop"},
		"reach this server":                    {"--site", "shop", "--url", "javascript:alert(1)"},
		"is not one of html, next":             {"--site", "shop", "--url", exampleServer, "--platform", "jsp"},
		"has no notice; publish one first":     {"--site", "nobody", "--url", exampleServer},
		`does not speak "fr"; it speaks en`:    {"--site", "shop", "--url", exampleServer, "--lang", "fr"},
		"leave out --pinned and --inline-stub": {"--site", "shop", "--url", exampleServer, "--platform", "gtm", "--pinned"},
	} {
		out, exit := volenti(t, append([]string{"embed", "--data", data}, args...)...)
		if exit != exitUsage || !strings.Contains(out, says) {
			t.Errorf("%v: exit %d, says %q; want it to say %q", args, exit, out, says)
		}
	}
}
