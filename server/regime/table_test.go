package regime

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/canonical"
)

const today Day = 20261121 // the table's date; tests don't age

func load(t testing.TB) *Table {
	t.Helper()
	table, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// iso is every code of testdata/iso3166.txt, cut at the hyphen.
func iso(t testing.TB) (codes [][2]string) {
	t.Helper()
	b, err := os.ReadFile("testdata/iso3166.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		country, subdivision, _ := strings.Cut(line, "-")
		codes = append(codes, [2]string{country, subdivision})
	}
	return codes
}

func TestLoad(t *testing.T) {
	table := load(t)
	if table.Version != "2026-11-21" || len(table.Rows) != 83 {
		t.Errorf("version %s with %d rows", table.Version, len(table.Rows))
	}
	if !slices.IsSortedFunc(table.Rows, func(a, b *Row) int { return strings.Compare(a.ID, b.ID) }) {
		t.Error("rows are not sorted by id, so a change of the table is hard to review")
	}
	for _, r := range table.Rows {
		if !slices.IsSorted(r.Codes) {
			t.Errorf("%s: codes are not sorted", r.ID)
		}
	}
}

// Every place there is has a row, and every code of the table is a place.
func TestEveryCodeResolves(t *testing.T) {
	table := load(t)
	known := map[string]bool{"XK": true} // user-assigned, in general use for Kosovo
	unknown := 0
	for _, code := range iso(t) {
		name := code[0]
		if code[1] != "" {
			name += "-" + code[1]
		}
		known[name] = true
		row := table.Of(code[0], code[1], today)
		switch {
		case row == nil:
			t.Fatalf("%s has no row", name)
		case code[1] != "" && row.ID == "default-strict":
			t.Errorf("%s, a state or province, is unknown", name)
		case code[1] != "" && (row.ID == "us-unknown-state" || row.ID == "ca-qc-law25") && name != "CA-QC":
			t.Errorf("%s has no row of its own", name)
		case row.ID == "default-strict":
			unknown++
		}
	}
	if unknown != 62 {
		t.Errorf("%d countries have no row, want 62: a country was added or lost", unknown)
	}
	for _, r := range table.Rows {
		for _, code := range r.Codes {
			if !known[code] {
				t.Errorf("%s: %s is not a code of ISO 3166", r.ID, code)
			}
		}
	}
	for from, to := range table.aliases {
		if !known[to] {
			t.Errorf("%s stands for %s, which is no code of ISO 3166", from, to)
		}
	}
}

func TestOf(t *testing.T) {
	tests := []struct{ place, want string }{
		// European Union and territories.
		{"DE", "eu-gdpr-eprivacy"}, {"NO", "eu-gdpr-eprivacy"}, {"IS", "eu-gdpr-eprivacy"}, {"LI", "eu-gdpr-eprivacy"},
		{"DE-BE", "eu-gdpr-eprivacy"}, {"FR-IDF", "eu-gdpr-eprivacy"},
		{"GP", "eu-gdpr-eprivacy"}, {"MQ", "eu-gdpr-eprivacy"}, {"GF", "eu-gdpr-eprivacy"}, {"RE", "eu-gdpr-eprivacy"}, {"YT", "eu-gdpr-eprivacy"}, {"MF", "eu-gdpr-eprivacy"},
		{"FR-971", "eu-gdpr-eprivacy"}, {"FR-972", "eu-gdpr-eprivacy"}, {"FR-973", "eu-gdpr-eprivacy"}, {"FR-974", "eu-gdpr-eprivacy"}, {"FR-976", "eu-gdpr-eprivacy"}, {"FR-MF", "eu-gdpr-eprivacy"},
		{"BL", "fr-oct"}, {"PM", "fr-oct"}, {"NC", "fr-oct"}, {"PF", "fr-oct"}, {"WF", "fr-oct"}, {"TF", "fr-oct"}, {"FR-NC", "fr-oct"}, {"FR-PF", "fr-oct"},
		{"AX", "eu-gdpr-eprivacy"}, {"FI-01", "eu-gdpr-eprivacy"}, {"SJ", "eu-gdpr-eprivacy"}, {"NO-21", "eu-gdpr-eprivacy"}, {"NO-22", "eu-gdpr-eprivacy"},
		{"ES-CN", "eu-gdpr-eprivacy"}, {"ES-CE", "eu-gdpr-eprivacy"}, {"PT-20", "eu-gdpr-eprivacy"}, {"IC", "eu-gdpr-eprivacy"}, {"EA", "eu-gdpr-eprivacy"},
		{"GL", "gl-2016"}, {"FO", "fo-2020"}, {"DK-GL", "gl-2016"}, {"DK-FO", "fo-2020"},
		{"CY", "eu-gdpr-eprivacy"}, {"UA", "europe-aligned"}, {"UA-43", "europe-aligned"}, {"RU", "ru-152fz"}, {"XK", "europe-aligned"},
		{"CH", "ch-revfadp"}, {"CH-ZH", "ch-revfadp"},
		// The United Kingdom and what is not of it.
		{"GB", "uk-gdpr-pecr"}, {"GB-NIR", "uk-gdpr-pecr"}, {"UK", "uk-gdpr-pecr"}, {"UK-SCT", "uk-gdpr-pecr"},
		{"GI", "gi-dpl"}, {"JE", "je-dpl"}, {"GG", "gg-dpl"}, {"IM", "im-dpl"},
		{"BM", "latam-caribbean-other"}, {"KY", "latam-caribbean-other"}, {"VG", "latam-caribbean-other"},
		{"AI", "default-strict"}, {"MS", "default-strict"}, {"TC", "default-strict"}, {"FK", "default-strict"}, {"SH", "default-strict"}, {"PN", "default-strict"}, {"IO", "default-strict"},
		{"AC", "default-strict"}, {"TA", "default-strict"}, {"DG", "default-strict"},
		// The Dutch Caribbean.
		{"AW", "latam-caribbean-other"}, {"CW", "latam-caribbean-other"}, {"SX", "latam-caribbean-other"}, {"BQ", "latam-caribbean-other"},
		{"NL-AW", "latam-caribbean-other"}, {"NL-CW", "latam-caribbean-other"}, {"NL-SX", "latam-caribbean-other"}, {"NL-BQ1", "latam-caribbean-other"}, {"AN", "latam-caribbean-other"},
		// The United States.
		{"US-CA", "us-ca-ccpa"}, {"US-TX", "us-tx-tdpsa"}, {"US-WA", "us-wa-mhmda"}, {"US-DC", "us-other"}, {"US-OH", "us-other"},
		{"US", "us-unknown-state"}, {"US-ZZ", "us-unknown-state"}, {"US-AE", "us-unknown-state"}, {"US-CALIF", "us-unknown-state"}, {"US-ſC", "us-unknown-state"}, {"Uſ", "default-strict"}, {"us-ca", "us-ca-ccpa"},
		{"PR", "us-other"}, {"GU", "us-other"}, {"VI", "us-other"}, {"AS", "us-other"}, {"MP", "us-other"}, {"UM", "us-other"},
		{"US-PR", "us-other"}, {"US-GU", "us-other"}, {"US-VI", "us-other"}, {"US-AS", "us-other"}, {"US-MP", "us-other"}, {"PR-127", "us-other"},
		// Canada.
		{"CA", "ca-qc-law25"}, {"CA-ZZ", "ca-qc-law25"}, {"CA-QC", "ca-qc-law25"}, {"CA-ON", "ca-pipeda"}, {"CA-YT", "ca-pipeda"}, {"CA-AB", "ca-ab-pipa"}, {"CA-BC", "ca-bc-pipa"},
		// China and its neighbours.
		{"CN", "cn-pipl"}, {"HK", "hk-pdpo"}, {"MO", "mo-8-2005"}, {"TW", "tw-pdpa"}, {"CN-HK", "hk-pdpo"}, {"CN-MO", "mo-8-2005"}, {"CN-TW", "tw-pdpa"}, {"CN-BJ", "cn-pipl"},
		// Codes that are no country, and codes of the past.
		{"EU", "eu-gdpr-eprivacy"},
		{"AP", "default-strict"}, {"XX", "default-strict"}, {"ZZ", "default-strict"}, {"T1", "default-strict"}, {"A1", "default-strict"}, {"A2", "default-strict"},
		{"O1", "default-strict"}, {"??", "default-strict"}, {"", "default-strict"}, {"XD", "default-strict"}, {"SU", "default-strict"}, {"-CA", "default-strict"}, {"USA", "default-strict"}, {"AQ", "default-strict"},
		{"EL", "eu-gdpr-eprivacy"}, {"FX", "eu-gdpr-eprivacy"}, {"CS", "europe-aligned"}, {"YU", "europe-aligned"}, {"BU", "default-strict"}, {"TP", "default-strict"}, {"ZR", "africa-other"},
		// Places that ISO can't tell apart from the country around.
		{"AE", "ae-pdpl"}, {"AE-DU", "ae-pdpl"},
	}
	table := load(t)
	for _, test := range tests {
		country, subdivision, _ := strings.Cut(test.place, "-")
		if got := table.Of(country, subdivision, today).ID; got != test.want {
			t.Errorf("Of(%s) = %s, want %s", test.place, got, test.want)
		}
	}
}

// Laws turn over on their day: the day before, the day itself.
func TestLawsTurnOver(t *testing.T) {
	table := load(t)
	tests := []struct {
		place, before string
		day           Day
		after         string
	}{
		{"CL", "cl-19628", 20261201, "cl-21719"},
		{"US-OK", "us-other", 20270101, "us-ok-ocdpa"},
		{"US-LA", "us-other", 20270101, "us-la-ldpa"},
		{"US-AL", "us-other", 20270501, "us-al-apdpa"},
		{"IN", "in-spdi", 20270513, "in-dpdp"},
		{"US-VT", "us-other", 20280101, "us-vt-vdposa"},
		{"US-RI", "default-strict", 20260101, "us-ri-ridtppa"}, // the row for an unknown state begins that day too
	}
	for _, test := range tests {
		country, subdivision, _ := strings.Cut(test.place, "-")
		before := DayOf(test.day.Time().AddDate(0, 0, -1))
		if got := table.Of(country, subdivision, before).ID; got != test.before {
			t.Errorf("%s on %s: %s, want %s", test.place, before, got, test.before)
		}
		for _, day := range []Day{test.day, test.day.Next(), 20280229, 20991231} {
			if day < test.day {
				continue
			}
			if got := table.Of(country, subdivision, day).ID; got != test.after {
				t.Errorf("%s on %s: %s, want %s", test.place, day, got, test.after)
			}
		}
	}
	if got := table.Of("DE", "", 20180524).ID; got != "default-strict" {
		t.Errorf("before the GDPR: %s", got)
	}
	if got := table.Of("DE", "", 0).ID; got != "default-strict" {
		t.Errorf("on no day: %s", got)
	}
}

// A law that ends without a successor leaves its place unknown, which is strict.
func TestLawEnds(t *testing.T) {
	const row = `"codes": ["AR"], "in_force": "2000-11-02", "until": `
	text := strings.Replace(string(tableJSON), row+`""`, row+`"2028-02-29"`, 1)
	table, err := parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[Day]string{20280228: "ar-25326", 20280229: "ar-25326", 20280301: "default-strict", 20001101: "default-strict"} {
		if got := table.Of("AR", "", day).ID; got != want {
			t.Errorf("on %s: %s, want %s", day, got, want)
		}
	}
	if next, ok := table.NextChange(20280229); !ok || next != 20280301 {
		t.Errorf("NextChange(2028-02-29) = %s, %v", next, ok)
	}
}

func TestNextChange(t *testing.T) {
	table := load(t)
	day := today
	for _, want := range []Day{20261201, 20270101, 20270501, 20270513, 20280101} {
		next, ok := table.NextChange(day)
		if !ok || next != want {
			t.Fatalf("NextChange(%s) = %s, %v; want %s", day, next, ok, want)
		}
		day = next
	}
	if next, ok := table.NextChange(day); ok {
		t.Errorf("after the last row there is a change on %s", next)
	}
	if next, _ := table.NextChange(20250714); next != 20250715 { // New Jersey's signal duty
		t.Errorf("NextChange(2025-07-14) = %s: the days on which signals begin to bind are missing", next)
	}
	// The chosen rows only ever change on those days.
	was := map[[2]string]*Row{}
	change, _ := table.NextChange(today)
	for day := today; day < 20280301; day = day.Next() {
		turning := day == change
		for _, code := range iso(t) {
			row := table.Of(code[0], code[1], day)
			if before, ok := was[code]; ok && before != row && !turning {
				t.Errorf("%s turns over on %s, which NextChange does not know", code, day)
			}
			was[code] = row
		}
		if turning {
			change, _ = table.NextChange(day)
		}
	}
}

func TestGPC(t *testing.T) {
	table := load(t)
	states := func(day Day) (list []string) {
		for _, code := range iso(t) {
			if row := table.Of(code[0], code[1], day); code[0] == "US" && code[1] != "" && row.GPC(day) {
				list = append(list, code[1])
			}
		}
		return list
	}
	want := []string{"CA", "CO", "CT", "DE", "MD", "MN", "MT", "NE", "NH", "NJ", "OR", "TX"}
	if got := states(today); !slices.Equal(got, want) {
		t.Errorf("signals bind in %v, want %v", got, want)
	}
	want = []string{"CA", "CO", "CT", "DE", "LA", "MD", "MN", "MT", "NE", "NH", "NJ", "OR", "TX", "VT"}
	if got := states(20280101); !slices.Equal(got, want) {
		t.Errorf("in 2028 signals bind in %v, want %v", got, want)
	}
	for _, test := range []struct {
		country, subdivision string
		day                  Day
		want                 bool
	}{
		{"US", "", today, true}, // some state
		{"", "", today, true},
		{"DE", "", today, false},
		{"GB", "", today, false},
		{"US", "LA", 20261231, false},
		{"US", "LA", 20270101, true},
		{"US", "VA", today, false},
	} {
		if got := table.Of(test.country, test.subdivision, test.day).GPC(test.day); got != test.want {
			t.Errorf("GPC in %s-%s on %s: %v, want %v", test.country, test.subdivision, test.day, got, test.want)
		}
	}
	nj, _ := table.Row("us-nj-njdpa")
	if nj.GPC(20250714) || !nj.GPC(20250715) {
		t.Error("New Jersey's law is in force since January 2025, its signal duty since 15 July")
	}
}

func TestLink(t *testing.T) {
	table := load(t)
	var states []string
	for _, code := range iso(t) {
		if row := table.Of(code[0], code[1], today); code[0] == "US" && code[1] != "" && row.Link() {
			states = append(states, code[1])
		}
	}
	if want := []string{"CA", "CO", "CT", "DE", "MD", "MN", "MT", "NH", "NJ", "OR"}; !slices.Equal(states, want) {
		t.Errorf("the link is due in %v, want %v", states, want)
	}
	for place, want := range map[string]bool{"US": true, "": true, "DE": false, "BR": false} {
		if got := table.Of(place, "", today).Link(); got != want {
			t.Errorf("the link is due in %q: %v, want %v", place, got, want)
		}
	}
}

// A sample of what other parts rely on, read off the law and not off the table.
func TestFigures(t *testing.T) {
	table := load(t)
	for _, test := range []struct {
		place             string
		answer, extension string
		reask             int
		proof             bool
	}{
		{"DE", "1 month", "2 months", 6, true},    // GDPR Arts 12(3), 7(1)
		{"US-CA", "45 days", "45 days", 12, true}, // 1798.130(a)(2), 1798.135(c)(4)
		{"US-IA", "90 days", "45 days", 0, false}, // 715D.3
		{"US-FL", "45 days", "15 days", 0, false}, // 501.706
		{"CA-BC", "30 business days", "30 business days", 0, false},
		{"MX", "20 business days", "20 business days", 0, true},
		{"CO", "10 business days", "5 business days", 0, true},
		{"ID", "72 hours", "", 0, true},
		{"GL", "4 weeks", "", 0, false},
		{"KE", "7 days", "", 0, true},
		{"JP", "", "", 0, false},
	} {
		country, subdivision, _ := strings.Cut(test.place, "-")
		r := table.Of(country, subdivision, today)
		if r.Answer.String() != test.answer || r.Extension.String() != test.extension || r.ReaskMonths != test.reask || r.Proof != test.proof {
			t.Errorf("%s: answer %s, extension %s, rest %d, proof %v; want %+v", test.place, r.Answer, r.Extension, r.ReaskMonths, r.Proof, test)
		}
	}
	ca, _ := table.Row("us-ca-ccpa")
	if ca.OptOut != (Span{15, BusinessDays}) { // 11 CCR 7026(f)
		t.Errorf("California's opt-out takes %s", ca.OptOut)
	}
}

func TestChildAge(t *testing.T) {
	table := load(t)
	for place, want := range map[string]int{
		"AT": 14, "BE": 13, "BG": 14, "CY": 14, "CZ": 15, "DE": 16, "DK": 15, "EE": 13, "ES": 14, "FI": 13, "FR": 15, "GR": 15, "HR": 16, "HU": 16, "IE": 16,
		"IS": 13, "IT": 14, "LI": 16, "LT": 14, "LU": 16, "LV": 13, "MT": 13, "NL": 16, "NO": 13, "PL": 16, "PT": 13, "RO": 16, "SE": 13, "SI": 15, "SK": 16,
		"RE": 15, "FR-974": 15, "FR-IDF": 15, "AX": 13, "FI-01": 13, "SJ": 13, "NO-21": 13, "EL": 15,
		"EU": 16, "GB": 13, "UK": 13, "NC": 15, "US-CA": 16, "US-CO": 18, "US-NJ": 17, "US-TX": 13, "US": 18, "CA-QC": 14, "": 18, "NZ": 0,
	} {
		country, subdivision, _ := strings.Cut(place, "-")
		if got := table.ChildAge(country, subdivision, today); got != want {
			t.Errorf("ChildAge(%s) = %d, want %d", place, got, want)
		}
	}
}

func TestEvidence(t *testing.T) {
	first, second := load(t), load(t)
	seen := map[canonical.Digest]string{}
	for i, r := range first.Rows {
		b := r.Canonical()
		if canonical.Sum(b) != r.Digest() || !bytes.Equal(b, second.Rows[i].Canonical()) {
			t.Errorf("%s: the digest does not name the bytes, or they are not the same twice", r.ID)
		}
		if again, err := canonical.Transform(b); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s: not canonical: %v", r.ID, err)
		}
		for _, part := range []string{`"schema":"law-row/v1"`, `"id":"` + r.ID + `"`, `"cautious":{`, `"floor":{`, `"in_force":"`} {
			if !strings.Contains(string(b), part) {
				t.Errorf("%s: the bytes %s lack %s", r.ID, b, part)
			}
		}
		if strings.Contains(string(b), first.Version) {
			t.Errorf("%s: the bytes name the table's version, so every table would give every row a new digest", r.ID)
		}
		if other := seen[r.Digest()]; other != "" {
			t.Errorf("%s and %s have one digest", r.ID, other)
		}
		seen[r.Digest()] = r.ID
	}
}

