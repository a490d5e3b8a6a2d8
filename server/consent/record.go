package consent

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
)

// A Question is what the server knows of the question that was answered, found
// by the served token and never by what the page says. Records hold its maps, which nobody
// changes any more.
type Question struct {
	Served     Served            // from Tokens.Verify
	Experience notice.Experience // whose digest Served names
	Notice     *notice.Notice    // whose digest Experience names
	Policies   map[string]Policy // those that Experience names, with number and date; see PolicyOf
	LawTable   string            // version of the law table
	Models     map[string]regime.Model
	Age        int        // years that whoever grants something has to say to be; 0: nobody is asked
	Reask      int        // months that a refusal rests at the least, by that law; 0: it names no figure
	GPCHeader  bool       // the decision's request carried Sec-GPC: 1
	OptOut     bool       // it came from a browser that opted out on all sites
	Shared     *Entry     // the record whose choices are taken over, judged by whoever sets it; only for the action share
	Artifacts  []Artifact // what must be kept once a record names it
}

// PolicyOf is how a record names v.
func PolicyOf(v policyversions.Version) Policy {
	return Policy{Digest: v.Digest, Number: v.Number, Effective: v.Effective.UnixMilli()}
}

// A Draft is a decision that was judged and joined with its question. Only
// Prepare makes one; what depends on the moment of recording is still open.
type Draft struct {
	core      Core
	decision  Decision
	request   canonical.Digest
	months    int // that a grant lasts
	rest      int // that a refusal rests
	artifacts []Artifact
	script    canonical.Digest // that asked; not part of the record but by its experience
}

// Prepare judges a decision against the notice it answers. It fails with
// *Invalid where the visitor's side is wrong, with another error where the
// question contradicts itself.
func Prepare(d Decision, q Question) (Draft, error) {
	if err := q.check(); err != nil {
		return Draft{}, err
	}
	signals := Signals{GPC: d.GPC, GPCHeader: q.GPCHeader, DNT: d.DNT, OptOut: q.OptOut}
	asked := askedBy(q.Notice)
	models, bad := asked.models(q.Models), &Invalid{}
	for _, list := range d.lists() {
		known := asked.of(list.name)
		for _, key := range sortedKeys(list.choices) {
			if _, ok := known[key]; !ok {
				bad.add(list.name+"."+key, "the notice does not ask for it", "use "+strings.Join(sortedKeys(known), ", "))
			}
		}
	}
	for _, key := range d.Open {
		if _, ok := asked.vendors[key]; !ok {
			bad.add("open", "the notice does not ask for "+quoted(key), "use "+strings.Join(sortedKeys(asked.vendors), ", "))
		}
	}
	q.ofAge(d, bad)
	switch {
	case d.Surface == OnChange:
	case d.Action == Acknowledge:
		for _, key := range sortedKeys(models) {
			if asksFirst(models[key]) {
				bad.add("action", "reading is no consent, and "+key+" needs one here", "offer accept and refuse, and send what was chosen")
				break
			}
		}
	case len(d.Categories) == 0 && len(d.Vendors) == 0:
		bad.add("categories", "nothing is chosen", "list every category that was asked")
	case d.Action == Signal && !signals.Any():
		bad.add("action", "no signal is on", "send gpc or dnt as the browser has them")
	}
	if err := bad.err(); err != nil {
		return Draft{}, err
	}
	sent := d
	if d.Action == Noticed {
		sent = noticedAs(d, q.Policies)
		d.ID = sent.ID
	}
	request, err := sent.Digest()
	if err != nil {
		return Draft{}, err
	}
	if (d.Action == Share) != (q.Shared != nil) {
		return Draft{}, ErrHandover
	}
	switch {
	case q.Shared != nil:
		d.ID, d.Previous = handoverID(d.Handover), q.Shared.ReceiptID
	case d.Handover != "":
		d.ID = carriedID(d.Handover)
	}
	region := q.Served.Region
	if region == "" {
		region = "-"
	}
	months := q.Notice.Validity
	if months < 1 || months > 13 {
		months = 6 // the recommendation of most authorities; notices are linted to 1–13
	}
	core := Core{
		Schema: CoreSchema, Site: q.Served.Site, Controller: q.Notice.Controller,
		Action: d.Action, Surface: d.Surface,
		Categories: make(map[string]Choice, len(asked.categories)), Vendors: make(map[string]Choice, len(asked.vendors)),
		Experience: q.Served.Experience, Notice: q.Experience.Notice, Policies: q.Policies,
		Language: q.Experience.Language, Region: region, RegionSource: q.Served.Source,
		Law: q.Served.Law, LawTable: q.LawTable, Models: models, Signals: signals,
		Token: canonical.Sum([]byte(d.Token)), TokenFrom: q.Served.From().UnixMilli(),
	}
	if q.Age != 0 {
		core.Age = Age{Asked: q.Age, Confirmed: d.OfAge >= q.Age || d.Action == Share && d.Grants()}
	}
	if core.Policies == nil {
		core.Policies = map[string]Policy{} // no null in records
	}
	core.choose(d, q.Notice, asked)
	core.State, core.Basis = stateOf(&core), basisOf(&core, q.Notice)
	return Draft{core: core, decision: d, request: request, months: months, rest: max(months, q.Reask), artifacts: q.Artifacts, script: q.Experience.Script}, nil
}

