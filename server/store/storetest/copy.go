package storetest

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Base takes a base backup of the running server, by pg_basebackup, and is the server
// that starts from it, with options of its own: Start does. One with a restore_command
// recovers from an archive first.
func (s *Server) Base(options ...string) (*Server, error) {
	folder, err := os.MkdirTemp("", "pg")
	if err != nil {
		return nil, err
	}
	if err := chown(folder); err != nil {
		return nil, err
	}
	c := &Server{durable: s.durable, bin: s.bin, folder: folder, options: options}
	c.admin = &url.URL{Scheme: "postgres", Path: "/postgres", RawQuery: url.Values{"host": {folder}, "user": {"volenti"}, "sslmode": {"disable"}}.Encode()}
	if out, err := s.command("pg_basebackup", "--host="+s.folder, "--username=volenti", "--pgdata="+c.data(), "--checkpoint=fast", "--wal-method=fetch", "--no-sync").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("pg_basebackup: %w\n%s", err, out)
	}
	if strings.Contains(strings.Join(options, "\n"), "restore_command") {
		if err := os.WriteFile(filepath.Join(c.data(), "recovery.signal"), nil, 0o600); err != nil {
			return nil, err
		}
		if err := chown(filepath.Join(c.data(), "recovery.signal")); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Stop ends the server as pg_ctl does, in one of its modes: smart, fast, immediate.
func (s *Server) Stop(mode string) error {
	if out, err := s.command("pg_ctl", "stop", "--pgdata="+s.data(), "--mode="+mode, "--wait").CombinedOutput(); err != nil {
		return fmt.Errorf("pg_ctl stop: %w\n%s", err, out)
	}
	return nil
}
