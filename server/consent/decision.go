package consent

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/volenti-consent/volenti/server/canonical"
)

// MaxBody is the largest decision that is read, in bytes.
const MaxBody = 16 << 10

// maxTime is the largest integer JSON carries exactly (RFC 7493 section 2.2).
const maxTime = 1<<53 - 1

// maxAge is the highest age a law or a notice asks for.
const maxAge = 21

// ErrTooLarge is returned for a body of more than MaxBody bytes.
var ErrTooLarge = errors.New("the decision is larger than 16 KiB")

// An Action is what the visitor did.
type Action string

// The actions.
const (
	AcceptAll   Action = "accept_all"
	RejectAll   Action = "reject_all"
	Save        Action = "save"
	Acknowledge Action = "acknowledge" // a notice was read; nothing was chosen
	Withdraw    Action = "withdraw"
	Noticed     Action = "noticed" // the note about a changed policy was shown; nobody touched anything
	Signal      Action = "signal"  // GPC or DNT was applied; nobody touched anything
	Share       Action = "share"   // a choice made on another domain of the controller is taken over here
)

// sent reports whether a page may say so.
func (a Action) sent() bool {
	switch a {
	case AcceptAll, RejectAll, Save, Acknowledge, Noticed, Withdraw, Signal, Share:
		return true
	}
	return false
}

// A Surface is where the visitor did it.
type Surface string

// The surfaces.
const (
	OnBanner      Surface = "banner"
	OnSettings    Surface = "settings"
	OnPlaceholder Surface = "placeholder"
	OnAPI         Surface = "api"
	OnSignal      Surface = "signal"
	OnChange      Surface = "change" // the note about a changed policy: it was shown or read, and no choice is touched
	OnShare       Surface = "share"  // no surface: the visitor followed a link
	OnPage        Surface = "page"   // the server's own page of choices; no decision that is sent by others may say so
	OnCentre      Surface = "centre" // the server's privacy centre; nor this
)

// sent reports whether a page may say so.
func (s Surface) sent() bool {
	switch s {
	case OnBanner, OnSettings, OnPlaceholder, OnAPI, OnSignal, OnChange, OnShare:
		return true
	}
	return false
}

// A Decision is all choices made at one moment, as the page sent them; the
// members are those of docs/wire.md.
type Decision struct {
	ID         string          `json:"id"`
	Token      string          `json:"token"`
	Categories map[string]bool `json:"categories"`
	Vendors    map[string]bool `json:"vendors"`
	Open       []string        `json:"open,omitempty"` // vendors of a granted category that were not asked about yet, and are off
	Action     Action          `json:"action"`
	Surface    Surface         `json:"surface"`
	At         int64           `json:"at"` // Unix milliseconds by the page's clock; never trusted
	GPC        bool            `json:"gpc"`
	DNT        bool            `json:"dnt"`
	Previous   string          `json:"previous,omitempty"` // receipt id
	Handover   string          `json:"handover,omitempty"` // what another page handed over: with the action share a choice, with a signal an opt-out
	OfAge      int             `json:"of_age,omitempty"`   // years: the visitor said to be that old; only with a grant, where the notice asks
}

// Digest names the decision's content, so that a repeat is told from another
// decision under the same id. White space and member order don't count.
func (d Decision) Digest() (canonical.Digest, error) {
	digest, err := canonical.SumOf(&d)
	if err != nil {
		return "", fmt.Errorf("digest of a decision: %w", err)
	}
	return digest, nil
}

// A Problem is one mistake in a decision.
type Problem struct {
	Path   string `json:"path"` // "categories.analytics"; "" is the whole body
	What   string `json:"what"`
	Remedy string `json:"remedy"`
}

// Invalid is the error for a decision that can't be recorded. It lists all
// mistakes found, up to maxProblems.
type Invalid struct{ Problems []Problem }

const maxProblems = 32

