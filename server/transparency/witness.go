package transparency

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// A Witness cosigns this log's checkpoints: it has seen that each continues the one
// before, so nobody can be shown another log (c2sp.org/tlog-witness).
type Witness struct {
	URL         string // to which /add-checkpoint is added
	VerifierKey string // its public key
	Key         note.Verifier
}

// ParseWitness reads "vkey https://host/prefix".
func ParseWitness(text string) (Witness, error) {
	key, address, _ := strings.Cut(strings.TrimSpace(text), " ")
	v, err := auditlog.NewVerifier(key)
	if err != nil {
		return Witness{}, err
	}
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.RawQuery != "" || u.Fragment != "" {
		return Witness{}, fmt.Errorf("witness %s: %q is not an address; write its key, a space, and for example https://witness.example/log/witness", v.Name(), address)
	}
	return Witness{URL: strings.TrimRight(u.String(), "/"), VerifierKey: key, Key: v}, nil
}

// witnessTimeout bounds one request to a witness.
const witnessTimeout = 10 * time.Second

// mostAnswer bounds what is read of an answer.
const mostAnswer = 16 << 10

// errBehind: a witness has cosigned more than this log has.
var errBehind = errors.New("the witness has cosigned a longer log")

// keepWitness has each new checkpoint cosigned, and the newest one again when its
// cosignature grows old. A witness that is away is asked again, ever less often.
func (l *Log) keepWitness(ctx context.Context, w Witness) {
	said := complaint{every: time.Hour}
	size, failed := int64(0), 0 // size: what it has cosigned, as far as we know
	for {
		c := l.Newest()
		next := l.Fresh
		if len(c.Note) > 0 {
			var err error
			if size, err = l.ask(ctx, w, c, size); err == nil {
				failed, said = 0, complaint{every: time.Hour}
			} else {
				if ctx.Err() == nil && said.anew(err, l.Now()) {
					l.Log.ErrorContext(ctx, "checkpoint not cosigned", "witness", w.Key.Name(), "error", err)
				}
				next, failed = backoff(failed), failed+1
			}
		}
		signed := l.newer(c)
		if failed > 0 {
			signed = nil // waiting is meant
		}
		if !l.wait(ctx, next, signed) {
			return
		}
	}
}

// ask has c cosigned by a witness that has cosigned size leaves so far, and keeps the
// cosignature. It returns how many it has cosigned now.
func (l *Log) ask(ctx context.Context, w Witness, c auditlog.Checkpoint, size int64) (int64, error) {
	for range 4 { // the first answer may tell where the witness is
		if size > c.Head.Size {
			// Another process of this server may be ahead.
			if now, err := l.Sign(ctx); err == nil && now.Head.Size >= size {
				c = l.Newest()
				continue
			}
			return size, fmt.Errorf("%d leaves, of which we signed %d: %w: %w", size, c.Head.Size, errBehind, errForked)
		}
		lines, conflict, err := l.submit(ctx, w, c, size)
		if err != nil {
			return size, err
		}
		if lines != "" {
			line, err := verifyCosignature(w, c, lines)
			if err != nil {
				return size, err
			}
			key := auditlog.KeyName(w.Key)
			if err := l.Store.KeepCosignatures(ctx, c, map[string]string{key: line}); err != nil {
				return size, err
			}
			l.add(c, key, line)
			return c.Head.Size, nil
		}
		if conflict == size {
			return size, fmt.Errorf("it refuses what continues its %d leaves: %w", size, errForked)
		}
		size = conflict
	}
	return size, fmt.Errorf("it says another size each time: %w", errForked)
}

// submit sends one add-checkpoint. The answer is signature lines or, where the witness
// has cosigned another size, that.
func (l *Log) submit(ctx context.Context, w Witness, c auditlog.Checkpoint, size int64) (lines string, conflict int64, _ error) {
	proof, err := auditlog.ProveConsistency(l.Store.Hashes(ctx), auditlog.Head{Size: size}, c.Head)
	if err != nil {
		return "", 0, err
	}
	var body bytes.Buffer
	fmt.Fprintf(&body, "old %d\n", size)
	for _, h := range proof {
		fmt.Fprintf(&body, "%s\n", h)
	}
	body.WriteByte('\n')
	body.Write(c.Note)
	ctx, cancel := context.WithTimeout(ctx, witnessTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL+"/add-checkpoint", &body)
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Content-Type", "text/plain; charset=utf-8")
	resp, err := outward.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, mostAnswer))
	if err != nil {
		return "", 0, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		if len(text) == 0 {
			return "", 0, errors.New("it answers 200 and nothing")
		}
		return string(text), 0, nil
	case http.StatusConflict:
		conflict, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil || conflict < 0 {
			return "", 0, fmt.Errorf("it answers 409 and %.60q, which is no size", text)
		}
		return "", conflict, nil
	case http.StatusUnprocessableEntity:
		return "", 0, fmt.Errorf("it refuses the proof that %d leaves continue %d: %w", c.Head.Size, size, errForked)
	case http.StatusNotFound, http.StatusForbidden:
		return "", 0, fmt.Errorf("it answers %d: let it be told this log's key, %s", resp.StatusCode, l.Key.VerifierKey())
	}
	return "", 0, fmt.Errorf("it answers %d: %.200q", resp.StatusCode, text)
}

// verifyCosignature finds the witness's line among those it sent, and makes sure that
// it signs c.
func verifyCosignature(w Witness, c auditlog.Checkpoint, lines string) (string, error) {
	if !strings.HasSuffix(lines, "\n") {
		return "", fmt.Errorf("it sent no cosignature, but %.60q", lines)
	}
	signed, err := note.Open(append(bytes.Clone(c.Note), lines...), note.VerifierList(w.Key))
	if err != nil {
		return "", fmt.Errorf("its cosignature: %w", err)
	}
	for _, s := range signed.Sigs {
		if _, err := base64.StdEncoding.DecodeString(s.Base64); err == nil && s.Name == w.Key.Name() && s.Hash == w.Key.KeyHash() {
			return fmt.Sprintf("— %s %s\n", s.Name, s.Base64), nil
		}
	}
	return "", errors.New("it sent no cosignature of its key")
}

// outward asks others: no redirects, which could lead to somebody else.
var outward = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
