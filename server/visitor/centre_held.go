package visitor

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web"
)

// linkLasts is how long a link for another device can be taken up.
const linkLasts = 10 * time.Minute

// Held answers POST /privacy/:site/held: find a receipt by its number or its file, take
// up a link, leave what was found, or choose the same here.
func (p *Centre) Held(c echo.Context) error {
	r := c.Request()
	c.Response().Header().Set("Cache-Control", "no-store")
	live, err := p.Choices.Script.Directory.Live(c.Param("site"))
	if err != nil {
		return err
	}
	origin, err := formOrigin(r, p.Choices.Decisions.PublicURL)
	if err != nil {
		return err
	}
	file, err := readHeld(r)
	if err != nil {
		return err
	}
	switch r.PostForm.Get("action") {
	case "find":
		id := strings.ToLower(strings.TrimSpace(r.PostForm.Get("number")))
		if id == "" {
			id = file
		}
		return p.found(c, live, origin, id)
	case "take":
		id, err := p.Passes.Use(r.Context(), passLink, live.Site.Key, r.PostForm.Get("pass"))
		if errors.Is(err, ErrPass) {
			return p.linkPage(c, live, &web.CentreLink{Gone: true})
		}
		if err != nil {
			return err
		}
		return p.found(c, live, origin, string(id))
	case "leave":
		p.dropHold(c)
		return p.back(c, "")
	case "keep":
		return p.keep(c, live, origin)
	}
	return ErrForm
}

// found shows a receipt to this browser from now on, if it is one of this site.
func (p *Centre) found(c echo.Context, live *Live, origin *url.URL, id string) error {
	h, err := p.byReceipt(c.Request().Context(), live, id, p.Choices.Script.Now())
	if err != nil {
		return err
	}
	if !h.elsewhere {
		return p.back(c, "none")
	}
	if own, _, _ := p.Choices.Script.Cookies.Read(c.Request(), live.Site.Key, p.Choices.Script.Now()); own.Receipt != "" && own.Receipt == h.memory.Receipt {
		p.dropHold(c) // it is this browser's own
		return p.back(c, "")
	}
	if err := p.keepHold(c, live, origin, id); err != nil {
		return err
	}
	return p.back(c, "")
}

// keep makes the choices of the other browser here too: a decision of this one, under
// the text it was shown just now.
func (p *Centre) keep(c echo.Context, live *Live, origin *url.URL) error {
	r := c.Request()
	h, err := p.hold(r, live)
	if err != nil {
		return err
	}
	if err := p.Choices.Script.Cookies.CheckForm(r.PostForm.Get("key"), live.Site.Key, r.PostForm.Get("token"), h.memory.Receipt); err != nil {
		return err
	}
	recorded, n, err := p.Choices.Decisions.record(r, live, r.PostForm.Get("token"), func(n *notice.Notice) (consent.Decision, error) {
		d, err := p.same(r, live, n, h)
		d.Surface, d.Previous = consent.OnCentre, h.memory.Receipt
		d.DNT, d.At = r.Header.Get("DNT") == "1", p.Choices.Script.Now().UnixMilli()
		return d, err
	})
	if err != nil {
		return err
	}
	if err := p.Choices.remember(c, origin, n, r.PostForm.Get("return"), recorded.Core); err != nil {
		return err
	}
	p.dropHold(c)
	return p.back(c, "recorded")
}

// keepHold shows a receipt to this browser for half an hour.
func (p *Centre) keepHold(c echo.Context, live *Live, origin *url.URL, id string) error {
	value, err := p.Passes.Seal(passHold, live.Site.Key, p.Choices.Script.Now().Add(holdLasts), []byte(id))
	if err != nil {
		return err
	}
	http.SetCookie(c.Response(), &http.Cookie{Name: holdCookie, Value: value, MaxAge: int(holdLasts / time.Second), //nolint:gosec // Secure wherever there is TLS
		Secure: origin.Scheme == "https", HttpOnly: true, SameSite: http.SameSiteStrictMode})
	return nil
}

