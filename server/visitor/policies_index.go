package visitor

import (
	"github.com/labstack/echo/v4"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/web"
)

// Index answers GET /policies/:site: the policies of a site, with the version of
// each that is in force. In the language of the first of them, or as ?lang= says.
func (p *Policies) Index(c echo.Context) error {
	ctx := c.Request().Context()
	s, err := p.Sites.Site(ctx, c.Param("site"))
	if err != nil {
		return err
	}
	keys, err := p.Versions.Policies(ctx, s.Key)
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return policyversions.ErrUnknownPolicy
	}
	page := &web.PolicyIndex{SiteKey: s.Key, Unlisted: !p.Indexed || s.NoIndex}
	page.Title, page.Site, page.Language, page.Root = "", s.Name, c.QueryParam("lang"), web.Root(c.Request().URL.EscapedPath())
	fresh := maxFresh
	for _, key := range keys {
		a, err := p.open(c, key)
		if err != nil {
			return err
		}
		fresh = min(fresh, a.freshness())
		v, ok := a.inForce(a.now)
		if !ok {
			v = a.first()
		}
		standing := a.standing(v.Number)
		page.Policies = append(page.Policies, web.IndexedPolicy{
			Base: a.to(""), Title: v.Title, TextLanguage: v.Language, Languages: v.Languages(),
			Number: v.Number, State: string(standing.State), From: standing.From.In(s.Location()),
		})
	}
	if page.Language == "" {
		page.Language = page.Policies[0].TextLanguage
	}
	p.robots(c)
	link(c, page.Root+"policies/"+s.Key, "canonical")
	return p.answerPage(c, page, fresh)
}
