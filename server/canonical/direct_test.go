package canonical

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

type inner struct {
	Z     string `json:"z"`
	A     int64  `json:"a,omitempty"`
	Flag  bool   `json:"flag,omitzero"`
	Plain uint16
}

type named string

type everything struct {
	Text    string            `json:"text"`
	Named   named             `json:"named,omitempty"`
	Number  int64             `json:"number"`
	Small   int8              `json:"small,omitempty"`
	Big     uint64            `json:"big"`
	Yes     bool              `json:"yes"`
	No      bool              `json:"no,omitempty"`
	List    []string          `json:"list"`
	Short   []int             `json:"short,omitempty"`
	Fixed   [2]bool           `json:"fixed"`
	Map     map[string]string `json:"map"`
	Choices map[string]bool   `json:"choices"`
	Named2  map[named]inner   `json:"named2,omitempty"`
	Maps    map[string]map[string]int
	Inner   inner       `json:"inner"`
	Gone    inner       `json:"gone,omitzero"`
	Inners  []inner     `json:"inners"`
	Pointer *inner      `json:"pointer,omitempty"`
	Next    *everything `json:"next"`
	Bytes   []byte      `json:"bytes"`
	Hidden  string      `json:"-"`
	own     string
}

// Types that take the long way, beside those that don't.
type awkward struct {
	everything
	Time time.Time `json:"time"`
}

type floating struct {
	F float64        `json:"f"`
	R inner          `json:"r"`
	A any            `json:"a"`
	S int            `json:"s,string"`
	M map[int]string `json:"m"`
}

// Whatever is encoded directly has the bytes that encoding/json and the library make.
func TestDirectIsAsTheLibraryHasIt(t *testing.T) {
	random := rand.New(rand.NewPCG(8785, 1))
	short := 0
	for range 5000 {
		v := everything{own: "never written"}
		fill(random, reflect.ValueOf(&v).Elem(), 3)
		want, err := viaTransform(v)
		if err != nil {
			continue // two names that are no UTF-8 became one
		}
		if got, ok := direct(v, bytes.Clone); ok {
			short++
			if !bytes.Equal(got, want) {
				t.Fatalf("directly\n%q\nby the library\n%q", got, want)
			}
		}
		if got, err := Encode(&v); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("Encode = %q, %v\nwant %q", got, err, want)
		}
		if got, err := SumOf(&v); err != nil || got != Sum(want) {
			t.Fatalf("SumOf = %q, %v\nwant %q", got, err, Sum(want))
		}
	}
	if short < 1000 {
		t.Errorf("only %d of 5000 were encoded directly", short)
	}
}

// Types that marshal themselves, by value and by pointer, as JSON and as text.
type (
	asJSON      struct{ A string }
	asText      struct{ A string }
	asPointer   struct{ A string }
	asTextByRef struct{ A string }
	letter      byte
	spoken      string
	sometimes   struct{ A int }
	spelt       struct {
		A string `json:"a-b"`
	}
	empties struct {
		A string `json:"a,omitempty,omitempty"` //nolint:staticcheck // as somebody may write it
	}
	zeros struct {
		A string `json:"a,omitzero,omitzero"` //nolint:staticcheck // as somebody may write it
	}
	both struct {
		A string `json:"a,omitempty,omitzero"`
		B string `json:"b,omitzero,omitempty"`
	}
	decides struct {
		A sometimes `json:"a,omitzero"`
	}
	option struct {
		A string `json:"a,someday"` //nolint:staticcheck // of a later edition of Go
	}
	quoted struct {
		A int `json:"a,string"`
	}
)

func (asJSON) MarshalJSON() ([]byte, error)       { return []byte(`{"z":1,"a":2}`), nil }
func (asText) MarshalText() ([]byte, error)       { return []byte("a text"), nil }
func (*asPointer) MarshalJSON() ([]byte, error)   { return []byte(`{"z":1,"a":2}`), nil }
func (*asTextByRef) MarshalText() ([]byte, error) { return []byte("a text"), nil }
func (letter) MarshalJSON() ([]byte, error)       { return []byte(`"l"`), nil }
func (spoken) MarshalText() ([]byte, error)       { return []byte("said"), nil }
func (s sometimes) IsZero() bool                  { return s.A == 7 }

func TestTypesWithAWillOfTheirOwn(t *testing.T) {
	twice := reflect.New(reflect.StructOf([]reflect.StructField{ // which vet does not let anybody write
		{Name: "A", Type: reflect.TypeFor[string](), Tag: `json:"a"`}, {Name: "B", Type: reflect.TypeFor[string](), Tag: `json:"a"`},
	})).Interface()
	for _, v := range []any{
		asJSON{}, asText{}, &asPointer{}, &asTextByRef{}, asPointer{"x"}, asTextByRef{"x"}, map[string]*asPointer{"a": {}}, map[string]asText{"a": {}},
		map[string][]letter{"a": {1, 2}}, map[spoken]int{"a": 1}, map[int]string{1: "a"}, map[string]*asTextByRef{"a": nil},
		spelt{"x"}, twice, empties{}, zeros{}, both{}, decides{sometimes{7}}, decides{}, option{"x"}, quoted{4},
	} {
		got, err1 := Encode(v)
		want, err2 := viaTransform(v)
		if err1 != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("%T: %q, %v; want %q, %v", v, got, err1, want, err2)
		}
		if _, ok := direct(v, bytes.Clone); ok {
			t.Errorf("%T: taken in one go", v)
		}
	}
}

