package consent

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestDecodeTakesTheDecisionOfTheWirePage(t *testing.T) {
	body := `{
  "id": "f81d4fae7dec11d0a76500a0c91e6bf6",
  "token": "1.demo.x.mac",
  "categories": {"preferences": true, "analytics": true, "marketing": false},
  "vendors": {"meta": false},
  "action": "save",
  "surface": "settings",
  "at": 1795286400000,
  "gpc": false,
  "dnt": true,
  "previous": "0f0e0d0c0b0a09080706050403020100"
}`
	got, err := Decode([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	want := Decision{
		ID: "f81d4fae7dec11d0a76500a0c91e6bf6", Token: "1.demo.x.mac",
		Categories: map[string]bool{"preferences": true, "analytics": true, "marketing": false}, Vendors: map[string]bool{"meta": false},
		Action: Save, Surface: OnSettings, At: 1795286400000, DNT: true, Previous: "0f0e0d0c0b0a09080706050403020100",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 900) + "1" + strings.Repeat("}", 900)
	deeper := strings.Repeat("[", 12_000)
	tests := map[string]struct {
		body  string
		paths []string
	}{
		"empty":               {"", []string{""}},
		"no object":           {"[]", []string{""}},
		"null":                {"null", []string{""}},
		"cut short":           {string(decisionText(""))[:40], []string{""}},
		"trailing text":       {string(decisionText("")) + "{}", []string{""}},
		"byte order mark":     {"\ufeff" + string(decisionText("")), []string{""}},
		"not UTF-8":           {strings.Replace(string(decisionText("")), "a1", "a\xff", 1), []string{""}},
		"trailing comma":      {string(decisionText(",")), []string{""}},
		"nothing at all":      {"{}", []string{"id", "token", "categories", "action", "surface", "at"}},
		"unknown":             {string(decisionText(`,"ip":"203.0.113.77"`)), []string{"ip"}},
		"other case":          {string(decisionText(`,"GPC":true`)), []string{"GPC"}},
		"twice":               {string(decisionText(`,"at":1`)), []string{"at"}},
		"twice, escaped":      {string(decisionText(`,"\u0061t":1`)), []string{"at"}},
		"twice inside":        {string(decisionText(`,"vendors":{"a":true,"a":false}`)), []string{"vendors.a"}},
		"twice in unknown":    {string(decisionText(`,"x":{"a":{"b":1,"b":2}}`)), []string{"x", "x.a.b"}},
		"twice in wrong type": {string(decisionText(`,"gpc":[{"b":1,"b":2}]`)), []string{"gpc", "gpc.b"}},
		"deep":                {string(decisionText(`,"x":` + deep)), []string{"x", "x.a.a.a"}},
		"deeper":              {deeper, []string{""}},
		"wrong types":         {`{"id":1,"token":null,"categories":[],"vendors":"","action":{},"surface":true,"at":"1","gpc":0,"dnt":"false","previous":2}`, []string{"id", "token", "categories", "vendors", "action", "surface", "at", "gpc", "dnt", "previous"}},
		"choice not bool":     {string(decisionText(`,"vendors":{"a":"granted","b":1,"c":null}`)), []string{"vendors.a", "vendors.b", "vendors.c"}},
		"prototype":           {string(decisionText(`,"vendors":{"__proto__":true,"constructor":true,"prototype":true}`)), []string{`vendors."__proto__"`, "vendors.constructor", "vendors.prototype"}},
		"prototype member":    {string(decisionText(`,"__proto__":{"gpc":true}`)), []string{`"__proto__"`}},
		"odd keys":            {string(decisionText(`,"vendors":{"":true,"<img src=x onerror=1>":true}`)), []string{`vendors.""`, `vendors."<img src=x onerror=1>"`}},
		"id":                  {strings.Replace(string(decisionText("")), "a1", "a/1", 1), []string{"id"}},
		"long id":             {strings.Replace(string(decisionText("")), "a1", strings.Repeat("a", 65), 1), []string{"id"}},
		"half a surrogate":    {strings.Replace(string(decisionText("")), "a1", `\ud800`, 1), []string{"id"}},
		"action":              {strings.Replace(string(decisionText("")), `"save"`, `"Save"`, 1), []string{"action"}},
		"surface":             {strings.Replace(string(decisionText("")), `"banner"`, `"popup"`, 1), []string{"surface"}},
		"previous":            {string(decisionText(`,"previous":"0F0E0D0C0B0A09080706050403020100"`)), []string{"previous"}},
		"time below zero":     {strings.Replace(string(decisionText("")), "1795286400000", "-1", 1), []string{"at"}},
		"time minus zero":     {strings.Replace(string(decisionText("")), "1795286400000", "-0", 1), []string{"at"}},
		"time as float":       {strings.Replace(string(decisionText("")), "1795286400000", "1.5", 1), []string{"at"}},
		"time with exponent":  {strings.Replace(string(decisionText("")), "1795286400000", "1e9", 1), []string{"at"}},
		"time too large":      {strings.Replace(string(decisionText("")), "1795286400000", "9007199254740992", 1), []string{"at"}},
		"accept that refuses": {`{"id":"a","token":"1","categories":{"a":true,"b":false},"vendors":{"v":false},"action":"accept_all","surface":"banner","at":1}`, []string{"categories.b", "vendors.v"}},
		"reject that grants":  {`{"id":"a","token":"1","categories":{"a":true,"b":false},"action":"reject_all","surface":"banner","at":1}`, []string{"categories.a"}},
		"withdraw that does":  {`{"id":"a","token":"1","categories":{"b":false},"vendors":{"v":true},"action":"withdraw","surface":"banner","at":1}`, []string{"vendors.v"}},
		"acknowledge chooses": {`{"id":"a","token":"1","categories":{"a":false},"vendors":{"v":false},"action":"acknowledge","surface":"banner","at":1}`, []string{"categories", "vendors"}},
		"signal by hand":      {`{"id":"a","token":"1","categories":{"a":false},"action":"signal","surface":"banner","at":1}`, []string{"surface"}},
		"hand by signal":      {`{"id":"a","token":"1","categories":{"a":false},"action":"save","surface":"signal","at":1}`, []string{"surface"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d, err := Decode([]byte(test.body))
			if got := problemPaths(t, err); !slices.Equal(got, test.paths) {
				t.Errorf("problems at %q, want %q", got, test.paths)
			}
			if !reflect.DeepEqual(d, Decision{}) {
				t.Errorf("a refused decision is handed out: %+v", d)
			}
		})
	}
}

func TestDecodeSize(t *testing.T) {
	pad := func(n int) []byte {
		return append(decisionText(""), bytes.Repeat([]byte(" "), n-len(decisionText("")))...)
	}
	if _, err := Decode(pad(MaxBody)); err != nil {
		t.Errorf("%d bytes: %v", MaxBody, err)
	}
	if _, err := Decode(pad(MaxBody + 1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("%d bytes: %v", MaxBody+1, err)
	}
}

func TestProblemsAreBoundedAndPlain(t *testing.T) {
	var b strings.Builder
	for i := range 1000 {
		b.WriteString(`,"` + string(rune('a'+i%26)) + strings.Repeat("\u202e", i%5) + `":1`)
	}
	_, err := Decode(decisionText(b.String()))
	paths := problemPaths(t, err)
	if len(paths) != maxProblems {
		t.Errorf("%d problems, want %d", len(paths), maxProblems)
	}
	for _, p := range paths {
		if len(p) > 300 || strings.ContainsFunc(p, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("a path that is not plain: %q", p)
		}
	}
}

func TestDigestIsOfTheContent(t *testing.T) {
	a, err1 := Decode(decisionText(`,"vendors":{"x":true,"y":false}`))
	b, err2 := Decode([]byte(`{"at":1795286400000, "vendors":{"y":false,"x":true},"dnt":false,
		"surface":"banner","action":"save","categories":{"analytics":true},"token":"1.x","id":"a1"}`))
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	digest := func(d Decision) string {
		t.Helper()
		s, err := d.Digest()
		if err != nil {
			t.Fatal(err)
		}
		return string(s)
	}
	if digest(a) != digest(b) {
		t.Error("the same decision in another spelling has another digest")
	}
	b.Vendors["y"] = true
	if digest(a) == digest(b) {
		t.Error("another choice has the same digest")
	}
}

// What our own script sends is read the short way, and what is wrong with any other text
// is said by the long one.
func TestPlainDecisionsAreReadInOneGo(t *testing.T) {
	for _, body := range [][]byte{decisionText(""), decisionText(`,"vendors":{"a":true,"b":false},"gpc":true,"dnt":false,"previous":"0f0e0d0c0b0a09080706050403020100"`)} {
		got, ok := quick(body)
		want, err := decode(body)
		if !ok || err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\nread plainly: %v %+v\notherwise: %+v, %v", body, ok, got, want, err)
		}
	}
	whole := decisionText(`,"vendors":{"a":true},"previous":"0f0e0d0c0b0a09080706050403020100"`)
	for i := range whole { // whichever byte is another one, both say the same
		for _, c := range []byte("\"\\{}[],:0-x \n\x00\x80") {
			body := bytes.Clone(whole)
			body[i] = c
			slow, err := decode(body)
			if got, ok := quick(body); ok && (err != nil || !reflect.DeepEqual(got, slow)) {
				t.Fatalf("%s\nread plainly: %+v\notherwise: %+v, %v", body, got, slow, err)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(decisionText(""))
	f.Add(decisionText(`,"vendors":{"a":true,"b":false},"gpc":true,"previous":"0f0e0d0c0b0a09080706050403020100"`))
	f.Add([]byte(`{"id":"a","token":"1","categories":{},"action":"acknowledge","surface":"banner","at":0}`))
	f.Add([]byte(`{"a":{"b":[{"c":1,"c":{}}]},"categories":{"__proto__":true}}`))
	f.Add([]byte("{ \"id\" : \"a\",\n\t\"token\":\"1\\u0031\",\"categories\":{\"a\":true , \"a\":false},\"action\":\"save\",\"surface\":\"api\",\"at\":01}"))
	f.Fuzz(func(t *testing.T, body []byte) {
		d, err := Decode(body)
		if q, ok := quick(body); ok && len(body) <= MaxBody {
			if slow, err := decode(body); err != nil || !reflect.DeepEqual(q, slow) {
				t.Fatalf("read plainly it is %+v, and otherwise %+v, %v", q, slow, err)
			}
		}
		if err != nil {
			if bad, ok := errors.AsType[*Invalid](err); ok {
				for _, p := range bad.Problems {
					if len(p.Path) > 1500 || !utf8.ValidString(p.Path+p.What) {
						t.Fatalf("problem %q", p)
					}
				}
			} else if !errors.Is(err, ErrTooLarge) {
				t.Fatalf("%v", err)
			}
			return
		}
		// Whoever reads the same text otherwise must see the same decision.
		var other Decision
		if err := json.Unmarshal(body, &other); err != nil {
			t.Fatalf("encoding/json refuses it: %v", err)
		}
		if other.Vendors == nil {
			other.Vendors = map[string]bool{}
		}
		if !reflect.DeepEqual(d, other) {
			t.Fatalf("read as %+v and as %+v", d, other)
		}
		again, err := Decode(jsonOf(t, d))
		if err != nil || !reflect.DeepEqual(again, d) {
			t.Fatalf("not read again: %v, %+v", err, again)
		}
	})
}

// BenchmarkDecodeBombs reads what is as dear to refuse as 16 KiB can be made:
//
//	go test ./server/consent -run '^$' -bench DecodeBombs
func BenchmarkDecodeBombs(b *testing.B) {
	fill := func(begin, again, end string) []byte {
		return []byte(begin + strings.Repeat(again, (MaxBody-len(begin)-len(end))/len(again)) + end)
	}
	for name, body := range map[string][]byte{
		"brackets":      fill("", "[", ""),
		"objects":       fill("", `{"a":`, ""),
		"nested":        fill(`{"categories":`, `{"a":`, ""),
		"numbers":       fill("[", "1,", "1]"),
		"one name":      fill(`{"categories":{"a":true`, `,"a":true`, "}}"),
		"unknown names": fill(`{"id":"a"`, `,"\u0061":1`, "}"),
		"long number":   fill(`{"at":`, "9", "}"),
		"escapes":       fill(`{"id":"`, `\ud800`, `"}`),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := Decode(body); err == nil || errors.Is(err, ErrTooLarge) {
					b.Fatalf("%d bytes: %v", len(body), err)
				}
			}
		})
	}
}
