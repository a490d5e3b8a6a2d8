package regime

import (
	"bytes"
	"cmp"
	_ "embed" // the law table
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

//go:embed table.json
var tableJSON []byte

// A Table is the law of all regions. It never changes and is safe for concurrent
// use.
type Table struct {
	// Version is the date of the table's content; it stands in records.
	Version string
	// Rows are all rows, by id.
	Rows []*Row

	unknown   string
	fallbacks map[string]string // country → id of the row where the subdivision is not known
	pseudo    map[string]string // code that is no country → id
	aliases   map[string]string // code → the code it stands for
	places    map[string]string // code → the code its rows are kept under: aliases, and codes with rows
	ages      map[string]int    // country → age of GDPR Art. 8

	byID    map[string]*Row
	byCode  map[string][]*Row // latest InForce first
	changes []Day             // days on which some row begins, has ended, or binds to GPC; ascending
}

// Load reads and checks the embedded table.
func Load() (*Table, error) {
	t, err := parse(tableJSON)
	if err != nil {
		return nil, fmt.Errorf("law table: %w", err)
	}
	return t, nil
}

func parse(text []byte) (*Table, error) {
	var file struct {
		Version   string            `json:"version"`
		Unknown   string            `json:"unknown"`
		Fallbacks map[string]string `json:"fallbacks"`
		Pseudo    map[string]string `json:"pseudo"`
		Aliases   map[string]string `json:"aliases"`
		Ages      map[string]int    `json:"child_ages"`
		Rows      []*Row            `json:"rows"`
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("text after the table")
	}
	t := &Table{
		Version: file.Version, Rows: file.Rows,
		unknown: file.Unknown, fallbacks: file.Fallbacks, pseudo: file.Pseudo, aliases: file.Aliases, ages: file.Ages,
		places: map[string]string{}, byID: map[string]*Row{}, byCode: map[string][]*Row{},
	}
	if _, err := ParseDay(t.Version); err != nil {
		return nil, fmt.Errorf("version: %w", err)
	}
	for _, r := range t.Rows {
		if err := t.add(r); err != nil {
			return nil, err
		}
	}
	slices.Sort(t.changes)
	t.changes = slices.Compact(t.changes)
	if err := t.check(); err != nil {
		return nil, err
	}
	maps.Copy(t.places, t.aliases)
	for code := range t.byCode {
		t.places[code] = code
	}
	return t, nil
}

func (t *Table) add(r *Row) error {
	if err := r.check(); err != nil {
		return err
	}
	if t.byID[r.ID] != nil {
		return fmt.Errorf("row %s stands twice", r.ID)
	}
	t.byID[r.ID] = r
	for _, code := range r.Codes {
		for _, other := range t.byCode[code] {
			if other.InForce == r.InForce {
				return fmt.Errorf("%s: rows %s and %s begin on the same day, so neither is the newer law", code, other.ID, r.ID)
			}
		}
		t.byCode[code] = append(t.byCode[code], r)
		slices.SortFunc(t.byCode[code], func(a, b *Row) int { return cmp.Compare(b.InForce, a.InForce) })
	}
	for _, day := range []Day{r.InForce, r.Until.Next(), r.GPCSince} {
		if day > Always {
			t.changes = append(t.changes, day)
		}
	}
	return r.seal()
}

// check refuses a table whose parts don't fit.
func (t *Table) check() error {
	strict := Models{OptIn, OptIn, OptIn}
	if u := t.byID[t.unknown]; u == nil || u.InForce != Always || u.Until != 0 || u.Floor != strict || u.Cautious != strict {
		return fmt.Errorf("row %q for unknown regions must be there always and ask for consent to everything", t.unknown)
	}
	for _, names := range []map[string]string{t.fallbacks, t.pseudo} {
		for code, id := range names {
			if t.byID[id] == nil {
				return fmt.Errorf("%s: there is no row %q", code, id)
			}
		}
	}
	for code, stands := range t.aliases {
		if _, again := t.aliases[stands]; again {
			return fmt.Errorf("%s stands for %s, which stands for another: name the last", code, stands)
		}
		if len(t.byCode[code]) > 0 {
			return fmt.Errorf("%s has a row of its own and stands for %s", code, stands)
		}
	}
	for code, age := range t.ages {
		if age < 13 || age > 16 { // GDPR Art. 8(1)
			return fmt.Errorf("%s: an age of %d is outside of GDPR Art. 8", code, age)
		}
	}
	return nil
}

// Of is the row of a region on day; never nil. country is an ISO 3166-1 code,
// subdivision the part of ISO 3166-2 after the hyphen, or "".
//
// A subdivision's own row comes first, then its country's; of several rows in
// force the one that began last. Where a country's law differs by state and the
// state is not known, or has no row, the strictest of that country applies; where
// nothing is known, the row for unknown regions.
func (t *Table) Of(country, subdivision string, day Day) *Row {
	code := t.resolve(country, subdivision)
	if row := t.pick(code, day); row != nil {
		return row
	}
	country, _, _ = strings.Cut(code, "-")
	if id, ok := t.fallbacks[country]; ok {
		return t.inForce(id, day)
	}
	if id, ok := t.pseudo[country]; ok {
		return t.inForce(id, day)
	}
	if row := t.pick(country, day); row != nil {
		return row
	}
	return t.byID[t.unknown]
}

// resolve is the code under which a region's rows are kept: aliases applied, the
// subdivision only where it has rows of its own; "" for what can't be a code.
func (t *Table) resolve(country, subdivision string) string {
	if len(country) != 2 || !ascii(country) {
		return ""
	}
	country = strings.ToUpper(country)
	if place, ok := t.places[country]; ok {
		country = place
	}
	if subdivision == "" || len(subdivision) > 3 || !ascii(subdivision) {
		return country
	}
	if place, ok := t.places[country+"-"+strings.ToUpper(subdivision)]; ok {
		return place
	}
	return country
}

// ascii keeps letters out that only their upper case makes a code: ſ becomes S.
func ascii(s string) bool {
	for _, c := range []byte(s) {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

func (t *Table) pick(code string, day Day) *Row {
	for _, row := range t.byCode[code] {
		if row.valid(day) {
			return row
		}
	}
	return nil
}

// inForce is the row id if it is in force on day, or the row for unknown regions.
func (t *Table) inForce(id string, day Day) *Row {
	if row := t.byID[id]; row.valid(day) {
		return row
	}
	return t.byID[t.unknown]
}

// Unknown is the id of the row that applies where the region is not known, or has no
// law: the strictest rules.
func (t *Table) Unknown() string { return t.unknown }

// Row is the row with an id, as records name it.
func (t *Table) Row(id string) (*Row, bool) {
	row, ok := t.byID[id]
	return row, ok
}

// ChildAge is the age below which a child can't consent alone in a region: of the
// member state (GDPR Art. 8(1)), or of the row. 0 is that the law names none.
func (t *Table) ChildAge(country, subdivision string, day Day) int {
	if age, ok := t.ages[t.resolve(country, subdivision)]; ok {
		return age
	}
	return t.Of(country, subdivision, day).MinorAge
}

// AgeFor is the highest ChildAge of what For takes into account: the visitor's
// region, its country where the subdivision is a guess, and the controller's own
// law where that follows it abroad and is another one than the visitor's.
func (t *Table) AgeFor(v Visitor, establishment string, day Day) int {
	age := t.ChildAge(v.Country, v.Subdivision, day)
	if v.Subdivision != "" && !v.Certain {
		age = max(age, t.ChildAge(v.Country, "", day))
	}
	if establishment == "" {
		return age
	}
	if row := t.Of(establishment, "", day); row.FollowsController && row != t.Of(v.Country, v.Subdivision, day) {
		age = max(age, t.ChildAge(establishment, "", day))
	}
	return age
}

// NextChange is the first day after day on which some row begins or ends to be in
// force, or to bind to GPC. What was decided by the table is good until then.
func (t *Table) NextChange(day Day) (Day, bool) {
	i, found := slices.BinarySearch(t.changes, day)
	if found {
		i++
	}
	if i == len(t.changes) {
		return 0, false
	}
	return t.changes[i], true
}
