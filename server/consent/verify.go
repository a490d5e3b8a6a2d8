package consent

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
)

// Failures of Verify. Several can be in one error; errors.Is finds each.
var (
	ErrForm       = errors.New("this is not a receipt")
	ErrIDs        = errors.New("the receipt's parts have different ids")
	ErrContents   = errors.New("the record contradicts itself")
	ErrLeaf       = errors.New("the record, a salt or the leaf was altered: they do not belong together")
	ErrUnknownKey = errors.New("the key is not among the public keys given")
	ErrSignature  = errors.New("the signature is not of this key over this leaf")
)

// A Check is one step of Verify.
type Check struct {
	Name string // "form", "ids", "contents", "leaf", "key", "signature"
	Err  error  // nil if it held
}

// A Report is what Verify found. Where Verify failed it says how far it came;
// nothing in it is to be believed then.
type Report struct {
	ID          string
	KeyID       string
	Core        Core
	Personal    *Personal // nil where it was removed
	Leaf        [auditlog.LeafSize]byte
	Index       int64 // as the receipt claims: the signature does not cover it, an inclusion proof does
	Reformatted bool  // the text was not in canonical form; it means the same
	Checks      []Check
}

// Verify checks a receipt offline: nothing is asked of the server that made it.
// It shows that the holder of the key signed exactly this record, and that the
// log's leaf stands for it. It does not show that the leaf is in the log; see
// auditlog.CheckInclusion.
//
// A receipt that was formatted anew, by an editor or a viewer, still verifies:
// the canonical form is restored first. Whoever reads it may have more keys than
// needed; only the one it names is used.
func Verify(receipt []byte, keys PublicKeys) (Report, error) {
	var r Report
	text, e, err := parseReceipt(receipt)
	r.note("form", err)
	if err != nil {
		return r, r.err()
	}
	r.ID, r.KeyID, r.Index = e.ReceiptID, e.KeyID, e.Index
	r.Reformatted = !bytes.Equal(text, receipt)
	core, err := ParseCore(e.Core)
	r.Core = core
	if err == nil && e.Personal != nil {
		var p Personal
		p, err = ParsePersonal(e.Personal)
		r.Personal = &p
	}
	if err != nil {
		r.note("contents", fmt.Errorf("%w: %w", ErrContents, err))
	} else {
		r.note("ids", sameIDs(&r))
		r.note("contents", core.check(r.Personal))
	}
	leaf, err := LeafOf(e)
	r.Leaf = leaf
	if err == nil && !bytes.Equal(leaf[:], e.Leaf) {
		err = ErrLeaf
	}
	r.note("leaf", err)
	key, known := keys[e.KeyID]
	if !known {
		r.note("key", fmt.Errorf("%w: %s", ErrUnknownKey, e.KeyID))
		return r, r.err()
	}
	r.note("key", nil)
	err = nil
	if !ed25519.Verify(key, signedText([auditlog.LeafSize]byte(e.Leaf)), e.Signature) {
		err = ErrSignature
	}
	r.note("signature", err)
	return r, r.err()
}

func (r *Report) note(name string, err error) { r.Checks = append(r.Checks, Check{name, err}) }

func (r *Report) err() error {
	var all []error
	for _, c := range r.Checks {
		all = append(all, c.Err)
	}
	return errors.Join(all...)
}

func sameIDs(r *Report) error {
	if r.Core.ID != r.ID || (r.Personal != nil && r.Personal.ID != r.ID) {
		return ErrIDs
	}
	return nil
}

// ParseReceipt is the entry that a receipt stands for, as far as a receipt tells:
// what it says is not judged, see Verify. It fails with ErrForm.
func ParseReceipt(receipt []byte) (*Entry, error) {
	_, e, err := parseReceipt(receipt)
	if err != nil {
		return nil, err
	}
	core, err := ParseCore(e.Core)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	e.Site, e.Previous, e.ReceivedAt = core.Site, core.Previous, core.ReceivedAt
	if e.Personal != nil {
		p, err := ParsePersonal(e.Personal)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrForm, err)
		}
		e.Subject = p.Subject
	}
	return e, nil
}