func TestWhatIsNotKnownTakesTheLongWay(t *testing.T) {
	for _, v := range []any{awkward{Time: time.Unix(1, 0).UTC()}, floating{F: 1e21, A: map[string]any{"b": 1.5, "a": nil}, S: 4, M: map[int]string{2: "x"}}, 12, "text", []string{"a"}, nil, (*inner)(nil),
		inner{A: 1 << 60}, json.RawMessage(`{"b":1,"a":2}`), map[string]json.Number{"a": "1.0"}, &awkward{}, map[string]string(nil)} {
		got, err1 := Encode(v)
		want, err2 := viaTransform(v)
		if err1 != nil || err2 != nil || !bytes.Equal(got, want) {
			t.Errorf("%T: %q, %v; want %q, %v", v, got, err1, want, err2)
		}
	}
}

// What is long is whole, and nothing of it is in what comes after: buffers are used again.
func TestLongValuesAreWhole(t *testing.T) {
	for _, long := range []int{mostSpare * 3, 10, mostSpare / 2, 0} {
		text := strings.Repeat("a", long)
		got, err := Encode(map[string]string{"text": text})
		if want := `{"text":"` + text + `"}`; err != nil || string(got) != want {
			t.Errorf("%d letters: %d bytes, want %d: %v", long, len(got), len(want), err)
		}
	}
}

// Names are sorted by UTF-16 code units, which is not the order of bytes.
func TestNamesAreSortedByCodeUnits(t *testing.T) {
	m := map[string]bool{"\U0001f600": true, "\ufb33": true, "é": true, "e": true, "": true, "\ue000x": true, "\U00010000": true, "\uffff": true}
	got, ok := direct(m, bytes.Clone)
	want, err := viaTransform(m)
	if !ok || err != nil || !bytes.Equal(got, want) {
		t.Errorf("%v %q, want %q, %v", ok, got, want, err)
	}
}

func FuzzStringsAreWrittenAsTheLibraryHasThem(f *testing.F) {
	for _, s := range []string{"", "plain", "\x00\x1f\x7f\"\\/<>&\u2028\u2029", "\xff\xfe", "a\xc3", "\U0001f600", "\b\f\n\r\t"} {
		f.Add(s, "other")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		m := map[string]string{a: b, b: a}
		want, err := viaTransform(m)
		got, ok := direct(m, bytes.Clone)
		if ok && (err != nil || !bytes.Equal(got, want)) {
			t.Errorf("%q, want %q, %v", got, want, err)
		}
		if !ok && utf8.ValidString(a) && utf8.ValidString(b) {
			t.Error("taken the long way")
		}
	})
}

// fill puts anything into v.
func fill(random *rand.Rand, v reflect.Value, depth int) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(random.IntN(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(random.Uint64()) >> random.IntN(64) >> random.IntN(12))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(random.Uint64() >> random.IntN(64))
	case reflect.String:
		v.SetString(anyText(random))
	case reflect.Pointer:
		if depth > 0 && random.IntN(2) == 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(random, v.Elem(), depth-1)
		}
	case reflect.Slice:
		if n := random.IntN(4); n > 0 && depth > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n-1, n))
			for i := range n - 1 {
				fill(random, v.Index(i), depth-1)
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(random, v.Index(i), depth-1)
		}
	case reflect.Map:
		if n := random.IntN(5); n > 0 && depth > 0 {
			v.Set(reflect.MakeMap(v.Type()))
			for range n - 1 {
				key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
				fill(random, key, 0)
				fill(random, value, depth-1)
				v.SetMapIndex(key, value)
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(random, v.Field(i), depth-1)
			}
		}
	default:
		panic(fmt.Sprint("fill ", v.Type()))
	}
}

func anyText(random *rand.Rand) string {
	alphabet := []string{"a", "b", "é", "\U0001f600", "\ue000", "\x00", "\x1f", "\"", "\\", "/", "<", "&", "\u2028", "\n", "\t", "\x7f", "\ufffd"}
	if random.IntN(40) == 0 {
		alphabet = append(alphabet, "\xff", "\xc3")
	}
	var s string
	for range random.IntN(7) {
		s += alphabet[random.IntN(len(alphabet))]
	}
	return s
}

func BenchmarkEncode(b *testing.B) {
	v := everything{Text: "some text", Map: map[string]string{"analytics": "granted", "marketing": "refused"}, List: []string{"a", "b"}, Inner: inner{Z: "z"}}
	for name, encode := range map[string]func(any) ([]byte, error){"direct": Encode, "library": viaTransform} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := encode(&v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
