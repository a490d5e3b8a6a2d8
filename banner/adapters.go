package banner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/notice"
)

// An adapter is a file of src/adapters and says which notices use it. What a
// notice does not use is not in its scripts.
type adapter struct {
	name string
	used func(*notice.Notice) bool
}

// adapters are all of them, in the order in which they are told.
var adapters = func() (all []adapter) {
	for _, name := range notice.APIs() {
		used := func(n *notice.Notice) bool { return n.Told(name) != nil }
		if name == "gtag" { // Consent Mode speaks to whoever listens to the data layer
			used = func(n *notice.Notice) bool { return n.Google.Mode == "basic" || n.Google.Mode == "advanced" }
		}
		all = append(all, adapter{name, used})
	}
	return all
}()

// adaptersModule is volenti:adapters for a kind of script: what only stands
// first in the page starts them, the gate tells them what was decided, and a
// script that asks does both.
func adaptersModule(n *notice.Notice, kind notice.Kind) string {
	halves := []string{"start", "change"}
	switch kind {
	case notice.KindAsk:
	case notice.KindGate:
		halves = halves[1:]
	default:
		halves = halves[:1]
	}
	var imports, members strings.Builder
	for _, a := range adapters {
		if !a.used(n) {
			continue
		}
		fmt.Fprintf(&imports, "import * as %s from './adapters/%[1]s'\n", a.name)
		members.WriteString("{ ")
		for _, half := range halves {
			fmt.Fprintf(&members, "%s: %s.%[1]s, ", half, a.name)
		}
		members.WriteString("}, ")
	}
	return imports.String() + "export const adapters = [" + members.String() + "]\n"
}

// consentTypes are those of Google Consent Mode, each with the switch of the law
// table whose categories stand for it. Security needs no consent.
var consentTypes = []struct {
	name   string
	letter byte
}{
	{"ad_storage", 'm'}, {"ad_user_data", 'm'}, {"ad_personalization", 'm'}, {"analytics_storage", 'a'},
	{"functionality_storage", 'p'}, {"personalization_storage", 'p'}, {"security_storage", 0},
}

// nowhere is a place in choices that nobody can grant.
const nowhere = -1

// adapterConstants are the members of VOLENTI that adapters read: places in
// choices, all of which must be granted.
func (f *facts) adapterConstants() map[string]any {
	n := f.notice
	google := make([][]any, len(consentTypes))
	for i, t := range consentTypes {
		google[i] = []any{t.name}
		if t.letter == 0 {
			continue
		}
		places := f.placesLike(t.letter)
		// A vendor of Google's that is refused by itself is refused by type: tags
		// that others load, such as a container, know nothing else of it.
		for _, v := range n.Told("gtag") {
			if at := f.category[n.Vendors[v].Category]; f.like[at] == t.letter {
				places = append(places, f.placeOf(v))
			}
		}
		for _, place := range places {
			google[i] = append(google[i], place)
		}
	}
	all := map[string]any{
		"registered":        len(f.registered()) > 0,
		"google":            google,
		"googleBasic":       n.Google.Mode == "basic",
		"googleAdvanced":    n.Google.Mode == "advanced",
		"googleVendors":     append(append([]int{}, n.Told("gtag")...), n.Told("gtm")...),
		"googleWait":        n.Google.WaitForUpdate,
		"googleRedact":      n.Google.AdsDataRedaction,
		"googlePassthrough": n.Google.URLPassthrough,
		"at.preferences":    f.placesLike('p'), "at.analytics": f.placesLike('a'), "at.marketing": f.placesLike('m'),
	}
	for _, name := range notice.APIs() {
		places := []int{}
		for _, v := range n.Told(name) {
			places = append(places, f.placeOf(v))
		}
		if len(places) == 0 {
			places = append(places, nowhere)
		}
		all["at."+name] = places
	}
	return all
}

// registered are the indices of the vendors that have tags registered.
func (f *facts) registered() []int {
	vendors := []int{}
	for i, v := range f.notice.Vendors {
		if slices.ContainsFunc(f.notice.Tags, func(t notice.Tag) bool { return t.Vendor == v.Key }) {
			vendors = append(vendors, i)
		}
	}
	return vendors
}

// placesLike are those of the categories that follow one switch of the law.
func (f *facts) placesLike(letter byte) []int {
	places := []int{}
	for i := range f.like {
		if f.like[i] == letter {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		places = append(places, nowhere)
	}
	return places
}

// placeOf is that of the vendor with this index.
func (f *facts) placeOf(vendor int) int { return len(f.notice.Categories) + 1 + vendor }
