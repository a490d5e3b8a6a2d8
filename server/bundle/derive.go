package bundle

import (
	_ "embed"
	"fmt"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/web/verify"
)

//go:embed pages/verify.py
var verifyScript []byte

// derive makes what is made of the evidence. The same evidence gives the same bytes;
// what can't be made of it is an error.
func (e *evidence) derive(f Files) (Files, error) {
	made := Files{nameVerifyPage: verify.Page(), nameVerifyPy: verifyScript}
	var err error
	keep := func(name string, make func() ([]byte, error)) {
		if err == nil {
			made[name], err = make()
		}
	}
	keep(nameReadme, func() ([]byte, error) { return e.readme(f) })
	keep(nameReplay, func() ([]byte, error) { return e.replay(f) })
	keep(nameText, func() ([]byte, error) { return e.plain(f), nil })
	keep(nameTextHTML, func() ([]byte, error) { return e.html(f) })
	if !e.page(f) {
		keep(nameBoot, func() ([]byte, error) { return e.boot(string(f[nameToken])).encode() })
	}
	if e.told() {
		keep(nameChanges, func() ([]byte, error) { return canonical.Encode(map[string]any{"changes": e.changes()}) })
	}
	if err != nil {
		return nil, fmt.Errorf("make what is derived: %w", err)
	}
	return made, nil
}
