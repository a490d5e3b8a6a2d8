package visitor_test

import (
	"bytes"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"crypto/rand"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/consent/forms"
	"github.com/volenti-consent/volenti/server/visitor"
)

// A receipt of a real decision is answered in each form, says what was shown, and
// verifies with the published keys.
func TestReceiptsInEveryForm(t *testing.T) {
	w := newWorld(t)
	w.publish("Accept all", "ga4:analytics", "meta:marketing")
	receipt, _ := w.decide("one", w.boot().T, map[string]bool{"analytics": true, "marketing": false}, nil)
	id := receipt["id"].(string)
	ring, err := consent.OpenKeyring(consent.KeyFolder(filepath.Join(t.TempDir(), "keys")), rand.Reader) // of today: another than signed the receipt
	if err != nil {
		t.Fatal(err)
	}
	receipts := &visitor.Receipts{Store: w.db, Directory: w.directory, Keys: ring}
	w.echo.GET("/v1/sites/:site/receipts/:id", receipts.Get)
	address := "/v1/sites/shop/receipts/" + id
	plain := w.get(address)
	if plain.Header().Get("Content-Type") != "application/json" || plain.Header().Get("Cache-Control") != "no-store" || !strings.Contains(strings.Join(plain.Header().Values("Vary"), ","), "Accept") {
		t.Errorf("%v", plain.Header())
	}
	for _, f := range forms.All() {
		got := w.get(address + "?form=" + f.Name)
		if got.Code != http.StatusOK || got.Header().Get("Content-Type") != f.MediaType {
			t.Fatalf("%s: %d %s", f.Name, got.Code, got.Body)
		}
		if f.Name == "receipt" && !bytes.Equal(got.Body.Bytes(), plain.Body.Bytes()) {
			t.Errorf("the receipt by name is another one")
		}
		if f.Signed() {
			if _, _, err := ring.Public().OpenJWS(f.Kind(), got.Body.String()); err != nil {
				t.Errorf("%s: %v", f.Name, err)
			}
		} else if f.Name != "receipt" && !strings.Contains(got.Body.String(), "https://consent.shop.example/") {
			t.Errorf("%s names another server: %s", f.Name, got.Body)
		}
	}
	iso := w.get(address, "Accept", "application/ld+json").Body.String()
	for _, want := range []string{`"dpv:ConsentGiven"`, `"dpv:ConsentRefused"`, `"loc:DE"`, `"volenti:receipt":` + plain.Body.String(), "/policies/shop/privacy/versions/1", `"dct:title":"GDPR/ePD"`} {
		if !strings.Contains(iso, want) {
			t.Errorf("no %s in %s", want, iso)
		}
	}
	if got := w.get(address, "Accept", "text/html,application/xhtml+xml,*/*;q=0.8"); !bytes.Equal(got.Body.Bytes(), plain.Body.Bytes()) {
		t.Errorf("a browser gets %s", got.Body)
	}
	if got := w.get(address + "?form=pdf"); got.Code == http.StatusOK || !strings.Contains(got.Body.String(), "27560") {
		t.Errorf("%d %s", got.Code, got.Body)
	}
	if got := w.get("/v1/sites/shop/receipts/00000000000000000000000000000000?form=jws"); got.Code == http.StatusOK {
		t.Errorf("a receipt nobody has: %s", got.Body)
	}
}
