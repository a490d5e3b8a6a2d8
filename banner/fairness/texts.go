package fairness

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/volenti-consent/volenti/server/notice"
)

// keysOf are the wording keys of the two answers of a first layer.
func keysOf(surface notice.Surface) (yes, no string) {
	if surface == notice.AskOptIn {
		return "accept", "reject"
	}
	return "ok", "opt_out"
}

// labels holds what the two buttons say to what they do.
func (q *inquiry) labels(yes, no *way) {
	language := q.variant.Language
	yesKey, noKey := keysOf(q.variant.Surface)
	label := labelOf(no.n)
	if !refusal(language, label) {
		q.fail(18, q.said(noKey), "say that it refuses: "+example(language, noKey), "%q does not say that it refuses", label)
	}
	if word := shaming(language, label); word != "" {
		q.fail(18, q.said(noKey), "say no more than that it refuses: "+example(language, noKey), "%q makes refusing look bad: %q", label, word)
	}
	if word := twice(language, label); word != "" {
		q.fail(18, q.said(noKey), "say it without a second no: "+example(language, noKey), "%q denies twice: %q", label, word)
	}
	label = labelOf(yes.n)
	if q.variant.Surface == notice.AskOptIn && !agreement(language, label) {
		q.fail(18, q.said(yesKey), "say that it accepts: "+example(language, yesKey), "%q does not say that it accepts", label)
	}
	if refusal(language, label) && q.variant.Surface == notice.AskOptIn && !agreement(language, label) {
		q.fail(18, q.said(yesKey), "say that it accepts: "+example(language, yesKey), "%q says the opposite of what it does", label)
	}
}

func example(language, key string) string {
	w, _ := notice.WordingOf(language)
	return strconv.Quote(w[key])
}

var number = regexp.MustCompile(`\d+`)

// texts holds what is read before the buttons to what must have been said.
func (q *inquiry) texts(p *page, layer *node, ways []way) {
	askKey := map[notice.Surface]string{notice.AskOptIn: "ask_opt_in", notice.AskOptOut: "ask_opt_out", notice.AskNotice: "ask_notice"}[q.variant.Surface]
	whole := strings.Join(strings.Fields(shown(layer)), " ")
	before := whole
	var answers []*node
	for _, w := range ways {
		if w.decision != nil {
			answers = append(answers, w.n)
		}
	}
	if len(answers) > 0 {
		before = textBefore(layer, answers)
	}
	if phrase := notice.Implied(q.variant.Language, whole); phrase != "" {
		q.fail(19, q.said(askKey), "leave it out: only a clear act is consent", "%q takes going on for consent", phrase)
	}
	third := 0
	for _, c := range q.n.Categories {
		if c.Like == notice.Necessary {
			continue
		}
		label := strings.Join(strings.Fields(q.labelOf(c)), " ")
		if !strings.Contains(before, label) {
			q.fail(20, q.said(askKey), "name it before the buttons: keep {purposes} in the text", "the purpose %q is not named before the buttons", label)
		}
		for _, v := range q.n.Vendors {
			if v.Category == c.Key {
				third++
			}
		}
	}
	if third > 0 && !slices.Contains(number.FindAllString(digits(before), -1), strconv.Itoa(third)) {
		q.fail(20, q.said(askKey), "keep {n} in the text", "it is not said before the buttons that %d third parties take part", third)
	}
	policy := false
	every(layer, func(n *node) { policy = policy || n.tag == "a" && n.attr("href") != "" })
	if !policy {
		q.fail(20, scripts, "link the policy on the first layer", "no policy is linked")
	}
	if reopen := strings.Join(strings.Fields(q.wording["reopen"]), " "); !strings.Contains(before, reopen) {
		q.fail(21, q.said(askKey), "keep {reopen} in the text, and say that consent can be withdrawn there", "it is not said where a choice can be withdrawn (%q)", reopen)
	}
	q.manners(p, layer)
}

// labelOf a category, in the words of the variant.
func (q *inquiry) labelOf(c notice.Category) string {
	if notice.Standard(c.Key) {
		return q.wording[c.Key]
	}
	return q.n.Text(c.Label, q.variant.Language)
}

// digits writes the decimal digits of all scripts as ASCII.
func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII && unicode.IsDigit(r) {
			for zero := r; zero > r-10; zero-- {
				if !unicode.IsDigit(zero - 1) {
					return '0' + (r - zero)
				}
			}
		}
		return r
	}, text)
}

// textBefore is what is read of a layer before the first of some controls.
func textBefore(layer *node, controls []*node) string {
	var b strings.Builder
	done := false
	layer.rendered(func(n *node) {
		done = done || slices.Contains(controls, n)
		if n.kind == textNode && !done {
			b.WriteString(n.text + " ")
		}
	})
	return strings.Join(strings.Fields(b.String()), " ")
}

// manners is whether the page is left alone, and the language said.
func (q *inquiry) manners(p *page, layer *node) {
	modal := false
	every(layer, func(n *node) { modal = modal || n.tag == "dialog" && n.is("modal") })
	if modal && !q.n.Look.Modal {
		q.fail(22, scripts, "let the page be used", "the first layer is modal, and the notice does not say so")
	}
	p.document.walk(func(n *node) bool {
		if n.tag == "html" || n.tag == "body" {
			for _, d := range n.style {
				if d.name == "overflow" || d.name == "position" || d.name == "pointer-events" || d.name == "display" || d.name == "filter" {
					q.fail(22, scripts, "leave the page as it is", "it keeps the page from being used: %s: %s", d.name, d.value)
				}
			}
			if n.is("inert") || n.has("inert") {
				q.fail(22, scripts, "leave the page as it is", "it makes the page inert")
			}
		}
		return true
	})
	if p.focused != nil && !q.n.Look.Modal {
		q.fail(22, scripts, "leave the focus where it is", "the first layer takes the focus without being modal")
	}
	said := false
	every(layer, func(n *node) { said = said || n.attr("lang") == q.variant.Language })
	if !said {
		q.fail(23, scripts, "set lang on the banner", "the banner does not say that it is in %q", q.variant.Language)
	}
}
