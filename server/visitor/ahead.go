package visitor

import (
	"context"
	"errors"
	"time"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/splice"
)

// ahead are the scripts of one language that are read before anybody wants them, in
// this order: a region decides by the surface alone. The strictest is also that of who
// comes from an unknown region.
var ahead = []notice.Variant{
	{Kind: notice.KindAsk, Surface: notice.AskOptIn},
	{Kind: notice.KindKept},
	{Kind: notice.KindGuarded},
	{Kind: notice.KindGate},
	{Kind: notice.KindBlock},
	{Kind: notice.KindAsk, Surface: notice.AskOptOut},
	{Kind: notice.KindSettings},
	{Kind: notice.KindAsk, Surface: notice.AskNotice},
}

// again is how long ReadAhead waits after the store has failed, and looks for new
// publications.
const again = time.Second

// ReadAhead reads the scripts of every site that somebody is likely to want, after the
// start and after each publication, one at a time with a pause between them: while the
// store fails, what was read is served. It goes by rounds, so that each site has its
// first language before any has its second, and ends where the shelf is nearly full:
// nothing that somebody wanted makes room for what somebody may want. It returns when
// ctx ends.
func (d *Directory) ReadAhead(ctx context.Context, pause time.Duration) {
	wait := time.NewTimer(0)
	defer wait.Stop()
	sleep := func(long time.Duration) bool {
		wait.Reset(long)
		select {
		case <-ctx.Done():
			return false
		case <-wait.C:
			return true
		}
	}
	read := map[*Live]bool{}
	for sleep(again) {
		var fresh []*Live
		now := map[*Live]bool{}
		for _, l := range d.All() {
			if now[l] = true; !read[l] {
				fresh = append(fresh, l)
			}
		}
		read = now
		for round := 0; len(fresh) > 0; round++ {
			var more []*Live
			for _, l := range fresh {
				if round/len(ahead) >= len(l.Notice.Languages) || l.shelf.nearlyFull() {
					continue
				}
				v := ahead[round%len(ahead)]
				v.Language = l.Notice.Languages[round/len(ahead)]
				for l.readAhead(ctx, v) != nil {
					if !sleep(again) {
						return
					}
				}
				if !sleep(pause) {
					return
				}
				more = append(more, l)
			}
			fresh = more
		}
	}
}

// readAhead puts a script onto the shelf in the coding of nearly all browsers.
func (l *Live) readAhead(ctx context.Context, v notice.Variant) error {
	digest, err := l.Script(ctx, v)
	if errors.Is(err, notice.ErrUnpublished) {
		return nil // not every notice has every kind
	}
	if err == nil {
		_, _, err = l.shelf.coded(ctx, digest, splice.Brotli)
	}
	if errors.Is(err, notice.ErrUnpublished) {
		return nil
	}
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byShort[digest.Short()] = digest
	return nil
}

// nearlyFull: from three quarters on the rest is for what visitors ask for.
func (s *Shelf) nearlyFull() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes > s.room/4*3
}
