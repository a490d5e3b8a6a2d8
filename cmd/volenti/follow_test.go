package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

// A book is a log that is read while it is written.
type book struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (b *book) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *book) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Keys that a first start has made itself are no news; those that somebody rotates are,
// once.
func TestOnlyRotatedKeysAreNews(t *testing.T) {
	in, err := open(t.Context(), home{data: private(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	if _, err := consent.OpenLogKey(in.keys, "example.com/log", rand.Reader); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	lines, taken := &book{}, make(chan []byte, 10)
	in.follow(func(in *installation) error { taken <- in.secrets.Token[0]; return nil })
	var following sync.WaitGroup
	following.Go(func() { in.followKeys(ctx, slog.New(slog.NewTextHandler(lines, nil))) })
	defer following.Wait()
	defer cancel()
	<-taken // what this start has made
	rotated, err := consent.RotateSecrets(in.keys, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if newest := <-taken; !bytes.Equal(newest, rotated.Token[0]) {
		t.Error("it goes on with other keys than those it was told of")
	}
	for deadline := time.Now().Add(time.Minute); !strings.Contains(lines.String(), "keys read anew"); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("new keys are not told:\n%s", lines)
		}
	}
	if n := strings.Count(lines.String(), "keys read anew"); n != 1 {
		t.Errorf("told %d times:\n%s", n, lines)
	}
}
