package bundle

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// names of checks in words.
var checked = map[string]string{
	"archive": "the zip is sound: nothing in it can be read in two ways", "manifest": "every file has the digest that MANIFEST lists, and no other file is there",
	"keys": "the keys in the bundle are written as a server publishes them", "form": "the receipt has the form of one, byte for byte", "ids": "its parts belong to one receipt",
	"contents": "what it says does not contradict itself", "leaf": "record, salts and leaf belong together", "key": "the key it names is among those given",
	"signature": "the signature is of that key, over that leaf", "experience": "what was shown is what the record names",
	"notice": "the notice", "wording": "the words", "tags": "the tags", "law": "the row of the law table", "script": "the script that asked, and those it fetches",
	"page": "the page on which was answered", "policies": "the policies' texts, and their chains without a gap", "token": "the token that came with the question",
	"checkpoint": "the checkpoint is signed by the log", "inclusion": "the receipt's leaf is in the log at that checkpoint",
	"entries": "the entries of the policies' versions are in the log", "earlier checkpoint": "the log continues the earlier checkpoint in it", "kept checkpoint": "the log is the one whose checkpoint you kept",
	"files": "nothing else is in the bundle", "derived": "README, words and replay are what comes of the evidence",
}

// WriteTo writes the report for people. It shows no contents of a receipt that did
// not verify.
func (r Report) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	for _, c := range r.Checks {
		switch {
		case c.Err != nil:
			fmt.Fprintf(&b, "FAILED  %-16s %v\n", c.Name, c.Err)
		case c.Note != "":
			fmt.Fprintf(&b, "skip    %-16s %s\n", c.Name, c.Note)
		default:
			fmt.Fprintf(&b, "ok      %-16s %s\n", c.Name, checked[c.Name])
		}
	}
	if r.Err() == nil {
		var receipt strings.Builder
		_, _ = r.Receipt.WriteTo(&receipt) // a Builder takes everything
		if _, about, ok := strings.Cut(receipt.String(), "\n\n"); ok {
			b.WriteString("\n" + about)
		}
		fmt.Fprintf(&b, "log       %s, %d leaves\n", r.Origin, r.Size)
	}
	b.WriteString("\n" + r.trust())
	// A name must not move the terminal's cursor or turn the direction of text.
	n, err := io.WriteString(w, strings.Map(func(c rune) rune {
		if c == '\n' || unicode.IsPrint(c) {
			return c
		}
		return '\uFFFD'
	}, b.String()))
	return int64(n), err
}

// trust says what the checks rest on.
func (r Report) trust() string {
	var b strings.Builder
	if r.Trusted.Keys == nil {
		fmt.Fprintf(&b, "The key of the receipt came from the bundle itself, so its signature shows only that the\nparts fit together: whoever can make up a server can make up its keys. Compare the key\n  %s\nwith one you got elsewhere, or give it with --keys.\n", r.Receipt.KeyID)
	} else {
		b.WriteString("The receipt's signature was checked with the keys you gave.\n")
	}
	switch {
	case r.Trusted.LogKey == "" && r.Trusted.Checkpoint == nil:
		b.WriteString("The key of the log came from the bundle, too. Give it with --log-key, and a checkpoint that\nsomebody kept with --checkpoint: only that shows that the log was not made up later.\n")
	case r.Trusted.LogKey == "":
		b.WriteString("The key of the log came from the bundle; the checkpoint is the one you kept.\n")
	case r.Trusted.Checkpoint == nil:
		b.WriteString("The log was checked with the key you gave. A checkpoint that somebody kept (--checkpoint)\nwould also show that the log was not made up later.\n")
	default:
		b.WriteString("The log was checked with the key and the checkpoint you gave.\n")
	}
	return b.String()
}