// A broken table is refused at start, whoever broke it.
func TestLoadRefuses(t *testing.T) {
	for _, test := range []struct{ name, old, new, want string }{
		{"no JSON", `"rows": [`, `"rows": `, "invalid"},
		{"a member nobody knows", `"answer": "1 month"`, `"answr": "1 month"`, "answr"},
		{"text after it", "\n  ]\n}\n", "\n  ]\n}\n{}", "after the table"},
		{"version", `"version": "2026-11-21"`, `"version": "1.2"`, "version"},
		{"a row twice", `"id": "ar-25326"`, `"id": "ae-pdpl"`, "stands twice"},
		{"an id with a blank", `"id": "ar-25326"`, `"id": "ar 25326"`, "lower-case"},
		{"no citation", `"citation": "Ley 25.326 Arts 5, 14, 16, 27"`, `"citation": ""`, "citation"},
		{"confidence", `"confidence": "medium"`, `"confidence": "sure"`, "confidence"},
		{"code", `"codes": ["AR"]`, `"codes": ["ARG"]`, "ISO 3166"},
		{"a leap day that was none", `"in_force": "2027-05-01"`, `"in_force": "2027-02-29"`, "2027-02-29"},
		{"no beginning", `"in_force": "2000-11-02"`, `"in_force": ""`, "in force"},
		{"an end before the beginning", `"until": "2026-11-30"`, `"until": "1999-10-27"`, "in force"},
		{"two laws of one day", `"in_force": "2026-12-01", "until": ""`, `"in_force": "1999-10-28", "until": ""`, "same day"},
		{"a model nobody knows", `"floor": {"preferences": "notice"`, `"floor": {"preferences": "ask"`, "not a model"},
		{"no model", `"floor": {"preferences": "notice"`, `"floor": {"preferences": ""`, "not a model"},
		{"a cautious column laxer than the law", `"cautious": {"preferences": "opt-in", "analytics": "opt-in", "marketing": "opt-in"}`, `"cautious": {"preferences": "notice", "analytics": "opt-out", "marketing": "opt-in"}`, "laxer"},
		{"link", `"link": "disclosure"`, `"link": "perhaps"`, "link duty"},
		{"time limit", `"answer": "30 days"`, `"answer": "30"`, "time limit"},
		{"age", `"minor_age": 18`, `"minor_age": 81`, "plausible"},
		{"age of Art. 8", `"AT": 14`, `"AT": 12`, "Art. 8"},
		{"a fallback to nowhere", `"CA": "ca-qc-law25"`, `"CA": "ca-qc"`, "no row"},
		{"a pseudo-code to nowhere", `"EU": "eu-gdpr-eprivacy"`, `"EU": "eu"`, "no row"},
		{"an alias of an alias", `"UK": "GB"`, `"UK": "EL"`, "another"},
		{"an alias of a place with a row", `"UK": "GB"`, `"DE": "GB"`, "row of its own"},
		{"no row for the unknown", `"unknown": "default-strict"`, `"unknown": "nz-privacy-act"`, "unknown regions"},
	} {
		text := strings.Replace(string(tableJSON), test.old, test.new, 1)
		if text == string(tableJSON) {
			t.Fatalf("%s: %q is not in the table", test.name, test.old)
		}
		if _, err := parse([]byte(text)); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func FuzzOf(f *testing.F) {
	for _, seed := range []string{"", "US", "us-ca", "US-ZZ", "FR-974", "EU", "??", "T1-CA", "UK-NIR", "ſs-ca", "US-\xff"} {
		country, subdivision, _ := strings.Cut(seed, "-")
		f.Add(country, subdivision, int32(today))
	}
	f.Add("DE", "", int32(0))
	f.Add("DE", "", int32(-1))
	f.Add("CL", "", int32(20261131))
	table := load(f)
	f.Fuzz(func(t *testing.T, country, subdivision string, number int32) {
		day := Day(number)
		row := table.Of(country, subdivision, day)
		if row == nil {
			t.Fatal("no row")
		}
		if row.ID != "default-strict" && !row.valid(day) {
			t.Errorf("%s is not in force on %d", row.ID, number)
		}
		if got := table.Of(strings.ToLower(country), strings.ToLower(subdivision), day); got != row && ascii(country+subdivision) {
			t.Errorf("%q-%q depends on its case", country, subdivision)
		}
		// No spelling of a subdivision is laxer than not knowing it, unless the
		// subdivision has a row.
		unknown := table.Of(country, "", day)
		if row != unknown && len(table.byCode[table.resolve(country, subdivision)]) == 0 {
			t.Errorf("%q-%q, which has no row, is %s and not %s", country, subdivision, row.ID, unknown.ID)
		}
		if age := table.ChildAge(country, subdivision, day); age < 0 || age > 18 {
			t.Errorf("ChildAge = %d", age)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	table := load(b)
	b.ReportAllocs()
	for b.Loop() {
		table.Of("US", "CA", today)
	}
}
