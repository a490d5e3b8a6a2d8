package server

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/admin"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/consent/forms"
	"github.com/volenti-consent/volenti/server/limit"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/server/site"
	"github.com/volenti-consent/volenti/server/visitor"
	"github.com/volenti-consent/volenti/web"
)

// A problem is an answer that says what to do (RFC 9457).
type problem struct {
	Type     string        `json:"type"`
	Title    string        `json:"title"`
	Status   int           `json:"status"`
	Detail   string        `json:"detail"`
	Instance string        `json:"instance,omitempty"`
	Errors   []fieldRemedy `json:"errors,omitempty"`

	to string // of a page: leads to the first version
}

type fieldRemedy struct {
	Path   string `json:"path"`
	What   string `json:"what"`
	Remedy string `json:"remedy"`
}

// problems is the one place where errors become status codes. The first row
// whose error is in the chain wins.
var problems = []struct {
	err    error
	status int
	kind   string
	title  string
	detail string
}{
	{site.ErrUnknown, 404, "unknown-site", "There is no such site", "Check the site key in the address; the operator sees all keys with `volenti site list`."},
	{notice.ErrUnpublished, 404, "no-notice", "This site has no banner yet", "Publish a notice: volenti notice publish FILE."},
	{policyversions.ErrUnknownPolicy, 404, "unknown-policy", "There is no such policy", "Check the policy key in the address."},
	{policyversions.ErrUnknownVersion, 404, "unknown-version", "There is no such version", "Choose one from the list of all versions."},
	{policyversions.ErrUnknownWork, 404, "unknown-draft", "There is no such draft", "It was published or deleted meanwhile. Go back to the policy."},
	{policyversions.ErrStale, 409, "stale-draft", "Somebody else has changed this draft", "Open it again, then make the change anew."},
	{policyversions.ErrSubmitted, 409, "submitted", "This draft waits for approval", "Take it back before changing it."},
	{notice.ErrNoWork, 404, "no-draft", "There is no draft of this banner", "It was published or deleted meanwhile. Begin another."},
	{notice.ErrStale, 409, "stale-draft", "Somebody else has changed this draft", "Open it again, then make the change anew."},
	{visitor.ErrNotInForce, 404, "not-in-force", "No version was in force then", "Choose one from the list of all versions."},
	{visitor.ErrUnknownLanguage, 404, "unknown-language", "There is no text in this language", "Leave lang out."},
	{visitor.ErrDate, 400, "date", "This is neither a day nor an instant", "Write a day as 2026-05-31, or an instant as 2026-05-31T12:00:00+02:00 (RFC 3339)."},
	{visitor.ErrDatetime, 400, "accept-datetime", "Accept-Datetime is no datetime", "Write it as RFC 7089 has it: Sun, 31 May 2026 12:00:00 GMT."},
	{visitor.ErrPair, 400, "pair", "These are not two versions", "Write the numbers of two versions, such as 1..2."},
	{visitor.ErrNotAcceptable, 406, "not-acceptable", "There is no such form of this", "Accept text/html, application/json or, of a text, text/markdown; or ask for the address with .json or .md behind it."},
	{policyversions.ErrBeforeReceipt, 400, "before-receipt", "At that time this receipt had not been given", "Ask for a time from the receipt's given_at on."},
	{visitor.ErrTime, 400, "time", "This is not a time", "Write RFC 3339, such as 2026-12-01T09:00:00Z, or Unix milliseconds; used must not lie before at."},
	{forms.ErrUnknown, 400, "form-of-receipt", "A receipt has no such form", "Leave form out, or name one of docs/receipt-forms.md: receipt, jws, 27560, 27560-record, 27560-jws, kantara, kantara-jwt."},
	{consent.ErrUnknownReceipt, 404, "unknown-receipt", "There is no such receipt", "Check the receipt's id; it is in the receipt itself."},
	{consent.ErrUnknownArtifact, 404, "unknown-digest", "Nothing is kept under this digest", "Take the address from a receipt or from the banner script."},
	{visitor.ErrUnknownCategory, 404, "unknown-category", "There is no such category", "Use the key of a category of the notice."},
	{visitor.ErrNotGranted, 403, "not-granted", "This visitor has not allowed these tags", "Ask again after a decision that grants the category or its vendors."},
	{visitor.ErrOrigin, 403, "foreign-origin", "This website may not record decisions here", "Add the page's exact origin to the notice's origins and publish it."},
	{visitor.ErrForm, 403, "form", "This form can't be accepted", "Load the page again and choose once more: the form was not this server's, or you have decided something else meanwhile."},
	{visitor.ErrNotShared, 404, "not-shared", "Decisions of this site count on one domain only", "Write share.domains = true in the notice file and publish it."},
	{visitor.ErrUndecided, 403, "undecided", "There is no decision to hand over", "Follow the link as it is: the visitor is asked there."},
	{consent.ErrHandover, 403, "handover", "This choice can't be taken over", "Ask the visitor: the hand-over is not this server's, not for this page, more than two minutes old, or the choice does not stand any more."},
	{visitor.ErrFetchSite, 403, "not-from-a-page", "Decisions come from the banner in a page", "Send them with fetch from a page of the site, not as a navigation."},
	{visitor.ErrMediaType, 415, "media-type", "Only application/json is understood", "Send Content-Type: application/json, without compression."},
	{consent.ErrTooLarge, 413, "too-large", "The body is too large", "A decision is at most 16 KiB."},
	{request.ErrUnknown, 404, "unknown-request", "There is no such request", "Open the address that was shown when the request was made, or the link in the mail, whole."},
	{request.ErrNoFile, 404, "no-file", "Nothing is to be handed over", "It was deleted, or its time was over. Make the request again."},
	{request.ErrTooMany, 429, "too-many-requests", "Too many requests", "Try again in an hour."},
	{request.ErrStale, 409, "stale-request", "The request has changed meanwhile", "Load its page again, then do what is still to be done."},
	{request.ErrState, 409, "request-state", "This can't be done any more", "Load the page of the request again: it is closed, or was extended."},
	{admin.ErrForbidden, 403, "forbidden", "You may not do this", "Ask an owner of this server for the role it needs."},
	{admin.ErrForged, 403, "form", "This form can't be accepted", "Load the page again and send it once more: you have signed in anew meanwhile, or it was not this console's."},
	{policyversions.ErrTooLarge, 413, "too-large", "This text is too large", "Send the policy alone, without pictures or scripts in it: at most 512 KiB, a Word document 4 MiB less what base64 adds."},
	{policyversions.ErrBackdated, 409, "backdated", "A version of a later day is there", "Choose a later day: versions are numbered in the order of their days."},
	{policyversions.ErrNotApproved, 409, "not-approved", "This site asks for a second pair of eyes", "Submit the text in the console, and let another operator approve it."},
	{operator.ErrUnknown, 404, "unknown", "Nothing is here", "It may have been removed meanwhile. Go back to the list."},
	{ErrMetricsToken, 401, "metrics-token", "Metrics are for whoever runs this server", "Send Authorization: Bearer and what stands in the file of metrics.token_file."},
	{operator.ErrToken, 401, "token", "This token is not valid", "Send Authorization: Bearer and a token that has not ended: volenti operator token."},
	{consent.ErrStaleToken, 409, "stale-token", "This banner was served too long ago", "Reload the banner script and ask again."},
	// It is genuine: a node's clock is wrong, and no visitor's decision is to be lost by that.
	{consent.ErrFutureToken, 503, "unavailable", "The clocks of this server's nodes differ", "Try again later; the banner keeps the decision and sends it again."},
	{consent.ErrToken, 400, "token", "The served token is not valid", "Send the token of the banner script unchanged."},
	{consent.ErrClash, 409, "decision-id-taken", "Another decision has this id", "Make a new id for each decision; repeat an id only with the same decision."},
	{limit.ErrTooMany, 429, "slow-down", "Too many requests from here", "Wait as long as Retry-After says; the banner keeps a decision and sends it again."},
	{limit.ErrBusy, 503, "crowded", "Too much is being done at once", "Try again in a moment."},
	{consent.ErrBusy, 503, "busy", "Too many decisions at once", "Try again in a moment; the banner does so by itself."},
	{consent.ErrUnavailable, 503, "unavailable", "Records can't be stored just now", "Try again in a moment; the banner keeps the decision and sends it again."},
	{context.DeadlineExceeded, 503, "unavailable", "This took too long", "Try again in a moment."},
}

