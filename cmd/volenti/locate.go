package main

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/volenti-consent/volenti/geo"
)

// locator assembles who is asked where a visitor is: the trusted edge first,
// then the operator's database or the embedded one. info is that one's, as it is now.
func locator(ctx context.Context, cfg *Config, log *slog.Logger, background *sync.WaitGroup) (locate func(*http.Request) (geo.Region, geo.Source), info func() geo.Info, err error) {
	trusted, err := geo.ParsePrefixes(cfg.TrustedProxies)
	if err != nil {
		return nil, nil, usage(err)
	}
	finder := &geo.Finder{Trusted: trusted, Edge: cfg.edge()}
	if cfg.GeoDatabase == "" {
		db, err := geo.Embedded()
		if err != nil {
			return nil, nil, err
		}
		finder.Database, info = db, db.Info
	} else {
		db, err := geo.Follow(cfg.GeoDatabase, func(err error) {
			log.ErrorContext(ctx, "new region database refused; the last one still answers", "error", err)
		})
		if err != nil {
			return nil, nil, usage(err)
		}
		background.Go(func() { db.Run(ctx, time.Minute) })
		finder.Database, info = db, db.Info
	}
	if warning := info().Warning(time.Now()); warning != "" {
		log.WarnContext(ctx, "region database is old", "detail", warning)
	}
	extractor := geo.Extractor{Trusted: trusted, Header: strings.ToLower(cfg.AddressHeader)}
	return func(r *http.Request) (geo.Region, geo.Source) {
		peer := geo.Peer(r)
		return finder.Locate(extractor.Client(peer, r.Header), peer, r.Header)
	}, info, nil
}
