package notice

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/canonical"
)

// The bytes of a notice are what receipts name. If this fails without a new
// Schema, every notice published so far would get another digest.
func TestEncodeIsStable(t *testing.T) {
	b, err := shop(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "shop.json", b)
	golden(t, "shop.digest", []byte(canonical.Sum(b)+"\n"))
}

func TestEncodeWritesEmptyAsEmpty(t *testing.T) {
	bare := &Notice{Schema: Schema, Categories: []Category{{Key: "a"}}, Vendors: []Vendor{{Key: "v", Entries: []Stored{{Name: "c"}}}, {Key: "w"}}, Wording: map[string]map[string]string{"en": nil}}
	full := &Notice{
		Schema: Schema, Languages: []string{}, Origins: []string{}, Policies: []string{}, Overrides: []Override{}, Tags: []Tag{},
		Categories: []Category{{Key: "a", Label: map[string]string{}, About: map[string]string{}}},
		Vendors:    []Vendor{{Key: "v", Entries: []Stored{{Name: "c", Purpose: map[string]string{}}}}, {Key: "w", Entries: []Stored{}}},
		Wording:    map[string]map[string]string{"en": {}},
	}
	a, err := bare.Encode()
	if err != nil {
		t.Fatal(err)
	}
	b, err := full.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a, b) {
		t.Errorf("the same notice has two forms:\n%s\n%s", a, b)
	}
	if bytes.Contains(a, []byte("null")) {
		t.Errorf("null in %s", a)
	}
	if bare.Languages != nil || bare.Vendors[0].Entries[0].Purpose != nil || bare.Wording["en"] != nil {
		t.Error("Encode changed its notice")
	}
	none, err := (&Notice{Schema: Schema}).Encode()
	if err != nil || bytes.Contains(none, []byte("null")) {
		t.Errorf("an empty notice is %s (%v)", none, err)
	}
	if tags, err := (&Notice{}).EncodeTags(); err != nil || string(tags) != "[]" {
		t.Errorf("no tags are %s (%v)", tags, err)
	}
}

func TestDecodeReadsWhatEncodeWrote(t *testing.T) {
	n := shop(t)
	b, err := n.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(n, again) {
		t.Errorf("another notice came back:\n%+v\n%+v", n, again)
	}
}

func TestDecodeRefuses(t *testing.T) {
	b, err := shop(t).Encode()
	if err != nil {
		t.Fatal(err)
	}
	edit := func(old, replacement string) []byte {
		if !bytes.Contains(b, []byte(old)) {
			t.Fatalf("no %s in the notice", old)
		}
		return bytes.Replace(b, []byte(old), []byte(replacement), 1)
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, b, "", " "); err != nil {
		t.Fatal(err)
	}
	for what, bytes := range map[string][]byte{
		"nothing":           nil,
		"half of it":        b[:len(b)/2],
		"trailing text":     append(append([]byte{}, b...), '{', '}'),
		"not canonical":     indented.Bytes(),
		"another schema":    edit(`"schema":"notice/v1"`, `"schema":"notice/v2"`),
		"an unknown member": edit(`"schema":"notice/v1"`, `"schema":"notice/v1","secret":1`),
		"a member twice":    edit(`"dnt":"ignore"`, `"dnt":"ignore","dnt":"opt-out"`),
		"a wrong type":      edit(`"validity_months":6`, `"validity_months":"6"`),
		"a list":            []byte(`[]`),
	} {
		if n, err := Decode(bytes); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: got %+v, %v; want ErrUnreadable", what, n, err)
		}
	}
}

func TestExperience(t *testing.T) {
	n := shop(t)
	d := func(c string) canonical.Digest { return canonical.Digest(strings.Repeat(c, 64)) }
	x := Experience{Site: "shop", Language: "de", Notice: d("a"), Wording: d("b"), Script: d("c"), Tags: n.TagsDigest(), Law: d("e"),
		Policies: map[string]canonical.Digest{"privacy": d("f")}}
	b, err := x.Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "experience.json", b)
	x.Policies = nil
	if b, err := x.Encode(); err != nil || !bytes.Contains(b, []byte(`"policies":{}`)) {
		t.Errorf("without policies it is %s (%v)", b, err)
	}
	tags, err := n.EncodeTags()
	if err != nil || canonical.Sum(tags) != x.Tags || !bytes.Contains(tags, []byte("googletagmanager")) {
		t.Errorf("the tags are %s (%v)", tags, err)
	}
	for what, spoil := range map[string]func(x *Experience){
		"wording":          func(x *Experience) { x.Wording = "" },
		"script":           func(x *Experience) { x.Script = "c" },
		"law":              func(x *Experience) { x.Law = d("G") },
		"policies.cookies": func(x *Experience) { x.Policies = map[string]canonical.Digest{"cookies": ""} },
	} {
		spoiled := x
		spoil(&spoiled)
		if _, err := spoiled.Encode(); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("an experience without a digest of its %s: %v", what, err)
		}
	}
}