// problemType is what a problem's type begins with.
const problemType = "urn:volenti:problem:"

// problemOf finds the answer for err. Anything unforeseen is a 500 without detail.
func problemOf(err error) problem {
	if bad, ok := errors.AsType[*consent.Invalid](err); ok {
		p := problem{Type: "invalid", Title: "The decision can't be recorded", Status: 400, Detail: "Mend what is listed and send it again."}
		for _, e := range bad.Problems {
			p.Errors = append(p.Errors, fieldRemedy(e))
		}
		return p
	}
	if bad, ok := errors.AsType[*admin.Unfit](err); ok {
		return problem{Type: "unfit", Title: "This can't be done as it was sent", Status: 422, Detail: "Mend what is listed and send it again.", Errors: []fieldRemedy{fieldRemedy(*bad)}}
	}
	for _, row := range problems {
		if errors.Is(err, row.err) {
			p := problem{Type: row.kind, Title: row.title, Status: row.status, Detail: row.detail}
			if told, ok := errors.AsType[*visitor.Told](err); ok {
				p.Detail, p.to = told.Detail, told.To
			}
			return p
		}
	}
	if httpErr, ok := errors.AsType[*echo.HTTPError](err); ok && httpErr.Code < 500 {
		switch httpErr.Code {
		case http.StatusNotFound:
			return problem{Type: "not-found", Title: "Nothing is here", Status: 404, Detail: "Check the address; all addresses are listed in the documentation."}
		case http.StatusMethodNotAllowed:
			return problem{Type: "method", Title: "This address does not know the method", Status: 405, Detail: "The Allow header lists the methods it knows."}
		default:
			return problem{Type: "bad-request", Title: http.StatusText(httpErr.Code), Status: httpErr.Code, Detail: "The request could not be understood."}
		}
	}
	return problem{Type: "internal", Title: "Something went wrong here", Status: 500, Detail: "Try again; if it stays so, tell the operator the instance number."}
}

