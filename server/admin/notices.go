package admin

import (
	"context"

	"github.com/volenti-consent/volenti/server/notice"
)

func (c *Console) noticeRoutes() []Route { return nil }

// draftNotice is the notice that a site's draft says, as far as it can be read.
func (c *Console) draftNotice(ctx context.Context, site string) (*notice.Notice, error) {
	w, err := c.Drafts.NoticeWork(ctx, site)
	if err != nil {
		return nil, err
	}
	n, _ := notice.Read([]byte(w.Source), "notice.toml")
	if n == nil {
		return nil, notice.ErrNoWork
	}
	return n, nil
}

type press struct{}
