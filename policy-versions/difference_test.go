package policyversions

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// exact fails unless d leads from one text to the other, byte by byte.
func exact(t interface {
	Helper()
	Fatalf(string, ...any)
}, before, after string, d Difference,
) {
	t.Helper()
	var kept [2]strings.Builder
	moved := 0
	for n, b := range d.Blocks {
		if len(b.Spans) == 0 {
			t.Fatalf("block %d is empty", n)
		}
		for _, s := range b.Spans {
			if s.Text == "" {
				t.Fatalf("block %d has an empty span", n)
			}
			if s.Op != Put {
				kept[0].WriteString(s.Text)
			}
			if s.Op != Gone {
				kept[1].WriteString(s.Text)
			}
		}
		switch b.Kind {
		case MovedFrom, MovedTo:
			other := MovedTo
			if b.Kind == MovedTo {
				other, moved = MovedFrom, moved+1
			}
			if b.Partner < 0 || b.Partner >= len(d.Blocks) || d.Blocks[b.Partner].Kind != other || d.Blocks[b.Partner].Partner != n {
				t.Fatalf("block %d, %s, has the partner %d", n, b.Kind, b.Partner)
			}
			if b.Changes != nil && (sideOf(b.Changes, Gone) != b.Spans[0].Text || sideOf(b.Changes, Put) != d.Blocks[b.Partner].Spans[0].Text) {
				t.Fatalf("block %d: the changes of a moved block don't lead from one place's text to the other's: %v", n, b.Changes)
			}
		default:
			if b.Partner != -1 {
				t.Fatalf("block %d, %s, has a partner", n, b.Kind)
			}
		}
	}
	if kept[0].String() != before || kept[1].String() != after {
		t.Fatalf("from %q to %q: the spans say from %q to %q", before, after, kept[0].String(), kept[1].String())
	}
	if moved != d.Moved {
		t.Fatalf("%d blocks moved, counted %d", moved, d.Moved)
	}
	if words := countText(before) - countText(after); words != d.Deleted-d.Inserted {
		t.Fatalf("from %q to %q: %d words less, counted -%d +%d", before, after, words, d.Deleted, d.Inserted)
	}
	if before == after && (!d.Same() || d.Inserted+d.Deleted+d.Moved != 0) {
		t.Fatalf("%q differs from itself: %+v", before, d)
	}
}

func sideOf(spans []Span, without Op) string {
	var b strings.Builder
	for _, s := range spans {
		if s.Op != without {
			b.WriteString(s.Text)
		}
	}
	return b.String()
}

func countText(s string) (n int) {
	v := newVocabulary()
	for _, p := range v.cut(s) {
		n += p.words
	}
	return n
}

func compare(t *testing.T, before, after string) Difference {
	t.Helper()
	d := Compare(Text{Markdown: before}, Text{Markdown: after})
	exact(t, before, after, d)
	return d
}

func TestCompareIsExact(t *testing.T) {
	word := rapid.SampledFrom([]string{"we", "the", "data", "Data", "cookies.", "1,000", "don't", "**", "|", "- ", "1. ", "# ", "\n", "\n\n", " ", "  ", "個人情報", "を", "ข้อมูล", "é", "e\u0301", "👩‍👧", "🇦🇹", "\xff", "```", "---\n", ">", "=", ""})
	text := rapid.Custom(func(t *rapid.T) string { return strings.Join(rapid.SliceOfN(word, 0, 60).Draw(t, "words"), " ") })
	rapid.Check(t, func(t *rapid.T) {
		before := text.Draw(t, "before")
		after := text.Draw(t, "after")
		if rapid.Bool().Draw(t, "related") { // parts of the one, in another order
			lines := strings.SplitAfter(before+after, "\n")
			after = strings.Join(rapid.Permutation(lines).Draw(t, "lines"), "")
		}
		exact(t, before, after, Compare(Text{Markdown: before}, Text{Markdown: after}))
	})
}

func FuzzCompare(f *testing.F) {
	files, _ := filepath.Glob("testdata/wild/*")
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(raw), strings.ToUpper(string(raw)))
	}
	f.Add("# A\n\none two three four five\n\n# B\n\n- x\n", "# B\n\n- x\n\n# A\n\none two three four six\n")
	f.Fuzz(func(t *testing.T, before, after string) {
		exact(t, before, after, Compare(Text{Markdown: before}, Text{Markdown: after}))
	})
}

