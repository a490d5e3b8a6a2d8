package fairness

// confirmAge ticks the box of a layer in which visitors say how old they are, if
// there is one: nothing is granted without it. It must not be ticked before.
func (q *inquiry) confirmAge(p *page, layer *node) {
	box := control(layer, "age")
	if box == nil {
		return
	}
	if on(box) {
		q.fail(24, scripts, "tick nothing", "%q is ticked before anybody did", labelOf(box))
		return
	}
	if err := p.click(box); err != nil {
		q.fail(0, scripts, "mend the script", "ticking the age fails: %v", err)
	}
}

// pressOfAge presses a control again that did nothing, on another page, after the
// age was confirmed. A refusal that needs the tick is none with one click.
func (q *inquiry) pressOfAge(w way) way {
	fresh := q.alone()
	if fresh == nil {
		return w
	}
	layer := firstLayer(fresh)
	q.confirmAge(fresh, layer)
	all := controls(layer)
	if w.at >= len(all) {
		return w
	}
	if err := fresh.click(all[w.at]); err != nil {
		q.fail(0, scripts, "mend the script", "pressing %q fails: %v", labelOf(all[w.at]), err)
	}
	pressed := w
	if made := fresh.decisions(); len(made) > 0 {
		pressed.decision, pressed.gone = &made[len(made)-1], !all[w.at].connected()
	}
	if !pressed.refuses(q.n) {
		w = pressed
	}
	q.faultless(fresh)
	return w
}
