package fairness

import (
	"maps"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/notice"
)

// judge runs a variant and holds it to all rules.
func (q *inquiry) judge() {
	// The second layer, and the gate that fetches it, are the same for all first
	// layers of a language.
	whole := q.variant.Surface == notice.AskOptIn && q.variant.Trial == ""
	open := q.alone
	if whole {
		open = q.page
	}
	p := open()
	if p == nil {
		return
	}
	if len(p.stored) > 0 {
		q.fail(3, scripts, "keep nothing before there is a decision", "it keeps something before a choice: %s", p.stored[0])
	}
	if len(p.sent) > 0 && q.variant.Surface == notice.AskOptIn {
		q.fail(3, scripts, "send nothing before there is a decision", "it sends something before a choice: %s %s", p.sent[0].method, p.sent[0].url)
	}
	layer := firstLayer(p)
	if layer == nil {
		q.fail(9, scripts, "show the first layer", "no first layer is shown")
		return
	}
	ways := q.press(layer)
	yes, no := q.answers(ways)
	if yes != nil && no != nil {
		q.compare(p, layer, yes, no)
		q.labels(yes, no)
	}
	q.texts(p, layer, ways)
	q.idle(p)
	if whole {
		q.second(p, ways)
	} else if settings := find(ways, "settings"); settings == nil {
		q.fail(29, scripts, "keep the way to the second layer", "there is no way to the second layer")
	}
	q.faultless(p)
}

// page opens a page of the variant; nil if that fails, which is a finding.
func (q *inquiry) page() *page { return q.pageWith(q.bundle.modules) }

// alone opens a page that gets nothing but its first script: what a press
// decides is settled in there.
func (q *inquiry) alone() *page { return q.pageWith(nil) }

func (q *inquiry) pageWith(modules map[string]*program) *page {
	p, err := open(q.n, q.variant, q.program, modules)
	if err != nil {
		q.fail(0, scripts, "mend the script, or teach the inspection what it uses", "it fails when it is inspected: %v", err)
		return nil
	}
	if !q.faultless(p) {
		return nil
	}
	return p
}

// faultless notes what a page threw or said on the console.
func (q *inquiry) faultless(p *page) bool {
	if len(p.wrong) == 0 {
		return true
	}
	what, _, _ := strings.Cut(p.wrong[0], "\n")
	q.fail(0, scripts, "mend the script, or teach the inspection what it uses", "it fails when it is inspected: %s", what)
	return false
}

// firstLayer is the host that asks.
func firstLayer(p *page) *node {
	var found *node
	every(p.document, func(n *node) {
		if n.tag == "volenti-banner" && n.attr("data-volenti") != "dialog" && found == nil {
			found = n
		}
	})
	return found
}

// every calls f for all elements of the page in the order they are rendered.
func every(n *node, f func(*node)) {
	n.rendered(func(n *node) {
		if n.element() {
			f(n)
		}
	})
}

// A way is a control of a layer with what came of pressing it on a page of its own.
type way struct {
	n        *node // on the page that is looked at
	at       int   // its place among the controls
	decision *decision
	gone     bool // the layer was taken away
}

// grants reports whether something optional was granted.
func (w way) grants() bool {
	return w.decision != nil && slices.Contains(slices.Collect(maps.Values(w.decision.Categories)), true)
}

// refuses reports whether all optional purposes were refused.
func (w way) refuses(n *notice.Notice) bool {
	if w.decision == nil {
		return false
	}
	for _, c := range n.Categories {
		if granted, asked := w.decision.Categories[c.Key]; c.Like != notice.Necessary && (granted || !asked) {
			return false
		}
	}
	return len(w.decision.Vendors) == 0
}

func find(ways []way, name string) *way {
	for i, w := range ways {
		if w.n.attr("data-volenti") == name {
			return &ways[i]
		}
	}
	return nil
}

var roles = []string{"button", "link", "switch", "checkbox", "menuitem", "tab", "option", "radio"}

// controls are the elements of a layer that can be pressed, in order.
func controls(layer *node) []*node {
	var all []*node
	if layer == nil {
		return nil
	}
	every(layer, func(n *node) {
		switch {
		case slices.Contains([]string{"button", "a", "input", "summary", "select", "area"}, n.tag), slices.Contains(roles, n.attr("role")), n.has("data-volenti") && n != layer:
			all = append(all, n)
		}
	})
	return all
}

