package main

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/transparency"
)

// openLog makes the log that serve signs and shows.
func openLog(cfg *Config, in *installation, log *slog.Logger) (*transparency.Log, error) {
	keys := in.keys
	origin := cfg.LogOrigin
	if origin == "" {
		origin = defaultOrigin(cfg.PublicURL)
	}
	key, err := consent.OpenLogKey(keys, origin, rand.Reader)
	if err != nil {
		return nil, err
	}
	if cfg.LogOrigin != "" && key.Origin() != cfg.LogOrigin {
		return nil, usage(fmt.Errorf("log.origin is %s, but the log was begun as %s, which everybody knows it by; take the setting out, or begin anew with: volenti log accept --origin %[1]s", cfg.LogOrigin, key.Origin()))
	}
	retired, err := consent.RetiredLogKeys(keys)
	if err != nil {
		return nil, err
	}
	o := transparency.Options{Store: in.db, Pins: in.db, Key: key, Log: log, Now: in.now, Pinned: in.pinnedFile(), Retired: retired}
	if o.Witnesses, err = cfg.witnesses(); err != nil {
		return nil, usage(err)
	}
	if o.Places, err = cfg.places(); err != nil {
		return nil, usage(err)
	}
	logs, err := cfg.witnessed()
	if err != nil {
		return nil, usage(err)
	}
	if len(logs) > 0 {
		name := strings.TrimSuffix(key.Origin(), "/log") + "/witness"
		witness, err := consent.OpenWitnessKey(keys, name, rand.Reader)
		if err != nil {
			return nil, err
		}
		o.Witness = &transparency.Cosigner{Key: witness, Logs: logs, Store: in.db, Now: in.now}
	}
	return transparency.New(o), nil
}

// defaultOrigin names a log by where it is read. A server without an address of its
// own gets a name that nobody else has, in a domain that there is none of (RFC 6761).
func defaultOrigin(public string) string {
	if u, err := url.Parse(public); err == nil && u.Host != "" {
		if origin := u.Host + strings.TrimRight(u.Path, "/") + "/log"; auditlog.CheckOrigin(origin) == nil {
			return origin
		}
	}
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:]) + ".invalid/log"
}

// witnesses are those that cosign this log.
func (c *Config) witnesses() (all []transparency.Witness, err error) {
	for _, text := range c.LogWitnesses {
		w, err := transparency.ParseWitness(text)
		if err != nil {
			return nil, fmt.Errorf("log.witnesses: %w", err)
		}
		all = append(all, w)
	}
	return all, nil
}

// witnessed are the logs this server cosigns, by origin.
func (c *Config) witnessed() (map[string]note.Verifier, error) {
	all := map[string]note.Verifier{}
	for _, text := range c.LogWitnessed {
		v, err := auditlog.NewVerifier(text)
		if err != nil {
			return nil, fmt.Errorf("log.witnessed: %w", err)
		}
		if all[v.Name()] != nil {
			return nil, fmt.Errorf("log.witnessed: %s is there twice", v.Name())
		}
		all[v.Name()] = v
	}
	return all, nil
}

// places are where checkpoints are pinned.
func (c *Config) places() (all []transparency.Place, err error) {
	for _, text := range c.LogPins {
		p, err := transparency.ParsePlace(text)
		if err != nil {
			return nil, fmt.Errorf("log.pins: %w", err)
		}
		all = append(all, p)
	}
	return all, nil
}

func (c *Config) validateLog() (wrong []error) {
	if c.LogOrigin != "" {
		if err := auditlog.CheckOrigin(c.LogOrigin); err != nil {
			wrong = append(wrong, fmt.Errorf("log.origin = %w", err))
		}
	}
	_, witnesses := c.witnesses()
	_, witnessed := c.witnessed()
	_, places := c.places()
	for _, err := range []error{witnesses, witnessed, places} {
		if err != nil {
			wrong = append(wrong, err)
		}
	}
	return wrong
}
