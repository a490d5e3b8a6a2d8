package request

import (
	"bytes"
	_ "embed" // rights by law row
	"encoding/json"
	"fmt"
	"slices"

	"github.com/volenti-consent/volenti/server/regime"
)

//go:embed rights.json
var rightsJSON []byte

// Rights say what the rows of the law table give beside what they ask of a banner:
// which kinds of requests, and time limits that differ by kind. They stand apart from
// the rows because records name those by digest. Rights never change and are safe for
// concurrent use.
type Rights struct {
	table *regime.Table
	rows  map[string]rowRights
}

type rowRights struct {
	Offers string               `json:"offers"` // name of a list
	Spans  map[Kind]regime.Span `json:"spans"`  // where the limit is not the row's Answer
	Fixed  []Kind               `json:"fixed"`  // can't be extended
	Rolls  bool                 `json:"rolls"`  // a period that ends on a weekend ends on the working day after
	Source string               `json:"source"` // of what differs
	kinds  []Kind
}

// LoadRights reads the embedded table beside the law table, whose rows it must match
// one by one.
func LoadRights(table *regime.Table) (*Rights, error) {
	var file struct {
		Offers map[string][]Kind    `json:"offers"`
		Rows   map[string]rowRights `json:"rows"`
	}
	d := json.NewDecoder(bytes.NewReader(rightsJSON))
	d.DisallowUnknownFields()
	if err := d.Decode(&file); err != nil {
		return nil, fmt.Errorf("rights: %w", err)
	}
	r := &Rights{table: table, rows: file.Rows}
	for _, row := range table.Rows {
		said, ok := r.rows[row.ID]
		if !ok {
			return nil, fmt.Errorf("rights: nothing is said of law row %s", row.ID)
		}
		if said.kinds, ok = file.Offers[said.Offers]; !ok || len(said.kinds) == 0 {
			return nil, fmt.Errorf("rights: row %s offers %q, of which there is no list", row.ID, said.Offers)
		}
		for _, k := range said.kinds {
			if _, err := ParseKind(string(k)); err != nil {
				return nil, fmt.Errorf("rights: list %q: %q: %w", said.Offers, k, err)
			}
		}
		for k := range said.Spans {
			if !slices.Contains(said.kinds, k) {
				return nil, fmt.Errorf("rights: row %s limits %s and does not offer it", row.ID, k)
			}
		}
		r.rows[row.ID] = said
	}
	if len(r.rows) != len(table.Rows) {
		return nil, fmt.Errorf("rights: %d rows for %d of the law table", len(r.rows), len(table.Rows))
	}
	return r, nil
}

// Offered are the kinds that one of the rows of a ruling gives, in the order of
// Kinds.
func (r *Rights) Offered(ruling regime.Ruling) []Kind {
	var all []Kind
	for _, k := range Kinds() {
		if len(r.giving(ruling, k)) > 0 {
			all = append(all, k)
		}
	}
	return all
}

// giving are the rows of a ruling that give a kind.
func (r *Rights) giving(ruling regime.Ruling, k Kind) (rows []*regime.Row) {
	for _, row := range append([]*regime.Row{ruling.Row}, ruling.Others...) {
		if slices.Contains(r.rows[row.ID].kinds, k) {
			rows = append(rows, row)
		}
	}
	return rows
}
