package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/notice"
)

const variablePrefix = "VOLENTI_"

// furtherVariables are read beside those of the settings; the last one by a process that
// succeeds another.
var furtherVariables = []string{"VOLENTI_CONFIG", secretVariable, "VOLENTI_TOKEN", "VOLENTI_GATE_UPSTREAM", "VOLENTI_GATE_SITE", "VOLENTI_GATE_PREFIX", "VOLENTI_SUCCEEDS"}

// serviceLink is what Kubernetes and Docker put into the environment for a service that is
// called volenti, or volenti-something. The one that ends with PORT holds an address there,
// and is a setting that somebody imagined otherwise.
var serviceLink = regexp.MustCompile(`^VOLENTI(_[A-Z0-9_]+)?(_SERVICE_HOST=|_SERVICE_PORT(_[A-Z0-9_]+)?=|_PORT=[a-z]+://|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?=)`)

// A stray is a variable that looks like a setting and is none: mistyped, as a rule.
type stray struct {
	name  string
	meant string // the nearest that is one, or ""
}

func (s stray) Error() string {
	return fmt.Sprintf("no setting has the name of the variable %s: it is ignored; %s", s.name, s.mend())
}

func (s stray) mend() string {
	if s.meant == "" {
		return "take it out, or call it as volenti serve --help does"
	}
	return "did you mean " + s.meant + "? Take it out otherwise"
}

// strays are those of an environment (os.Environ), by name. What they hold is of no
// interest: it may be a secret.
func strays(environ []string) (all []stray) {
	known := slices.Clone(furtherVariables)
	for _, s := range defaults().settings() {
		known = append(known, s.env())
	}
	for i := range known {
		known[i] = strings.TrimPrefix(known[i], variablePrefix)
	}
	for _, e := range environ {
		name, _, _ := strings.Cut(e, "=")
		word, ours := strings.CutPrefix(name, variablePrefix)
		if !ours || slices.Contains(known, word) || serviceLink.MatchString(e) {
			continue
		}
		s := stray{name: name}
		if meant := meant(word, known); meant != "" {
			s.meant = variablePrefix + meant
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b stray) int { return strings.Compare(a.name, b.name) })
	return all
}

// meant is what is spelled nearly so, or else has a word too few or too many at an end.
func meant(word string, known []string) string {
	if near := notice.Nearest(word, known); near != "" {
		return near
	}
	for _, k := range known {
		if strings.HasPrefix(word, k+"_") || strings.HasSuffix(word, "_"+k) || strings.HasSuffix(k, "_"+word) {
			return k
		}
	}
	return ""
}

// warnOfStrays says what somebody may believe to be set.
func warnOfStrays(ctx context.Context, log *slog.Logger) {
	for _, s := range strays(os.Environ()) {
		log.WarnContext(ctx, "no setting has the name of this variable: it is ignored", "variable", s.name, "mend", s.mend())
	}
}