// ofAge refuses a grant of somebody who did not say to be as old as is asked here.
// A signal grants nothing: see keepGrants.
func (q Question) ofAge(d Decision, bad *Invalid) {
	switch {
	case d.OfAge != 0 && q.Age == 0:
		bad.add("of_age", "the notice asks nobody for his age", "leave it out")
	case d.OfAge < q.Age && d.Grants() && d.Action != Signal && d.Action != Share: // whoever hands over has said so there
		bad.add("of_age", fmt.Sprintf("nothing may be granted by visitors younger than %d here", q.Age),
			fmt.Sprintf("ask whether the visitor is that old, and send \"of_age\": %d once he has confirmed it", q.Age))
	}
}

// check finds contradictions on our own side: a record must not join the text
// of one notice with the digest of another.
func (q Question) check() error {
	if q.Notice == nil || q.Notice.Site != q.Served.Site || q.Experience.Site != q.Served.Site {
		return fmt.Errorf("question of site %s: its notice or experience is of another site", q.Served.Site)
	}
	if len(q.Policies) != len(q.Experience.Policies) {
		return fmt.Errorf("question of site %s: %d policies for an experience of %d", q.Served.Site, len(q.Policies), len(q.Experience.Policies))
	}
	for key, digest := range q.Experience.Policies {
		if q.Policies[key].Digest != digest {
			return fmt.Errorf("question of site %s: policy %s is not the version that was shown", q.Served.Site, key)
		}
	}
	return nil
}

func necessary(c notice.Category) bool {
	return c.Key == notice.Necessary || c.Like == notice.Necessary
}

// An asked is what a decision about a notice may name: its categories without the
// necessary ones, and the vendors of these.
type asked struct{ categories, vendors map[string]struct{} }

func askedBy(n *notice.Notice) asked {
	a := asked{make(map[string]struct{}, len(n.Categories)), make(map[string]struct{}, len(n.Vendors))}
	for _, c := range n.Categories {
		if !necessary(c) {
			a.categories[c.Key] = struct{}{}
		}
	}
	for _, v := range n.Vendors {
		if _, ok := a.categories[v.Category]; ok {
			a.vendors[v.Key] = struct{}{}
		}
	}
	return a
}

// of is the list of a name, "categories" or "vendors".
func (a asked) of(list string) map[string]struct{} {
	if list == "categories" {
		return a.categories
	}
	return a.vendors
}

// models is the model of every category; one that is not known is the strictest.
func (a asked) models(known map[string]regime.Model) map[string]regime.Model {
	whole := len(known) == len(a.categories)
	for key := range a.categories {
		whole = whole && known[key] != ""
	}
	if whole {
		return known
	}
	models := make(map[string]regime.Model, len(a.categories))
	for key := range a.categories {
		if models[key] = known[key]; models[key] == "" {
			models[key] = regime.OptIn
		}
	}
	return models
}

func asksFirst(m regime.Model) bool { return m == regime.OptIn || m == "" }

// ownAct: somebody did something and it was a choice.
func ownAct(a Action) bool { return a != Acknowledge && a != Noticed && a != Signal }

// choose fills in every category and every vendor that could be asked. A vendor
// that was not set apart goes with its category, unless it is open.
func (c *Core) choose(d Decision, n *notice.Notice, a asked) {
	for key := range a.categories {
		c.Categories[key] = choiceOf(d.Categories, key, NotAsked)
	}
	for _, v := range n.Vendors {
		if _, ok := a.vendors[v.Key]; ok {
			c.Vendors[v.Key] = choiceOf(d.Vendors, v.Key, c.Categories[v.Category])
			if slices.Contains(d.Open, v.Key) {
				c.Vendors[v.Key] = NotAsked
			}
		}
	}
}

func choiceOf(choices map[string]bool, key string, otherwise Choice) Choice {
	switch granted, asked := choices[key]; {
	case !asked:
		return otherwise
	case granted:
		return Granted
	}
	return Refused
}

// keepGrants corrects a signal's record: a signal grants nothing. What it lists
// as true is a grant only if the record it replaces, before, says so. The maps are
// replaced, since a draft may be recorded twice. Nor does it say how old somebody is.
func (c *Core) keepGrants(before Core) {
	if c.Age.Asked > before.ConfirmedAge() {
		before = Core{}
	} else if c.Age.Asked != 0 {
		c.Age.Confirmed = true
	}
	c.Categories = keptGrants(c.Categories, before.Categories)
	c.Vendors = keptGrants(c.Vendors, before.Vendors)
}

