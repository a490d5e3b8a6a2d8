package request

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Hook is an address of another system of the controller's, which is told what
// happens to requests, in the manner of Standard Webhooks.
type Hook struct {
	ID        string
	Site      string
	URL       string
	Events    []string // names of events; empty: all
	Secret    []byte   // sealed
	Former    []byte   // sealed; signs too until FormerUntil, so that a new secret can be put in place
	Until     time.Time
	Off       bool
	CreatedAt time.Time
}

// Names of events.
const (
	EventReceived  = "request.received"
	EventConfirmed = "request.confirmed"
	EventMessage   = "request.message"
	EventExtended  = "request.extended"
	EventFulfilled = "request.fulfilled"
	EventRefused   = "request.refused"
	EventWithdrawn = "request.withdrawn"
	EventDue       = "request.due"
	EventConsent   = "consent.withdrawn" // a visitor has taken consent back
	EventErased    = "records.erased"    // records of these receipts are gone from this server
	EventTest      = "test"
)

// Events are all that a hook can ask for.
func Events() []string {
	return []string{EventReceived, EventConfirmed, EventMessage, EventExtended, EventFulfilled, EventRefused, EventWithdrawn, EventDue, EventConsent, EventErased}
}

// Wants reports whether a hook is told of an event.
func (h Hook) Wants(event string) bool {
	return !h.Off && (event == EventTest || len(h.Events) == 0 || slices.Contains(h.Events, event))
}

// CheckHookURL judges the address of a hook. Where it leads is judged again whenever it
// is called.
func CheckHookURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return fmt.Errorf("%q is no address such as https://crm.example.com/hooks/privacy", address)
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%q: use https", address)
	case u.User != nil:
		return fmt.Errorf("%q: leave user and password out; the signature says who sends", address)
	case u.Fragment != "":
		return fmt.Errorf("%q: leave out what follows the #", address)
	case len(address) > 500:
		return fmt.Errorf("the address is longer than 500 characters")
	}
	return nil
}

// An Event is something that other systems are told.
type Event struct {
	ID     string // "msg_" and 24 hexadecimal digits: the same however often it is sent
	Site   string
	Name   string
	Object string // id of the request, or ""
	At     time.Time
	Hook   string // only to this hook; "": to all that want it
	Body   []byte
}

// eventData is what an event says. Receipt ids are the only handle there is on whom it
// is about: the page knows its own by window.volenti.receipt().
type eventData struct {
	Site     string   `json:"site"`
	Request  string   `json:"request,omitempty"`
	Kind     Kind     `json:"kind,omitempty"`
	State    State    `json:"state,omitempty"`
	Due      string   `json:"due,omitempty"` // RFC 3339
	Ground   Ground   `json:"ground,omitempty"`
	Receipts []string `json:"receipts,omitempty"`
}

// NewEvent tells of a request.
func NewEvent(name string, r Request, at time.Time) Event {
	data := eventData{Site: r.Site, Request: r.ID, Kind: r.Kind, State: r.State, Ground: r.Ground, Receipts: r.Receipts}
	if !r.Due.IsZero() {
		data.Due = r.Due.UTC().Format(time.RFC3339)
	}
	return newEvent(name, r.Site, r.ID, at, data)
}

// NewRecordEvent tells of records, by their receipts.
func NewRecordEvent(name, site string, receipts []string, at time.Time) Event {
	return newEvent(name, site, "", at, eventData{Site: site, Receipts: receipts})
}

func newEvent(name, site, object string, at time.Time, data eventData) Event {
	var raw [12]byte
	_, _ = rand.Read(raw[:])
	body, err := json.Marshal(map[string]any{"type": name, "timestamp": at.UTC().Format(time.RFC3339Nano), "data": data})
	if err != nil {
		panic(err) // strings and lists of them
	}
	return Event{ID: "msg_" + hex.EncodeToString(raw[:]), Site: site, Name: name, Object: object, At: at, Body: body}
}

// A Delivery is one event on its way to one hook.
type Delivery struct {
	Event
	HookID   string
	Attempts int
	NextAt   time.Time // zero: it is over
	Status   int       // of the last answer; 0: none came
	Problem  string    // of the last attempt, or ""
	DoneAt   time.Time // zero: not taken
}

// Between two attempts; then it is given up. Together a little over three days
// (Standard Webhooks, "Retry schedule").
var between = []time.Duration{5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour}

// again is when to try the next time after so many attempts; false: no more.
func again(attempts int, now time.Time) (time.Time, bool) {
	if attempts > len(between) {
		return time.Time{}, false
	}
	return now.Add(between[attempts-1]), true
}

const secretPrefix = "whsec_"

// NewHookSecret makes what both sides know: "whsec_" and base64 of 32 bytes.
func NewHookSecret() string {
	var raw [32]byte
	_, _ = rand.Read(raw[:])
	return secretPrefix + base64.StdEncoding.EncodeToString(raw[:])
}

// Sign is the value of webhook-signature: "v1," and base64 of HMAC-SHA256 over
// "id.timestamp.body", one for each secret, separated by blanks.
func Sign(id string, at time.Time, body []byte, secrets ...string) (string, error) {
	var all []string
	for _, secret := range secrets {
		raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
		if err != nil {
			return "", fmt.Errorf("secret of a webhook: %w", err)
		}
		mac := hmac.New(sha256.New, raw)
		mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
		mac.Write(body)
		all = append(all, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(all, " "), nil
}
