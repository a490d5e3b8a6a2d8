package consent

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The way to check a receipt that docs/evidence.md describes knows nothing of
// this code: if both agree, the format is the one that is written down.
func TestReceiptsVerifyWithoutUs(t *testing.T) {
	for _, tool := range []string{"python3", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err, "; .ci/deps installs it")
		}
	}
	page, err := os.ReadFile("../../docs/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	block := func(language string) string {
		_, after, ok := strings.Cut(string(page), "```"+language+"\n")
		text, _, closed := strings.Cut(after, "```")
		if !ok || !closed {
			t.Fatalf("docs/evidence.md has no block of %s", language)
		}
		return text
	}
	folder := t.TempDir()
	write := func(name string, b []byte) {
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("verify.py", []byte(block("python")))
	run := func(receipt []byte) (string, error) {
		write("receipt.json", receipt)
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", block("sh"))
		cmd.Dir = folder
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	jwks, err := newTestKey(7).keys().JWKS()
	if err != nil {
		t.Fatal(err)
	}
	write("jwks.json", jwks)
	for name, e := range goldenEntries(t) {
		receipt := receiptOf(t, e)
		if out, err := run(receipt); err != nil {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		altered := strings.Replace(string(receipt), `"language":"de"`, `"language":"en"`, 1)
		if out, err := run([]byte(altered)); err == nil {
			t.Errorf("%s, altered: %s", name, out)
		}
	}
	other, err := newTestKey(8).keys().JWKS()
	if err != nil {
		t.Fatal(err)
	}
	write("jwks.json", []byte(strings.Replace(string(other), newTestKey(8).kid(), newTestKey(7).kid(), 1)))
	if out, err := run(receiptOf(t, goldenEntries(t)["save"])); err == nil {
		t.Errorf("under another key: %s", out)
	}
}
