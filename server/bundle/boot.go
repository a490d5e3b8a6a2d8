package bundle

import (
	"strings"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
)

// A bootFile is derived/boot.json: what the script was called with, as far as the
// evidence determines it (docs/wire.md, "Boot").
type bootFile struct {
	Boot    map[string]any    `json:"boot"`
	Because map[string]string `json:"because"` // by member: where it comes from
	Open    []string          `json:"not_determined"`
}

// boot works out the boot. What it can't know it names: a reader has to know where
// the replay could differ from what was on the screen.
func (e *evidence) boot(token string) bootFile {
	c, b := e.core, bootFile{Boot: map[string]any{}, Because: map[string]string{}}
	set := func(member string, value any, because string) { b.Boot[member], b.Because[member] = value, because }
	flag := func(on bool, member, because string) {
		if on {
			set(member, 1, because)
		}
	}
	if token != "" {
		set("t", token, "made again by the server with its key; its SHA-256 stands in the record")
	} else {
		set("t", "", "left out: the key it was made with is not kept any more; its SHA-256 stands in the record")
	}
	set("m", e.letters(), "the record's models, in the notice's order")
	set("n", c.TokenFrom/1000, "the record's token_from")
	flag(c.Signals.GPCHeader, "g", "the record: Sec-GPC came with the decision; with the script, minutes before, it is taken to have come too")
	flag(c.Signals.DNT && e.notice.DNT == "opt-out", "d", "the record: DNT was on at the decision; before, it is taken to have been on too")
	flag(c.Signals.OptOut, "o", "the record: the browser had opted out on all sites when it decided; before, it is taken to have done so too")
	flag(e.law.Link == string(regime.LinkRequired), "l", "the row of the law table")
	flag(e.law.GPC != "" && e.law.GPC <= time.UnixMilli(c.TokenFrom).UTC().Format(time.DateOnly), "b", "the row of the law table")
	if e.law.Reask > e.notice.Validity {
		set("r", e.law.Reask, "the row of the law table")
	}
	if c.Age.Asked != 0 {
		set("y", c.Age.Asked, "the record's age")
	}
	b.Open = []string{
		"l, b, r: where a second row of the law table applied beside the one that is named (the controller's own law, or a state that was a guess), they may have been stricter; the first layer's words do not depend on them",
		"x: whether the browser showed a cookie that was of no use; nothing that is shown depends on it",
	}
	if c.Previous != "" {
		b.Open = append(b.Open, "c, a, u, w, k, f, i, s, q: this browser had decided before. It may have been shown the second layer alone, or a first layer about what was new since; the replay shows the whole first layer")
	}
	if !e.told() {
		b.Open = append(b.Open, "h: whether a policy had changed materially before; somebody who is asked is not told of it")
	} else if changes := e.changes(); len(changes) > 0 {
		set("h", changes[0].From/1000+1, "the entries of the policies' versions: the newest material change")
	}
	return b
}

// letters are the models of all categories, as the boot's m says them.
func (e *evidence) letters() string {
	var out strings.Builder
	for _, c := range e.notice.Categories {
		letter, ok := map[regime.Model]string{regime.OptOut: "o", regime.Notice: "n", regime.None: "-"}[e.core.Models[c.Key]]
		switch {
		case c.Like == notice.Necessary:
			letter = "-"
		case !ok:
			letter = "i" // and whatever is not understood
		}
		out.WriteString(letter)
	}
	return out.String()
}

// surface is the shape of the first layer: that of the strictest of the models.
func (e *evidence) surface() notice.Surface {
	switch letters := e.letters(); {
	case strings.Contains(letters, "i"):
		return notice.AskOptIn
	case strings.Contains(letters, "o"):
		return notice.AskOptOut
	}
	return notice.AskNotice
}

// signal reports whether one was on that counts by the notice.
func (e *evidence) signal() bool {
	s := e.core.Signals
	return s.GPC || s.GPCHeader || s.OptOut || s.DNT && e.notice.DNT == "opt-out"
}

// A change is one material change of a policy, as the note about it was sent:
// docs/wire.md, "Changes".
type change struct {
	Policy   string `json:"policy"`
	Number   int    `json:"number"`
	Title    string `json:"title"`
	From     int64  `json:"from"`
	Binds    int64  `json:"binds"`
	Summary  string `json:"summary"`
	Language string `json:"language"`
	Address  string `json:"address"`
}

// mostChanges bounds what one note lists, as there.
const mostChanges = 8

// changes are what the note about changed policies told, newest first: the material
// versions after those that the visitor's decision before names.
func (e *evidence) changes() []change {
	if !e.told() {
		return nil
	}
	var all []change
	for _, key := range e.notice.Policies {
		p := e.policies[key]
		if p == nil {
			continue
		}
		for _, entry := range p.chain {
			from := max(entry.PublishedAt, entry.Effective)
			if !entry.Material || entry.Number <= max(1, e.about.Known[key]) || from > e.core.TokenFrom+consent.Bucket.Milliseconds() {
				continue
			}
			said := policyversions.Version{Language: entry.Language, Announcement: policyversions.Announcement{Summary: p.summary(entry.Number)}}
			summary, in := said.SummaryIn(e.core.Language)
			all = append(all, change{Policy: key, Number: entry.Number, Title: entry.Title, From: from, Binds: from + entry.Grace, Summary: summary, Language: in,
				Address: "/policies/" + entry.Site + "/" + key + "/versions/" + itoa(entry.Number)})
		}
	}
	newestFirst(all)
	return all[:min(len(all), mostChanges)]
}

func (b bootFile) encode() ([]byte, error) { return canonical.Encode(b) }
