package consent

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// maxDepth is deeper than any decision nests; what goes beyond is not walked.
const maxDepth = 4

// A reader walks JSON that is known to be valid, token by token, and collects
// what is wrong. encoding/json would take the last of two equal names and
// ignore the case of letters; two readers of one text would then see two decisions.
type reader struct {
	Invalid
	tokens *json.Decoder
	depth  int
	lost   bool // nested too deep; nothing more is read
}

func (r *reader) next() json.Token {
	t, err := r.tokens.Token()
	if err != nil { // the text is valid, so only its end can be meant
		r.lost = true
	}
	return t
}

// object reads the members after a '{'. member reads one value and says whether
// it knows the name; values of unknown names are skipped. It returns the names.
func (r *reader) object(path string, member func(name string) bool) map[string]bool {
	seen := map[string]bool{}
	if r.depth++; r.depth > maxDepth {
		r.add(path, "it is nested too deep", "send the members of docs/wire.md and no others")
		r.lost = true
	}
	for !r.lost && r.tokens.More() {
		name, _ := r.next().(string)
		at := join(path, name)
		if seen[name] {
			r.add(at, "the name stands there twice", "send each name once")
			r.skip(at)
			continue
		}
		seen[name] = true
		if !member(name) {
			r.add(at, "this name is not known", "send the members of docs/wire.md and no others")
			r.skip(at)
		}
	}
	if !r.lost {
		r.next() // }
	}
	r.depth--
	return seen
}

// skip passes over a value, looking only for names that stand in it twice.
func (r *reader) skip(path string) { r.pass(path, r.next()) }

func (r *reader) pass(path string, t json.Token) {
	switch t {
	case json.Delim('{'):
		r.object(path, func(name string) bool { r.skip(join(path, name)); return true })
	case json.Delim('['):
		if r.depth++; r.depth > maxDepth {
			r.add(path, "it is nested too deep", "send the members of docs/wire.md and no others")
			r.lost = true
		}
		for !r.lost && r.tokens.More() {
			r.skip(path)
		}
		if !r.lost {
			r.next() // ]
		}
		r.depth--
	}
}

// text reads a string that fits.
func (r *reader) text(path string, fits func(string) bool, remedy string) string {
	t := r.next()
	s, ok := t.(string)
	switch {
	case !ok:
		r.add(path, "it is not a string", remedy)
		r.pass(path, t)
	case !fits(s):
		r.add(path, quoted(s)+" is not possible here", remedy)
	}
	return s
}

func (r *reader) flag(path string) bool {
	t := r.next()
	b, ok := t.(bool)
	if !ok {
		r.add(path, "it is not true or false", "send true or false")
		r.pass(path, t)
	}
	return b
}

// milliseconds reads a whole number that JSON carries exactly.
func (r *reader) milliseconds(path string) int64 {
	const remedy = "send Unix milliseconds as a whole number, such as Date.now()"
	t := r.next()
	n, ok := t.(json.Number)
	if !ok {
		r.add(path, "it is not a number", remedy)
		r.pass(path, t)
		return 0
	}
	at, err := strconv.ParseInt(n.String(), 10, 64)
	if err != nil || at < 0 || at > maxTime || strings.HasPrefix(n.String(), "-") {
		r.add(path, quoted(n.String())+" is not a time", remedy)
		return 0
	}
	return at
}

// years reads an age.
func (r *reader) years(path string) int {
	const remedy = "send the age in years that the visitor confirmed, a whole number such as 16"
	t := r.next()
	n, ok := t.(json.Number)
	if !ok {
		r.add(path, "it is not a number", remedy)
		r.pass(path, t)
		return 0
	}
	age, err := strconv.Atoi(n.String())
	if err != nil || age < 1 || age > maxAge {
		r.add(path, quoted(n.String())+" is not an age", remedy)
		return 0
	}
	return age
}

// choices reads an object of key to true or false.
func (r *reader) choices(path string) map[string]bool {
	out := map[string]bool{}
	if t := r.next(); t != json.Delim('{') {
		r.add(path, "it is not an object", `send an object such as {"analytics": true}`)
		r.pass(path, t)
		return out
	}
	r.object(path, func(key string) bool {
		at := join(path, key)
		if !isChoiceKey(key) || reservedKey(key) {
			r.add(at, "no site has such a key", "use the keys of the notice")
			r.skip(at)
			return true
		}
		out[key] = r.flag(at)
		return true
	})
	return out
}

// maxOpen is more vendors than fit into a decision otherwise.
const maxOpen = 512

// keys reads a list of different keys.
func (r *reader) keys(path string) (out []string) {
	const remedy = `send a list such as ["meta"]`
	t := r.next()
	if t != json.Delim('[') {
		r.add(path, "it is not a list", remedy)
		r.pass(path, t)
		return nil
	}
	r.depth++
	for !r.lost && r.tokens.More() {
		key := r.text(path, func(s string) bool {
			return isChoiceKey(s) && !reservedKey(s) && !slices.Contains(out, s) && len(out) < maxOpen
		}, remedy+", each key of the notice once")
		out = append(out, key)
	}
	if !r.lost {
		r.next() // ]
	}
	r.depth--
	return out
}

// join names a member. Names that are no plain words are quoted and cut short,
// since they come from strangers and end up in answers.
func join(path, name string) string {
	if !isChoiceKey(name) {
		name = quoted(name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// quoted shows what strangers sent, in ASCII and cut short.
func quoted(s string) string {
	const most = 40
	if len(s) > most {
		return fmt.Sprintf("%+q…", strings.ToValidUTF8(s[:most], ""))
	}
	return fmt.Sprintf("%+q", s)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := slices.AppendSeq(make([]string, 0, len(m)), maps.Keys(m))
	slices.Sort(keys)
	return keys
}
