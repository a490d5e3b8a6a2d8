package mutation

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The deciding code: canonical bytes, the log, decisions, records and receipts, the
// cookie. Where keys lie and what is counted decides nothing.
var targets = []struct {
	dir   string
	files []string // nil: all
	fits  string   // tests
}{
	{dir: "../canonical", fits: "."},
	{dir: "../auditlog", fits: "."},
	{dir: "../consent", fits: ".", files: []string{"core.go", "core_form.go", "decision.go", "decision_reader.go", "erasure.go", "handover.go",
		"noticed.go", "receipt.go", "record.go", "recorder.go", "seal.go", "sitekey.go", "standing.go", "token.go", "verify.go", "verify_entry.go"}},
	{dir: "../visitor", fits: "Cookie|Several|Packing|LinkForAnotherDevice", files: []string{"cookie.go"}},
}

// least is the share of changes that tests have to notice, in percent.
const least = 90

// Every condition of the deciding code is seen true and false by a test, but for those
// in testdata/never.txt, which says why; and tests notice changes. Without being asked
// for more (make cover, make mutants) the smallest package alone is held to that.
func TestConditions(t *testing.T) {
	sample, _ := strconv.Atoi(os.Getenv("VOLENTI_MUTANTS"))
	all := os.Getenv("VOLENTI_COVER") != "" || sample > 0
	never := readNever(t)
	tried, killed := 0, 0
	for _, target := range targets {
		name := filepath.Base(target.dir)
		if only := os.Getenv("VOLENTI_MUTANTS_OF"); only != "" && name != only || !all && target.dir != targets[0].dir {
			continue
		}
		t.Run(name, func(t *testing.T) {
			p, err := Load(t.Context(), target.dir, func(file string) bool { return target.files == nil || slices.Contains(target.files, file) })
			if err != nil {
				t.Fatal(err)
			}
			temp := t.TempDir()
			g, err := p.Build(t.Context(), temp, p.Dir)
			if err != nil {
				t.Fatal(err)
			}
			if err := g.Measure(t.Context(), temp, target.fits); err != nil {
				t.Fatal(err)
			}
			outcomes, seen := 0, 0
			noticed, asked := 0, 0
			for _, m := range p.Mutants {
				if m.Condition {
					for value, was := range g.Seen(m.ID) {
						outcomes++
						known := name + "/" + m.File + " " + m.Func + " " + strconv.FormatBool(value == 1) + " " + m.Text
						switch {
						case was:
							seen++
						case never[known] == "":
							t.Errorf("%s:%d: no test sees this; a test, or a reason in testdata/never.txt:\n%s", m.File, m.Line, known)
						default:
							t.Logf("never: %s: %s", known, never[known])
						}
					}
				}
				if sample == 0 || m.ID%sample != 0 {
					continue
				}
				if asked++; g.Kills(t.Context(), m.ID) {
					noticed++
				} else {
					t.Logf("not noticed: %s", m)
				}
			}
			tried, killed = tried+asked, killed+noticed
			t.Logf("%s: %d of %d outcomes of conditions seen; %d of %d changes noticed, of %d there are", name, seen, outcomes, noticed, asked, len(p.Mutants))
		})
	}
	if tried > 0 {
		share := 100 * float64(killed) / float64(tried)
		t.Logf("%d of %d changes were noticed: %.1f %%", killed, tried, share)
		if share < least {
			t.Errorf("%.1f %% of the changes were noticed, want %d %%", share, least)
		}
	}
}

// readNever reads what no test can see, with the reason.
func readNever(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/never.txt")
	if err != nil {
		t.Fatal(err)
	}
	never := map[string]string{}
	reason := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if about, ok := strings.CutPrefix(line, "# "); ok {
			reason = about
		} else if line != "" {
			never[line] = reason
		}
	}
	return never
}

// A change that tests notice, one that they don't, and one that they don't come by.
func TestTheToolItself(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example\n\ngo 1.24\n",
		"a.go": `package example

func Big(n int, strict bool) (bool, error) {
	if n > 9 && (strict || n > 99) {
		return true, nil
	}
	total := 0
	for i := range n {
		total += i
	}
	return total >= 10, nil
}

func unused(b bool) string {
	switch {
	case b:
		return "yes"
	}
	return "no"
}
`,
		"a_test.go": `package example

import "testing"

func TestBig(t *testing.T) {
	for n, want := range map[int]bool{0: false, 4: false, 5: true, 9: true, 10: true} {
		if got, err := Big(n, true); got != want || err != nil {
			t.Fatal(n, got, err)
		}
	}
}
`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p, err := Load(t.Context(), dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	temp := t.TempDir()
	g, err := p.Build(t.Context(), temp, dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Measure(t.Context(), temp, "."); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, m := range p.Mutants {
		verdict := "kept"
		if g.Kills(t.Context(), m.ID) {
			verdict = "noticed"
		}
		if seen := g.Seen(m.ID); m.Condition && (!seen[0] || !seen[1]) {
			verdict += ", half seen"
		}
		got[m.Kind+" "+m.Text] = verdict
	}
	want := map[string]string{
		"return Big": "noticed", "negate n > 9 && (strict || n > 99)": "noticed", "negate n > 9": "noticed", "boundary n > 9": "kept", "constant 9": "kept",
		"negate strict || n > 99": "kept, half seen", "negate strict": "kept, half seen", "negate n > 99": "kept, half seen", "boundary n > 99": "kept", "constant 99": "kept",
		"constant 0": "kept", "drop total += i": "noticed",
		"negate total >= 10": "noticed", "boundary total >= 10": "noticed", "constant 10": "noticed",
		"return unused": "kept", "negate b": "kept, half seen",
	}
	for _, key := range slices.Sorted(maps.Keys(got)) {
		if got[key] != want[key] {
			t.Errorf("%s: %s, want %s", key, got[key], want[key])
		}
	}
	for key := range want {
		if _, ok := got[key]; !ok {
			t.Errorf("%s: no such change", key)
		}
	}
}
