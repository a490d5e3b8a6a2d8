package consent

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/canonical"
)

// forgeries is how many are tried of each kind: of receipts and of
// tokens here; of served tokens in token_test.go, of cookies in server/visitor, of
// proofs in server/auditlog.
const forgeries = 100_000

// tries is fewer with -short, as under the race detector: these tests do one thing
// after the other.
func tries() int {
	if testing.Short() {
		return forgeries / 20
	}
	return forgeries
}

// meaning is a receipt's canonical form, without what its signature does not cover:
// the leaf's index, which an inclusion proof vouches for. "" is no receipt at all.
func meaning(t *testing.T, receipt []byte) string {
	t.Helper()
	text, err := canonical.Transform(receipt)
	if err != nil {
		return ""
	}
	var members map[string]any
	if err := json.Unmarshal(text, &members); err != nil {
		return ""
	}
	leaf, ok := members["leaf"].(map[string]any)
	if !ok {
		return ""
	}
	leaf["index"] = 0
	again, err := canonical.Encode(members)
	if err != nil {
		return ""
	}
	return string(again)
}

// Whatever is made of genuine receipts, of other keys and of other spellings: what
// verifies says exactly what one of the genuine ones says.
func TestForgedReceiptsAreRefused(t *testing.T) {
	t.Parallel()
	keys := newTestKey(7).keys()
	for _, other := range []byte{8, 9} { // other keys that are ours too: a receipt is signed by the one it names
		for kid, key := range newTestKey(other).keys() {
			keys[kid] = key
		}
	}
	genuine := map[string]bool{}
	var list [][]byte
	for name, e := range goldenEntries(t) {
		receipt := receiptOf(t, e)
		list = append(list, receipt)
		genuine[meaning(t, receipt)] = true
		if _, err := Verify(receipt, keys); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	slices.SortFunc(list, bytes.Compare)
	f := forger{rand.New(rand.NewPCG(16, forgeries)), list}
	accepted := 0
	for range tries() {
		forged := f.receipt()
		if _, err := Verify(forged, keys); err != nil {
			continue
		}
		accepted++
		if !genuine[meaning(t, forged)] {
			t.Fatalf("forged, and it verifies:\n%s", forged)
		}
	}
	t.Logf("%d of %d said what a genuine one says, in another form", accepted, tries())
	if accepted == 0 || accepted > tries()/5 {
		t.Errorf("%d of %d were no forgeries: the forger is out of practice", accepted, tries())
	}
	for _, receipt := range list {
		if _, err := Verify(receipt, keys); err != nil {
			t.Errorf("a genuine one is refused: %v", err)
		}
	}
}

// A forger has genuine receipts, and keys of his own.
type forger struct {
	*rand.Rand
	list [][]byte
}

func (f forger) one() []byte { return slices.Clone(f.list[f.IntN(len(f.list))]) }

// receipt is one more try.
func (f forger) receipt() []byte {
	b := f.one()
	at := f.IntN(len(b))
	switch f.IntN(12) {
	case 0: // a bit
		b[at] ^= 1 << f.IntN(8)
	case 1: // a byte more, a byte less, cut short
		switch f.IntN(3) {
		case 0:
			return slices.Insert(b, at, byte(f.Uint32()))
		case 1:
			return slices.Delete(b, at, at+1)
		}
		return b[:at]
	case 2: // two halves
		other := f.one()
		return append(b[:at:at], other[min(at, len(other)):]...)
	case 3: // two receipts
		return append(append(b, []string{"", "\n", ",", " "}[f.IntN(4)]...), f.one()...)
	case 4: // a member of another receipt
		return f.exchanged(b)
	case 5: // a choice turned round
		words := []string{"granted", "refused", "not_asked"}
		return bytes.Replace(b, []byte(`:"`+words[f.IntN(3)]+`"`), []byte(`:"`+words[f.IntN(3)]+`"`), 1+f.IntN(2))
	case 6: // a member twice: the true one and another
		return f.doubled(b)
	case 7: // the members in another order, in other whitespace, escaped
		return f.rewritten(b)
	case 8: // other spellings of base64url
		return f.respelt(b)
	case 9: // signed by a key that is nobody's, under one of ours
		return f.signedAnew(b)
	case 10: // a name in other letters
		names := []string{"core", "personal", "salts", "signature", "leaf", "hash", "key_id", "commitments", "marketing", "state"}
		name := names[f.IntN(len(names))]
		return bytes.Replace(b, []byte(`"`+name+`"`), []byte(`"`+[]string{strings.ToUpper(name), strings.Replace(name, "s", "ſ", 1), " " + name, name + "\\u0000"}[f.IntN(4)]+`"`), 1)
	case 11: // a number that is spelt otherwise, or means another
		return bytes.Replace(b, []byte(`"given_at":17`), []byte(`"given_at":`+[]string{"0.17e2", "-17", "17.0", "1", "18"}[f.IntN(5)]), 1)
	}
	return b
}

func parts(b []byte) map[string]json.RawMessage {
	var m map[string]json.RawMessage
	_ = json.Unmarshal(b, &m)
	return m
}

func joined(m map[string]json.RawMessage) []byte {
	b, err := json.Marshal(m)
	if err != nil {
		return nil
	}
	return b
}

func (f forger) exchanged(b []byte) []byte {
	mine, other := parts(b), parts(f.one())
	names := sortedKeys(other)
	for range 1 + f.IntN(3) {
		name := names[f.IntN(len(names))]
		mine[name] = other[name]
	}
	if f.IntN(4) == 0 {
		delete(mine, names[f.IntN(len(names))])
	}
	return joined(mine)
}

func (f forger) doubled(b []byte) []byte {
	other := parts(f.one())
	names := sortedKeys(other)
	name := names[f.IntN(len(names))]
	if member := `"` + name + `":` + string(other[name]); f.IntN(2) == 0 {
		return append(append([]byte("{"), member+","...), b[1:]...)
	} else {
		return append(append(b[:len(b)-1], ","+member...), '}')
	}
}

func (f forger) rewritten(b []byte) []byte {
	m := parts(b)
	names := sortedKeys(m)
	f.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	out := []byte{'{'}
	for i, name := range names {
		if i > 0 {
			out = append(out, ',')
		}
		value := m[name]
		if f.IntN(3) == 0 {
			value = bytes.ReplaceAll(value, []byte("granted"), []byte([]string{`gr\u0061nted`, `gr\u0041nted`, "granted ", `refused`}[f.IntN(4)]))
		}
		out = append(append(append(out, "\t \""+name+"\" :\n"...), value...), ' ')
	}
	return append(out, '}')
}

func (f forger) respelt(b []byte) []byte {
	m := parts(b)
	var s string
	name := []string{"signature", "key_id"}[f.IntN(2)]
	if json.Unmarshal(m[name], &s) != nil || s == "" {
		return b
	}
	switch f.IntN(5) {
	case 0:
		s += "="
	case 1:
		s = strings.NewReplacer("-", "+", "_", "/").Replace(s) + "="
	case 2: // bits that a careless decoder drops
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		i := strings.IndexByte(alphabet, s[len(s)-1])
		s = s[:len(s)-1] + string(alphabet[i^1])
	case 3:
		at := f.IntN(len(s))
		s = s[:at] + "\n" + s[at:]
	case 4: // the same signature by another number: S + L is no S
		s = base64.RawURLEncoding.EncodeToString(unreduced(s))
	}
	m[name], _ = json.Marshal(s)
	return joined(m)
}

// unreduced adds the order of the group to the second half of an Ed25519 signature,
// which solves the same equation (RFC 8032 §8.4 has it refused).
func unreduced(signature string) []byte {
	b, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || len(b) != ed25519.SignatureSize {
		return nil
	}
	order, _ := new(big.Int).SetString("7237005577332262213973186563042994240857116359379907606001950938285454250989", 10)
	half := slices.Clone(b[32:])
	slices.Reverse(half)
	sum := new(big.Int).Add(new(big.Int).SetBytes(half), order).FillBytes(make([]byte, 32))
	slices.Reverse(sum)
	return append(b[:32:32], sum...)
}

func (f forger) signedAnew(b []byte) []byte {
	b = bytes.Replace(b, []byte(`"refused"`), []byte(`"granted"`), 1)
	_, e, err := parseReceipt(b)
	if err != nil {
		return b
	}
	leaf, err := LeafOf(e)
	if err != nil {
		return b
	}
	mine := newTestKey(byte(100 + f.IntN(50)))
	e.Leaf = leaf[:]
	kid, signature := mine.Sign(leaf)
	e.Signature = signature
	if f.IntN(2) == 0 {
		e.KeyID = kid
	} else if f.IntN(2) == 0 {
		e.KeyID = newTestKey(8).kid()
	}
	forged, err := EncodeReceipt(e)
	if err != nil {
		return b
	}
	return forged
}

// Of a JWS only the very letters are taken that were made: there is one spelling of
// each, and every other header is refused unread.
func TestForgedJWSAreRefused(t *testing.T) {
	t.Parallel()
	key := newTestKey(7)
	keys := key.keys()
	for kid, k := range newTestKey(8).keys() {
		keys[kid] = k
	}
	genuine := map[string]bool{}
	var list []string
	for _, payload := range []string{`{"a":1}`, `{"a":2}`, `{"iss":"https://consent.example.com","receipt":{"id":"x"}}`, `[]`} {
		for _, k := range []testKey{key, newTestKey(8)} {
			ring := &Keyring{current: k.PrivateKey, kid: k.kid()}
			token, err := ring.SignJWS("receipt+jws", []byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			genuine[token] = true
			list = append(list, token)
			if got, kid, err := keys.OpenJWS("receipt+jws", token); err != nil || kid != k.kid() || string(got) != payload {
				t.Fatal(err)
			}
		}
	}
	random := rand.New(rand.NewPCG(17, forgeries))
	for tried := 0; tried < tries(); {
		forged := forgedJWS(random, list, key)
		if genuine[forged] {
			continue
		}
		tried++
		if payload, kid, err := keys.OpenJWS("receipt+jws", forged); err == nil {
			t.Fatalf("forged, and opened as %s by %s:\n%s", payload, kid, forged)
		}
	}
	for _, token := range list {
		if _, _, err := keys.OpenJWS("receipt+jws", token); err != nil {
			t.Errorf("a genuine one is refused: %v", err)
		}
	}
}

func forgedJWS(random *rand.Rand, list []string, key testKey) string {
	token := list[random.IntN(len(list))]
	part := strings.Split(token, ".")
	encode := base64.RawURLEncoding.EncodeToString
	kid, mine := key.kid(), newTestKey(byte(100+random.IntN(50)))
	b := []byte(token)
	at := random.IntN(len(b))
	payload := encode([]byte(`{"a":3}`))
	signed := func(header string, by testKey) string {
		input := encode([]byte(header)) + "." + payload
		return input + "." + encode(ed25519.Sign(by.PrivateKey, []byte(input)))
	}
	switch random.IntN(14) {
	case 0:
		b[at] ^= 1 << random.IntN(8)
	case 1:
		b = slices.Insert(b, at, "\n\r .=A"[random.IntN(6)])
	case 2:
		b = slices.Delete(b, at, min(len(b), at+1+random.IntN(4)))
	case 3:
		b = b[:at]
	case 4: // a part of another token
		i := random.IntN(3)
		part[i] = strings.Split(list[random.IntN(len(list))], ".")[i]
		return strings.Join(part, ".")
	case 5: // no algorithm
		return encode([]byte(`{"alg":"`+[]string{"none", "None", "NONE", ""}[random.IntN(4)]+`","kid":"`+kid+`","typ":"receipt+jws"}`)) + "." + payload + "." + []string{"", part[2]}[random.IntN(2)]
	case 6: // the public key as a secret (RFC 8725 §2.1)
		input := encode([]byte(`{"alg":"HS256","kid":"`+kid+`","typ":"receipt+jws"}`)) + "." + payload
		mac := hmac.New(sha256.New, key.keys()[kid])
		mac.Write([]byte(input))
		return input + "." + encode(mac.Sum(nil))
	case 7: // a key in the header, or where to fetch one
		jwk, _ := newTestKey(100).keys().JWKS()
		extra := []string{`"jwk":` + strings.TrimSuffix(strings.TrimPrefix(string(jwk), `{"keys":[`), `]}`), `"jku":"https://evil.example/jwks.json"`, `"x5u":"https://evil.example/"`, `"crit":["exp"]`, `"b64":false,"crit":["b64"]`}
		return signed(`{"alg":"EdDSA",`+extra[random.IntN(len(extra))]+`,"kid":"`+kid+`","typ":"receipt+jws"}`, newTestKey(100))
	case 8: // somebody's key under the name of ours, or of no key
		names := []string{kid, "../../../dev/null", "' OR 1=1", "", strings.Repeat("A", 43), mine.kid()}
		return signed(`{"alg":"EdDSA","kid":"`+names[random.IntN(len(names))]+`","typ":"receipt+jws"}`, mine)
	case 9: // our own key over a header that is spelt otherwise
		headers := []string{
			`{"alg":"EdDSA","kid":"` + kid + `","typ":"JWT"}`, `{"alg":"EdDSA","kid":"` + kid + `"}`, `{"kid":"` + kid + `","alg":"EdDSA","typ":"receipt+jws"}`,
			`{"alg": "EdDSA","kid":"` + kid + `","typ":"receipt+jws"}`, `{"alg":"Ed25519","kid":"` + kid + `","typ":"receipt+jws"}`, `{"alg":"none","alg":"EdDSA","kid":"` + kid + `","typ":"receipt+jws"}`,
			`{"alg":"EdDSA","kid":"` + kid + `","typ":"receipt+jws","typ":"receipt+jws"}`, `{"ALG":"EdDSA","kid":"` + kid + `","typ":"receipt+jws"}`, "\ufeff" + `{"alg":"EdDSA","kid":"` + kid + `","typ":"receipt+jws"}`,
		}
		return signed(headers[random.IntN(len(headers))], key)
	case 10: // the same signature by another number
		return part[0] + "." + part[1] + "." + encode(unreduced(part[2]))
	case 11: // other base64
		i := random.IntN(3)
		part[i] = []string{part[i] + "=", part[i] + "==", strings.NewReplacer("-", "+", "_", "/").Replace(part[i]) + "=", part[i] + "\n", "\n" + part[i]}[random.IntN(5)]
		return strings.Join(part, ".")
	case 12: // more or fewer parts, another serialization
		return []string{token + ".", "." + token, part[0] + "." + part[1], part[0] + ".." + part[2], token + "." + token, token + token, `{"payload":"` + part[1] + `","protected":"` + part[0] + `","signature":"` + part[2] + `"}`, " " + token, token + "\n"}[random.IntN(9)]
	case 13: // our own key over a payload that is not canonical
		payload = encode([]byte([]string{`{"a": 1}`, `{"b":1,"a":2}`, `{"a":1,"a":2}`, `{"a":1}{}`, ``, `{"a":1.0}`}[random.IntN(6)]))
		return signed(`{"alg":"EdDSA","kid":"`+kid+`","typ":"receipt+jws"}`, key)
	}
	return string(b)
}

// Three rotations. What was signed before and between verifies as before; a key
// whose public half is lost marks its receipts, and no others.
func TestReceiptsOutliveTheirKeys(t *testing.T) {
	folder := t.TempDir()
	ring := openKeys(t, folder, 1)
	random := seeded(5)
	signedBy := map[string][][]byte{} // receipts, by key
	for i := range 4 {
		for n := range 25 {
			e, _, _ := sealedAt(t, draftNamed(t, "one"), nil, noon)
			e.Index = int64(i*25 + n)
			leaf, err := LeafOf(e)
			if err != nil {
				t.Fatal(err)
			}
			e.KeyID, e.Signature = ring.Sign(leaf)
			signedBy[e.KeyID] = append(signedBy[e.KeyID], receiptOf(t, e))
		}
		if i < 3 {
			if err := ring.Rotate(random); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(signedBy) != 4 {
		t.Fatalf("%d keys signed", len(signedBy))
	}
	published, err := openKeys(t, folder, 1).Public().JWKS() // after another start
	if err != nil {
		t.Fatal(err)
	}
	for lost := range signedBy {
		keys, err := ParsePublicKeys(published)
		if err != nil {
			t.Fatal(err)
		}
		for kid, receipts := range signedBy {
			for _, receipt := range receipts {
				if r, err := Verify(receipt, keys); err != nil || r.KeyID != kid {
					t.Fatalf("signed by %s: %v", kid, err)
				}
			}
		}
		delete(keys, lost)
		for kid, receipts := range signedBy {
			for _, receipt := range receipts {
				if r, err := Verify(receipt, keys); errors.Is(err, ErrUnknownKey) != (kid == lost) || (err == nil) != (kid != lost) || r.KeyID != kid {
					t.Fatalf("without %s, signed by %s: %v", lost, kid, err)
				}
			}
		}
	}
}
