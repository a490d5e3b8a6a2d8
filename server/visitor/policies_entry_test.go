package visitor_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/visitor"
)

// Whoever reads the archive can check the chain and the leaves with nothing but
// SHA-256: the text's digest is in the entry, the entry's in the next one and, with
// its salts, in the log.
func TestTheChainCanBeCheckedFromOutside(t *testing.T) {
	w := withGoverning(t)
	p := &visitor.Policies{Versions: w.db, Sites: w.db, Now: func() time.Time { return w.now }}
	const address = "/policies/:site/:policy/versions/:number"
	w.echo.GET(address+"/entry", p.Entry)
	w.echo.GET(address+"/canonical", p.Canonical)
	for i, text := range []string{"Tea & <biscuits>.", "Tea."} {
		w.now = w.now.AddDate(0, 0, i+1)
		w.change(text)
	}
	previous := ""
	for _, number := range []string{"1", "2", "3"} {
		var got struct {
			Entry  json.RawMessage
			Digest string
			Salts  struct{ Core, Personal string }
			Leaf   struct {
				Index int64
				Hash  string
			}
		}
		rec := w.get("/policies/shop/privacy/versions/" + number + "/entry")
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || rec.Code != http.StatusOK || rec.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Fatalf("%d %s %v", rec.Code, rec.Body, err)
		}
		if string(canonical.Sum(got.Entry)) != got.Digest {
			t.Errorf("version %s: the entry does not stand there byte for byte", number)
		}
		text := w.get("/policies/shop/privacy/versions/" + number + "/canonical").Body.Bytes()
		var entry struct{ Digest, Previous string }
		if err := json.Unmarshal(got.Entry, &entry); err != nil || entry.Digest != string(canonical.Sum(text)) || entry.Previous != previous {
			t.Errorf("version %s: %+v after %q: %v", number, entry, previous, err)
		}
		previous = got.Digest
		raw := func(text string) []byte {
			b, err := base64.RawURLEncoding.DecodeString(text)
			if err != nil || len(b) != 32 {
				t.Fatalf("%q: %v", text, err)
			}
			return b
		}
		core, personal := sha256.Sum256(append(raw(got.Salts.Core), got.Entry...)), sha256.Sum256(raw(got.Salts.Personal))
		leaf := sha256.Sum256(append(append([]byte("policy-version/v1\n"), core[:]...), personal[:]...))
		if !bytes.Equal(leaf[:], raw(got.Leaf.Hash)) {
			t.Errorf("version %s: the leaf is not that of the entry", number)
		}
		kept, err := w.db.Leaves(t.Context(), got.Leaf.Index, 1)
		if err != nil || len(kept) != 1 || kept[0] != leaf {
			t.Errorf("version %s: another leaf is in the log: %v", number, err)
		}
	}
	for _, path := range []string{"shop/privacy/versions/4", "shop/privacy/versions/1.json", "shop/terms/versions/1", "nobody/privacy/versions/1"} {
		if rec := w.get("/policies/" + path + "/entry"); rec.Code == http.StatusOK {
			t.Errorf("%s: %s", path, rec.Body)
		}
	}
}
