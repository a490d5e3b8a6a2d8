package admin

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

// sign has the log of a world signed, as a server does.
func (w *world) sign(key *auditlog.LogKey) auditlog.Checkpoint {
	w.t.Helper()
	head, err := w.db.Head(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	c, err := key.Sign(head, noon)
	if err == nil {
		err = w.db.KeepCheckpoint(w.t.Context(), c)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func loggedWorld(t *testing.T, receipts int) (*world, *client, *auditlog.LogKey) {
	t.Helper()
	key, err := auditlog.NewLogKey("consent.example.com/log", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w, c := busyWorld(t, receipts)
	w.console.Transparency = Transparency{Store: w.db, Keys: func() ([]string, error) { return []string{key.VerifierKey()}, nil },
		Pins: func(context.Context, int) ([]console.LogPin, error) {
			return []console.LogPin{{Place: "/mnt/worm/checkpoint", Size: "12", At: noon}}, nil
		}}
	return w, c, key
}

func TestTheLogTeachesBeforeAnythingIsThere(t *testing.T) {
	w, c, _ := loggedWorld(t, 0)
	c.get("/admin/log/entries").has(t, 200, "Nothing was signed yet", "Key of the log")
	c.get("/admin/sites/blog/log/entries").has(t, 200, "Nothing has entered the log yet")
	c.get("/admin/log/entries/checkpoint").has(t, 404)
	c.get("/admin/log/entries/check").has(t, 200, "File with the checkpoint")
	w.console.Transparency.Store = nil
	c.get("/admin/log/entries").has(t, 404)
}

func TestTheLogIsShownWithItsProofs(t *testing.T) {
	const receipts = 130
	w, c, key := loggedWorld(t, receipts)
	ids := map[string]int64{}
	for _, e := range w.entries() {
		ids[e.ReceiptID] = e.Index
	}
	erased, kept := "", ""
	for id, index := range ids {
		if index == 7 {
			erased = id
		}
		if index == 120 {
			kept = id
		}
	}
	if _, err := w.db.EraseRecords(t.Context(), shop, []string{erased}, consent.Shredded, consent.ReasonRequested, noon); err != nil {
		t.Fatal(err)
	}
	act := operator.Act{At: noon, Operator: "cli", Site: blog, What: "notice.publish", Object: "<b>", Detail: ""}
	if err := w.db.AddAct(t.Context(), act); err != nil {
		t.Fatal(err)
	}
	c.get("/admin/log/entries/120").has(t, 200, "No checkpoint covers this leaf yet")
	w.sign(key)

	page := c.get("/admin/log/entries")
	page.has(t, 200, "consent.example.com/log&#43;", "/mnt/worm/checkpoint", "none has cosigned it", "Download the checkpoint", "decision", "erasure", "console act", "Older", "entries.csv")
	// Page by page, all of one kind.
	seen := 0
	for next := "/admin/log/entries?kind=consent"; next != ""; {
		page := c.get(next)
		page.has(t, 200)
		seen += strings.Count(page.body, `class="mono" href=`)
		next = ""
		if _, after, ok := strings.Cut(page.body, `admin/log/entries?below=`); ok {
			after = "below=" + after
			query, _, _ := strings.Cut(after, `"`)
			next = "/admin/log/entries?" + strings.ReplaceAll(query, "&amp;", "&")
		}
	}
	if seen != receipts-1 {
		t.Errorf("%d decisions on all pages, want %d", seen, receipts-1)
	}
	c.get("/admin/log/entries?of=blog").has(t, 200, "console act")
	c.get("/admin/log/entries?of=blog&kind=consent").has(t, 200, "Nothing fits")
	c.get("/admin/log/entries?of=-&kind=erasure").has(t, 200)

	c.get("/admin/log/entries/120").has(t, 200, "Verified just now", kept, "&#34;schema&#34;:&#34;consent/v1&#34;", "hashes, from the leaf")
	gone := c.get("/admin/log/entries/7")
	gone.has(t, 200, "It was erased, with both salts", fmt.Sprintf("Leaf %d", receipts))
	if strings.Contains(gone.body, erased) {
		t.Error("the page of an erased record names it")
	}
	for _, path := range []string{"/admin/log/entries/99999", "/admin/log/entries/x", "/admin/log/entries/-1", fmt.Sprintf("/admin/sites/shop/log/entries/%d", receipts+1), "/admin/log/entries/99999/proof"} {
		c.get(path).has(t, 404)
	}

	// What is handed out verifies offline.
	proof, err := auditlog.ParseProof([]byte(c.get("/admin/log/entries/120/proof").body))
	if err != nil {
		t.Fatal(err)
	}
	leaves, err := w.db.Leaves(t.Context(), 120, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := proof.Verify(leaves[0], key.Verifier()); err != nil {
		t.Error(err)
	}
	if _, _, err := auditlog.OpenCheckpoint([]byte(c.get("/admin/log/entries/checkpoint").body), key.Verifier()); err != nil {
		t.Error(err)
	}
}

// Who works on one site sees what is that site's.
func TestTheLogOfASiteIsThatSites(t *testing.T) {
	w, _, key := loggedWorld(t, 20)
	w.sign(key)
	auditor := w.as(w.operator(operator.Auditor, blog))
	auditor.get("/admin/sites/blog/log/entries?of=shop").has(t, 200, "Nothing has entered the log yet")
	auditor.get("/admin/sites/blog/log/entries/3").has(t, 404)
	auditor.get("/admin/sites/blog/log/entries/3/proof").has(t, 404)
	auditor.get("/admin/sites/shop/log/entries").has(t, 404)
	auditor.get("/admin/log/entries").has(t, 403)
	if a := auditor.get("/admin/sites/blog/log/entries/entries.json?of=shop"); strings.TrimSpace(a.body) != "[]" {
		t.Errorf("%s", a.body)
	}
	w.as(w.operator(operator.Auditor, shop)).get("/admin/sites/shop/log/entries/3").has(t, 200, "Verified just now")
}

func TestEntriesAreExported(t *testing.T) {
	w, c, _ := loggedWorld(t, 700) // more than a page of the store
	if err := w.db.AddAct(t.Context(), operator.Act{At: noon, Operator: "cli", What: "notice.publish"}); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(c.get("/admin/log/entries/entries.csv").body)).ReadAll()
	if err != nil || len(rows) < 702 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	var all []map[string]any
	a := c.get("/admin/sites/shop/log/entries/entries.json?kind=consent")
	if err := json.Unmarshal([]byte(a.body), &all); err != nil || len(all) != 700 || all[0]["kind"] != "decision" || len(all[0]["of"].(string)) != 32 {
		t.Errorf("%d entries, %v", len(all), err)
	}
}

func TestACheckpointIsHeldAgainstTheLog(t *testing.T) {
	w, c, key := loggedWorld(t, 40)
	kept := w.sign(key)
	const path = "/admin/log/entries/check"
	paste := func(text string) *answer {
		t.Helper()
		return c.post(path, url.Values{"checkpoint": {text}})
	}
	for range 3 {
		if err := w.db.AddAct(t.Context(), operator.Act{At: noon, Operator: "cli", What: "notice.publish"}); err != nil {
			t.Fatal(err)
		}
	}
	paste(string(kept.Note)).has(t, 200, "It holds", "Proof of consistency")
	paste(strings.TrimRight(strings.ReplaceAll(string(kept.Note), "\n", "\r\n"), "\r\n")).has(t, 200, "It holds") // as a form sends it
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	_ = m.WriteField("token", c.token)
	part, err := m.CreateFormFile("file", "checkpoint.txt")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write(kept.Note)
	_ = m.Close()
	c.do(http.MethodPost, path, http.Header{"Content-Type": {m.FormDataContentType()}, "Sec-Fetch-Site": {"same-origin"}, "Origin": {"https://consent.example.com"}}, &form).has(t, 200, "It holds")

	paste("").has(t, 422, "Choose the file, or paste its text")
	paste("hello").has(t, 422, "This is no checkpoint")
	paste(strings.Replace(string(kept.Note), "\n4", "\n3", 1)).has(t, 422, "never signed it")
	stranger, err := auditlog.NewLogKey("elsewhere.example/log", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := stranger.Sign(kept.Head, noon)
	if err != nil {
		t.Fatal(err)
	}
	paste(string(foreign.Note)).has(t, 422, "which is not this one")
	other := kept.Head
	other.Root[3] ^= 1
	forked, err := key.Sign(other, noon)
	if err != nil {
		t.Fatal(err)
	}
	paste(string(forked.Note)).has(t, 200, "The log does not continue this checkpoint", "Keep the file")
	other.Size += 1000
	later, err := key.Sign(other, noon)
	if err != nil {
		t.Fatal(err)
	}
	paste(string(later.Note)).has(t, 200, "later entries were removed")
}
