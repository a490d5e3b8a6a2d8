package retention

import (
	"strings"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/consent"
)

func TestSettings(t *testing.T) {
	laws := func(law string) bool { return law == "us-ca-ccpa" }
	if err := Defaults().Validate(laws); err != nil {
		t.Error(err)
	}
	bad := Settings{Records: -1, Statistics: MostMonths + 1, Laws: map[string]int{"us-ca-ccpa": 999, "xx": 3}, Erasure: "x"}
	err := bad.Validate(laws)
	if err == nil {
		t.Fatal("nonsense is accepted")
	}
	for _, want := range []string{"records: -1", "statistics: 361", "under us-ca-ccpa: 999", `"xx" is no row`, `not "x"`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("not said: %s\n%v", want, err)
		}
	}
}

func TestEndsAndWays(t *testing.T) {
	until := time.Date(2026, 1, 31, 10, 0, 0, 0, time.UTC)
	s := Defaults()
	s.Records, s.Laws = 1, map[string]int{"long": 13, "none": 0}
	for _, test := range []struct {
		law  string
		ends time.Time
	}{
		{"any", time.Date(2026, 2, 28, 10, 0, 0, 0, time.UTC)},
		{"long", time.Date(2027, 2, 28, 10, 0, 0, 0, time.UTC)},
		{"none", until},
	} {
		c := consent.Candidate{Until: until.UnixMilli(), Law: test.law}
		if got := s.Ends(c); !got.Equal(test.ends) {
			t.Errorf("%s: %s, want %s", test.law, got, test.ends)
		}
	}
	for _, test := range []struct {
		policy Policy
		grants bool
		after  time.Duration // the record's end
		want   consent.Erasure
	}{
		{ByNeed, true, -time.Millisecond, consent.Minimised},
		{ByNeed, true, 0, consent.Shredded}, // nothing is proven by it any more
		{ByNeed, false, -time.Hour, consent.Shredded},
		{MinimiseAll, false, -time.Hour, consent.Minimised},
		{MinimiseAll, false, time.Hour, consent.Shredded},
		{ShredAll, true, -time.Hour, consent.Shredded},
	} {
		s.Erasure = test.policy
		c := consent.Candidate{Until: until.UnixMilli(), Law: "none", Grants: test.grants}
		if got := s.Way(c, until.Add(test.after)); got != test.want {
			t.Errorf("%+v: %s", test, got)
		}
	}
}
