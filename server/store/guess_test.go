package store

import (
	"encoding/base32"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
)

// As many ids as VOLENTI_GUESSES says, or 10,000, find none of a thousand receipts: half of
// them are wholly at random, half begin as a receipt that is there does, with its minute.
// What is there is found all the same, and by the site that keeps it only.
func TestGuessedIDsFindNothing(t *testing.T) {
	guesses, err := strconv.Atoi(os.Getenv("VOLENTI_GUESSES"))
	if err != nil {
		guesses = 10_000
	}
	db, ctx := openedSQLite(t, t.TempDir()+"/volenti.db"), t.Context()
	withSites(t, db, "shop", "blog")
	r := consent.NewRecorder(db, signer{}, consent.RecorderOptions{})
	var real []string
	for i := range 1000 {
		d, err := draftOf("shop", fmt.Sprint(i), "", true)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Record(ctx, d)
		if err != nil {
			t.Fatal(err)
		}
		real = append(real, got.Core.ID)
	}
	if err := r.Close(ctx); err != nil {
		t.Fatal(err)
	}
	found := func(site, id string) bool {
		_, err := db.Entry(ctx, site, id)
		if err != nil && !errors.Is(err, consent.ErrUnknownReceipt) {
			t.Fatal(err)
		}
		return err == nil
	}
	const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	digits := base32.NewEncoding(alphabet)
	luck := rand.NewChaCha8([32]byte{byte(guesses)})
	tries, hits := 0, 0
	for ; tries < guesses; tries++ {
		var guess [20]byte
		_, _ = luck.Read(guess[:])
		if tries%2 == 0 {
			one, err := digits.DecodeString(real[tries%len(real)])
			if err != nil {
				t.Fatal(err)
			}
			copy(guess[:4], one)
		}
		id := digits.EncodeToString(guess[:])
		if !consent.IsReceiptID(id) {
			t.Fatalf("%q is no guess", id)
		}
		if found("shop", id) {
			hits++
		}
	}
	t.Logf("%d guesses of %d receipts: %d hits", tries, len(real), hits)
	if hits > 0 {
		t.Errorf("%d ids were guessed", hits)
	}
	for _, id := range real {
		if !found("shop", id) || found("blog", id) {
			t.Fatalf("%s is not found where it is, or where it is not", id)
		}
	}
}
