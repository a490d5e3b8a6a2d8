package forms

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// Somebody else's library verifies the tokens with nothing but the published keys,
// and reads the same payload.
func TestAnotherLibraryVerifies(t *testing.T) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(wire(t, "jwks.json"), &set); err != nil {
		t.Fatal(err)
	}
	for _, f := range All() {
		if !f.Signed() {
			continue
		}
		for _, c := range cases {
			token := string(written(t, f.Name, c))
			parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.EdDSA})
			if err != nil {
				t.Fatalf("%s of %s: %v", f.Name, c, err)
			}
			head := parsed.Signatures[0].Protected
			keys := set.Key(head.KeyID)
			if len(keys) != 1 || head.ExtraHeaders[jose.HeaderType] != f.kind {
				t.Fatalf("%s of %s: header %+v", f.Name, c, head)
			}
			payload, err := parsed.Verify(keys[0])
			if err != nil {
				t.Errorf("%s of %s: %v", f.Name, c, err)
			}
			mine, kid, err := keysOf(t).OpenJWS(f.kind, token)
			if err != nil || kid != head.KeyID || !bytes.Equal(mine, payload) {
				t.Errorf("%s of %s: %v", f.Name, c, err)
			}
		}
	}
}

// And the other way round: what another library signs in our kind is read here, if
// the key is ours. The header's spelling is what both agree on.
func TestATokenSaysNothingOfTheBrowser(t *testing.T) {
	for _, c := range cases {
		payload, _, err := keysOf(t).OpenJWS("receipt+jws", string(written(t, "jws", c)))
		if err != nil {
			t.Fatal(err)
		}
		e := sourceOf(t, c).Entry
		if e.Subject != "" && bytes.Contains(payload, []byte(e.Subject)) || bytes.Contains(payload, []byte(`"subject"`)) {
			t.Errorf("the token of %s tells the browser: %s", c, payload)
		}
		v, err := Verify(written(t, "jws", c), keysOf(t))
		if err != nil || v.Report.Personal != nil || string(v.Report.Leaf[:]) != string(e.Leaf) || v.Report.Core.ID != e.ReceiptID {
			t.Errorf("%s: %+v, %v", c, v, err)
		}
	}
}

// Each kind of JWS passes for no other, and a key that is gone is said to be.
func TestKindsAndKeysOfTokens(t *testing.T) {
	keys := keysOf(t)
	for _, f := range All() {
		for _, other := range All() {
			if !f.Signed() || !other.Signed() {
				continue
			}
			_, _, err := keys.OpenJWS(other.kind, string(written(t, f.Name, "save")))
			if (err == nil) != (f.Name == other.Name) || err != nil && !errors.Is(err, consent.ErrJWSKind) {
				t.Errorf("%s opened as %s: %v", f.Name, other.Name, err)
			}
		}
		if !f.Signed() {
			continue
		}
		if _, err := Verify(written(t, f.Name, "save"), consent.PublicKeys{}); !errors.Is(err, consent.ErrUnknownKey) {
			t.Errorf("%s without its key: %v", f.Name, err)
		}
	}
	// Signed by a key that is ours, over a receipt that is not.
	forged := bytes.Replace(written(t, "receipt", "minimised"), []byte(`"marketing":"refused"`), []byte(`"marketing":"granted"`), 1)
	payload, err := canonical.Encode(claims{jwsVersion, origin, "6db7c210d1cf8e55faebbcf39e1949f9", forged})
	if err != nil {
		t.Fatal(err)
	}
	token, err := goldenSigner().SignJWS("receipt+jws", payload)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify([]byte(token), keys); !errors.Is(err, consent.ErrLeaf) {
		t.Errorf("a token over a forged receipt: %v", err)
	}
}