// parseReceipt takes a receipt apart. It returns its canonical form, in which
// the halves are the bytes that were committed to.
func parseReceipt(receipt []byte) ([]byte, *Entry, error) {
	if !utf8.Valid(receipt) || !json.Valid(receipt) {
		return nil, nil, fmt.Errorf("%w: it is not JSON in UTF-8", ErrForm)
	}
	text, err := canonical.Transform(receipt)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	bad := func(what string) ([]byte, *Entry, error) {
		return nil, nil, fmt.Errorf("%w: %s", ErrForm, what)
	}
	outer := members(text)
	leaf, salts, commitments := members(outer["leaf"]), members(outer["salts"]), members(outer["commitments"])
	minimised := outer["commitments"] != nil
	names := "core id key_id leaf personal salts schema signature"
	if minimised {
		names = "commitments core id key_id leaf salts schema signature"
	}
	if !exactly(outer, names) {
		return bad("its members are not " + names)
	}
	e := &Entry{Core: outer["core"]}
	var schema string
	ok := plain(outer["schema"], &schema) && schema == ReceiptSchema &&
		plain(outer["id"], &e.ReceiptID) && IsReceiptID(e.ReceiptID) &&
		plain(outer["key_id"], &e.KeyID) && isKeyID(e.KeyID) &&
		exactly(leaf, "hash index") && octets(leaf["hash"], auditlog.LeafSize, &e.Leaf) &&
		json.Unmarshal(leaf["index"], &e.Index) == nil && e.Index >= 0 &&
		octets(salts["core"], auditlog.SaltSize, &e.SaltCore) &&
		octets(outer["signature"], ed25519.SignatureSize, &e.Signature)
	if !ok {
		return bad("its schema, id, key_id, leaf, salts or signature does not have the form of receipt/v1")
	}
	if minimised {
		if !exactly(salts, "core") || !exactly(commitments, "personal") || !octets(commitments["personal"], auditlog.LeafSize, &e.CommitPers) {
			return bad("its salts or commitments do not have the form of receipt/v1")
		}
		return text, e, nil
	}
	if !exactly(salts, "core personal") || !octets(salts["personal"], auditlog.SaltSize, &e.SaltPerson) {
		return bad("its salts do not have the form of receipt/v1")
	}
	e.Personal = outer["personal"]
	return text, e, nil
}

// members are an object's values by exact name; none if it is no object.
// Decoding into a struct would overlook the case of names.
func members(object []byte) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	if json.Unmarshal(object, &m) != nil {
		return nil
	}
	return m
}

func exactly(m map[string]json.RawMessage, names string) bool {
	return strings.Join(sortedKeys(m), " ") == names
}

func plain(value json.RawMessage, into *string) bool {
	return len(value) > 0 && value[0] == '"' && json.Unmarshal(value, into) == nil
}

// octets reads base64url of exactly size bytes.
func octets(value json.RawMessage, size int, into *[]byte) bool {
	var s string
	if !plain(value, &s) || len(s) != base64url.EncodedLen(size) {
		return false
	}
	b, err := base64url.DecodeString(s)
	*into = b
	return err == nil && len(b) == size
}

// check finds what can't stand in a record however it was signed: a key that
// was stolen, or a mistake of ours, is still no reason to believe nonsense.
func (c *Core) check(p *Personal) error {
	bad := func(what string) error { return fmt.Errorf("%w: %s", ErrContents, what) }
	switch {
	case c.Schema != CoreSchema:
		return bad("its schema is " + quoted(c.Schema))
	case p != nil && (p.Schema != PersonalSchema || !IsReceiptID(p.Subject)):
		return bad("its personal part is not consent-personal/v1")
	case c.GivenAt > c.ReceivedAt:
		return bad("it was received before it was given")
	case (c.Action == Share) != (c.Surface == OnShare), c.Action == Share && c.Previous == "":
		return bad("it was taken over from nowhere")
	case c.GivenAt < min(c.TokenFrom, c.ReceivedAt) && c.Action != Share: // which was given where it was taken from
		return bad("it was given before its banner was served")
	case c.ValidUntil <= c.ReceivedAt || c.ValidUntil > c.later(14) && c.has(Granted):
		return bad("it ends before it begins, or after more than 13 months")
	case max(c.ValidUntil, c.RefusalsUntil) > c.later(37), c.RefusalsUntil != 0 && (c.RefusalsUntil <= c.ValidUntil || !c.has(Refused)):
		return bad("its refusals rest longer than three years, or shorter than its grants last")
	case c.Basis != Explicit && c.Basis != Implied, c.Basis == Explicit && !ownAct(c.Action):
		return bad("its basis does not fit its action")
	case c.Previous != "" && (!IsReceiptID(c.Previous) || c.Previous == c.ID):
		return bad("it does not name the record it replaces")
	case c.Age.Asked < 0 || c.Age.Asked > maxAge, c.Age.Asked == 0 && c.Age.Confirmed, c.Age.Asked != 0 && !c.Age.Confirmed && c.has(Granted):
		return bad("it grants something that nobody old enough has granted")
	case stateOf(c) != c.State:
		return bad("its state does not fit its choices")
	}
	for _, list := range [...]map[string]Choice{c.Categories, c.Vendors} {
		for key, choice := range list {
			if choice != Granted && choice != Refused && choice != NotAsked {
				return bad("its choice about " + quoted(key) + " is none")
			}
		}
	}
	for key := range c.Categories {
		if _, ok := c.Models[key]; !ok {
			return bad("it does not say what the law asks for " + quoted(key))
		}
	}
	digests := []canonical.Digest{c.Experience, c.Notice, c.Token}
	for _, p := range c.Policies {
		digests = append(digests, p.Digest)
	}
	for _, d := range digests {
		if _, err := canonical.ParseDigest(string(d)); err != nil {
			return bad(err.Error())
		}
	}
	return nil
}