// problemHandler answers errors: with a page to browsers, with JSON to all others.
func problemHandler(log *slog.Logger, pages *web.Renderer) echo.HTTPErrorHandler {
	return func(err error, c echo.Context) {
		if c.Response().Committed {
			return
		}
		p := problemOf(err)
		if p.Status == http.StatusInternalServerError && !outlives(c) && errors.Is(c.Request().Context().Err(), context.Canceled) {
			p = problem{Type: "closed", Title: "The connection was closed before the answer", Status: http.StatusBadRequest, Detail: "Ask again, and keep it open until the answer has come."}
		}
		p.Instance = requestID(c)
		p.Type = problemType + p.Type
		if p.Status >= 500 && reason(err) == "" {
			log.ErrorContext(c.Request().Context(), "request failed", "route", c.Path(), "request", p.Instance, "status", p.Status, "error", err)
		}
		h := c.Response().Header()
		h.Set("Cache-Control", "no-store")
		h.Del("ETag")
		if p.Status == http.StatusServiceUnavailable || p.Status == http.StatusTooManyRequests {
			h.Set("Retry-After", retryAfter(err))
		}
		asks := c.Request().Method == http.MethodGet || c.Request().Method == http.MethodHead ||
			strings.HasPrefix(c.Request().Header.Get("Content-Type"), "application/x-www-form-urlencoded") // sent by a form, read by a person
		if asks && strings.Contains(c.Request().Header.Get("Accept"), "text/html") {
			if err := writePage(c, pages, p); err == nil {
				return
			}
		}
		h.Set(echo.HeaderContentType, "application/problem+json")
		if err := c.JSON(p.Status, p); err != nil {
			log.DebugContext(c.Request().Context(), "problem not sent", "request", p.Instance, "error", err)
		}
	}
}

// retryAfter is when to try again, in whole seconds: 2, unless it is known.
func retryAfter(err error) string {
	if refused, ok := errors.AsType[*limit.Refused](err); ok {
		return strconv.Itoa(int(math.Ceil(refused.After.Seconds())))
	}
	return "2"
}

// writePage answers p as a page for people: in the visitor's language, or in that of
// the console.
func writePage(c echo.Context, pages *web.Renderer, p problem) error {
	r := c.Request()
	wanted := r.Header.Get("Accept-Language")
	if lang := c.QueryParam("lang"); lang != "" {
		wanted = lang
	}
	page := &web.Problem{
		Head: web.Head{Title: p.Title, Root: web.Root(r.URL.EscapedPath()), Language: wanted},
		Case: caseOf(p), Status: p.Status, Detail: p.Detail, Request: p.Instance, To: p.to,
	}
	if strings.HasPrefix(r.URL.Path, "/admin") {
		page.Case, page.Language = "", "en"
	}
	var b bytes.Buffer
	if err := pages.Render(&b, page); err != nil {
		return err
	}
	h := c.Response().Header()
	h.Set("Content-Security-Policy", web.ContentSecurityPolicy)
	h.Add("Vary", "Accept")
	h.Add("Vary", "Accept-Language")
	return c.HTMLBlob(p.Status, b.Bytes())
}

// caseOf is what a visitor is told of p.
func caseOf(p problem) web.ProblemCase {
	switch strings.TrimPrefix(p.Type, problemType) {
	case "not-in-force":
		return web.NoVersion
	case "form": // 403, and nobody's permission is missing
		return web.Changed
	}
	return web.CaseOf(p.Status)
}
