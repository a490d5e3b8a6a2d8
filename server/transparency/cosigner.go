package transparency

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// A WitnessStore remembers what was cosigned.
type WitnessStore interface {
	// Witnessed is the newest checkpoint cosigned of a log; auditlog.ErrNoCheckpoint.
	Witnessed(ctx context.Context, origin string) (auditlog.Checkpoint, error)
	// Witness keeps c as the newest if the one before is still old, whose zero value is
	// none: at once, and durably. Else it is auditlog.ErrFork, with the one there is.
	Witness(ctx context.Context, old auditlog.Head, c auditlog.Checkpoint) (auditlog.Checkpoint, error)
}

// A Cosigner is a witness of the logs of others (c2sp.org/tlog-witness). It cosigns a
// checkpoint only if it continues the one it cosigned before, so it never says two
// things of one log.
type Cosigner struct {
	Key   *auditlog.WitnessKey
	Logs  map[string]note.Verifier // by origin
	Store WitnessStore
	Now   func() time.Time
}

// mostSubmission bounds what is read of a request: 63 hashes and a checkpoint.
const mostSubmission = 32 << 10

// ServeAddCheckpoint answers POST /log/witness/add-checkpoint.
func (k *Cosigner) ServeAddCheckpoint(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostSubmission))
	if err != nil {
		http.Error(w, "the request is too large, or was cut off", http.StatusBadRequest)
		return
	}
	line, err := k.Cosign(r.Context(), body)
	if refused, ok := errors.AsType[*refused](err); ok {
		if refused.status == http.StatusConflict {
			w.Header().Set("Content-Type", "text/x.tlog.size")
			w.WriteHeader(refused.status)
			fmt.Fprintf(w, "%d\n", refused.size)
			return
		}
		http.Error(w, refused.Error(), refused.status)
		return
	}
	if err != nil {
		w.Header().Set("Retry-After", "2")
		http.Error(w, "nothing can be cosigned just now", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprint(w, line)
}

// refused is an answer that is no cosignature.
type refused struct {
	status int
	size   int64 // with a conflict: of what was cosigned last
	what   string
}

func (r *refused) Error() string { return r.what }

func refuse(status int, format string, args ...any) error {
	return &refused{status: status, what: fmt.Sprintf(format, args...)}
}

func conflict(size int64) error {
	return &refused{status: http.StatusConflict, size: size, what: "another size was cosigned"}
}

// Cosign is one add-checkpoint: the answer is a signature line.
func (k *Cosigner) Cosign(ctx context.Context, body []byte) (string, error) {
	size, proof, text, err := parseSubmission(body)
	if err != nil {
		return "", err
	}
	said, err := auditlog.ParseCheckpoint(text)
	if err != nil {
		return "", refuse(http.StatusBadRequest, "the checkpoint can't be read")
	}
	log, known := k.Logs[said.Origin]
	if !known {
		return "", refuse(http.StatusNotFound, "this witness does not know the log %.200q", said.Origin)
	}
	c, _, err := auditlog.OpenCheckpoint(text, log)
	if err != nil {
		return "", refuse(http.StatusForbidden, "the checkpoint is not signed by the key this witness knows the log by")
	}
	if size > c.Head.Size {
		return "", refuse(http.StatusBadRequest, "the old size is larger than the new one")
	}
	old, err := k.Store.Witnessed(ctx, c.Origin)
	none := errors.Is(err, auditlog.ErrNoCheckpoint)
	if err != nil && !none {
		return "", err
	}
	if size != old.Head.Size {
		return "", conflict(old.Head.Size)
	}
	before := old.Head
	if none {
		before = auditlog.Empty()
	}
	if size == c.Head.Size && before.Root != c.Head.Root {
		return "", conflict(size)
	}
	if err := auditlog.CheckConsistency(proof, before, c.Head); err != nil {
		return "", refuse(http.StatusUnprocessableEntity, "the proof does not show that %d leaves continue the %d that were cosigned", c.Head.Size, size)
	}
	// The time is taken before the store decides who came first: what is said of it is
	// that no longer log had been seen.
	c.At = k.Now()
	line, err := k.Key.Cosign(c, c.At)
	if err != nil {
		return "", err
	}
	now, err := k.Store.Witness(ctx, old.Head, c)
	if errors.Is(err, auditlog.ErrFork) {
		return "", conflict(now.Head.Size)
	}
	if err != nil {
		return "", err
	}
	return line, nil
}

// parseSubmission reads "old N", the lines of a proof, an empty line, a checkpoint.
func parseSubmission(body []byte) (size int64, proof tlog.TreeProof, checkpoint []byte, err error) {
	head, rest, ok := strings.Cut(string(body), "\n\n")
	if !ok {
		return 0, nil, nil, refuse(http.StatusBadRequest, "an empty line belongs before the checkpoint")
	}
	lines := strings.Split(head, "\n")
	text, ok := strings.CutPrefix(lines[0], "old ")
	size, err = strconv.ParseInt(text, 10, 64)
	if !ok || err != nil || size < 0 || strconv.FormatInt(size, 10) != text {
		return 0, nil, nil, refuse(http.StatusBadRequest, "the first line is: old, a space, and a size")
	}
	const most = 63
	if len(lines) > 1+most {
		return 0, nil, nil, refuse(http.StatusBadRequest, "a proof has at most %d lines", most)
	}
	for _, line := range lines[1:] {
		h, err := auditlog.ParseHash(line)
		if err != nil {
			return 0, nil, nil, refuse(http.StatusBadRequest, "a line of the proof is not a hash in base64")
		}
		proof = append(proof, h)
	}
	return size, proof, []byte(rest), nil
}