// Error lists the mistakes in one line.
func (e *Invalid) Error() string {
	all := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		all[i] = strings.TrimPrefix(p.Path+": "+p.What, ": ")
	}
	return "the decision can't be recorded: " + strings.Join(all, "; ")
}

// About reports whether a mistake was found in that member.
func (e *Invalid) About(path string) bool {
	return slices.ContainsFunc(e.Problems, func(p Problem) bool { return p.Path == path })
}

func (e *Invalid) add(path, what, remedy string) {
	if len(e.Problems) < maxProblems {
		e.Problems = append(e.Problems, Problem{path, what, remedy})
	}
}

// err is nil where nothing was found: a nil *Invalid in an error is not nil.
func (e *Invalid) err() error {
	if len(e.Problems) == 0 {
		return nil
	}
	return e
}

// isDecisionID: 1 to 64 of A-Z, a-z, 0-9, _ and -.
func isDecisionID(s string) bool {
	return s != "" && len(s) <= 64 && only(s, func(c byte) bool { return alphanumeric(c) || c == '_' || c == '-' })
}

// isChoiceKey: a letter or digit, and up to 63 of these, '.', '_' and '-'.
func isChoiceKey(s string) bool {
	return s != "" && len(s) <= 64 && alphanumeric(s[0]) && only(s, func(c byte) bool { return alphanumeric(c) || c == '.' || c == '_' || c == '-' })
}

func alphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

func only(s string, these func(byte) bool) bool {
	for i := range len(s) {
		if !these(s[i]) {
			return false
		}
	}
	return true
}

// reservedKey: names with a meaning of their own in JavaScript objects. A site
// that used one would hand out scripts in which a lookup can't be trusted.
func reservedKey(key string) bool {
	return key == "__proto__" || key == "constructor" || key == "prototype"
}

// Decode reads the body of POST /v1/sites/{site}/decisions. It fails with
// ErrTooLarge or *Invalid. What it accepts means the same to every reader of
// JSON: one value per name, no unknown names, valid UTF-8, nothing after it.
func Decode(body []byte) (Decision, error) {
	if len(body) > MaxBody {
		return Decision{}, ErrTooLarge
	}
	if d, ok := quick(body); ok {
		return d, nil
	}
	return decode(body)
}

// decode reads any decision, and says what is wrong with it.
func decode(body []byte) (Decision, error) {
	if !utf8.Valid(body) || !json.Valid(body) {
		return Decision{}, &Invalid{[]Problem{{"", "this is not JSON", "send one JSON object in UTF-8, as docs/wire.md shows"}}}
	}
	d := Decision{Categories: map[string]bool{}, Vendors: map[string]bool{}}
	r := &reader{tokens: json.NewDecoder(bytes.NewReader(body))}
	r.tokens.UseNumber()
	if t := r.next(); t != json.Delim('{') {
		return Decision{}, &Invalid{[]Problem{{"", "this is not a JSON object", "send one JSON object, as docs/wire.md shows"}}}
	}
	seen := r.object("", func(name string) bool { return d.read(r, name) })
	for _, name := range [...]string{"id", "token", "categories", "action", "surface", "at"} {
		if !seen[name] {
			r.add(name, "it is missing", "send it with every decision")
		}
	}
	if len(r.Problems) == 0 {
		d.judge(&r.Invalid)
	}
	if err := r.err(); err != nil {
		return Decision{}, err
	}
	return d, nil
}

