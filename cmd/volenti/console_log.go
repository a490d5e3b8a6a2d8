package main

import (
	"context"

	"github.com/volenti-consent/volenti/server/admin"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/web/console"
)

// transparencyPages are the console's pages of the log.
func transparencyPages(data string, db *store.DB) admin.Transparency {
	return admin.Transparency{
		Store: db,
		Keys: func() ([]string, error) {
			key, err := consent.ReadLogKey(keysFolder(data))
			if consent.NoLogKey(err) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			retired, err := consent.RetiredLogKeys(keysFolder(data))
			return append([]string{key.VerifierKey()}, retired...), err
		},
		Pins: func(ctx context.Context, n int) ([]console.LogPin, error) {
			all, err := db.Pins(ctx, 10*n) // newest first; of each place one is enough
			var last []console.LogPin
			seen := map[string]bool{}
			for _, p := range all {
				if !seen[p.Place] && len(last) < n {
					last = append(last, console.LogPin{Place: p.Place, Size: console.Number(p.Size), At: p.At})
				}
				seen[p.Place] = true
			}
			return last, err
		},
	}
}
