package request

import (
	"context"
	"strings"
	"time"
)

// A Line is a request as exports and the command line have it: nothing that names the
// person. Times are RFC 3339.
type Line struct {
	ID       string     `json:"id"`
	Site     string     `json:"site"`
	Kind     Kind       `json:"kind"`
	State    State      `json:"state"`
	Identity Identity   `json:"identity"`
	Region   string     `json:"region"`
	Law      string     `json:"law"`
	Language string     `json:"language"`
	Received string     `json:"received_at"`
	Due      string     `json:"due"`
	Promised bool       `json:"promised"`
	Closed   string     `json:"closed_at,omitempty"`
	Ground   Ground     `json:"ground,omitempty"`
	Reminded int        `json:"reminded"`
	Overdue  bool       `json:"overdue"`
	Steps    []LineStep `json:"steps,omitempty"`
}

// A LineStep is one step, without its text.
type LineStep struct {
	At   string `json:"at"`
	What What   `json:"what"`
	By   string `json:"by"`
	Note string `json:"note,omitempty"`
}

// Line is a request with its steps.
func (s *Service) Line(ctx context.Context, r Request) (Line, error) {
	l := Line{ID: r.ID, Site: r.Site, Kind: r.Kind, State: r.State, Identity: r.Identity, Region: r.Region, Law: r.Law, Language: r.Language, Received: stamp(r.ReceivedAt), Due: stamp(r.Due),
		Promised: r.Promised, Closed: stamp(r.ClosedAt), Ground: r.Ground, Reminded: r.Reminded, Overdue: r.Overdue(s.Now())}
	steps, err := s.Store.Steps(ctx, r.ID)
	if err != nil {
		return Line{}, err
	}
	for _, step := range steps {
		l.Steps = append(l.Steps, LineStep{stamp(step.At), step.What, step.By, step.Note})
	}
	return l, nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// Word is a name as keys of words have it: "do_not_sell".
func Word(name string) string { return strings.ReplaceAll(name, "-", "_") }
