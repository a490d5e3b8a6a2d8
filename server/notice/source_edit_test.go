package notice

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// commented is a file as people write them.
const commented = `# The banner of the shop. Ask legal before you touch it.
site = "shop"
languages = ["en", "de"] # German since March
origins = ["https://shop.example", "https://www.shop.example"]
validity_months = 6 # as it would be anyway

[controller]
name = 'Shop GmbH'
address = """
Beispielgasse 1,
1010 Wien"""
contact = "privacy@shop.example"
establishment = "AT"

# Ask before anything optional in all of Canada.
[[override]]
region = "CA"
model = "opt-in"

# Us.
[[vendor]]
key = "shop"
name = "Shop GmbH"
category = "necessary"

[[vendor.stores]]
name = "cart" # the old one
duration = "7 days"
purpose = { en = "Keeps what is in the cart.", de = "Merkt sich den Warenkorb." }

# Video.
[[vendor]]
key = "youtube"
name = "YouTube"
category = "preferences"
country = "US"
policy_url = "https://policies.google.com/privacy"

  # Indented by whoever wrote it.
  [[vendor.stores]]
  name = "YSC"
  duration = "session"
  purpose = { en = "Counts videos.", de = "Zählt Videos." }

# Loaded last.
[[tag]]
vendor = "youtube"
src = "https://www.youtube.com/iframe_api"

# What Austrians know us by.
[wording.de]
title = "Bei uns"
# the end
`

func readFile(t *testing.T, file string) *Notice {
	t.Helper()
	n, issues := Read([]byte(file), "notice.toml")
	if n == nil {
		t.Fatalf("%v\n%s", issues, file)
	}
	return n
}

func commentsOf(file string) (all []string) {
	for line := range strings.Lines(file) {
		if _, comment, ok := strings.Cut(line, "#"); ok {
			all = append(all, strings.TrimSpace(comment))
		}
	}
	slices.Sort(all)
	return all
}

func TestWhatAFormChangesIsAllThatChanges(t *testing.T) {
	for _, c := range []struct {
		name       string
		change     func(n *Notice)
		gone, come []string // lines, trimmed
	}{
		{"nothing", func(*Notice) {}, nil, nil},
		{"a value", func(n *Notice) { n.Vendors[1].Country = "IE" }, []string{`country = "US"`}, []string{`country = "IE"`}},
		{"a value with a comment behind it", func(n *Notice) { n.Validity = 12 }, []string{"validity_months = 6 # as it would be anyway"}, []string{"validity_months = 12 # as it would be anyway"}},
		{"a list", func(n *Notice) { n.Origins = n.Origins[:1] }, []string{`origins = ["https://shop.example", "https://www.shop.example"]`}, []string{`origins = ["https://shop.example"]`}},
		{"something that was not said", func(n *Notice) { n.Vendors[0].Country = "AT" }, nil, []string{`country = "AT"`}},
		{"a table that was not there", func(n *Notice) { n.Google.Mode = "basic"; n.Age.Minimum = 16 }, nil, []string{"[google]", `mode = "basic"`, "[age]", "minimum = 16"}},
		{"something to what is usual", func(n *Notice) { n.Vendors[1].PolicyURL = "" }, []string{`policy_url = "https://policies.google.com/privacy"`}, nil},
		{"a text in another language", func(n *Notice) { n.Vendors[1].Entries[0].Purpose["de"] = "Zählt sie." },
			[]string{`purpose = { en = "Counts videos.", de = "Zählt Videos." }`}, []string{`purpose = { en = "Counts videos.", de = "Zählt sie." }`}},
		{"a text less", func(n *Notice) { delete(n.Vendors[1].Entries[0].Purpose, "de") },
			[]string{`purpose = { en = "Counts videos.", de = "Zählt Videos." }`}, []string{`purpose = { en = "Counts videos." }`}},
		{"a stored item more", func(n *Notice) {
			n.Vendors[0].Entries = append(n.Vendors[0].Entries, Stored{Name: "seen", Kind: "local", Duration: "persistent", Purpose: map[string]string{"en": "Keeps what was seen."}})
		}, nil, []string{"[[vendor.stores]]", `name = "seen"`, `kind = "local"`, `purpose = { en = "Keeps what was seen." }`}},
		{"a tag more, first", func(n *Notice) {
			n.Tags = slices.Insert(n.Tags, 0, Tag{Vendor: "youtube", Kind: "pixel", Src: "https://www.youtube.com/p.gif"})
		}, nil, []string{"[[tag]]", `vendor = "youtube"`, `kind = "pixel"`, `src = "https://www.youtube.com/p.gif"`}},
		{"no tag", func(n *Notice) { n.Tags = nil }, []string{"# Loaded last.", "[[tag]]", `vendor = "youtube"`, `src = "https://www.youtube.com/iframe_api"`}, nil},
		{"another name for a vendor", func(n *Notice) { n.Vendors[1].Key, n.Tags[0].Vendor = "yt", "yt" }, []string{`key = "youtube"`, `vendor = "youtube"`}, []string{`key = "yt"`, `vendor = "yt"`}},
		{"a category of one's own", func(n *Notice) {
			n.Categories = append(n.Categories, Category{Key: "maps", Like: "preferences", Label: map[string]string{"en": "Maps"}})
		}, nil, []string{"[[category]]", `key = "necessary"`, "[[category]]", `key = "preferences"`, "[[category]]", `key = "maps"`, `like = "preferences"`, `label = { en = "Maps" }`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := readFile(t, commented)
			c.change(n)
			got := Rewrite(commented, n)
			if again := readFile(t, got); again.File() != n.File() {
				t.Fatalf("it says something else:\n%s", got)
			}
			gone, come := lineDifference(commented, got)
			slices.Sort(c.gone)
			slices.Sort(c.come)
			if !slices.Equal(gone, c.gone) || !slices.Equal(come, c.come) {
				t.Errorf("gone %q, want %q\ncame %q, want %q\n%s", gone, c.gone, come, c.come, got)
			}
		})
	}
}

