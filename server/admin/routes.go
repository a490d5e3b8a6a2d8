package admin

import "github.com/volenti-consent/volenti/server/operator"

// A Route is one thing the console answers. Who may ask for it stands here and
// nowhere else: a route without Open and without a Right is for everybody who is
// signed in, and one of a site's is answered for operators of that site alone.
type Route struct {
	Method string
	Path   string         // as echo writes it: "/admin/sites/:site/policies"
	Right  operator.Right // on the site of the path, or on the server
	Open   bool           // answered to whoever is not signed in: sign-in itself
	Fresh  bool           // only after a proof of identity in the last ten minutes
	SetUp  bool           // also by a one-time link, to set up how one signs in
	Bearer bool           // asked by a program that shows a token with Right for the site of the path; no session
	Handle func(*Desk) error
}

// Routes are all of the console. Each part has its own list; the matrix test walks
// this one.
func (c *Console) Routes() []Route {
	var all []Route
	for _, part := range [][]Route{
		c.overviewRoutes(),
		c.enterRoutes(),
		c.signInRoutes(),
		c.setUpRoutes(),
		c.accountRoutes(),
		c.passkeyRoutes(),
		c.operatorRoutes(),
		c.tokenRoutes(),
		c.logRoutes(),
		c.transparencyRoutes(),
		c.policyRoutes(),
		c.noticeRoutes(),
		c.previewRoutes(),
		c.requestRoutes(),
		c.retentionRoutes(),
		c.apiRoutes(),
	} {
		all = append(all, part...)
	}
	return all
}
