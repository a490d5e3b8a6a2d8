package admin

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/volenti-consent/volenti/server/operator"
	"github.com/volenti-consent/volenti/web/console"
)

func (c *Console) tokenRoutes() []Route {
	const right = operator.WriteOperators
	return []Route{
		{Method: http.MethodGet, Path: "/admin/tokens", Right: right, Handle: c.showTokens},
		{Method: http.MethodPost, Path: "/admin/tokens", Right: right, Fresh: true, Handle: c.addToken},
		{Method: http.MethodPost, Path: "/admin/tokens/:id/end", Right: right, Handle: c.endToken},
	}
}

// showTokens answers GET /admin/tokens.
func (c *Console) showTokens(d *Desk) error {
	page, err := c.tokensPage(d)
	if err != nil {
		return err
	}
	return d.Show(page)
}

func (c *Console) tokensPage(d *Desk) (*console.Tokens, error) {
	ctx := d.Request().Context()
	all, err := c.Operators.Tokens(ctx)
	if err != nil {
		return nil, err
	}
	sites, err := c.Sites.Sites(ctx)
	if err != nil {
		return nil, err
	}
	names, err := c.actors(d)
	if err != nil {
		return nil, err
	}
	page := &console.Tokens{Name: d.FormValue("name"), Chosen: d.FormValue("site"), Days: d.FormValue("days")}
	if page.Days == "" {
		page.Days = "90"
	}
	page.Title, page.Sub = "Tokens", "They let programs do some things on one site: publish a policy from a pipeline, read statistics."
	for _, t := range all {
		page.List = append(page.List, console.TokenRow{ID: t.ID, Name: t.Name, Site: t.Site, Rights: rightsText(t.Rights), By: names[t.By],
			Made: t.CreatedAt, Ends: t.EndsAt, Ended: !c.Now().Before(t.EndsAt)})
	}
	for _, s := range sites {
		page.Choices = append(page.Choices, console.OperatorSite{Key: s.Key, Name: s.Name, Chosen: s.Key == page.Chosen})
	}
	form, err := d.FormParams()
	if err != nil {
		return nil, err
	}
	for _, r := range operator.TokenRights() {
		page.Rights = append(page.Rights, console.TokenRight{Key: string(r), About: aboutRight[r], Chosen: slices.Contains(form["right"], string(r))})
	}
	return page, nil
}

var aboutRight = map[operator.Right]string{
	operator.ReadStatistics:  "read statistics",
	operator.ReadNotices:     "read banners",
	operator.WriteNotices:    "change and publish banners",
	operator.ReadPolicies:    "read policies and drafts",
	operator.WritePolicies:   "write drafts of policies",
	operator.PublishPolicies: "publish policies",
	operator.ReadReceipts:    "read receipts",
}

func rightsText(rights []operator.Right) string {
	words := make([]string, len(rights))
	for i, r := range rights {
		words[i] = aboutRight[r]
	}
	return strings.Join(words, ", ")
}

// mostTokenDays bounds a token's life: what nobody remembers ends by itself.
const mostTokenDays = 366

// addToken answers POST /admin/tokens, with the secret, this once.
func (c *Console) addToken(d *Desk) error {
	ctx := d.Request().Context()
	page, err := c.tokensPage(d)
	if err != nil {
		return err
	}
	secret, now := operator.NewTokenSecret(), c.Now()
	t := operator.Token{ID: operator.NewID()[:12], Digest: operator.Digest(secret), Name: strings.Join(strings.Fields(page.Name), " "), By: d.Operator.ID, CreatedAt: now}
	if t.Name == "" || utf8.RuneCountInString(t.Name) > 80 {
		page.Wrong = append(page.Wrong, console.Mend{Field: "name", What: "Say what it is for, in at most 80 characters"})
	}
	for _, s := range page.Choices {
		if s.Chosen {
			t.Site = s.Key
		}
	}
	if t.Site == "" {
		page.Wrong = append(page.Wrong, console.Mend{Field: "site", What: "Choose the site it is for"})
	}
	for _, r := range page.Rights {
		if r.Chosen {
			t.Rights = append(t.Rights, operator.Right(r.Key))
		}
	}
	if len(t.Rights) == 0 {
		page.Wrong = append(page.Wrong, console.Mend{Field: "right", What: "Choose what it may do"})
	}
	days, err := strconv.Atoi(page.Days)
	if err != nil || days < 1 || days > mostTokenDays {
		page.Wrong = append(page.Wrong, console.Mend{Field: "days", What: "Write a number of days from 1 to 366"})
	}
	if len(page.Wrong) > 0 {
		return d.ShowAs(http.StatusUnprocessableEntity, page)
	}
	t.EndsAt = now.AddDate(0, 0, days)
	if err := c.Operators.AddToken(ctx, t); err != nil {
		return err
	}
	if err := d.noteOn(t.Site, "token.add", t.ID, t.Name+": "+rightsText(t.Rights)); err != nil {
		return err
	}
	shown := &console.NewToken{Name: t.Name, For: t.Site, Secret: secret, Rights: rightsText(t.Rights), Ends: t.EndsAt}
	shown.Title = "Copy this token now"
	shown.Trail = []console.Step{{Path: "admin/tokens", Label: "Tokens"}}
	return d.Show(shown)
}

// endToken answers POST /admin/tokens/:id/end.
func (c *Console) endToken(d *Desk) error {
	ctx := d.Request().Context()
	all, err := c.Operators.Tokens(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(t operator.Token) bool { return t.ID == d.Param("id") })
	if i < 0 {
		return operator.ErrUnknown
	}
	if err := c.Operators.DropToken(ctx, all[i].ID); err != nil {
		return err
	}
	if err := d.noteOn(all[i].Site, "token.end", all[i].ID, all[i].Name); err != nil {
		return err
	}
	return d.Done("admin/tokens", "Token “"+all[i].Name+"” opens nothing any more.")
}

// noteOn keeps an act on a site that is not that of the path.
func (d *Desk) noteOn(key, what, object, detail string) error {
	at := *d
	at.Site.Key = key
	return at.Note(what, object, detail)
}
