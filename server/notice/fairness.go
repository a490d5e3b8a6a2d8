package notice

import (
	"context"
	"fmt"
)

// A Fairness judges compiled scripts as visitors will meet them: whether no is
// as easy as yes on every first layer, and nothing is decided before the visitor
// does. It is given what a Compiler was given and made. Issues of SeverityError,
// each with its Rule, keep the notice from being published; an error says that
// nothing could be judged, which keeps it too.
type Fairness interface {
	Inspect(ctx context.Context, n *Notice, wordings map[string]Wording, scripts []Script) ([]Issue, error)
}

// judge fails with *InvalidError where what was prepared is not fair.
func (p *Publisher) judge(ctx context.Context, n *Notice, publication *Publication) error {
	scripts := make([]Script, len(publication.Scripts))
	for i, s := range publication.Scripts {
		scripts[i] = s.Script
	}
	issues, err := p.Fairness.Inspect(ctx, n, n.Wordings(), scripts)
	if err != nil {
		return fmt.Errorf("judge the banner: %w", err)
	}
	if Failed(issues) {
		return &InvalidError{issues}
	}
	return nil
}

// Wordings is what the notice says in each of its languages, complete.
func (n *Notice) Wordings() map[string]Wording {
	all := make(map[string]Wording, len(n.Languages))
	for _, language := range n.Languages {
		all[language] = n.WordingFor(language)
	}
	return all
}
