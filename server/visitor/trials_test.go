package visitor_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/visitor"
)

const plum = `
[[trial]]
key = "plum"
percent = 30
[trial.look]
accent = "#7a1f5c"
`

// trialed publishes a notice with a trial, and lets chance say what it draws.
func trialed(t *testing.T, more string) *world {
	w := newWorld(t)
	w.more = more
	w.publish("Accept all", "ads:marketing")
	w.region = "DE"
	return w
}

var accent = regexp.MustCompile(`#7a1f5c`)

func TestChanceChoosesTheTrial(t *testing.T) {
	w := trialed(t, plum)
	chance := rand.New(rand.NewPCG(3, 5))
	w.script.Chance = chance.IntN
	tally := &visitor.Tally{Store: w.db, Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler)}
	w.script.Tally = tally

	const asked = 1000
	seen := map[bool]int{}
	tokens := map[bool]string{}
	for range asked {
		rec := w.get("/b/shop.js")
		tried := accent.MatchString(rec.Body.String())
		seen[tried]++
		tokens[tried] = bootOf(t, rec.Body.String()).T
	}
	// 300 of 1000, four standard deviations either way.
	if seen[true] < 242 || seen[true] > 358 {
		t.Errorf("the trial was shown %d times of %d, want about 300", seen[true], asked)
	}

	// The record names the script that was shown.
	live, err := w.directory.Live("shop")
	if err != nil {
		t.Fatal(err)
	}
	for tried, token := range tokens {
		v := notice.Variant{Kind: notice.KindAsk, Surface: notice.AskOptIn, Language: "en"}
		if tried {
			v.Trial = "plum"
		}
		digest := strings.Split(token, ".")[2]
		x := w.experience(digest)
		if script, err := live.Script(t.Context(), v); err != nil || x.Script != script {
			t.Errorf("tried %v: the experience names another script", tried)
		}
	}

	// What was counted is what was answered, and is kept as counts.
	if err := tally.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	showings, err := w.db.Showings(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	publication, err := w.db.Current(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, s := range showings {
		for _, script := range publication.Scripts {
			if script.Digest == s.Script {
				got[s.Day+" "+script.Trial] = s.Times
			}
		}
	}
	day := w.now.UTC().Format(time.DateOnly)
	if want := map[string]int64{day + " plum": int64(seen[true]), day + " ": int64(seen[false])}; !maps.Equal(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
}

// How first layers are answered is read from counts and records alone.
func TestTrialsAreCompared(t *testing.T) {
	w := trialed(t, plum)
	tally := &visitor.Tally{Store: w.db, Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler)}
	w.script.Tally = tally
	show := func(number, times int) (token string) {
		w.script.Chance = func(int) int { return number }
		for range times {
			token = bootOf(t, w.get("/b/shop.js").Body.String()).T
		}
		return token
	}
	all := map[string]bool{"preferences": true, "analytics": true, "marketing": true}
	tried, plain := show(0, 4), show(99, 10)
	receipt, _ := w.decide("a", tried, all, nil)
	w.decide("b", tried, all, nil)
	w.decide("c", plain, all, nil)
	// A later decision of the same browser is no answer to a first layer.
	w.decideAfter("d", tried, receipt["id"].(string), all)
	if err := tally.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	publication, err := w.db.Current(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	results, err := consent.CompareTrials(t.Context(), w.db, publication, w.now)
	if err != nil {
		t.Fatal(err)
	}
	type row struct{ shown, decided, saved, accepted int64 }
	got := map[string]row{}
	for _, a := range results {
		if a.Shown > 0 {
			got[string(a.Surface)+" "+a.Trial] = row{a.Shown, a.Decided.Count, a.Saved.Count, a.Accepted.Count}
		}
	}
	if want := map[string]row{"opt-in plum": {4, 2, 2, 0}, "opt-in ": {10, 1, 1, 0}}; !maps.Equal(got, want) {
		t.Errorf("compared %v, want %v", got, want)
	}
	if results[0].Percent != 70 || results[1].Percent != 30 || len(results) != 6 {
		t.Errorf("%d rows, %d and %d percent", len(results), results[0].Percent, results[1].Percent)
	}
}

// A browser that revalidates what it keeps sees that again, whatever chance
// says now; one that keeps nothing does not.
func TestAReloadShowsTheSame(t *testing.T) {
	w := trialed(t, plum)
	drawn := 0
	w.script.Chance = func(int) int { return drawn }
	first := w.get("/b/shop.js")
	if !accent.MatchString(first.Body.String()) {
		t.Fatal("a draw of 0 is not the trial")
	}
	drawn = 99
	if again := w.get("/b/shop.js", "If-None-Match", first.Header().Get("ETag")); again.Code != http.StatusNotModified {
		t.Errorf("a reload was answered %d", again.Code)
	}
	if other := w.get("/b/shop.js"); accent.MatchString(other.Body.String()) {
		t.Error("a draw of 99 is the trial")
	}
	// A tag tells a trial, and nobody: two visitors have the same.
	drawn = 0
	if second := w.get("/b/shop.js"); second.Header().Get("ETag") != first.Header().Get("ETag") {
		t.Error("the same answer has another tag")
	}
}

// Nothing is counted where nothing is compared.
func TestWithoutTrialsNothingIsCounted(t *testing.T) {
	w := trialed(t, "")
	tally := &visitor.Tally{Store: failing{}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	w.script.Tally = tally
	w.script.Chance = func(int) int { t.Error("chance was asked"); return 0 }
	w.get("/b/shop.js")
	if err := tally.Flush(t.Context()); err != nil {
		t.Error(err)
	}
}

// What could not be kept is counted on.
func TestATallyLosesNothingToAStoreThatFails(t *testing.T) {
	w := trialed(t, plum)
	tally := &visitor.Tally{Store: failing{}, Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler)}
	w.script.Tally = tally
	w.get("/b/shop.js")
	if err := tally.Flush(t.Context()); err == nil {
		t.Fatal("a store that fails was not told of")
	}
	w.get("/b/shop.js")
	tally.Store = w.db
	ctx, stop := context.WithCancel(t.Context())
	stop()
	tally.Keep(ctx, time.Hour) // the last flush comes with the end
	showings, err := w.db.Showings(t.Context(), "shop")
	var sum int64
	for _, s := range showings {
		sum += s.Times
	}
	if err != nil || sum != 2 {
		t.Errorf("%d were kept of 2, %v", sum, err)
	}
}

// What a clock that is known to be wrong would count for another day is not counted, and
// neither is what was counted just before that was known.
func TestATallyWithAWrongClockCountsNothing(t *testing.T) {
	w := trialed(t, plum)
	var wrong error
	tally := &visitor.Tally{Store: w.db, Now: func() time.Time { return w.now }, Wrong: func() error { return wrong }, Log: slog.New(slog.DiscardHandler)}
	w.script.Tally = tally
	count := func() (sum int64) {
		t.Helper()
		if err := tally.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		showings, err := w.db.Showings(t.Context(), "shop")
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range showings {
			sum += s.Times
		}
		return sum
	}
	w.get("/b/shop.js")
	if n := count(); n != 1 {
		t.Fatalf("%d counted by a clock that is right", n)
	}
	w.get("/b/shop.js")
	wrong = errors.New("an hour ahead")
	if n := count(); n != 1 {
		t.Errorf("%d counted: one by a clock that was wrong already", n)
	}
	w.get("/b/shop.js")
	wrong = nil
	if n := count(); n != 1 {
		t.Errorf("%d counted: one while the clock was wrong", n)
	}
	w.get("/b/shop.js")
	if n := count(); n != 2 {
		t.Errorf("%d counted of 2, with the clock right again", n)
	}
}

type failing struct{}

func (failing) AddShowings(context.Context, []notice.Showing) error { return errors.New("no disk") }
func (failing) Showings(context.Context, string) ([]notice.Showing, error) {
	return nil, errors.New("no disk")
}

// bootOf reads the argument list of an answer.
func bootOf(t *testing.T, body string) boot {
	t.Helper()
	var b boot
	text := tail.FindString(body)
	if err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimPrefix(text, "("), ");\n")), &b); err != nil {
		t.Fatalf("boot %q: %v", text, err)
	}
	return b
}

func (w *world) experience(short string) notice.Experience {
	w.t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(short)
	if err != nil {
		w.t.Fatal(err)
	}
	kept, err := w.db.Artifact(w.t.Context(), canonical.Digest(hex.EncodeToString(raw)))
	if err != nil {
		w.t.Fatal(err)
	}
	var x notice.Experience
	if err := json.Unmarshal(kept.Bytes, &x); err != nil {
		w.t.Fatal(err)
	}
	return x
}
