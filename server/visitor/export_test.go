package visitor

import "github.com/volenti-consent/volenti/server/notice"

// KeptAnswers is how many askers the current slot knows.
func (s *Script) KeptAnswers() int {
	slot := s.answers.current.Load()
	slot.mu.RLock()
	defer slot.mu.RUnlock()
	return len(slot.askers)
}

// AnswerBytes are how much of it is counted, of how much there may be.
func (s *Script) AnswerBytes() (counted, most int) {
	slot := s.answers.current.Load()
	slot.mu.RLock()
	defer slot.mu.RUnlock()
	return slot.bytes, mostAnswerBytes
}

// Held is how many bytes of scripts and wordings are in memory, and in how many pieces.
func (d *Directory) Held() (bytes, pieces int) {
	d.shelf.mu.Lock()
	defer d.shelf.mu.Unlock()
	return d.shelf.bytes, d.shelf.order.Len()
}

// Names is how many variants' digests the site's Live knows.
func (l *Live) Names() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.scripts)
}

// Described is how many experiences are counted, and how many there are.
func (d *Directory) Described() (counted, there int) {
	for _, l := range d.All() {
		l.mu.Lock()
		there += len(l.experiences)
		l.mu.Unlock()
	}
	return int(d.shelf.described.Load()), there
}

// MostDescribed bounds them.
const MostDescribed = mostDescribed

// FillDescribed counts more of them than there are.
func (d *Directory) FillDescribed() { d.shelf.described.Add(mostDescribed) }

// Share has sites keep what they have in common once.
func Share(sites map[*notice.Publication]*notice.Notice) {
	a := newAlike()
	for p, n := range sites {
		a.share(p, n)
	}
}
