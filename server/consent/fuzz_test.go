package consent

import (
	"bytes"
	"errors"
	"testing"

	"github.com/volenti-consent/volenti/server/canonical"
)

// What is stored as evidence has one spelling: whatever is read back is written as it was.
func FuzzStoredParts(f *testing.F) {
	f.Add([]byte(`{"schema":"volenti.record/1"}`))
	f.Add([]byte(`{"subject":"0123456789abcdef0123456789abcdef"}`))
	f.Add([]byte(`{"day":"2026-11-22","how":"shredded","leaves":[1,2],"reason":"requested","schema":"volenti.erasure/1","site":"shop"}`))
	f.Add([]byte(`{ "schema": "x" }`))
	f.Add([]byte(`{"schema":"a","schema":"b"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		same := func(what string, value any, err error) {
			if err != nil {
				return
			}
			again, err := canonical.Encode(value)
			if err != nil || !bytes.Equal(again, text) {
				t.Fatalf("a %s: %q is written as %q: %v", what, text, again, err)
			}
		}
		core, err := ParseCore(text)
		same("core", core, err)
		personal, err := ParsePersonal(text)
		same("personal half", personal, err)
		stone, err := ParseTombstone(text)
		same("tombstone", stone, err)
	})
}

// Public keys that somebody brings are known by what they are, and no private one is taken.
func FuzzParsePublicKeys(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"x"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","d":"AA"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA"}]}`))
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := ParsePublicKeys(text)
		if err != nil {
			return
		}
		if len(keys) == 0 {
			t.Fatal("no error and no keys")
		}
		for id, key := range keys {
			if len(key) != 32 || Thumbprint(key) != id {
				t.Fatalf("%q is the key %x", id, key)
			}
		}
	})
}

// What a receipt is read as is what it is written as.
func FuzzParseReceipt(f *testing.F) {
	f.Add([]byte(`{"id":"0123456789abcdef0123456789abcdef","core":{},"leaf":{"index":1}}`))
	f.Add([]byte(`{}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := ParseReceipt(text)
		if err != nil {
			if !errors.Is(err, ErrForm) && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrIDs) {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := EncodeReceipt(e)
		if err != nil {
			return // it lacks what only the store has
		}
		if _, err := ParseReceipt(again); err != nil {
			t.Fatalf("%q is written as %q, which is none: %v", text, again, err)
		}
	})
}
