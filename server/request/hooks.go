package request

import (
	"context"
	"time"
)

// rotationOverlap is how long the secret before the current one signs too.
const rotationOverlap = 24 * time.Hour

// AddHook makes a webhook and returns its secret, which is shown once.
func (s *Service) AddHook(ctx context.Context, site, url string, events []string, by string) (Hook, string, error) {
	if err := CheckHookURL(url); err != nil {
		return Hook{}, "", err
	}
	h := Hook{ID: NewID(), Site: site, URL: url, Events: events, CreatedAt: s.now()}
	secret := NewHookSecret()
	h.Secret = s.Seals.Seal("hook "+h.ID, []byte(secret))
	return h, secret, s.Store.AddHook(ctx, h, by)
}

// RotateHook gives a webhook a new secret; the one before signs too for a day.
func (s *Service) RotateHook(ctx context.Context, h Hook, by string) (string, error) {
	secret := NewHookSecret()
	h.Former, h.Until = h.Secret, s.now().Add(rotationOverlap)
	h.Secret = s.Seals.Seal("hook "+h.ID, []byte(secret))
	return secret, s.Store.ChangeHook(ctx, h, by, "rotate", s.now())
}

// SwitchHook turns a webhook on or off.
func (s *Service) SwitchHook(ctx context.Context, h Hook, off bool, by string) error {
	h.Off = off
	what := "on"
	if off {
		what = "off"
	}
	return s.Store.ChangeHook(ctx, h, by, what, s.now())
}

// TestHook sends an event that says nothing, to see whether it arrives.
func (s *Service) TestHook(ctx context.Context, h Hook) error {
	e := newEvent(EventTest, h.Site, "", s.now(), eventData{Site: h.Site})
	e.Hook = h.ID
	_, err := s.Store.Notify(ctx, e)
	return err
}
