package mutation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Program is a package's tests, with all changes of a package in it.
type Program struct {
	pkg    *Package
	binary string
	dir    string
	tests  []tested
}

// A tested is one test without a change: how long it took, and which changes it came by.
type tested struct {
	name string
	took time.Duration
	seen map[int][2]bool
}

// Build compiles the tests of the package in dir, which may be another than the changed
// one, into a file beneath temp.
func (p *Package) Build(ctx context.Context, temp, dir string) (*Program, error) {
	overlay := map[string]map[string]string{"Replace": {}}
	for name, text := range p.Replace {
		to := filepath.Join(temp, strconv.Itoa(len(overlay["Replace"]))+filepath.Base(name))
		if err := os.WriteFile(to, []byte(text), 0o600); err != nil {
			return nil, err
		}
		overlay["Replace"][name] = to
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		return nil, err
	}
	file, binary := filepath.Join(temp, "overlay.json"), filepath.Join(temp, "tests")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-vet=off", "-c", "-overlay", file, "-o", binary, ".") //nolint:gosec // paths of its own
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile the changed package: %w\n%s", err, out)
	}
	return &Program{pkg: p, binary: binary, dir: dir}, nil
}

func (g *Program) run(ctx context.Context, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, g.binary, args...) //nolint:gosec // what Build made
	cmd.Dir, cmd.Env = g.dir, append(os.Environ(), env...)
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Measure runs every test whose name fits, alone and without a change.
func (g *Program) Measure(ctx context.Context, temp, fits string) error {
	out, err := g.run(ctx, nil, "-test.list", fits)
	if err != nil {
		return fmt.Errorf("list the tests: %w\n%s", err, out)
	}
	for name := range strings.FieldsSeq(out) {
		if !strings.HasPrefix(name, "Test") && !strings.HasPrefix(name, "Fuzz") {
			continue
		}
		seen := filepath.Join(temp, "seen-"+name)
		begun := time.Now()
		if out, err := g.run(ctx, []string{"VOLENTI_MUTANTS_SEEN=" + seen}, "-test.short", "-test.run", "^"+name+"$"); err != nil {
			return fmt.Errorf("%s fails without a change: %w\n%s", name, err, out)
		}
		t := tested{name: name, took: time.Since(begun), seen: map[int][2]bool{}}
		text, err := os.ReadFile(seen)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		for line := range strings.Lines(string(text)) {
			var id, value int
			if _, err := fmt.Sscanf(line, "%d %d", &id, &value); err != nil {
				return fmt.Errorf("%s: %w", seen, err)
			}
			was := t.seen[id]
			was[value] = true
			t.seen[id] = was
		}
		g.tests = append(g.tests, t)
	}
	slices.SortFunc(g.tests, func(a, b tested) int { return int(a.took - b.took) })
	return nil
}

// Seen says of a change whether its place was come by, and of a condition which values it had.
func (g *Program) Seen(id int) (values [2]bool) {
	for _, t := range g.tests {
		values[0], values[1] = values[0] || t.seen[id][0], values[1] || t.seen[id][1]
	}
	return values
}

// Kills reports whether a test fails with a change, the quick ones first; a test that
// does not end does.
func (g *Program) Kills(ctx context.Context, id int) bool {
	var names [2][]string
	var took time.Duration
	for _, t := range g.tests {
		if _, ok := t.seen[id]; !ok {
			continue
		}
		slow := 0
		if t.took > time.Second {
			slow = 1
		}
		names[slow], took = append(names[slow], regexp.QuoteMeta(t.name)), took+t.took
	}
	for _, some := range names {
		if len(some) == 0 {
			continue
		}
		patience := 10*took + 20*time.Second
		limited, cancel := context.WithTimeout(ctx, patience+20*time.Second)
		_, err := g.run(limited, []string{"VOLENTI_MUTANT=" + strconv.Itoa(id)}, "-test.short", "-test.failfast",
			"-test.timeout", patience.String(), "-test.run", "^("+strings.Join(some, "|")+")$")
		cancel()
		if err != nil {
			return ctx.Err() == nil
		}
	}
	return false
}
