package fairness

import (
	"errors"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/notice"
)

// second judges the second layer: what is ticked, what it says, what saving and
// closing do.
func (q *inquiry) second(p *page, ways []way) {
	way := find(ways, "settings")
	if way == nil {
		q.fail(29, scripts, "keep the way to the second layer", "there is no way to the second layer")
		return
	}
	dialog := q.openSettings(p)
	if dialog == nil {
		q.fail(29, scripts, "let one click on the first layer open it", "the second layer does not open")
		return
	}
	q.ticked(dialog)
	q.declared(dialog)
	q.secondAnswers(p, dialog)
	for _, close := range []string{"close", "Escape"} {
		if dialog = q.openSettings(p); dialog == nil {
			q.fail(30, scripts, "let it be opened again", "the second layer does not open again")
			return
		}
		q.closing(p, dialog, close)
	}
	q.deciding(p, "save")
	if fresh := q.page(); fresh != nil {
		q.deciding(fresh, "reject")
	}
}

// openSettings presses the way to the second layer and returns its dialog.
func (q *inquiry) openSettings(p *page) *node {
	if open := secondLayer(p); open != nil {
		return open
	}
	layer := firstLayer(p)
	if layer == nil {
		return nil
	}
	for _, n := range controls(layer) {
		if n.attr("data-volenti") == "settings" {
			if err := p.click(n); err != nil {
				q.fail(0, scripts, "mend the script", "opening the second layer fails: %v", err)
			}
			break
		}
	}
	return secondLayer(p)
}

func secondLayer(p *page) *node {
	var found *node
	every(p.document, func(n *node) {
		if n.attr("data-volenti") == "dialog" {
			found = n
		}
	})
	return found
}

// control is that control of a layer with a name of docs/embed.md.
func control(layer *node, name string) *node {
	var found *node
	every(layer, func(n *node) {
		if n.attr("data-volenti") == name && found == nil {
			found = n
		}
	})
	return found
}

// switches are the category and vendor switches of a dialog, by key.
func switches(dialog *node) (categories, vendors map[string]*node, others []*node) {
	categories, vendors = map[string]*node{}, map[string]*node{}
	every(dialog, func(n *node) {
		switch {
		case n.has("data-volenti-category"):
			categories[n.attr("data-volenti-category")] = n
		case n.has("data-volenti-vendor"):
			vendors[n.attr("data-volenti-vendor")] = n
		case n.tag == "input" || n.attr("role") == "switch" || n.attr("role") == "checkbox":
			others = append(others, n)
		}
	})
	return categories, vendors, others
}

func on(n *node) bool { return n.is("checked") || n.attr("aria-checked") == "true" }

func (q *inquiry) ticked(dialog *node) {
	categories, vendors, others := switches(dialog)
	like := map[string]string{}
	for _, c := range q.n.Categories {
		like[c.Key] = c.Like
		n := categories[c.Key]
		switch necessary := c.Like == notice.Necessary; {
		case n == nil && necessary:
			q.fail(27, scripts, "show what is necessary", "the category %q is not shown", c.Key)
		case n == nil:
			q.fail(25, scripts, "give every purpose its switch", "the category %q has no switch", c.Key)
		case necessary && (!on(n) || !n.is("disabled")):
			q.fail(27, scripts, "lock what is necessary", "the category %q is not locked", c.Key)
		case !necessary && on(n):
			q.fail(24, scripts, "tick nothing optional", "the category %q is ticked before anybody did", c.Key)
		case !necessary && n.is("disabled"):
			q.fail(25, scripts, "let every purpose be chosen", "the switch of %q is locked", c.Key)
		}
	}
	for _, v := range q.n.Vendors {
		n := vendors[v.Key]
		necessary := like[v.Category] == notice.Necessary
		if n == nil && !necessary {
			q.fail(25, scripts, "give every vendor its switch", "the vendor %q has no switch", v.Key)
		} else if n != nil && !necessary && on(n) {
			q.fail(24, scripts, "tick nothing optional", "the vendor %q is ticked before anybody did", v.Key)
		}
	}
	for _, n := range others {
		if on(n) {
			q.fail(24, scripts, "tick nothing optional", "%q is ticked before anybody did", labelOf(n))
		}
	}
}

