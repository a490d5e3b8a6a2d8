package notice

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// fair says of every banner what it is told to say.
type fair struct {
	issues []Issue
	err    error
}

func (f fair) Inspect(_ context.Context, n *Notice, wordings map[string]Wording, scripts []Script) ([]Issue, error) {
	if len(scripts) != len(n.Variants()) || len(wordings) != len(n.Languages) {
		return nil, errors.New("not everything was shown")
	}
	return f.issues, f.err
}

// What is unfair, or was not judged, is not published.
func TestAnUnfairBannerIsNotPublished(t *testing.T) {
	broken := errors.New("no engine")
	unfair := Issue{Path: "look.accent", Severity: SeverityError, What: "is pale", Remedy: "choose another", Rule: "fairness rule 13: contrast (WCAG)"}
	p, store := publisher()
	for name, judge := range map[string]Fairness{"unfair": fair{issues: []Issue{unfair}}, "broken": fair{err: broken}, "nobody": nil} {
		p.Fairness = judge
		_, err := p.Publish(t.Context(), shop(t))
		switch name {
		case "unfair":
			invalid, ok := errors.AsType[*InvalidError](err)
			if !ok || !strings.Contains(err.Error(), "look.accent is pale; choose another") || !strings.Contains(err.Error(), "rule 13") || len(invalid.Issues) != 1 {
				t.Errorf("%s: %v", name, err)
			}
		case "broken":
			if !errors.Is(err, broken) {
				t.Errorf("%s: %v", name, err)
			}
		default:
			if !errors.Is(err, ErrUnjudged) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if len(store.all) != 0 {
		t.Error("something was kept")
	}
	p.Fairness = fair{issues: []Issue{{Path: "look.accent", Severity: SeverityWarning, What: "is bright", Remedy: "think about it"}}}
	if _, err := p.Publish(t.Context(), shop(t)); err != nil {
		t.Errorf("with a warning only: %v", err)
	}
}