// lineDifference is which lines are in one text only, each as often as it is.
func lineDifference(before, after string) (gone, come []string) {
	count := map[string]int{}
	for line := range strings.Lines(after) {
		count[strings.TrimSpace(line)]++
	}
	for line := range strings.Lines(before) {
		if line = strings.TrimSpace(line); count[line] > 0 {
			count[line]--
		} else if line != "" {
			gone = append(gone, line)
		}
	}
	delete(count, "")
	for line, times := range count {
		for range times {
			come = append(come, line)
		}
	}
	slices.Sort(gone)
	slices.Sort(come)
	return gone, come
}

// Elements that change places take their comments along.
func TestOrderIsChangedWithItsComments(t *testing.T) {
	n := readFile(t, commented)
	slices.Reverse(n.Vendors)
	got := Rewrite(commented, n)
	if readFile(t, got).File() != n.File() || !slices.Equal(commentsOf(got), commentsOf(commented)) {
		t.Fatal(got)
	}
	if video, us := strings.Index(got, "# Video.\n[[vendor]]\nkey = \"youtube\""), strings.Index(got, "# Us.\n[[vendor]]\nkey = \"shop\""); video < 0 || us < video {
		t.Error(got)
	}
}

// However a file is written, what comes of it says what it is to say.
func TestWhateverTheFileItSaysWhatItIsTo(t *testing.T) {
	for _, file := range []string{
		"site='a'\nlanguages=['en']\ntags = [\"GA4 G-XXXXXXXXXX\"] # short\n[[vendor]]\nkey='google'\ncategory='analytics'\n",
		"site='a'\nlook.accent = '#000000'\nlook.radius = 3\nvendors = [{key='x', name='X', category='marketing'}, {key='y', category='analytics'}]\n",
		"site='a'\ncategories = ['necessary', 'marketing']\nwording = {en = {title = 'T'}}\nblocking = { mode = 'strict', allow = ['a.example'] }\n",
		"# nothing else\n",
		commented,
	} {
		for i, change := range []func(n *Notice){
			func(n *Notice) { n.Look.Accent = "#123456" },
			func(n *Notice) { n.Look.Radius = 8; n.Blocking.Mode = "off"; n.Blocking.Allow = nil },
			func(n *Notice) { n.Tags = append(n.Tags, Tag{Vendor: "z", Kind: "frame", Src: "https://z.example/"}) },
			func(n *Notice) { n.Vendors = append(n.Vendors, Vendor{Key: "z", Category: "marketing"}) },
			func(n *Notice) { n.Vendors = nil },
			func(n *Notice) { n.Categories = append(n.Categories, Category{Key: "own", Like: "analytics"}) },
			func(n *Notice) { n.Wording = map[string]map[string]string{"en": {"title": "Ours", "accept": "Yes"}} },
			func(n *Notice) {
				n.Trials = append(n.Trials, Trial{Key: "t", Percent: 20, Look: Look{Accent: "#ffffff"}})
			},
		} {
			n := readFile(t, file)
			change(n)
			if got := Rewrite(file, n); readFile(t, got).File() != n.File() {
				t.Errorf("change %d of\n%s\nmade\n%s\nwant\n%s", i, file, got, n.File())
			}
		}
	}
	n := readFile(t, commented)
	if got := Rewrite("not = [ toml", n); got != n.File() {
		t.Error("of what can't be read, something was kept")
	}
}

