package console

import "time"

// Receipts is the search of a site's receipts.
type Receipts struct {
	Frame
	Sought               string // what was typed into the field for one receipt
	From, To             string // days
	Outcome              string
	Region               string
	Category, Choice     string
	Outcomes             []Option
	Regions, Categories  []Option
	Choices              []Option
	List                 []ReceiptRow
	Next, First          string // address of the next page and of the first, from the root, or ""
	Never                bool   // there is no receipt at all
	Filtered             bool
	Zone                 string
	Counting             *Progress
	MayEmbed, LaterPages bool
}

func (*Receipts) template() string { return "receipts" }

// Sent is the search, as the export's form sends it again.
func (r *Receipts) Sent() map[string]string {
	sent := map[string]string{}
	for name, value := range map[string]string{"from": r.From, "to": r.To, "outcome": r.Outcome, "region": r.Region, "category": r.Category, "choice": r.Choice} {
		if value != "" {
			sent[name] = value
		}
	}
	return sent
}

// An Option is one choice of a list.
type Option struct {
	Value, Label string
	Chosen       bool
}

// A ReceiptRow is one receipt of the list.
type ReceiptRow struct {
	ID        string
	At        time.Time // in the site's zone
	State     string
	Badge     string // "good", "bad", "mind", "ahead" or ""
	Granted   []string
	Region    string
	Language  string
	Layer     string
	IsCurrent bool
}

// Short is enough of an id to tell receipts of a page apart by eye.
func (r ReceiptRow) Short() string { return r.ID[max(0, len(r.ID)-8):] }

// Receipt is one receipt: what was shown, what was chosen, how, and what proves it.
type Receipt struct {
	Frame
	ID         string
	State      string
	Badge      string
	Sentence   string
	Given      time.Time
	Received   time.Time
	Until      time.Time
	Refusals   time.Time // zero: no later than Until
	Categories []Choice
	Vendors    []Choice
	Action     string
	Layer      string
	Basis      string
	Region     string
	Source     string
	Law        LawRow
	Signals    []string
	Age        string
	Language   string
	Shown      []Archived
	Policies   []ReceiptPolicy
	Words      []Word // of the first layer, as they were shown
	Checks     []Proof
	Verified   bool
	Leaf       string
	Index      int64
	LogSize    int64
	Governing  string // address
	Public     string // the receipt's own address
	Evidence   bool   // there are evidence bundles
	Forms      []Form // other ways to write it down
	Chain      []ReceiptRow
	Grounds    []Option // to restrict it on; none: whoever reads this may not
	Anonymous  bool     // the half that links decisions was removed
	Controller string
	Zone       string
}

func (*Receipt) template() string { return "receipt" }

// A Form is a way to write a receipt down.
type Form struct{ Name, About string }

// A Choice is what was decided about one category or vendor.
type Choice struct{ Name, Key, Said, Badge, Model string }

// A LawRow is the law a question was put under.
type LawRow struct{ ID, Name, Table, Digest string }

// An Archived is something kept under its digest.
type Archived struct{ What, Digest, Path string }

// Short is enough of a digest to compare by eye.
func (a Archived) Short() string { return a.Digest[:min(16, len(a.Digest))] }

// A ReceiptPolicy is a policy version a receipt names.
type ReceiptPolicy struct {
	Key, Digest, Path string
	Number            int
	Effective         time.Time
}

// Short is enough of a digest to compare by eye.
func (p ReceiptPolicy) Short() string { return p.Digest[:min(16, len(p.Digest))] }

// A Word is one text of the banner.
type Word struct{ Key, Text string }

// A Proof is one thing that was verified just now.
type Proof struct {
	What   string
	Failed string // why, or ""
}
