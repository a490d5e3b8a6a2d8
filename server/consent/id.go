package consent

import (
	"encoding/base32"
	"encoding/binary"
	"regexp"
	"strings"
	"time"
)

// An id of a receipt, or of a subject, is 20 bytes in 32 digits: four of the place it was
// made at, 16 from the random source. Who knows it opens the receipt, so it can't be
// guessed: 128 bits of it are random.
//
// A place is a minute (Unix), and in a busy one a part of it, of 256 ids. Those of one place
// are neighbours in the indexes that find them, so that those of one transaction share a page
// or two. In no order within their minute, some thousands a second, nearly each id writes a
// page of its own, five times as many bytes in all; in no order at all it reads that first.
// A part is not smaller, lest of a record that lost its personal half somebody sees whose it
// was, by the place where its id and the subject were made.
//
// The digits are Douglas Crockford's base 32, in lower case. Text sorts as the bytes do; the
// first sixteen digits are those of hexadecimal, so that ids of before, 32 of these with 96
// or 128 random bits, are ids for ever; and nothing that holds an id became longer. The
// cookie of a long site key would not hold 40 hexadecimal digits in its 200 bytes.
const (
	idSize    = 20
	idLength  = idSize * 8 / 5
	placeSize = 4
	partsBits = 10 // of a place; what is left of the minute comes round after eight years
	partOfIDs = 256

	idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	idClass    = "0-9a-hjkmnp-tv-z" // the same for regular expressions
)

var (
	idDigits = base32.NewEncoding(idAlphabet).WithPadding(base32.NoPadding)
	idInText = regexp.MustCompile(`(?:^|[^` + idClass + `])([` + idClass + `]{32})(?:[^` + idClass + `]|$)`)
)

// places gives ids their places.
type places struct {
	minute int64
	made   uint32 // in that minute
}

func (p *places) next(at time.Time) uint32 {
	if minute := at.Unix() / 60; minute != p.minute {
		*p = places{minute: minute}
	}
	part := p.made / partOfIDs
	p.made++
	return uint32(p.minute)<<partsBits + part //nolint:gosec // it may come round: a place is for order, and says nothing
}

// newID is the id that is made at a place of what came from the random source.
func newID(place uint32, random [idSize - placeSize]byte) string {
	var id [idSize]byte
	binary.BigEndian.PutUint32(id[:], place)
	copy(id[placeSize:], random[:])
	var text [idLength]byte
	idDigits.Encode(text[:], id[:])
	return string(text[:])
}

// IsReceiptID reports whether s has the form of a receipt's id, and of a subject's.
func IsReceiptID(s string) bool {
	return len(s) == idLength && only(s, func(c byte) bool { return strings.IndexByte(idAlphabet, c) >= 0 })
}

// FindReceiptID finds a receipt's id in what somebody typed or pasted: the id, an address
// that holds it, or the receipt itself, whose own is the first in it; false if there is none.
func FindReceiptID(text string) (string, bool) {
	found := idInText.FindStringSubmatch(text)
	if found == nil {
		return "", false
	}
	return found[1], true
}
