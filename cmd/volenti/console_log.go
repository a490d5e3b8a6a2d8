package main

import (
	"context"

	"github.com/volenti-consent/volenti/server/admin"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/web/console"
)

// transparencyPages are the console's pages of the log.
func transparencyPages(in *installation) admin.Transparency {
	return admin.Transparency{
		Store: in.db,
		Keys: func() ([]string, error) {
			key, err := consent.ReadLogKey(in.keys)
			if consent.NoLogKey(err) {
				return nil, nil
			}
			if err != nil {
				return nil, err
			}
			retired, err := consent.RetiredLogKeys(in.keys)
			return append([]string{key.VerifierKey()}, retired...), err
		},
		Pins: func(ctx context.Context, n int) ([]console.LogPin, error) {
			all, err := in.db.Pins(ctx, 10*n) // newest first; of each place one is enough
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