// press presses every control of the first layer, the last first, each on a page
// where nothing was decided: after an answer that is a new one.
func (q *inquiry) press(layer *node) []way {
	var ways []way
	for i, n := range controls(layer) {
		ways = append(ways, way{n: n, at: i})
	}
	var fresh *page
	for i := range slices.Backward(ways) {
		w := &ways[i]
		if w.n.tag == "a" && w.n.attr("data-volenti") == "" && strings.HasPrefix(w.n.attr("href"), "http") {
			continue // it leads elsewhere
		}
		if fresh == nil {
			if fresh = q.alone(); fresh == nil {
				return nil
			}
		}
		all := controls(firstLayer(fresh))
		if i >= len(all) {
			q.fail(0, scripts, "build the same layer every time", "two pages of the same script differ")
			return ways
		}
		if err := fresh.click(all[i]); err != nil {
			q.fail(0, scripts, "mend the script", "pressing %q fails: %v", labelOf(all[i]), err)
			return ways
		}
		q.faultless(fresh)
		if made := fresh.decisions(); len(made) > 0 {
			w.decision = &made[len(made)-1]
		}
		if w.gone = !all[i].connected(); w.gone || w.decision != nil {
			fresh = nil
		}
		if w.decision == nil && q.n.Age.Minimum != 0 && w.n.attr("data-volenti") != "age" {
			*w = q.pressOfAge(*w)
		}
	}
	return ways
}

// answers finds yes and no by what they do, and counts them.
func (q *inquiry) answers(ways []way) (yes, no *way) {
	accepts, rejects := 0, 0
	for i, w := range ways {
		switch {
		case w.decision == nil:
		case w.refuses(q.n):
			rejects++
			if no == nil {
				no = &ways[i]
			}
			if !w.gone {
				q.fail(32, scripts, "take the banner away once it is answered", "the banner stays after %q", labelOf(w.n))
			}
		case w.grants() || w.decision.Action == "acknowledge":
			accepts++
			if yes == nil || w.n.attr("data-volenti") == "accept" {
				yes = &ways[i]
			}
			if w.n.attr("data-volenti") == "close" {
				q.fail(5, scripts, "let closing decide nothing", "closing with %q is taken for a yes", labelOf(w.n))
			}
		}
	}
	if no == nil {
		q.fail(9, scripts, "let one click on the first layer refuse everything", "nothing on the first layer refuses with one click what is asked")
	}
	if yes == nil {
		q.fail(9, scripts, "let one click on the first layer accept", "nothing on the first layer accepts")
	}
	if accepts > rejects && no != nil {
		q.fail(17, scripts, "keep one way to accept", "there are %d ways to accept and %d to reject", accepts, rejects)
	}
	return yes, no
}

// idle does all that is not an answer, and looks whether it was taken for one.
func (q *inquiry) idle(p *page) {
	err := p.act(p.document, `
		for (const type of ['scroll', 'wheel', 'touchstart', 'touchmove', 'mousemove']) { document.dispatchEvent(new Event(type, {bubbles: true})); dispatchEvent(new Event(type)); }
		const key = (type, name) => document.body.dispatchEvent(new KeyboardEvent(type, {bubbles: true, cancelable: true, key: name, code: name}));
		for (const name of ['Escape', 'Enter', 'Tab', ' ']) { key('keydown', name); key('keyup', name); }
		document.body.dispatchEvent(new MouseEvent('mousedown', {bubbles: true})); document.querySelector('body > p').click();
		for (const d of document.querySelectorAll('dialog[open], volenti-banner dialog')) if (d.open) d.requestClose();
		dispatchEvent(new Event('blur')); dispatchEvent(new Event('focus')); document.dispatchEvent(new Event('visibilitychange'));
		dispatchEvent(new Event('pagehide')); dispatchEvent(new Event('beforeunload'));`)
	if err != nil {
		q.fail(0, scripts, "mend the script", "it fails when the page is used: %v", err)
		return
	}
	p.wait(10 * 60_000)
	if made := p.decisions(); len(made) > 0 {
		q.fail(4, scripts, "decide nothing unless a control is pressed", "using the page, or waiting, is taken for an answer (%s)", made[0].Action)
	} else if len(p.stored) > 0 {
		q.fail(3, scripts, "keep nothing before there is a decision", "it keeps something before a choice: %s", p.stored[0])
	}
	if layer := firstLayer(p); layer == nil || len(controls(layer)) == 0 {
		q.fail(4, scripts, "leave the question open until it is answered", "using the page, or waiting, takes the banner away")
	}
}

// labelOf is what a control says.
func labelOf(n *node) string {
	if label := n.attr("aria-label"); label != "" {
		return label
	}
	return strings.Join(strings.Fields(shown(n)), " ")
}

// shown is the rendered text of a node, shadow trees and slots included.
func shown(n *node) string {
	var b strings.Builder
	n.rendered(func(n *node) {
		if n.kind == textNode {
			b.WriteString(n.text)
			b.WriteString(" ")
		}
	})
	return b.String()
}
