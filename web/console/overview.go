package console

import "time"

// Overview is how a site's visitors decided in a period.
type Overview struct {
	Frame
	Period   string // "7", "28", "90" or "own"
	From, To string // days, as the form has them
	Days     int
	Figures  []Figure
	Charts   []*Chart // the first one over the whole width
	Few      int64    // below so many choices there is no rate
	Counting *Progress
	Empty    bool // nothing was decided in the period
	Never    bool // nor ever
	Embed    bool // the operator may see how the banner is embedded
	Export   bool
	Newest   time.Time
}

func (*Overview) template() string { return "overview" }

// A Figure is one number, large.
type Figure struct{ Value, Label, Sub string }

// Progress is how far long work has come.
type Progress struct{ Done, Of int64 }

// Said is the progress in words.
func (p *Progress) Said() string { return Number(p.Done) + " of " + Number(p.Of) }
