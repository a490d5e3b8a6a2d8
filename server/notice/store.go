package notice

import (
	"context"
	"errors"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/splice"
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

// Plain is the coding of what is handed out as it is.
const Plain = splice.Identity

// A Shelf hands out what is published piece by piece, so that whoever serves it need not
// hold all of it. Calls are safe for concurrent use.
type Shelf interface {
	// Published is the newest Seq of each site that has published since a Seq, that
	// one left out: a cheap question, asked often.
	Published(ctx context.Context, since int64) (map[string]int64, error)
	// Outline is a publication without its scripts and without the bytes of its
	// wordings; ErrUnpublished if there is none of this Seq.
	Outline(ctx context.Context, seq int64) (*Publication, error)
	// ScriptAt names the script that is a publication's variant; ErrUnpublished if it
	// has none.
	ScriptAt(ctx context.Context, seq int64, v Variant) (canonical.Digest, error)
	// Content is a wording or script as it is (Plain), or a script in a coding of
	// package splice; nil where it is not kept so.
	Content(ctx context.Context, d canonical.Digest, coding string) ([]byte, error)
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
}
