package consent

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// minuteOf is the place of the golden records: a minute as it is.
func minuteOf(at time.Time) uint32 { return uint32(at.Unix() / 60) }

// idOf takes an id apart.
func idOf(t testing.TB, id string) (place uint32, random []byte) {
	t.Helper()
	b, err := idDigits.DecodeString(id)
	if err != nil || len(b) != idSize || !IsReceiptID(id) {
		t.Fatalf("id %q: %v", id, err)
	}
	return binary.BigEndian.Uint32(b), b[placeSize:]
}

// Ids are their place and 128 bits of the random source, each its own, none twice: of 500
// in a minute the first 256 have its first part, and their subjects with them.
func TestReceiptIDsDiffer(t *testing.T) {
	var read bytes.Buffer // by one goroutine at a time
	r := recorderOn(t, newMemory(), RecorderOptions{Random: io.TeeReader(rand.Reader, &read), Now: func() time.Time { return noon }})
	seen := map[string]bool{}
	for i := range 500 {
		read.Reset()
		got, err := r.Record(t.Context(), draftNamed(t, fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		for at, id := range []string{got.Core.ID, got.Entry.Subject} {
			place, random := idOf(t, id)
			if place != minuteOf(noon)<<10+uint32(i/256) || !bytes.Equal(random, read.Bytes()[16*at:][:16]) {
				t.Fatalf("%s, number %d, of place %x has %x of %x", id, i, place, random, read.Bytes())
			}
			seen[id] = true
		}
	}
	if len(seen) != 1000 {
		t.Errorf("%d ids of 1,000 differ", len(seen))
	}
}

func TestIDsAreOfTheSystemsRandomSource(t *testing.T) {
	r := NewRecorder(newMemory(), newTestKey(7), RecorderOptions{})
	defer r.Close(t.Context())
	if r.options.Random != rand.Reader {
		t.Errorf("ids come from %T", r.options.Random)
	}
}

// As many ids as VOLENTI_IDS says, or 1,000,000, of the system's random source: none comes
// twice, and each has what was read for it. `make ids` makes ten million.
func TestIDsAreNeverTheSame(t *testing.T) {
	n, err := strconv.Atoi(os.Getenv("VOLENTI_IDS"))
	if err != nil {
		n = 1_000_000
		if testing.Short() {
			n = 50_000
		}
	}
	ids := make([][idSize]byte, 0, n)
	random := make([]byte, luckSize)
	var places places
	for len(ids) < n {
		if _, err := io.ReadFull(rand.Reader, random); err != nil {
			t.Fatal(err)
		}
		at := noon.Add(time.Duration(len(ids)) * time.Millisecond) // a thousand a second
		place := places.next(at)
		l := luckOf(random, place)
		for i, id := range []string{l.id, l.subject} {
			var b [idSize]byte
			if _, err := idDigits.Decode(b[:], []byte(id)); err != nil || !bytes.Equal(b[placeSize:], random[16*i:][:16]) || binary.BigEndian.Uint32(b[:]) != place {
				t.Fatalf("%s of %v and %x: %v", id, at, random, err)
			}
			ids = append(ids, b)
		}
	}
	slices.SortFunc(ids, func(a, b [idSize]byte) int { return bytes.Compare(a[:], b[:]) })
	if differ := len(slices.Compact(ids)); differ < n {
		t.Errorf("%d ids of %d differ", differ, n)
	}
}

// Text sorts as the bytes do: ids of one place are neighbours, behind those of the one before,
// in a minute and over the minutes. After eight years it begins anew.
func TestIDsSortByTheirPlace(t *testing.T) {
	const eightYears = 60 << 22 * time.Second
	begin := time.Unix(0, 0).Add(8 * eightYears)
	var places places
	last := ""
	for minute := range 1 << 9 {
		for n := range 3 * partOfIDs {
			place := places.next(begin.Add(time.Duration(minute*minute) * time.Minute))
			first, end := newID(place, [16]byte{}), newID(place, [16]byte(bytes.Repeat([]byte{255}, 16)))
			if first >= end || n%partOfIDs == 0 && last >= first || n%partOfIDs != 0 && last != end {
				t.Fatalf("number %d of minute %d: %s to %s behind %s", n, minute, first, end, last)
			}
			last = end
		}
	}
	if id := newID(places.next(begin.Add(eightYears)), [16]byte{}); id >= last {
		t.Errorf("after eight years %s, behind %s", id, last)
	}
}

// What an id looks like stands in one place of the server, and beside it where programs of
// others read it.
func TestWhatAnIDLooksLike(t *testing.T) {
	form := regexp.MustCompile(`^[` + idClass + `]{32}$`)
	for c := range 256 {
		id := strings.Repeat("0", 31) + string([]byte{byte(c)})
		if want := strings.IndexByte("0123456789abcdefghjkmnpqrstvwxyz", byte(c)) >= 0; IsReceiptID(id) != want || form.MatchString(id) != want && c != '\n' {
			t.Errorf("%q is an id: %v", id, !want)
		}
	}
	for _, id := range []string{"", strings.Repeat("0", 31), strings.Repeat("0", 33), strings.Repeat("0", 40), strings.Repeat("0", 64)} {
		if IsReceiptID(id) || form.MatchString(id) {
			t.Errorf("%q is an id", id)
		}
	}
	for _, file := range []string{"forms/schemas/receipt-v1.json", "../openapi.json", "../../web/verify/receipt.js", "../../docs/wire.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte(form.String())) {
			t.Errorf("%s does not say %s", file, form)
		}
	}
}

// Ids of before are ids: 32 hexadecimal digits, all of them random, or the last 24.
func TestIDsOfBeforeAreIDs(t *testing.T) {
	var b [16]byte
	for i := range 10_000 {
		_, _ = rand.Read(b[:])
		if i%2 == 0 {
			binary.BigEndian.PutUint32(b[:], uint32(noon.Unix()/60))
		}
		id := hex.EncodeToString(b[:])
		if found, ok := FindReceiptID("https://consent.example.com/v1/sites/shop/receipts/" + id + "/shown"); !IsReceiptID(id) || !ok || found != id {
			t.Fatalf("%s: %q", id, found)
		}
	}
}

func TestFindReceiptID(t *testing.T) {
	const id, old = "0748y44j2pwp65wa15y1cvrbt6kgwbab", "803fdd1376180e8a60efe641ab0ce5a1"
	for text, want := range map[string]string{
		"": "", "hello": "", id: id, " " + id + "\n": id, old: old, id[1:]: "", id + "0": "", old + "0a1b2c3d": "", id + id: "",
		"https://shop.example/privacy/shop?receipt=" + id + "&lang=de": id, "receipt%3D" + old + "%26": old, "volenti-receipt-" + id + ".json": id,
		strings.ToUpper(id): "", strings.Replace(id, "4", "u", 1): "", strings.Repeat("0", 64) + "/" + id: id,
	} {
		if got, ok := FindReceiptID(text); got != want || ok != (want != "") {
			t.Errorf("in %q: %q, want %q", text, got, want)
		}
	}
	for name, e := range goldenEntries(t) {
		if got, _ := FindReceiptID(string(receiptOf(t, e))); got != e.ReceiptID {
			t.Errorf("in the receipt of %s: %q, want %s", name, got, e.ReceiptID)
		}
	}
}
