package site

import "testing"

func TestValidate(t *testing.T) {
	good := Site{Key: "shop", Name: "Shop", TimeZone: "Europe/Vienna"}
	for name, test := range map[string]struct {
		change func(*Site)
		ok     bool
	}{
		"as it is":               {func(*Site) {}, true},
		"UTC":                    {func(s *Site) { s.TimeZone = "" }, true},
		"one letter":             {func(s *Site) { s.Key = "s" }, true},
		"no key":                 {func(s *Site) { s.Key = "" }, false},
		"capitals":               {func(s *Site) { s.Key = "Shop" }, false},
		"a hyphen at the end":    {func(s *Site) { s.Key = "shop-" }, false},
		"the console's own word": {func(s *Site) { s.Key = "new" }, false},
		"no name":                {func(s *Site) { s.Name = "" }, false},
		"no such zone":           {func(s *Site) { s.TimeZone = "Europe/Atlantis" }, false},
	} {
		s := good
		test.change(&s)
		if err := s.Validate(); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}
