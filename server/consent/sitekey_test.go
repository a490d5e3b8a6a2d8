package consent

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"
)

// Sites and purposes have keys of their own, and none is the secret.
func TestSiteKeys(t *testing.T) {
	secret := keyOf(1)
	seen := [][]byte{secret}
	for _, purpose := range []string{"token", "cookie"} {
		for _, site := range []string{"shop", "blog", "sho", "p"} {
			key := SiteKey(secret, purpose, site, 32)
			for _, other := range seen {
				if bytes.Equal(key, other) {
					t.Errorf("%s %s: a key that is there already", purpose, site)
				}
			}
			if seen = append(seen, key); !bytes.Equal(key, SiteKey(secret, purpose, site, 32)) {
				t.Errorf("%s %s: another key each time", purpose, site)
			}
		}
	}
}

// Whoever has the key of one site makes tokens of that site only: what he says to be
// of another is not one.
func TestTheKeyOfOneSiteOpensNothingOfAnother(t *testing.T) {
	tokens := NewTokens(keyOf(1))
	leaked := SiteKey(keyOf(1), "token", "shop", tokenKeySize)
	forge := func(site string) string {
		s := servedAt(noon)
		s.Site = site
		text := tokens.Mint(s)
		text = text[:strings.LastIndexByte(text, '.')]
		return text + "." + base64.RawURLEncoding.EncodeToString(tokenMAC(leaked, text))
	}
	if _, err := tokens.Verify(forge("shop"), "shop", noon); err != nil {
		t.Fatalf("the test does not forge as it should: %v", err)
	}
	if _, err := tokens.Verify(forge("blog"), "blog", noon); !errors.Is(err, ErrToken) {
		t.Errorf("a token of another site, made with this one's key: %v", err)
	}
	text := strings.ReplaceAll(tokens.MintHandover(Handover{Site: "shop", Receipt: strings.Repeat("a", 32), To: "https://x.example", Given: noon, Minted: noon, Choices: "10.-"}), ".shop.", ".blog.")
	text = text[:strings.LastIndexByte(text, '.')]
	text += "." + base64.RawURLEncoding.EncodeToString(tokenMAC(leaked, text))
	if _, err := tokens.VerifyHandover(text, "blog", "https://x.example", noon); !errors.Is(err, ErrHandover) {
		t.Errorf("a hand-over of another site, made with this one's key: %v", err)
	}
}

// Tokens of before sites had keys are answered until their time is over.
func TestTokensOfBeforeSitesHadKeys(t *testing.T) {
	tokens := NewTokens(keyOf(1))
	text := tokens.Mint(servedAt(noon))
	text = text[:strings.LastIndexByte(text, '.')]
	before := text + "." + base64.RawURLEncoding.EncodeToString(tokenMAC(keyOf(1), text))
	if _, err := tokens.Verify(before, "shop", noon.Add(time.Hour)); err != nil {
		t.Errorf("refused: %v", err)
	}
	if _, err := tokens.Verify(before, "shop", noon.Add(TokenLife+2*Bucket)); !errors.Is(err, ErrStaleToken) {
		t.Errorf("after its time: %v", err)
	}
}
