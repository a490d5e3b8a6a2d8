package notice

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/volenti-consent/volenti/server/canonical"
)

// ErrNoPin is returned for bytes that are no pinned script.
var ErrNoPin = errors.New("not a pinned script")

// A Pin says what a pinned script is made of: one language of one publication. It
// stands in the script's first line, so that the script explains itself for as
// long as a page names it by its digest.
type Pin struct {
	Site     string                       `json:"site"`
	Language string                       `json:"language"`
	Notice   canonical.Digest             `json:"notice"`
	Wording  canonical.Digest             `json:"wording"`
	Scripts  map[Surface]canonical.Digest `json:"scripts"` // the first layers it holds
}

const (
	pinOpen  = "/*! volenti "
	pinClose = " */\n"
)

// Line is the first line of the pinned script.
func (p Pin) Line() ([]byte, error) {
	b, err := canonical.Encode(p)
	if err != nil {
		return nil, fmt.Errorf("pin of site %s: %w", p.Site, err)
	}
	return append(append([]byte(pinOpen), b...), pinClose...), nil
}

// ParsePin reads the first line of a pinned script. It fails with ErrNoPin.
func ParsePin(script []byte) (Pin, error) {
	rest, opened := bytes.CutPrefix(script, []byte(pinOpen))
	line, _, closed := bytes.Cut(rest, []byte(pinClose))
	var p Pin
	if !opened || !closed || json.Unmarshal(line, &p) != nil {
		return Pin{}, ErrNoPin
	}
	for _, surface := range []Surface{AskOptIn, AskOptOut, AskNotice} {
		if _, err := canonical.ParseDigest(string(p.Scripts[surface])); err != nil {
			return Pin{}, ErrNoPin
		}
	}
	return p, nil
}
