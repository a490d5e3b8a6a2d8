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
// seconds and is the same in every world: each notice is compiled once for all
// tests, and each script compressed once.
func publisher(w *world) *notice.Publisher {
	return &notice.Publisher{Store: w.db, Compiler: compiler{}, Fairness: fair{}, Compress: compress, Now: func() time.Time { return w.now }}
}

// fair finds every banner fair: what is shown is not what these tests are about.
type fair struct{}

func (fair) Inspect(context.Context, *notice.Notice, map[string]notice.Wording, []notice.Script) ([]notice.Issue, error) {
	return nil, nil
}

// compiled and compressed hold sync.OnceValues by digest: of all that a Compiler
// is given, and of a source. They are for the tests of one run, which only read
// what they get.
var compiled, compressed sync.Map

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

func compress(source []byte) (splice.Encoded, error) {
	once, _ := compressed.LoadOrStore(canonical.Sum(source), sync.OnceValues(func() (splice.Encoded, error) {
		return splice.Compress(source)
	}))
	return once.(func() (splice.Encoded, error))()
}
