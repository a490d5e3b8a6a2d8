package admin

import (
	"context"
	"sync"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/notice"
)

// A Workshop is what the pages need on which policies and notices are written.
type Workshop struct {
	Drafts   NoticeDrafts
	Compiler notice.Compiler
	Fairness notice.Fairness

	previews previews
	presses  presses
	judging  sync.Mutex // held while a banner is judged that somebody is typing
}

// Versions is what the console needs of a store of policies.
type Versions interface {
	policyversions.Store
	// Policies are the keys of a site's policies that were ever published, sorted.
	Policies(ctx context.Context, site string) ([]string, error)
}

// A previews keeps what was compiled last: a preview asks for its parts one by one.
type previews struct {
	mu   sync.Mutex
	kept []compiled // guarded by mu; newest last
}

type compiled struct {
	name    string // of what was compiled, and how
	scripts []notice.Script
}

// mostCompiled is how many are kept: some 200 KB each.
const mostCompiled = 24

// presses are the publications that are being made.
type presses struct {
	mu sync.Mutex
	at map[string]*press // guarded by mu; by site, the last one of each
}
