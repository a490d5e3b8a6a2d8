package visitor

import (
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/regime"
)

// A visitor reads the names of laws, and never what the table calls them.
func TestPlacesHaveNoInternalNames(t *testing.T) {
	table, err := regime.Load()
	if err != nil {
		t.Fatal(err)
	}
	p := &Centre{Choices: &ChoicesPage{Script: &Script{Laws: &Laws{Table: table}}}}
	for _, c := range []struct{ region, law, want string }{
		{"DE", "eu-gdpr-eprivacy", "DE · EU/EEA: GDPR + ePrivacy Art. 5(3)"},
		{"US-CA", "us-ca-ccpa", "US-CA · California Consumer Privacy Act as amended by CPRA"},
		{"", table.Unknown(), "not known · the strictest rules apply"},
		{"-", table.Unknown(), "not known · the strictest rules apply"},
		{"AQ", table.Unknown(), "AQ · the strictest rules apply"},
		{"DE", "a-row-of-another-table", "DE"},
	} {
		got := p.place(consent.Core{Region: c.region, Law: c.law})
		if got != c.want || strings.Contains(got, "default") {
			t.Errorf("%s, %s: %q, want %q", c.region, c.law, got, c.want)
		}
	}
}
