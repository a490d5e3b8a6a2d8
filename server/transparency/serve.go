package transparency

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// Prefix is where the log is served. What follows it is fixed by c2sp.org/tlog-tiles.
const Prefix = "/log/"

// cached says that an answer is the same for everybody and for good.
const cached = "public, max-age=31536000, immutable"

// ServeCheckpoint answers GET /log/checkpoint: the newest one, with the cosignatures
// there are by now.
func (l *Log) ServeCheckpoint(w http.ResponseWriter, r *http.Request) {
	c := l.cosigned()
	if len(c.Note) == 0 {
		gone(w)
		return
	}
	answer(w, r, "text/plain; charset=utf-8", "public, max-age=1", c.Note)
}

// ServeTile answers GET /log/tile/…: hashes and entries, none beyond the newest
// checkpoint. What was signed once is never answered in another way.
func (l *Log) ServeTile(w http.ResponseWriter, r *http.Request) {
	t, ok := parseTile(strings.TrimPrefix(r.URL.EscapedPath(), Prefix+"tile/"))
	if !ok || !covered(t, l.Newest().Head.Size) {
		gone(w)
		return
	}
	b, err := readTile(r.Context(), l.Store, t)
	if err != nil {
		l.Log.ErrorContext(r.Context(), "tile not read", "tile", tilePath(t), "error", err)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Retry-After", "2")
		http.Error(w, "the log can't be read just now", http.StatusServiceUnavailable)
		return
	}
	answer(w, r, "application/octet-stream", cached, b)
}

// keysJSON is what GET /log/keys answers.
type keysJSON struct {
	Origin    string   `json:"origin"`
	Key       string   `json:"key"`
	Retired   []string `json:"retired"`           // keys of the log under the names it had before
	Witness   string   `json:"witness,omitempty"` // key under which this server cosigns other logs
	Witnesses []string `json:"witnesses"`         // keys of those that cosign this log
}

// ServeKeys answers GET /log/keys: what it takes to verify checkpoints, in the form of
// c2sp.org/signed-note.
func (l *Log) ServeKeys(w http.ResponseWriter, r *http.Request) {
	keys := keysJSON{Origin: l.Key.Origin(), Key: l.Key.VerifierKey(), Retired: append([]string{}, l.Retired...), Witnesses: []string{}}
	if l.Witness != nil {
		keys.Witness = l.Witness.Key.VerifierKey()
	}
	for _, other := range l.Witnesses {
		keys.Witnesses = append(keys.Witnesses, other.VerifierKey)
	}
	b, err := json.Marshal(keys)
	if err != nil { // strings are always encoded
		gone(w)
		return
	}
	answer(w, r, "application/json", "public, max-age=3600", append(b, '\n'))
}

func answer(w http.ResponseWriter, r *http.Request, media, cache string, b []byte) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", cache)
	h.Set("Content-Length", strconv.Itoa(len(b)))
	h.Set("Access-Control-Allow-Origin", "*")
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(b) //nolint:gosec // bytes of the log, under a media type that is no page
	}
}

// gone is not kept by anybody: the log grows.
func gone(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Access-Control-Allow-Origin", "*")
	http.Error(w, "the log has nothing here", http.StatusNotFound)
}
