package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/socket"
)

// prepared remembers which notices of the demo this very program has published: to
// find out by compiling them in all languages would take longer than all the rest of a
// start.
type prepared struct {
	path    string
	program string                      // tells this build from another; "": it can't be told
	by      map[string]canonical.Digest // site → program and file
}

func readPrepared(data string) (p prepared, err error) {
	p = prepared{path: filepath.Join(data, "demo.json"), by: map[string]canonical.Digest{}}
	if program, err := socket.Program(); err == nil { // without /proc it is found by its name
		info, err := os.Stat(program)
		if err != nil {
			return p, err
		}
		p.program = fmt.Sprintf("%d %d", info.Size(), info.ModTime().UnixNano())
	}
	text, err := os.ReadFile(p.path)
	if errors.Is(err, os.ErrNotExist) {
		return p, nil
	}
	if err == nil && json.Unmarshal(text, &p.by) != nil {
		p.by = map[string]canonical.Digest{} // it is prepared again
	}
	return p, err
}

func (p prepared) digest(file []byte) canonical.Digest {
	return canonical.Sum(append([]byte(p.program+"\n"), file...))
}

func (p prepared) is(ctx context.Context, in *installation, site string, file []byte) (bool, error) {
	if p.program == "" || p.by[site] != p.digest(file) {
		return false, nil
	}
	_, err := in.db.Current(ctx, site)
	if errors.Is(err, notice.ErrUnpublished) {
		return false, nil
	}
	return err == nil, err
}

func (p prepared) note(site string, file []byte) error {
	p.by[site] = p.digest(file)
	text, err := json.Marshal(p.by)
	if err != nil {
		return err
	}
	return os.WriteFile(p.path, text, 0o600)
}
