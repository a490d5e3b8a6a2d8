package visitor_test

import (
	"context"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/banner"
	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/splice"
)

// publisher publishes into a world as the program does, but for what costs
// minutes with the race detector: each notice is compiled once for all tests,
// and nothing is compressed unless the world asks for it. Whoever asks for no
// coding gets the same bytes either way.
func publisher(w *world) *notice.Publisher {
	p := &notice.Publisher{Store: w.db, Compiler: compiler{}, Fairness: fair{}, Compress: bare, Now: func() time.Time { return w.now }}
	if w.compressed {
		p.Compress = nil
	}
	return p
}

func bare([]byte) (splice.Encoded, error) { return splice.Encoded{}, nil }

// fair finds every banner fair: what is shown is not what these tests are about.
type fair struct{}

func (fair) Inspect(context.Context, *notice.Notice, map[string]notice.Wording, []notice.Script) ([]notice.Issue, error) {
	return nil, nil
}

// compiled holds sync.OnceValues by the digest of all that a Compiler is given,
// for the tests of one run, which only read what they get.
var compiled sync.Map

type compiler struct{}

func (compiler) Compile(n *notice.Notice, wordings map[string]notice.Wording) ([]notice.Script, error) {
	given, err := canonical.Encode(struct {
		Notice   *notice.Notice            `json:"notice"`
		Wordings map[string]notice.Wording `json:"wordings"`
	}{n, wordings})
	if err != nil {
		return nil, err
	}
	once, _ := compiled.LoadOrStore(canonical.Sum(given), sync.OnceValues(func() ([]notice.Script, error) {
		return banner.Compiler{}.Compile(n, wordings)
	}))
	return once.(func() ([]notice.Script, error))()
}
