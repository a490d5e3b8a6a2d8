package canonical

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf16"
	"unicode/utf8"
)

// What is recorded is encoded in one go. encoding/json followed by a transformation
// writes every value twice, parses it in between, and sorts the members anew each time:
// that took a quarter of what recording a decision costs. What this does not know, a
// float or a type that marshals itself, goes the long way round; a test compares both.

// A writer appends the canonical JSON of a value; false where the long way is to be taken.
type writer func(b []byte, v reflect.Value) ([]byte, bool)

var writers sync.Map // reflect.Type → writer

// spare has buffers to write into, since nobody knows how long it will be.
var spare = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// mostSpare bounds those that are kept: a notice may have a hundred kilobytes.
const mostSpare = 64 << 10

// direct is what use makes of the canonical JSON of v, which it may not keep; or false.
func direct[T any](v any, use func([]byte) T) (made T, ok bool) {
	r := reflect.ValueOf(v)
	for r.Kind() == reflect.Pointer && !r.IsNil() {
		r = r.Elem() // whether the pointer marshals itself is asked for its type
	}
	if r.Kind() != reflect.Struct && r.Kind() != reflect.Map {
		return made, false
	}
	into := spare.Get().(*[]byte)
	text, ok := writerOf(r.Type())((*into)[:0], r)
	if cap(text) <= mostSpare {
		*into = text
		defer spare.Put(into)
	}
	return use(text), ok
}

func writerOf(t reflect.Type) writer {
	if w, ok := writers.Load(t); ok {
		return w.(writer)
	}
	// A type that holds itself finds this while its own is being made.
	var made writer
	var done sync.WaitGroup
	done.Add(1)
	w, raced := writers.LoadOrStore(t, writer(func(b []byte, v reflect.Value) ([]byte, bool) {
		done.Wait()
		return made(b, v)
	}))
	if raced {
		return w.(writer)
	}
	made = makeWriter(t)
	done.Done()
	writers.Store(t, made)
	return made
}

func unknown(b []byte, _ reflect.Value) ([]byte, bool) { return b, false }

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	jsonNumber    = reflect.TypeFor[json.Number]()
)

func marshals(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return t.Implements(jsonMarshaler) || t.Implements(textMarshaler) || p.Implements(jsonMarshaler) || p.Implements(textMarshaler)
}

func makeWriter(t reflect.Type) writer {
	if marshals(t) || t == jsonNumber {
		return unknown
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(b []byte, v reflect.Value) ([]byte, bool) { return strconv.AppendBool(b, v.Bool()), true }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(b []byte, v reflect.Value) ([]byte, bool) {
			n := v.Int()
			return strconv.AppendInt(b, n, 10), -mostExact <= n && n <= mostExact
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return func(b []byte, v reflect.Value) ([]byte, bool) {
			n := v.Uint()
			return strconv.AppendUint(b, n, 10), n <= mostExact
		}
	case reflect.String:
		return func(b []byte, v reflect.Value) ([]byte, bool) { return appendString(b, v.String()), true }
	case reflect.Pointer:
		of := writerOf(t.Elem())
		return func(b []byte, v reflect.Value) ([]byte, bool) {
			if v.IsNil() {
				return append(b, "null"...), true
			}
			return of(b, v.Elem())
		}
	case reflect.Slice, reflect.Array:
		return makeListWriter(t)
	case reflect.Map:
		return makeMapWriter(t)
	case reflect.Struct:
		return makeStructWriter(t)
	}
	return unknown
}

// mostExact is the largest integer that JSON carries exactly (RFC 7493 section 2.2).
const mostExact = 1<<53 - 1

func makeListWriter(t reflect.Type) writer {
	if t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 {
		if marshals(t.Elem()) {
			return unknown
		}
		return func(b []byte, v reflect.Value) ([]byte, bool) {
			if v.IsNil() {
				return append(b, "null"...), true
			}
			return append(base64.StdEncoding.AppendEncode(append(b, '"'), v.Bytes()), '"'), true
		}
	}
	of := writerOf(t.Elem())
	return func(b []byte, v reflect.Value) ([]byte, bool) {
		if v.Kind() == reflect.Slice && v.IsNil() {
			return append(b, "null"...), true
		}
		var ok bool
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			if b, ok = of(b, v.Index(i)); !ok {
				return b, false
			}
		}
		return append(b, ']'), true
	}
}