// spelled writes a difference down so that a test can show it: [-gone-]{+put+}, and
// before each block that isn't the same what became of it.
func spelled(d Difference) string {
	var b strings.Builder
	for _, block := range d.Blocks {
		if block.Kind != Same {
			fmt.Fprintf(&b, "%s: ", block.Kind)
		}
		spans := block.Spans
		if block.Changes != nil {
			spans = block.Changes
		}
		for _, s := range spans {
			switch text := strings.ReplaceAll(s.Text, "\n", " "); {
			case text == "", block.Kind == Same && s.Op == Gone:
			case s.Op == Kept || block.Kind == Same || block.Kind == Inserted || block.Kind == Deleted || block.Kind == MovedFrom || block.Kind == MovedTo && block.Changes == nil:
				b.WriteString(text)
			case s.Op == Gone:
				b.WriteString("[-" + text + "-]")
			case s.Op == Put:
				b.WriteString("{+" + text + "+}")
			}
		}
		b.WriteByte('\n')
	}
	return regexp.MustCompile(` *\n`).ReplaceAllString(b.String(), "\n")
}

func TestCompareMarksWords(t *testing.T) {
	for name, c := range map[string]struct{ before, after, want string }{
		"a word":         {"We keep orders for seven years.\n", "We keep orders for five years.\n", "changed: We keep orders for [-seven-]{+five+} years.\n"},
		"a mark":         {"We keep orders, and more.\n", "We keep orders and more.\n", "changed: We keep orders[-,-] and more.\n"},
		"a mark becomes": {"Your orders; and more of them.\n", "Your orders, and more of them.\n", "changed: Your orders[-;-]{+,+} and more of them.\n"},
		"wrapped lines":  {"We keep orders\nfor seven years.\n", "We keep\norders for seven years.\n", "We keep orders for seven years.\n"},
		"an amount":      {"up to EUR 1,000.50 a year\n", "up to EUR 1,500.50 a year\n", "changed: up to EUR [-1,000.50-]{+1,500.50+} a year\n"},
		"a whole sentence": {"We ask. We keep orders for seven years.\n", "We ask. We sell what we know. We keep orders for seven years.\n",
			"changed: We ask. {+We sell what we know. +}We keep orders for seven years.\n"},
		"no crumbs": {"We may share the data of customers with partners of ours.\n", "Nobody ever gets the names which visitors enter.\n",
			"deleted: We may share the data of customers with partners of ours.\ninserted: Nobody ever gets the names which visitors enter.\n"},
		"no crumbs in a sentence": {
			"We ask first. The names of the customers go to partners of the firm. We keep orders for seven years, and then delete all of them.\n",
			"We ask first. Nobody outside of the company ever sees lists of the people. We keep orders for seven years, and then delete all of them.\n",
			"changed: We ask first. [-The names of the customers go to partners of the firm-]{+Nobody outside of the company ever sees lists of the people+}. We keep orders for seven years, and then delete all of them.\n",
		},
		"Japanese": {"当社は個人情報を第三者に提供しません。\n", "当社は個人情報を委託先に提供します。\n", "changed: 当社は個人情報を[-第三者-]{+委託先+}に提供しま[-せん-]{+す+}。\n"},
		"Thai":     {"เราเก็บข้อมูลของคุณเจ็ดปี\n", "เราเก็บข้อมูลของคุณห้าปี\n", "changed: เราเก็บข้อมูลของคุณ[-เจ็ด-]{+ห้า+}ปี\n"},
		"Arabic":   {"نحتفظ بالطلبات سبع سنوات.\n", "نحتفظ بالطلبات خمس سنوات.\n", "changed: نحتفظ بالطلبات [-سبع-]{+خمس+} سنوات.\n"},
		"emphasis": {"We **never** sell data to others.\n", "We never sell data to others.\n", "changed: We [-**-]never[-**-] sell data to others.\n"},
		"a list":   {"- names\n- addresses\n- orders\n", "- names\n- orders\n- places\n", "- names\ndeleted: - addresses\n- orders\ninserted: - places\n"},
		"a table": {"| Cookie | Days |\n| --- | --- |\n| a | 30 |\n| b | 1 |\n", "| Cookie | Days |\n| --- | --- |\n| a | 60 |\n| b | 1 |\n",
			"| Cookie | Days |\n| --- | --- |\nchanged: | a | [-30-]{+60+} |\n| b | 1 |\n"},
		"a renamed heading": {"One\n\n## Sharing\n\nTwo\n", "One\n\n## Recipients\n\nTwo\n", "One\nchanged: ## [-Sharing-]{+Recipients+}\nTwo\n"},
		"from nothing":      {"", "# New\n\nText.\n", "inserted: # New\ninserted: Text.\n"},
		"to nothing":        {"# Old\n", "", "deleted: # Old\n"},
		"nothing at all":    {"", "", ""},
		"a part went":       {"One two three four five.\n\nSix seven.\n", "One two three four five.\n", "One two three four five.\ndeleted: Six seven.\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := spelled(compare(t, c.before, c.after)); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestCompareRecognisesMoves(t *testing.T) {
	const cookies = "## Cookies\n\nWe set cookies that are needed for the cart, and others only where you agree.\n\n- a cookie for the cart\n- a cookie for the language\n\n"
	const rights = "## Your rights\n\nYou may ask for what we know about you at any time, and have it corrected.\n\nYou may complain to the data protection authority of your country.\n\n- access\n- erasure\n- portability\n\n"
	const who = "# Privacy\n\nThis is who we are and how one reaches us by mail.\n\n"
	d := compare(t, who+cookies+rights, who+rights+cookies)
	if d.Inserted+d.Deleted != 0 || d.Moved != 4 {
		t.Errorf("a section that moved is +%d -%d, %d moved\n%s", d.Inserted, d.Deleted, d.Moved, spelled(d))
	}
	for _, b := range d.Blocks {
		if b.Kind != Same && b.Kind != MovedFrom && b.Kind != MovedTo {
			t.Errorf("%s: %v", b.Kind, b.Spans)
		}
	}
	d = compare(t, who+cookies+rights, who+rights+strings.Replace(cookies, "where you agree", "once you agree", 1))
	if d.Inserted != 1 || d.Deleted != 1 || d.Moved != 4 || !strings.Contains(spelled(d), "moved-to: We set cookies that are needed for the cart, and others only [-where-]{+once+} you agree.") {
		t.Errorf("a section that moved and changed is +%d -%d, %d moved\n%s", d.Inserted, d.Deleted, d.Moved, spelled(d))
	}
	// What stands in many places did not move from one to another.
	d = compare(t, "## A\n\nNone.\n\n## B\n\nSome text of B.\n", "## A\n\nSome text of A.\n\n## B\n\nNone.\n")
	if d.Moved != 0 {
		t.Errorf("%s", spelled(d))
	}
}

// A paragraph that changed is found where much was put in before it.
func TestCompareFindsWhatChangedFarAway(t *testing.T) {
	var more strings.Builder
	for i := range 20 {
		fmt.Fprintf(&more, "Paragraph %d is about vendor%d, which gets address%d and name%d for purpose%d.\n\n", i, i, i, i, i)
	}
	const intro, end = "# Privacy\n\n", "The end of it all.\n"
	d := compare(t, intro+"We keep every order for seven years, as the tax code of the country asks.\n\n"+end,
		intro+more.String()+"We keep every order for five years, as the tax code of the country asks.\n\n"+end)
	if got := spelled(d); d.Deleted != 1 || !strings.Contains(got, "changed: We keep every order for [-seven-]{+five+} years") {
		t.Errorf("%s", got)
	}
}

// generated is a policy-shaped text of some bytes; the same seed gives the same.
func generated(seed uint64, size int) string {
	r := rand.New(rand.NewPCG(seed, 1))
	words := make([]string, 3000)
	for i := range words {
		n := 2 + r.IntN(9)
		for range n {
			words[i] += string(rune('a' + r.IntN(26)))
		}
	}
	var b strings.Builder
	for b.Len() < size {
		if r.IntN(5) == 0 {
			fmt.Fprintf(&b, "## %s %s\n\n", words[r.IntN(3000)], words[r.IntN(3000)])
		}
		for n := 20 + r.IntN(100); n > 0; n-- {
			b.WriteString(words[min(r.IntN(3000), r.IntN(3000))])
			if r.IntN(12) == 0 {
				b.WriteByte('.')
			}
			b.WriteByte(' ')
		}
		b.WriteString("\n\n")
	}
	return b.String()[:size]
}

// shaken is text with every nth word another.
func shaken(text string, nth int) string {
	parts := strings.Split(text, " ")
	for i := range parts {
		if i%nth == 0 && !strings.Contains(parts[i], "\n") {
			parts[i] = "x" + parts[i]
		}
	}
	return strings.Join(parts, " ")
}

// hardTexts are pairs of 100 kB that cost most.
func hardTexts() map[string][2]string {
	const size = 100 << 10
	flat := func(s string) string { return strings.NewReplacer("\n", " ", "#", "").Replace(s) }
	random := func(seed uint64, alphabet string) string {
		r := rand.New(rand.NewPCG(seed, 2))
		b := make([]byte, size)
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(b)
	}
	text, other := generated(1, size), generated(2, size)
	lines := func(seed uint64, of ...string) string {
		r := rand.New(rand.NewPCG(seed, 3))
		var b strings.Builder
		for b.Len() < size {
			b.WriteString(of[r.IntN(len(of))])
		}
		return b.String()[:size]
	}
	blocks := strings.SplitAfter(text, "\n\n")
	mixed := append([]string(nil), blocks...)
	rand.New(rand.NewPCG(4, 4)).Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
	return map[string][2]string{
		"one word in a hundred":        {text, shaken(text, 100)},
		"one word in three":            {text, shaken(text, 3)},
		"every word":                   {text, shaken(text, 1)},
		"another text":                 {text, other},
		"blocks in another order":      {text, strings.Join(mixed, "")},
		"one paragraph, word in three": {flat(text), shaken(flat(text), 3)},
		"one paragraph, another":       {flat(text), flat(other)},
		"one paragraph, a and b":       {random(1, "a b "), random(2, "a b ")},
		"one paragraph, marks":         {random(1, ".,;:!"), random(2, ".,;:!")},
		"equal lines":                  {strings.Repeat("- the same\n", size/11), strings.Repeat("- the same\n", size/22)},
		"few kinds of lines":           {lines(1, "- a\n", "- b\n", "- c\n"), lines(2, "- a\n", "- b\n", "- c\n")},
		"lines of few words":           {lines(1, "- a b\n", "- b a c\n", "c\n\n", "a"), lines(2, "- a b\n", "- b a c\n", "c\n\n", "a")},
		"characters of one script":     {lines(1, "個", "人", "情", "報", "。"), lines(2, "個", "人", "情", "報", "。")},
		"the halves exchanged":         {flat(text), flat(text[size/2:]) + flat(text[:size/2])},
	}
}

// TestCompareIsBounded counts steps, which no slow machine changes.
func TestCompareIsBounded(t *testing.T) {
	for name, pair := range hardTexts() {
		c := newComparison(pair[0], pair[1])
		c.align()
		exact(t, pair[0], pair[1], c.difference())
		if spent := workBudget - c.script.budget; spent > workBudget+len(pair[0])+len(pair[1]) {
			t.Errorf("%s: %d steps", name, spent)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	for name, pair := range hardTexts() {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			for b.Loop() {
				Compare(Text{Markdown: pair[0]}, Text{Markdown: pair[1]})
			}
		})
	}
}

// realTexts are the published policies that a checkout has beside it, else those of
// testdata, and a pair of all of them, in another order and with one word in fifty another.
func realTexts(t testing.TB) map[string][2]string {
	t.Helper()
	files, _ := filepath.Glob("../../shared/policies/*-*.md")
	if len(files) < 2 {
		files, _ = filepath.Glob("testdata/wild/*.md")
	}
	pairs, first, all, mixed := map[string][2]string{}, "", "", ""
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := mustImport(t, string(raw), file).Markdown
		if first == "" {
			first = text
		} else {
			pairs["another, "+filepath.Base(file)] = [2]string{first, text}
		}
		all, mixed = all+text, text+mixed
	}
	pairs["all, mixed and changed"] = [2]string{all, shaken(mixed, 50)}
	return pairs
}

// TestCompareRealTexts: in five policies that change places, each with words that
// change, no section is told as gone.
func TestCompareRealTexts(t *testing.T) {
	for name, pair := range realTexts(t) {
		d := compare(t, pair[0], pair[1])
		words, changed := countText(pair[0]), countText(pair[1])/50
		if strings.HasPrefix(name, "all") && (d.Deleted > 4*changed || d.Moved == 0) {
			t.Errorf("%s: %d of %d words are gone, %d blocks moved, where %d words changed", name, d.Deleted, words, d.Moved, changed)
		}
	}
}

func BenchmarkCompareRealTexts(b *testing.B) {
	for name, pair := range realTexts(b) {
		b.Run(strings.ReplaceAll(name, " ", "-"), func(b *testing.B) {
			b.SetBytes(int64(len(pair[0]) + len(pair[1])))
			for b.Loop() {
				Compare(Text{Markdown: pair[0]}, Text{Markdown: pair[1]})
			}
		})
	}
}
