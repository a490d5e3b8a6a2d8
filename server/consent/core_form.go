package consent

import (
	"slices"
	"strconv"

	"github.com/volenti-consent/volenti/server/regime"
)

// A form is canonical JSON in the making, of what a record is made of. It writes the
// plain cases alone: where plain turns false its bytes mean nothing, and
// canonical.Encode decides. An audit reads millions of records, so it compares with
// this instead of encoding each of them anew.
type form struct {
	bytes []byte
	plain bool
	keys  []string
}

// of is the canonical form of c, if it is a plain one.
func (f *form) of(c *Core) (text []byte, plain bool) {
	f.bytes, f.plain = append(f.bytes[:0], '{'), true
	f.text(`"action":`, string(c.Action))
	if c.Age != (Age{}) {
		f.number(`,"age":{"asked":`, int64(c.Age.Asked))
		f.truth(`,"confirmed":`, c.Age.Confirmed)
		f.bytes = append(f.bytes, '}')
	}
	f.text(`,"basis":`, string(c.Basis))
	object(f, `,"categories":`, c.Categories, (*form).choice)
	f.text(`,"controller":{"address":`, c.Controller.Address)
	f.text(`,"contact":`, c.Controller.Contact)
	f.text(`,"establishment":`, c.Controller.Establishment)
	f.text(`,"name":`, c.Controller.Name)
	f.text(`},"experience":`, string(c.Experience))
	f.number(`,"given_at":`, c.GivenAt)
	f.text(`,"id":`, c.ID)
	f.text(`,"language":`, c.Language)
	f.text(`,"law":`, c.Law)
	f.text(`,"law_table":`, c.LawTable)
	object(f, `,"models":`, c.Models, (*form).model)
	f.text(`,"notice":`, string(c.Notice))
	object(f, `,"policies":`, c.Policies, (*form).policy)
	if c.Previous != "" {
		f.text(`,"previous":`, c.Previous)
	}
	f.number(`,"received_at":`, c.ReceivedAt)
	if c.RefusalsUntil != 0 {
		f.number(`,"refusals_until":`, c.RefusalsUntil)
	}
	f.text(`,"region":`, c.Region)
	f.text(`,"region_source":`, c.RegionSource)
	f.text(`,"schema":`, c.Schema)
	f.truth(`,"signals":{"dnt":`, c.Signals.DNT)
	f.truth(`,"gpc":`, c.Signals.GPC)
	f.truth(`,"gpc_header":`, c.Signals.GPCHeader)
	if c.Signals.OptOut {
		f.truth(`,"opt_out":`, true)
	}
	f.text(`},"site":`, c.Site)
	f.text(`,"state":`, string(c.State))
	f.text(`,"surface":`, string(c.Surface))
	f.text(`,"token":`, string(c.Token))
	f.number(`,"token_from":`, c.TokenFrom)
	f.number(`,"valid_until":`, c.ValidUntil)
	object(f, `,"vendors":`, c.Vendors, (*form).choice)
	f.bytes = append(f.bytes, '}')
	return f.bytes, f.plain
}

func (f *form) choice(c Choice) { f.text("", string(c)) }

func (f *form) model(m regime.Model) { f.text("", string(m)) }

func (f *form) policy(p Policy) {
	f.text(`{"digest":`, string(p.Digest))
	f.number(`,"effective":`, p.Effective)
	f.number(`,"number":`, int64(p.Number))
	f.bytes = append(f.bytes, '}')
}

// object writes a map's members by the order of their keys: of keys that are plain,
// bytes and UTF-16 units have the same.
func object[V any](f *form, name string, m map[string]V, value func(*form, V)) {
	if m == nil {
		f.plain = false // null
		return
	}
	f.keys = f.keys[:0]
	for key := range m {
		f.keys = append(f.keys, key)
	}
	slices.Sort(f.keys)
	f.bytes = append(append(f.bytes, name...), '{')
	for i, key := range f.keys {
		if i > 0 {
			f.bytes = append(f.bytes, ',')
		}
		f.text("", key)
		f.bytes = append(f.bytes, ':')
		value(f, m[key])
	}
	f.bytes = append(f.bytes, '}')
}

// text writes a string in which nothing is escaped, by any writer: no control
// characters, nothing above U+D7FF, and so neither halves of pairs nor the
// replacement of what was no UTF-8.
func (f *form) text(name, s string) {
	f.bytes = append(append(f.bytes, name...), '"')
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= 0xEE {
			f.plain = false
		}
	}
	f.bytes = append(append(f.bytes, s...), '"')
}

// number writes one that is exact in every reader (RFC 7493, 2.2).
func (f *form) number(name string, n int64) {
	f.plain = f.plain && n > -1<<53 && n < 1<<53
	f.bytes = strconv.AppendInt(append(f.bytes, name...), n, 10)
}

func (f *form) truth(name string, on bool) {
	f.bytes = strconv.AppendBool(append(f.bytes, name...), on)
}
