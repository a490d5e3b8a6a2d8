package transparency

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// A Place is where a checkpoint is pinned once a day: out of reach, if it is well
// chosen, for whoever can change this server.
type Place struct {
	Name string // as it is configured

	// keep takes a checkpoint there. What a time-stamping authority answers is evidence;
	// of others nothing is kept.
	keep func(ctx context.Context, note []byte, at time.Time) (answer []byte, err error)
}

// ParsePlace reads where to pin: a file (/mnt/worm/checkpoint), an address to POST to
// (https://…), or an RFC 3161 time-stamping authority (rfc3161:https://…).
func ParsePlace(text string) (Place, error) {
	address, stamps := strings.CutPrefix(text, "rfc3161:")
	if !stamps && filepath.IsAbs(text) {
		return Place{text, func(_ context.Context, note []byte, _ time.Time) ([]byte, error) { return nil, writeFile(text, note) }}, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.Fragment != "" || u.User != nil {
		return Place{}, fmt.Errorf("%q is no place to pin to; write a path from the root, https://…, or rfc3161:https://…", text)
	}
	if stamps {
		return Place{text, func(ctx context.Context, note []byte, at time.Time) ([]byte, error) {
			return stamp(ctx, address, note, at)
		}}, nil
	}
	return Place{text, func(ctx context.Context, note []byte, _ time.Time) ([]byte, error) {
		_, err := send(ctx, address, "text/plain; charset=utf-8", note)
		return nil, err
	}}, nil
}

// send posts b; any answer of 2xx is a yes.
func send(ctx context.Context, address, media string, b []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, witnessTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", media)
	resp, err := outward.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, mostToken))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return nil, fmt.Errorf("it answers %d", resp.StatusCode)
	}
	return answer, nil
}

// A PinStore remembers what was pinned where.
type PinStore interface {
	// Pinned reports whether a place has a day's checkpoint.
	Pinned(ctx context.Context, place, day string) (bool, error)
	// KeepPin keeps that c was pinned, with what was answered; of two for one place and
	// day the first stays.
	KeepPin(ctx context.Context, place, day string, c auditlog.Checkpoint, answer []byte, at time.Time) error
}

// keepPlace pins the newest checkpoint once a day (UTC), and tries again where that
// fails.
func (l *Log) keepPlace(ctx context.Context, p Place) {
	said := complaint{every: time.Hour}
	failed := 0
	for {
		next := time.Minute
		switch err := l.pin(ctx, p); {
		case err == nil:
			failed, said = 0, complaint{every: time.Hour}
		case errors.Is(err, auditlog.ErrNoCheckpoint):
			next = l.Every // it has just begun
		default:
			if ctx.Err() == nil && said.anew(err, l.Now()) {
				l.Log.ErrorContext(ctx, "checkpoint not pinned", "place", p.Name, "error", err)
			}
			next, failed = backoff(failed), failed+1
		}
		if !l.wait(ctx, next, nil) {
			return
		}
	}
}

func (l *Log) pin(ctx context.Context, p Place) error {
	c, now := l.Newest(), l.Now()
	if len(c.Note) == 0 {
		return auditlog.ErrNoCheckpoint
	}
	day := now.UTC().Format(time.DateOnly)
	if done, err := l.Pins.Pinned(ctx, p.Name, day); done || err != nil {
		return err
	}
	answer, err := p.keep(ctx, c.Note, now)
	if err != nil {
		return err
	}
	return l.Pins.KeepPin(ctx, p.Name, day, c, answer, now)
}
