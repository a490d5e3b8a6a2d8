package store

import (
	"context"
	"crypto/ed25519"
	"testing"
	"time"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
)

// draft makes an ordinary decision of a site.
func draft(t testing.TB, siteKey, id string, previous string) consent.Draft {
	t.Helper()
	d, err := draftOf(siteKey, id, previous, true)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func draftOf(siteKey, id, previous string, analytics bool, under ...policyversions.Version) (consent.Draft, error) {
	x, policies := notice.Experience{Site: siteKey, Language: "en", Policies: map[string]canonical.Digest{}}, map[string]consent.Policy{}
	for _, v := range under {
		x.Policies[v.Policy], policies[v.Policy] = v.Digest, consent.PolicyOf(v)
	}
	for _, d := range []*canonical.Digest{&x.Notice, &x.Wording, &x.Script, &x.Tags, &x.Law} {
		*d = canonical.Sum([]byte("shown"))
	}
	b, err := x.Encode()
	if err != nil {
		return consent.Draft{}, err
	}
	return consent.Prepare(consent.Decision{
		ID: id, Token: "t", Action: consent.Save, Surface: consent.OnBanner, At: noon.UnixMilli(),
		Categories: map[string]bool{"analytics": analytics}, Previous: previous,
	}, consent.Question{
		Served:     consent.Served{Site: siteKey, Experience: canonical.Sum(b), Law: "x", Region: "DE", Source: "database", Bucket: consent.BucketOf(noon)},
		Experience: x, Policies: policies, LawTable: "2026-11-21", Models: map[string]regime.Model{"analytics": regime.OptIn},
		Notice:    &notice.Notice{Site: siteKey, Validity: 6, Categories: []notice.Category{{Key: "analytics", Like: "analytics"}}},
		Artifacts: []consent.Artifact{{Digest: canonical.Sum(b), Kind: "experience", Bytes: b}, {Digest: x.Notice, Kind: "notice", Bytes: []byte("shown")}},
	})
}

// signer signs with a key everybody knows.
type signer struct{}

var (
	knownKey = ed25519.NewKeyFromSeed(make([]byte, 32))
	knownKid = consent.Thumbprint(knownKey.Public().(ed25519.PublicKey))
)

func (signer) Sign(leaf [auditlog.LeafSize]byte) (string, []byte) {
	return knownKid, ed25519.Sign(knownKey, append([]byte("volenti receipt v1\n"), leaf[:]...))
}

func (signer) keys() consent.PublicKeys {
	return consent.PublicKeys{knownKid: knownKey.Public().(ed25519.PublicKey)}
}

// entryOf is a sealed entry that is in no store yet.
func entryOf(t testing.TB, d consent.Draft) *consent.Entry {
	t.Helper()
	return entriesOf(t, d)[0]
}

func entriesOf(t testing.TB, drafts ...consent.Draft) []*consent.Entry {
	t.Helper()
	var got catcher
	for _, d := range drafts {
		r := consent.NewRecorder(&got, signer{}, consent.RecorderOptions{Now: func() time.Time { return noon }})
		_, err := r.Record(t.Context(), d)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return got.entries
}

// catcher is a store that remembers the entries it is given, as they came.
type catcher struct {
	consent.Store
	entries []*consent.Entry
}

func (c *catcher) AppendRecords(_ context.Context, entries []*consent.Entry) error {
	for _, e := range entries {
		kept := *e
		c.entries = append(c.entries, &kept)
	}
	return nil
}

func (*catcher) Entry(context.Context, string, string) (*consent.Entry, error) {
	return nil, consent.ErrUnknownReceipt
}

// checkLog proves every leaf of the log, and that every record is at its leaf.
func checkLog(t testing.TB, db *DB) auditlog.Head {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	head, err := db.Head(ctx)
	if err != nil {
		t.Fatal(err)
	}
	leaves, err := db.Leaves(ctx, 0, int(head.Size)+10)
	if err != nil || int64(len(leaves)) != head.Size {
		t.Fatalf("%d leaves in a log of %d: %v", len(leaves), head.Size, err)
	}
	if _, recomputed, _, err := (auditlog.Edge{}).Append(leaves); err != nil || (head.Size > 0 && recomputed != head) {
		t.Fatalf("the root is not that of the leaves: %v", err)
	}
	for i, leaf := range leaves {
		proof, err := auditlog.ProveInclusion(db.Hashes(ctx), head, int64(i))
		if err != nil {
			t.Fatal(err)
		}
		if err := auditlog.CheckInclusion(proof, head, int64(i), leaf); err != nil {
			t.Fatal(err)
		}
	}
	return head
}
