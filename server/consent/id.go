package consent

import (
	"encoding/base32"
	"encoding/binary"
	"regexp"
	"strings"
	"time"
)

// An id of a receipt, or of a subject, is 20 bytes in 32 digits: four of the minute it was
// made in (Unix), 16 from the random source. Who knows it opens the receipt, so it can't be
// guessed: 128 bits of it are random. Those of one time are neighbours in the index that finds
// them; ids in no order would have each record read and write pages anywhere in it: of ten
// million records it cost twice the processor and three times the time.
//
// The digits are Douglas Crockford's base 32, in lower case. Text sorts as the bytes do; the
// first sixteen digits are those of hexadecimal, so that ids of before, 32 of these with 96
// or 128 random bits, are ids for ever; and nothing that holds an id became longer. The
// cookie of a long site key would not hold 40 hexadecimal digits in its 200 bytes.
const (
	idSize     = 20
	idLength   = idSize * 8 / 5
	minuteSize = 4

	idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	idClass    = "0-9a-hjkmnp-tv-z" // the same for regular expressions
)

var (
	idDigits = base32.NewEncoding(idAlphabet).WithPadding(base32.NoPadding)
	idInText = regexp.MustCompile(`(?:^|[^` + idClass + `])([` + idClass + `]{32})(?:[^` + idClass + `]|$)`)
)

// newID is the id that is made at a time of what came from the random source.
func newID(at time.Time, random [idSize - minuteSize]byte) string {
	var id [idSize]byte
	binary.BigEndian.PutUint32(id[:], uint32(at.Unix()/60)) //nolint:gosec // there are minutes enough until the year 10136
	copy(id[minuteSize:], random[:])
	return idDigits.EncodeToString(id[:])
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