func makeMapWriter(t reflect.Type) writer {
	if t.Key().Kind() != reflect.String || marshals(t.Key()) {
		return unknown
	}
	switch t { // those of every decision: reflection makes a copy of each key and value
	case reflect.TypeFor[map[string]bool]():
		return plainMap(strconv.AppendBool)
	case reflect.TypeFor[map[string]string]():
		return plainMap(appendString)
	}
	of := writerOf(t.Elem())
	type member struct {
		key   string
		value reflect.Value
	}
	// Key and Value of a MapIter make a copy each time; these are copied into.
	type copied struct {
		key, values reflect.Value
		members     []member
	}
	spare := sync.Pool{New: func() any {
		return &copied{key: reflect.New(t.Key()).Elem(), values: reflect.MakeSlice(reflect.SliceOf(t.Elem()), 0, 0)}
	}}
	return func(b []byte, v reflect.Value) ([]byte, bool) {
		if v.IsNil() {
			return append(b, "null"...), true
		}
		into := spare.Get().(*copied)
		defer spare.Put(into)
		if into.values.Len() < v.Len() {
			into.values = reflect.MakeSlice(into.values.Type(), v.Len(), v.Len())
		}
		members := into.members[:0]
		for i := v.MapRange(); i.Next(); {
			into.key.SetIterKey(i)
			if !utf8.ValidString(into.key.String()) {
				return b, false
			}
			value := into.values.Index(len(members))
			value.SetIterValue(i)
			members = append(members, member{into.key.String(), value})
		}
		into.members = members
		slices.SortFunc(members, func(a, b member) int { return compareUTF16(a.key, b.key) })
		var ok bool
		b = append(b, '{')
		for i, m := range members {
			if i > 0 {
				b = append(b, ',')
			}
			if b, ok = of(append(appendString(b, m.key), ':'), m.value); !ok {
				return b, false
			}
		}
		return append(b, '}'), true
	}
}

func plainMap[V any](of func([]byte, V) []byte) writer {
	return func(b []byte, v reflect.Value) ([]byte, bool) {
		m := v.Interface().(map[string]V)
		if m == nil {
			return append(b, "null"...), true
		}
		var few [16]string
		keys := few[:0]
		for key := range m {
			if !utf8.ValidString(key) {
				return b, false
			}
			keys = append(keys, key)
		}
		slices.SortFunc(keys, compareUTF16)
		b = append(b, '{')
		for i, key := range keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = of(append(appendString(b, key), ':'), m[key])
		}
		return append(b, '}'), true
	}
}

type field struct {
	name    string
	index   int
	before  []byte // the name as it is written, and the colon
	of      writer
	omitted func(reflect.Value) bool
}

func makeStructWriter(t reflect.Type) writer {
	var fields []field
	for i := range t.NumField() {
		f := t.Field(i)
		tag := f.Tag.Get("json")
		switch {
		case f.Anonymous:
			return unknown
		case !f.IsExported() || tag == "-":
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			name = f.Name
		}
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" || strings.Contains(options, "string") {
			return unknown
		}
		omit, ok := omission(f.Type, options)
		if !ok || slices.ContainsFunc(fields, func(other field) bool { return other.name == name }) {
			return unknown
		}
		fields = append(fields, field{name, i, append(appendString(nil, name), ':'), writerOf(f.Type), omit})
	}
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return func(b []byte, v reflect.Value) ([]byte, bool) {
		b = append(b, '{')
		for i, first := 0, true; i < len(fields); i++ {
			f := &fields[i]
			value := v.Field(f.index)
			if f.omitted != nil && f.omitted(value) {
				continue
			}
			if !first {
				b = append(b, ',')
			}
			first = false
			var ok bool
			if b, ok = f.of(append(b, f.before...), value); !ok {
				return b, false
			}
		}
		return append(b, '}'), true
	}
}

// omission is when encoding/json leaves a field out; nil: never.
func omission(t reflect.Type, options string) (omitted func(reflect.Value) bool, ok bool) {
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "":
		case "omitempty":
			if omitted != nil {
				return nil, false
			}
			omitted = empty
		case "omitzero":
			if _, special := reflect.PointerTo(t).MethodByName("IsZero"); special || omitted != nil {
				return nil, false
			}
			omitted = reflect.Value.IsZero
		default:
			return nil, false
		}
	}
	return omitted, true
}

func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	}
	return v.IsZero()
}

const hexDigits = "0123456789abcdef"

// appendString writes a string as RFC 8785 section 3.2.2.2 has it; what is not UTF-8
// becomes U+FFFD, as with encoding/json.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[from:i]...), "\ufffd"...)
				from = i + 1
			}
			i += size
			continue
		case c >= 0x20 && c != '"' && c != '\\':
			i++
			continue
		}
		b = append(append(b, s[from:i]...), '\\')
		switch c {
		case '"', '\\':
			b = append(b, c)
		case '\b':
			b = append(b, 'b')
		case '\f':
			b = append(b, 'f')
		case '\n':
			b = append(b, 'n')
		case '\r':
			b = append(b, 'r')
		case '\t':
			b = append(b, 't')
		default:
			b = append(b, 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		from = i
	}
	return append(append(b, s[from:]...), '"')
}

// compareUTF16 orders names by their UTF-16 code units (RFC 8785 section 3.2.3). That is
// the order of bytes but where one of them is beyond the first 65,536 characters.
func compareUTF16(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			if a[i] >= 0xee && b[i] >= 0xee {
				return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
			}
			break
		}
	}
	return strings.Compare(a, b)
}
