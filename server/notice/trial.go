package notice

import (
	"fmt"
	"maps"
	"slices"

	"github.com/volenti-consent/volenti/server/canonical"
)

// tried are the texts a trial may say differently: those of the first layer
// that ask. The names of purposes are not among them, nor is that of the control
// that opens the choices again: what is consented to, and how it is withdrawn,
// is the same for everybody.
var tried = []string{"title", "ask_opt_in", "ask_opt_out", "ask_notice", "accept", "reject", "opt_out", "ok", "settings", "policy"}

// Tried are the wording keys that a trial may say differently.
func Tried() []string { return slices.Clone(tried) }

// Trial finds a trial by key.
func (n *Notice) Trial(key string) (Trial, bool) {
	i := slices.IndexFunc(n.Trials, func(t Trial) bool { return t.Key == key })
	if i < 0 {
		return Trial{}, false
	}
	return n.Trials[i], true
}

// Tried is the notice as visitors of a trial see it: with its look and its
// texts. Everything that is asked is the same. "" is the notice as it is.
func (n *Notice) Tried(key string) *Notice {
	t, ok := n.Trial(key)
	if !ok {
		return n
	}
	c := *n
	c.Look = t.Look
	c.Wording = maps.Clone(n.Wording)
	if c.Wording == nil {
		c.Wording = map[string]map[string]string{}
	}
	for language, texts := range t.Wording {
		own := maps.Clone(c.Wording[language])
		if own == nil {
			own = map[string]string{}
		}
		maps.Copy(own, texts)
		c.Wording[language] = own
	}
	return &c
}

// Say is a complete wording of a language with the trial's texts in their place.
func (t Trial) Say(language string, w Wording) Wording {
	w = maps.Clone(w)
	maps.Copy(w, t.Wording[language])
	return w
}

// Draw says which trial a visitor sees who drew a number from 0 to 99; "" is
// the notice as it is. Trials stand side by side on that scale, in their order.
func (n *Notice) Draw(number int) string {
	for _, t := range n.Trials {
		if number < t.Percent {
			return t.Key
		}
		number -= t.Percent
	}
	return ""
}

// WordingOf is the wording a variant was compiled with.
func (p *Publication) WordingOf(v Variant) canonical.Digest {
	if digest, ok := p.TrialWordings[v.Trial][v.Language]; ok {
		return digest
	}
	return p.Wordings[v.Language]
}

// AddTrialWording says which wording a trial has in a language.
func (p *Publication) AddTrialWording(trial, language string, digest canonical.Digest) {
	if p.TrialWordings == nil {
		p.TrialWordings = map[string]map[string]canonical.Digest{}
	}
	if p.TrialWordings[trial] == nil {
		p.TrialWordings[trial] = map[string]canonical.Digest{}
	}
	p.TrialWordings[trial][language] = digest
}

// trials checks that what visitors see by chance is known by a name, adds up,
// and differs in nothing but how it is asked.
func (l *linter) trials() {
	if !l.few("trials", len(l.n.Trials), maxTrials) {
		return
	}
	sum := 0
	for i, t := range l.n.Trials {
		path := fmt.Sprintf("trials[%d]", i)
		l.key(path+".key", t.Key)
		if slices.ContainsFunc(l.n.Trials[:i], func(o Trial) bool { return o.Key == t.Key }) {
			l.fail(path+".key", fmt.Sprintf("%q is there already", clip(t.Key)), "give every trial a name of its own")
		}
		l.among(path+".percent", t.Percent, 1, 99, " percent of visitors")
		l.lookAt(path+".look", t.Look)
		if t.Look.Reopen != l.n.Look.Reopen {
			l.fail(path+".look.reopen", "is not part of the first layer, and stays when a trial ends", "leave it out here, and set look.reopen for everybody")
		}
		l.triedWording(path, t)
		if t.Look == l.n.Look && len(t.Wording) == 0 {
			l.fail(path, "is the notice as it is", "say what is different, in its look or wording, or leave it out")
		}
		sum += t.Percent
	}
	if sum > 100 {
		l.fail("trials", fmt.Sprintf("are shown to %d percent of visitors", sum), "let the sum be 100 at most; what is left sees the notice as it is")
	}
}

// triedWording holds a trial's texts to what the notice's own are held to.
func (l *linter) triedWording(path string, t Trial) {
	shown := l.n.Tried(t.Key)
	for _, language := range slices.Sorted(maps.Keys(t.Wording)) {
		at := member(path+".wording", language)
		if !slices.Contains(l.n.Languages, language) {
			l.fail(at, fmt.Sprintf("%q is not a language of this notice", clip(language)), "add it to languages, or leave these texts out")
			continue
		}
		for _, key := range slices.Sorted(maps.Keys(t.Wording[language])) {
			if _, known := wordings()[model][key]; known && !slices.Contains(tried, key) {
				l.fail(member(at, key), "is not a text that may differ by chance", "leave it out, or set it for everybody under wording."+language)
			}
		}
		for _, issue := range lintWording(language, t.Wording[language], shown.WordingFor(language)) {
			issue.Path = path + "." + issue.Path
			l.issues = append(l.issues, issue)
		}
	}
}
