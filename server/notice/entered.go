package notice

import "github.com/volenti-consent/volenti/server/canonical"

// EntrySchema is the schema of an Entry.
const EntrySchema = "publication/v1"

// An Entry is what the log holds of one publication: all there is to it, by digest,
// and the publication of its site before it. published_at is in Unix milliseconds.
type Entry struct {
	Schema        string                                 `json:"schema"`
	Site          string                                 `json:"site"`
	Seq           int64                                  `json:"seq"`
	PublishedAt   int64                                  `json:"published_at"`
	Notice        canonical.Digest                       `json:"notice"`
	Wordings      map[string]canonical.Digest            `json:"wordings"`                 // by language
	TrialWordings map[string]map[string]canonical.Digest `json:"trial_wordings,omitempty"` // by trial and language
	Scripts       []EntryScript                          `json:"scripts"`
	Previous      canonical.Digest                       `json:"previous,omitempty"` // of the Entry before; none for the first
}

// An EntryScript is one compiled variant.
type EntryScript struct {
	Kind     string           `json:"kind"`
	Surface  string           `json:"surface,omitempty"`
	Language string           `json:"language,omitempty"`
	Trial    string           `json:"trial,omitempty"`
	Digest   canonical.Digest `json:"digest"`
}

// Entry says what p is, after another publication.
func (p *Publication) Entry(previous canonical.Digest) Entry {
	e := Entry{
		Schema: EntrySchema, Site: p.Site, Seq: p.Seq, PublishedAt: p.PublishedAt.UnixMilli(), Notice: p.Notice,
		Wordings: p.Wordings, TrialWordings: p.TrialWordings, Scripts: make([]EntryScript, len(p.Scripts)), Previous: previous,
	}
	if e.Wordings == nil {
		e.Wordings = map[string]canonical.Digest{}
	}
	for i, s := range p.Scripts {
		e.Scripts[i] = EntryScript{string(s.Kind), string(s.Surface), s.Language, s.Trial, s.Digest}
	}
	return e
}