// What a document says beside the receipt in it is held to the receipt.
func TestDocumentsAreHeldToTheirReceipt(t *testing.T) {
	keys := keysOf(t)
	for _, form := range []string{"27560", "27560-record"} {
		honest := written(t, form, "save")
		if v, err := Verify(honest, keys); err != nil || v.Report.ID == "" || v.Form.Name != "27560" {
			t.Fatalf("%s: %+v, %v", form, v, err)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, honest, "", "\t"); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(pretty.Bytes(), keys); err != nil {
			t.Errorf("%s, formatted anew: %v", form, err)
		}
		for what, change := range map[string][2]string{
			"a state":            {`"dpv:ConsentRefused","dpv:ExpressedConsent"`, `"dpv:ConsentGiven","dpv:ExpressedConsent"`},
			"a choice":           {`"volenti:choice":"refused"`, `"volenti:choice":"granted"`},
			"a time":             {`"dpv:isIndicatedAtTime":"2026-11-21T12:01:04.567Z"`, `"dpv:isIndicatedAtTime":"2025-11-21T12:01:04.567Z"`},
			"a duration":         {`"rdf:value":"2027-05-21T12:03:04.567Z"`, `"rdf:value":"2037-05-21T12:03:04.567Z"`},
			"the method":         {`"save on settings"`, `"accept_all on banner"`},
			"the controller":     {`"dpv:hasName":"Läden`, `"dpv:hasName":"Löden`},
			"its address":        {`"schema:streetAddress":"Gasse 1`, `"schema:streetAddress":"Gasse 2`},
			"the notice":         {`"dct:identifier":"sha256:9368`, `"dct:identifier":"sha256:9369`},
			"a policy":           {`"dct:identifier":"sha256:8234`, `"dct:identifier":"sha256:8235`},
			"the law":            {`"dct:identifier":"eu-gdpr-eprivacy"`, `"dct:identifier":"us-ca-ccpa"`},
			"the place":          {`"dpv:hasJurisdiction":"loc:DE"`, `"dpv:hasJurisdiction":"loc:US"`},
			"the subject":        {`"dpv:hasDataSubject":{"@id":"urn:volenti:subject:b3`, `"dpv:hasDataSubject":{"@id":"urn:volenti:subject:c3`},
			"the id":             {`"dct:identifier":"6db7c210d1cf8e55faebbcf39e1949f9","d`, `"dct:identifier":"7db7c210d1cf8e55faebbcf39e1949f9","d`},
			"a node's name":      {`"@id":"urn:volenti:receipt:6db7c210d1cf8e55faebbcf39e1949f9`, `"@id":"urn:volenti:receipt:7db7c210d1cf8e55faebbcf39e1949f9`},
			"the other id":       {`"dpv:hasIdentifier":"6db7c210d1cf8e55faebbcf39e1949f9`, `"dpv:hasIdentifier":"7db7c210d1cf8e55faebbcf39e1949f9`},
			"whose it is":        {`"dpv:hasDataController":"urn:volenti:receipt:6d`, `"dpv:hasDataController":"urn:volenti:receipt:7d`},
			"a record's id":      {`"dct:identifier":"6db7c210d1cf8e55faebbcf39e1949f9/analytics"`, `"dct:identifier":"6db7c210d1cf8e55faebbcf39e1949f9/marketing"`},
			"the receipt":        {`"state":"partial"`, `"state":"given"`},
			"the version":        {`"volenti:form":"27560/v1"`, `"volenti:form":"27560/v9"`},
			"a name spelt twice": {`"dpv:hasConsentStatus":{`, `"dpv:haſConsentStatus":{"@type":"dpv:ConsentGiven"},"dpv:hasConsentStatus":{`},
			"a name in capitals": {`"volenti:choice":"refused"`, `"VOLENTI:choice":"granted","volenti:choice":"refused"`},
			"a member twice":     {`"volenti:choice":"refused"`, `"volenti:choice":"granted","volenti:choice":"refused"`},
		} {
			forged := bytes.Replace(honest, []byte(change[0]), []byte(change[1]), 1)
			if bytes.Equal(forged, honest) {
				t.Fatalf("%s: %s is not there to be changed", form, what)
			}
			if _, err := Verify(forged, keys); err == nil {
				t.Errorf("%s: %s was changed, and it verifies", form, what)
			}
		}
	}
	// A record left out, and nothing but the receipt.
	var document map[string]any
	if err := json.Unmarshal(written(t, "27560", "save"), &document); err != nil {
		t.Fatal(err)
	}
	records := document["dpv:hasRecordOfActivity"].([]any)
	document["dpv:hasRecordOfActivity"] = records[1:]
	short, err := canonical.Encode(document)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Verify(short, keys); !errors.Is(err, ErrContradicts) {
		t.Errorf("a record was left out: %v", err)
	}
}

func TestWhatIsNoReceiptAtAll(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "prose": "I agree", "three words": "a.b.c", "a kantara receipt, which nobody signed": string(written(t, "kantara", "save")),
		"empty object": "{}", "a context": `{"@context":{}}`, "an array": "[]", "two tokens": strings.Repeat(string(written(t, "jws", "save"))+".", 2),
	} {
		if v, err := Verify([]byte(text), keysOf(t)); err == nil {
			t.Errorf("%s: %+v", name, v)
		}
	}
	if _, err := ReadKantara([]byte(`{"version":"KI-CR-v1.1.0"}`)); !errors.Is(err, ErrNotThis) {
		t.Errorf("%v", err)
	}
}

// A keyring makes what the golden signer makes, and old tokens outlive its keys.
func TestTokensOutliveTheirKeys(t *testing.T) {
	ring, err := consent.OpenKeyring(consent.KeyFolder(t.TempDir()), bytes.NewReader(bytes.Repeat([]byte{7, 1, 2, 3}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	s := sourceOf(t, "save")
	made := map[string]string{} // by key
	for i := range byte(4) {
		token, err := byName("jws").Write(s, ring)
		if err != nil {
			t.Fatal(err)
		}
		made[ring.Current()] = string(token)
		if err := ring.Rotate(bytes.NewReader(bytes.Repeat([]byte{i + 1}, ed25519.SeedSize))); err != nil {
			t.Fatal(err)
		}
	}
	keys := keysOf(t)
	for kid, key := range ring.Public() {
		keys[kid] = key
	}
	for _, f := range All() {
		b, err := f.Write(s, ring)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := Verify(b, keys); f.Name != "kantara" && (err != nil || f.Signed() != (v.KeyID == ring.Current())) {
			t.Errorf("%s: %+v, %v", f.Name, v.KeyID, err)
		}
	}
	if len(made) != 4 {
		t.Fatalf("%d keys signed", len(made))
	}
	for kid, token := range made {
		if v, err := Verify([]byte(token), keys); err != nil || v.KeyID != kid {
			t.Errorf("signed by %s: %v", kid, err)
		}
		less := consent.PublicKeys{}
		for other, key := range keys {
			if other != kid {
				less[other] = key
			}
		}
		if _, err := Verify([]byte(token), less); !errors.Is(err, consent.ErrUnknownKey) || !strings.Contains(err.Error(), kid) {
			t.Errorf("its key %s is gone: %v", kid, err)
		}
	}
	if _, err := ring.SignJWS("receipt+jws", []byte(`{"b":1,"a":2}`)); !errors.Is(err, consent.ErrJWSPayload) {
		t.Errorf("a payload that is not canonical: %v", err)
	}
	if _, err := ring.SignJWS(`x","alg":"none`, []byte(`{}`)); err == nil {
		t.Error("a kind that breaks out of the header")
	}
}