func keptGrants(now, before map[string]Choice) map[string]Choice {
	kept := maps.Clone(now)
	for key, choice := range kept {
		if choice == Granted && before[key] != Granted {
			kept[key] = NotAsked
		}
	}
	return kept
}

// hold says until when the record counts, by months that a grant lasts and that a
// refusal rests. Only a decision about everything gives what was granted before,
// another time: a placeholder, a signal, or a question about one new vendor does not.
func (c *Core) hold(now time.Time, months, rest int, before Core) {
	if c.Action == Share {
		c.holdShared(before)
		return
	}
	granted, refused := c.has(Granted), c.has(Refused)
	grants, refusals := addMonths(now, months).UnixMilli(), addMonths(now, rest).UnixMilli()
	if c.inPart() && before.ValidUntil > now.UnixMilli() && c.shares(before) {
		grants = min(grants, before.ValidUntil)
	}
	c.ValidUntil, c.RefusalsUntil = grants, 0
	if refused && !granted {
		c.ValidUntil = refusals
	} else if refused && refusals > grants {
		c.RefusalsUntil = refusals
	}
}

// holdShared: a choice that is taken over is not made anew, so it counts as long as
// the one that was made.
func (c *Core) holdShared(before Core) {
	granted, refused := c.has(Granted), c.has(Refused)
	rests := max(before.ValidUntil, before.RefusalsUntil)
	c.GivenAt, c.ValidUntil, c.RefusalsUntil = before.GivenAt, before.ValidUntil, 0
	if !granted {
		c.ValidUntil = rests
	} else if refused && rests > before.ValidUntil {
		c.RefusalsUntil = rests
	}
}

// inPart: what it lists was there before, but for one thing.
func (c *Core) inPart() bool {
	return c.Action == Signal || c.Action == Share || c.Action == Save && (c.Surface == OnBanner || c.Surface == OnPlaceholder || c.Surface == OnAPI || c.Surface == OnCentre)
}

func (c *Core) has(choice Choice) bool {
	for _, list := range [...]map[string]Choice{c.Categories, c.Vendors} {
		for _, made := range list {
			if made == choice {
				return true
			}
		}
	}
	return false
}

// shares reports whether something is granted that was granted before.
func (c *Core) shares(before Core) bool {
	return slices.ContainsFunc(sortedKeys(c.Categories), func(key string) bool {
		return c.Categories[key] == Granted && before.Categories[key] == Granted
	}) || slices.ContainsFunc(sortedKeys(c.Vendors), func(key string) bool {
		return c.Vendors[key] == Granted && before.Vendors[key] == Granted
	})
}

// stateOf sums up what was answered; what was not asked does not count.
func stateOf(c *Core) State {
	switch c.Action {
	case Acknowledge:
		return Acknowledged
	case Noticed:
		return Informed
	case Signal:
		return SignalApplied
	case Withdraw:
		return Withdrawn
	}
	granted, refused := c.has(Granted), c.has(Refused)
	switch {
	case granted && refused:
		return Partial
	case granted:
		return Given
	}
	return AllRefused
}

// basisOf is explicit for the visitor's own act, if it grants nothing, or if at
// least one thing it grants was asked by opt-in: then the banner was the one
// with accept and refuse side by side and nothing switched on. It is implied for
// what was read, for signals, and for grants of what was on already by the rules
// of an opt-out or notice region. A record can be explicit as a whole and hold
// grants that are no consent; Core.Consented answers by category.
func basisOf(c *Core, n *notice.Notice) Basis {
	if !ownAct(c.Action) {
		return Implied
	}
	grants := false
	granted := func(choice Choice, category string) (asked bool) {
		grants = grants || choice == Granted
		return choice == Granted && asksFirst(c.Models[category])
	}
	for key, choice := range c.Categories {
		if granted(choice, key) {
			return Explicit
		}
	}
	for _, v := range n.Vendors {
		if granted(c.Vendors[v.Key], v.Category) {
			return Explicit
		}
	}
	if grants {
		return Implied
	}
	return Explicit
}

// clamp brings the page's clock to what can be true: not before the banner was
// served, not after the decision arrived.
func clamp(at, from, now int64) int64 { return min(max(at, from), now) }

// addMonths adds calendar months in UTC. Where the month has no such day it is
// the month's last one (Regulation (EEC, Euratom) 1182/71 Art. 3(2)(c)).
func addMonths(t time.Time, months int) time.Time {
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	month += time.Month(months)
	last := time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return time.Date(year, month, min(day, last), hour, minute, second, t.Nanosecond(), time.UTC)
}
