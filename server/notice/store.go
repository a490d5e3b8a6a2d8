package notice

import (
	"context"
	"errors"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
)

// ErrUnpublished is returned for a site that has no notice yet.
var ErrUnpublished = errors.New("no notice is published for this site")

// A Publication is a notice that was published: its bytes, its wordings and its
// compiled scripts, each under its digest. It never changes.
type Publication struct {
	Seq          int64 // grows with each publication of the whole store
	Site         string
	Notice       canonical.Digest
	PublishedAt  time.Time
	NoticeBytes  []byte                      // canonical
	Wordings     map[string]canonical.Digest // by language
	WordingBytes map[canonical.Digest][]byte // canonical JSON of a Wording
	Scripts      []PublishedScript

	// TrialWordings are those of trials that say something else than the notice,
	// by trial and language.
	TrialWordings map[string]map[string]canonical.Digest
}

// A Latest is a site's newest publication in short: which, and since when.
type Latest struct {
	Seq         int64
	Notice      canonical.Digest
	PublishedAt time.Time
}

// A PublishedScript is a compiled variant with its compressed forms.
type PublishedScript struct {
	Script
	Encoded map[string][]byte // "br", "gzip", "zstd": prefixes made by package splice
}

// A Store keeps publications.
type Store interface {
	// AddPublication keeps p whole, in one durable transaction, and makes it the
	// site's current one. It sets Seq.
	AddPublication(ctx context.Context, p *Publication) error
	// Current is the newest publication of a site; ErrUnpublished if none.
	Current(ctx context.Context, site string) (*Publication, error)
	// NoticeByShort finds a notice ever published for the site by the first 16
	// digits of its digest; ErrUnpublished if none.
	NoticeByShort(ctx context.Context, site, short string) (*Notice, canonical.Digest, error)
	// ScriptByShort finds a script ever published for the site by the first 16
	// digits of its digest, without its compressed forms; ErrUnpublished if none.
	ScriptByShort(ctx context.Context, site, short string) (Script, error)
	// Seq is the newest Seq of the store, or 0: a cheap question, asked often,
	// that tells whether something was published by another process.
	Seq(ctx context.Context) (int64, error)
}