// shown is the id of the receipt that a browser was shown and still holds, or "".
func (p *Passes) shown(r *http.Request, site string) string {
	cookie, err := r.Cookie(holdCookie)
	if err != nil {
		return ""
	}
	id, err := p.Open(passHold, site, cookie.Value)
	if err != nil {
		return ""
	}
	return string(id)
}

func (p *Centre) dropHold(c echo.Context) {
	if _, err := c.Request().Cookie(holdCookie); err == nil {
		http.SetCookie(c.Response(), &http.Cookie{Name: holdCookie, MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode}) //nolint:gosec // it holds nothing
	}
}

// maxReceiptFile is more than any receipt has bytes.
const maxReceiptFile = 256 << 10

// readHeld reads a form that may bring a file, whose receipt's id it returns: "" where
// there is none. Possession of the id is what counts, so no more of the file is read.
func readHeld(r *http.Request) (id string, _ error) {
	media, about, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" || about["boundary"] == "" {
		return "", readForm(r)
	}
	r.Body = http.MaxBytesReader(nil, r.Body, maxReceiptFile)
	parts, err := r.MultipartReader()
	if err != nil {
		return "", ErrForm
	}
	r.PostForm = url.Values{}
	for count := 0; ; count++ {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return id, nil
		}
		if err != nil || count > 16 {
			return "", heldError(err)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return "", heldError(err)
		}
		if part.FormName() != "file" {
			r.PostForm.Add(part.FormName(), string(text))
			continue
		}
		var receipt struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(text, &receipt) == nil {
			id = receipt.ID
		}
	}
}

func heldError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return consent.ErrTooLarge
	}
	return ErrForm
}

// Link answers POST /privacy/:site/link: an address that shows what this browser holds
// to another one, once.
func (p *Centre) Link(c echo.Context) error {
	r := c.Request()
	live, h, origin, err := p.form(c)
	if err != nil {
		return err
	}
	if h.memory.Receipt == "" {
		return ErrForm
	}
	pass, err := p.Passes.Seal(passLink, live.Site.Key, p.Choices.Script.Now().Add(linkLasts), []byte(h.memory.Receipt))
	if err != nil {
		return err
	}
	page := &web.CentreLink{Address: p.base(r, origin, live) + "privacy/" + live.Site.Key + "/take/" + pass}
	words := p.Choices.Web.Words(p.language(r, live, r.PostForm.Get("lang")))
	if page.Picture, err = web.QR(page.Address, words["device_picture"]); err != nil {
		return err
	}
	return p.linkPage(c, live, page)
}

// base is the address of this server's root as the visitor's browser has it: under the
// prefix of the page that sent the form, where a proxy has put the server.
func (p *Centre) base(r *http.Request, origin *url.URL, live *Live) string {
	from, err := url.Parse(r.Referer())
	if err == nil && from.Scheme == origin.Scheme && from.Host == origin.Host {
		if at := strings.LastIndex(from.EscapedPath(), "/privacy/"+live.Site.Key); at >= 0 {
			return from.Scheme + "://" + from.Host + from.EscapedPath()[:at] + "/"
		}
	}
	return origin.Scheme + "://" + origin.Host + "/"
}

// Take answers GET /privacy/:site/take/:pass. Programs that look at links before people
// do use nothing up: that takes the button.
func (p *Centre) Take(c echo.Context) error {
	live, err := p.Choices.Script.Directory.Live(c.Param("site"))
	if err != nil {
		return err
	}
	page := &web.CentreLink{Pass: c.Param("pass")}
	if _, err := p.Passes.Open(passLink, live.Site.Key, page.Pass); err != nil {
		page = &web.CentreLink{Gone: true}
	}
	return p.linkPage(c, live, page)
}

func (p *Centre) linkPage(c echo.Context, live *Live, page *web.CentreLink) error {
	r := c.Request()
	asked := r.URL.Query().Get("lang")
	if asked == "" {
		asked = r.PostForm.Get("lang")
	}
	lang := p.language(r, live, asked)
	page.Head = web.Head{Site: live.Site.Name, Language: lang, Root: web.Root(r.URL.EscapedPath())}
	page.SiteKey, page.Words = live.Site.Key, live.words(lang)
	return answerForm(c, p.Choices.Web, page)
}
