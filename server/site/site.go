// Package site knows the controllers' websites that one server serves. A site
// is the unit of separation: data, keys and exports of one are out of reach of
// another.
package site

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"
)

// Errors of a Store and of Validate.
var (
	ErrUnknown = errors.New("no such site")
	ErrExists  = errors.New("this site key is taken")
)

// A Site is one controller's website. What its banner asks with stands in its
// notices, what it promises in its policies.
type Site struct {
	Key       string // 1–40 of a–z, 0–9 and inner hyphens; stands in every address
	Name      string // as operators call it; shown on the pages of the policy archive
	TimeZone  string // IANA name; the days of this site's dates are days there. "" is UTC
	CreatedAt time.Time

	SecondPair bool // a policy is published only with another operator's approval
	NoIndex    bool // search engines are asked not to list any page of the policy archive
}

var key = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// ValidKey reports whether s can be a site key.
func ValidKey(s string) bool { return key.MatchString(s) }

// Validate says what is wrong with s and how to mend it.
func (s Site) Validate() error {
	if !ValidKey(s.Key) {
		return fmt.Errorf("site key %q: use 1 to 40 of a-z, 0-9 and inner hyphens, such as \"shop\"", s.Key)
	}
	if s.Key == "new" {
		return errors.New("site key \"new\" is that of the console's form for a new site: choose another")
	}
	if s.Name == "" {
		return fmt.Errorf("site %s has no name: say how operators and visitors call it", s.Key)
	}
	if _, err := time.LoadLocation(s.TimeZone); err != nil {
		return fmt.Errorf("site %s: time zone %q is not an IANA name such as Europe/Vienna", s.Key, s.TimeZone)
	}
	return nil
}

// locations are the time zones that were asked for, by name: each is read from the disk
// once. There are some hundred names, and what they mean does not change while we run.
var locations sync.Map

// Location is the site's time zone, UTC if none is set.
func (s Site) Location() *time.Location {
	if known, ok := locations.Load(s.TimeZone); ok {
		return known.(*time.Location)
	}
	loc, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return time.UTC
	}
	locations.Store(s.TimeZone, loc)
	return loc
}

// A Store keeps sites. Calls are safe for concurrent use and return after the
// change is durable.
type Store interface {
	// AddSite fails with ErrExists where the key is taken.
	AddSite(ctx context.Context, s Site) error
	// Site fails with ErrUnknown.
	Site(ctx context.Context, key string) (Site, error)
	Sites(ctx context.Context) ([]Site, error) // by key
	// SetSecondPair sets Site.SecondPair; ErrUnknown.
	SetSecondPair(ctx context.Context, key string, on bool) error
}
