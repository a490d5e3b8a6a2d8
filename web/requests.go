package web

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Requests is the page on which visitors ask for something about their data.
type Requests struct {
	Head
	SiteKey    string
	Kinds      []RequestKind
	ByCookie   bool // the browser holds a decision: nothing else is asked
	Mails      bool // the server sends mail, so an address can settle who asks
	Receipt    string
	Address    string
	Text       string
	Wrong      map[string]string // field → key of the words for what is wrong
	Yours      []RequestLine
	Action     string // where the form is sent, relative to this page
	FormKey    string
	Controller Controller
}

func (*Requests) template() string { return "visitor/requests" }

// A RequestKind is something that can be asked for. Name is as keys of words have it:
// "do_not_sell".
type RequestKind struct {
	Key, Name string
	Chosen    bool
}

// A RequestLine is one request in a list.
type RequestLine struct {
	ID, Kind, State string // Kind and State as keys of words have them
	Due             time.Time
	Waits           bool
}

// RequestMail is what stands between a request by mail and its confirmation.
type RequestMail struct {
	Head
	SiteKey string
	Step    string // "mailed", "confirm" or "gone"
	Kind    string // of confirm, as keys of words have it
	Key     string // of confirm: the secret of the link
	FormKey string
}

func (*RequestMail) template() string { return "visitor/request-mail" }

// Request is the page of one request, for whoever made it.
type Request struct {
	Head
	SiteKey  string
	ID       string
	Key      string // in the address of this page; "" where the cookie opens it
	Kind     string // as keys of words have it
	State    string
	Waits    bool
	Closed   bool
	Mine     bool // it can still be taken back
	Promised bool
	Received time.Time
	Due      time.Time // the last moment on which an answer is in time
	Ground   string    // of refusal or extension, as keys of words have it; ""
	Steps    []RequestStep
	Done     []RequestDone
	File     bool
	Until    time.Time // of File
	Wrong    string    // key of the words for what is wrong with a message
	Text     string
	FormKey  string
}

func (*Request) template() string { return "visitor/request" }

// Query is what leads back to this page, behind its path.
func (r *Request) Query() string {
	if r.Key == "" {
		return ""
	}
	return "?key=" + r.Key
}

// A RequestStep is one thing that happened; What as keys of words have it.
type RequestStep struct {
	At   time.Time
	What string
	Text string
}

// A RequestDone is one line of what was done; What as keys of words have it.
type RequestDone struct {
	What  string
	Count int // 0: the words have no place for it
}

// Text is one of our texts in the nearest language there are words for, as plain text,
// with its {places} filled by pairs of name and value.
func (r *Renderer) Text(lang, key string, pairs ...string) (string, error) {
	text, ok := r.words[r.nearest(lang)][key]
	if !ok {
		return "", fmt.Errorf("there are no words for %q", key)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if !strings.Contains(text, "{"+pairs[i]+"}") {
			return "", fmt.Errorf("the words for %q have no place %q", key, pairs[i])
		}
	}
	places := make([]string, len(pairs))
	for i := 0; i+1 < len(pairs); i += 2 {
		places[i], places[i+1] = "{"+pairs[i]+"}", pairs[i+1]
	}
	return strings.NewReplacer(places...).Replace(text), nil
}

// Direction is the writing direction of the language that Text answers in.
func (r *Renderer) Direction(lang string) string { return Direction(r.nearest(lang)) }

// Nearest is the language that a page for a reader of lang is written in.
func (r *Renderer) Nearest(lang string) string { return r.nearest(lang) }

// Languages are those that pages and mails are written in, by tag.
func (r *Renderer) Languages() []string {
	all := make([]string, len(r.tags))
	for i, tag := range r.tags {
		all[i] = tag.String()
	}
	slices.Sort(all)
	return all
}