// read takes the value of one member; false for a name that is not known.
func (d *Decision) read(r *reader, name string) bool {
	switch name {
	case "id":
		d.ID = r.text(name, isDecisionID, "use 1 to 64 of A-Z, a-z, 0-9, _ and -")
	case "token":
		d.Token = r.text(name, func(s string) bool { return s != "" && len(s) <= maxToken }, "send the banner script's token unchanged")
	case "categories":
		d.Categories = r.choices(name)
	case "vendors":
		d.Vendors = r.choices(name)
	case "open":
		d.Open = r.keys(name)
	case "action":
		d.Action = Action(r.text(name, func(s string) bool { return Action(s).sent() }, "use accept_all, reject_all, save, acknowledge, noticed, withdraw, signal or share"))
	case "surface":
		d.Surface = Surface(r.text(name, func(s string) bool { return Surface(s).sent() }, "use banner, settings, placeholder, api, signal, change or share"))
	case "at":
		d.At = r.milliseconds(name)
	case "gpc":
		d.GPC = r.flag(name)
	case "dnt":
		d.DNT = r.flag(name)
	case "previous":
		d.Previous = r.text(name, IsReceiptID, "send the id of the receipt that this decision replaces, 32 digits, or leave it out")
	case "handover":
		d.Handover = r.text(name, func(s string) bool { return s != "" && len(s) <= maxHandover }, "send what stood in the page's address, unchanged")
	case "of_age":
		d.OfAge = r.years(name)
	default:
		return false
	}
	return true
}

// judge finds contradictions that need no knowledge of the notice.
func (d *Decision) judge(bad *Invalid) {
	if (d.Action == Signal) != (d.Surface == OnSignal) {
		bad.add("surface", "action and surface contradict each other", `use the surface "signal" with the action "signal" and with no other`)
	}
	if d.Surface == OnChange && d.Action != Acknowledge && d.Action != Noticed {
		bad.add("surface", "a note about a changed policy asks nothing", `use the surface "change" with the actions "noticed" and "acknowledge" only`)
	}
	if d.Action == Noticed && (d.Surface != OnChange || d.Previous == "") {
		bad.add("previous", "a note is shown to those who decided", `send "noticed" with the surface "change" and the receipt of the decision in force`)
	}
	if share := d.Action == Share; share != (d.Surface == OnShare) || share && (d.Handover == "" || d.OfAge != 0 || d.Previous != "") || d.Handover != "" && !share && d.Action != Signal {
		bad.add("handover", "a choice is taken over by its hand-over alone", `send it with the action and the surface "share", without previous and of_age, or with a signal, and with no other action`)
	}
	if d.OfAge != 0 && (!d.Grants() || d.Action == Signal) {
		bad.add("of_age", "nothing is granted by whoever said it", "leave it out: only a grant needs it")
	}
	for _, key := range d.Open {
		if _, both := d.Vendors[key]; both {
			bad.add("open", quoted(key)+" was decided, too", "name a vendor in vendors or in open")
		}
	}
	var (
		forbidden bool // the answer that contradicts the action
		remedy    string
	)
	switch d.Action {
	case AcceptAll:
		forbidden, remedy = false, "accept_all grants everything it lists; use save for a mixed choice"
	case RejectAll, Withdraw:
		forbidden, remedy = true, string(d.Action)+" refuses everything it lists; use save for a mixed choice"
	case Acknowledge, Noticed:
		for _, list := range d.lists() {
			if len(list.choices) > 0 {
				bad.add(list.name, "a notice that was only read chooses nothing", "send {} or use save")
			}
		}
		if len(d.Open) > 0 {
			bad.add("open", "a notice that was only read chooses nothing", "leave it out")
		}
		return
	default:
		return
	}
	for _, list := range d.lists() {
		for _, key := range sortedKeys(list.choices) {
			if list.choices[key] == forbidden {
				bad.add(list.name+"."+key, strconv.FormatBool(forbidden)+" contradicts the action", remedy)
			}
		}
	}
}

type choiceList struct {
	name    string
	choices map[string]bool
}

// Grants reports whether it lists something as granted.
func (d *Decision) Grants() bool {
	for _, list := range d.lists() {
		for _, granted := range list.choices {
			if granted {
				return true
			}
		}
	}
	return false
}

func (d *Decision) lists() [2]choiceList {
	return [2]choiceList{{"categories", d.Categories}, {"vendors", d.Vendors}}
}