// Many changes one after the other lose no comment of what stays.
func TestManyChangesLoseNoComment(t *testing.T) {
	docs, err := os.ReadFile("../../docs/notice-file.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(docs), "```toml\n")
	example, _, _ = strings.Cut(example, "```")
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 9))
		file := commented
		if seed%2 == 1 {
			file = "# top\n" + example
		}
		want := commentsOf(file)
		for step := range 25 {
			n := readFile(t, file)
			v := r.IntN(len(n.Vendors))
			switch r.IntN(9) {
			case 0:
				n.Look.Radius = r.IntN(24)
			case 1:
				n.Vendors[v].Name = fmt.Sprint("Vendor ", step)
			case 2:
				n.Vendors = append(n.Vendors, Vendor{Key: fmt.Sprint("v", seed, "-", step), Category: "analytics", Entries: []Stored{{Name: "a", Kind: "cookie", Duration: "1 day"}}})
			case 3:
				n.Tags = slices.Insert(n.Tags, r.IntN(len(n.Tags)+1), Tag{Vendor: n.Vendors[v].Key, Kind: "script", Src: fmt.Sprint("https://x.example/", step)})
			case 4:
				n.Vendors[v].Entries = append(n.Vendors[v].Entries, Stored{Name: fmt.Sprint("n", step), Kind: "local", Duration: "persistent", Purpose: map[string]string{"en": "New."}})
			case 5:
				r.Shuffle(len(n.Tags), func(i, j int) { n.Tags[i], n.Tags[j] = n.Tags[j], n.Tags[i] })
			case 6:
				n.Overrides = append(n.Overrides, Override{Region: "BR", Category: "*", Model: "opt-in"})
			case 7:
				n.Controller.Name = fmt.Sprint("Shop ", step)
			case 8:
				n.Wording = map[string]map[string]string{"de": {"title": fmt.Sprint("Titel ", step)}}
			}
			file = Rewrite(file, n)
			if again := readFile(t, file); again.File() != n.File() {
				t.Fatal(file)
			}
			if got := commentsOf(file); !slices.Equal(got, want) {
				t.Fatalf("seed %d, step %d: comments %q, want %q\n%s", seed, step, got, want, file)
			}
		}
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add(commented, "shop")
	f.Add("vendors=[{}]\nlook={}", "x")
	f.Fuzz(func(t *testing.T, file, name string) {
		n, _ := Read([]byte(file), "notice.toml")
		if n == nil {
			return
		}
		n.Controller.Name, n.Look.Radius = tidy(name), len(name)
		n.Vendors = append(n.Vendors, Vendor{Key: "z"})
		written := Rewrite(file, n)
		if written == n.File() {
			return // nothing of the file could be kept, its comments neither
		}
		got, _ := Read([]byte(written), "notice.toml")
		if got == nil {
			t.Fatalf("what was rewritten can't be read:\n%s", written)
		}
		if want := n.File(); got.File() != want {
			t.Fatalf("it reads back as\n%s\nwant\n%s", got.File(), want)
		}
	})
}
