package admin

import "github.com/volenti-consent/volenti/web/console"

// overview answers GET /admin: the sites the operator works on.
func (c *Console) overview(d *Desk) error {
	page := &console.Home{}
	page.Title = "Sites"
	sites, err := c.sites(d.Request().Context(), d.Operator, "")
	if err != nil {
		return err
	}
	for _, s := range sites {
		page.List = append(page.List, console.HomeSite{Key: s.Key, Name: s.Name})
	}
	return d.Show(page)
}