// declared looks for everything that is stored (rule 28).
func (q *inquiry) declared(dialog *node) {
	text := strings.Join(strings.Fields(shown(dialog)), " ")
	says := func(what string) bool { return strings.Contains(text, strings.Join(strings.Fields(what), " ")) }
	for _, v := range q.n.Vendors {
		if !says(v.Name) {
			q.fail(28, scripts, "name every vendor", "the vendor %q is not named", v.Name)
		}
		for _, s := range v.Entries {
			for _, what := range []string{s.Name, q.n.Text(s.Purpose, q.variant.Language)} {
				if what != "" && !says(what) {
					q.fail(28, scripts, "declare all that is stored", "of what %q stores, %q can't be read", v.Name, what)
				}
			}
			lasts := map[string]string{"session": q.wording["until_closed"], "persistent": q.wording["until_deleted"]}[s.Duration]
			if lasts == "" {
				lasts, _, _ = strings.Cut(s.Duration, " ")
			}
			if !says(lasts) {
				q.fail(28, scripts, "say how long", "how long %q lasts can't be read", s.Name)
			}
		}
	}
}

// secondAnswers holds accept and reject of the second layer to the rules of the first.
func (q *inquiry) secondAnswers(p *page, dialog *node) {
	yes, no, save := control(dialog, "accept"), control(dialog, "reject"), control(dialog, "save")
	if no == nil || save == nil {
		q.fail(29, scripts, "keep reject and save on the second layer", "the second layer lacks reject or save")
		return
	}
	if yes == nil {
		return
	}
	q.compare(p, dialog, &way{n: yes}, &way{n: no})
	c := &cascade{screen: screens[0], rules: q.bundle.read}
	l := arrange(c, p.document)
	if why := hidden(l, save); why != "" {
		q.fail(29, scripts, "show save with the other answers", "save %s (%v)", why, screens[0])
	}
}

// closing changes a switch, closes, and looks whether anything came of it.
func (q *inquiry) closing(p *page, dialog *node, how string) {
	before := len(p.decisions())
	categories, _, _ := switches(dialog)
	for _, n := range categories {
		if !n.is("disabled") {
			_ = p.click(n)
			break
		}
	}
	var err error
	switch close := control(dialog, "close"); {
	case how == "Escape":
		err = p.act(p.document, "for (const d of document.querySelectorAll('dialog')) if (d.open) d.requestClose();")
	case close == nil:
		q.fail(30, scripts, "give the second layer a way out", "the second layer can't be closed")
		return
	default:
		err = p.click(close)
	}
	if err != nil {
		q.fail(0, scripts, "mend the script", "closing the second layer fails: %v", err)
	}
	if len(p.decisions()) > before {
		q.fail(30, scripts, "let closing decide nothing", "closing the second layer (%s) decides", how)
	}
	if secondLayer(p) != nil {
		q.fail(30, scripts, "let it be closed", "the second layer stays open (%s)", how)
	}
}

// deciding ticks one purpose and presses an answer of the second layer.
func (q *inquiry) deciding(p *page, name string) {
	optional := slices.DeleteFunc(slices.Clone(q.n.Categories), func(c notice.Category) bool { return c.Like == notice.Necessary })
	dialog := q.openSettings(p)
	if dialog == nil || len(optional) == 0 {
		return
	}
	categories, _, _ := switches(dialog)
	press, first := control(dialog, name), categories[optional[0].Key]
	if press == nil || first == nil {
		return // which was noted
	}
	before := len(p.decisions())
	err := p.click(first)
	if name == "save" {
		q.confirmAge(p, dialog)
	}
	if err = errors.Join(err, p.click(press)); err != nil {
		q.fail(0, scripts, "mend the script", "pressing %q fails: %v", labelOf(press), err)
		return
	}
	made := p.decisions()[before:]
	if len(made) != 1 {
		q.fail(26, scripts, "let one click decide once", "%q makes %d decisions", labelOf(press), len(made))
		return
	}
	for i, c := range optional {
		granted := name == "save" && i == 0
		if got, asked := made[0].Categories[c.Key]; got != granted || !asked {
			q.fail(26, scripts, "decide what is ticked, and nothing else", "after %q the purpose %q is %v, and should be %v", labelOf(press), c.Key, got, granted)
		}
	}
	for vendor, granted := range made[0].Vendors {
		if granted && name == "reject" {
			q.fail(26, scripts, "refuse everything", "after %q the vendor %q is granted", labelOf(press), vendor)
		}
	}
	q.faultless(p)
}