// later is a time some months after the record was received.
func (c *Core) later(months int) int64 {
	return time.UnixMilli(c.ReceivedAt).AddDate(0, months, 0).UnixMilli()
}

// WriteTo writes the report for people: what was checked, and what the record
// says. It shows no contents of a receipt that did not verify.
func (r Report) WriteTo(w io.Writer) (int64, error) {
	var b strings.Builder
	for _, c := range r.Checks {
		if c.Err != nil {
			fmt.Fprintf(&b, "FAILED  %-10s %v\n", c.Name, c.Err)
		} else {
			fmt.Fprintf(&b, "ok      %s\n", c.Name)
		}
	}
	if r.err() == nil {
		r.describe(&b)
	}
	// A name must not move the terminal's cursor or turn the direction of text.
	shown := strings.Map(func(c rune) rune {
		if c == '\n' || unicode.IsPrint(c) {
			return c
		}
		return '\uFFFD'
	}, b.String())
	n, err := io.WriteString(w, shown)
	return int64(n), err
}

func (r Report) describe(b *strings.Builder) {
	at := func(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000 UTC") }
	c := r.Core
	fmt.Fprintf(b, "\nreceipt   %s\nkey       %s\nsite      %s (%s)\n", r.ID, r.KeyID, c.Site, c.Controller.Name)
	fmt.Fprintf(b, "given     %s\nreceived  %s\nends      %s\n", at(c.GivenAt), at(c.ReceivedAt), at(c.ValidUntil))
	if c.RefusalsUntil != 0 {
		fmt.Fprintf(b, "          refusals rest until %s\n", at(c.RefusalsUntil))
	}
	fmt.Fprintf(b, "state     %s, %s (%s on %s)\nlaw       %s of table %s, region %s\n", c.State, c.Basis, c.Action, c.Surface, c.Law, c.LawTable, c.Region)
	for _, key := range sortedKeys(c.Categories) {
		fmt.Fprintf(b, "category  %s: %s (%s)\n", key, c.Categories[key], c.Models[key])
	}
	for _, key := range sortedKeys(c.Vendors) {
		fmt.Fprintf(b, "vendor    %s: %s\n", key, c.Vendors[key])
	}
	for _, key := range sortedKeys(c.Policies) {
		p := c.Policies[key]
		fmt.Fprintf(b, "policy    %s version %d, in force since %s, %s\n", key, p.Number, at(p.Effective), p.Digest)
	}
	fmt.Fprintf(b, "shown     experience %s\n          notice %s, language %s\n", c.Experience, c.Notice, c.Language)
	if r.Personal != nil {
		fmt.Fprintf(b, "subject   %s\n", r.Personal.Subject)
	} else {
		fmt.Fprint(b, "subject   removed; its commitment still stands\n")
	}
	fmt.Fprintf(b, "leaf      %x, claimed to be number %d of the log (an inclusion proof shows it)\n", r.Leaf, r.Index)
	if r.Reformatted {
		fmt.Fprint(b, "note      the text was formatted anew; it means the same\n")
	}
}
