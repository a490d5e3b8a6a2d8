package notice

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// Every notice that a file says is said again by the file written of it, to the byte
// of its canonical form; and the text is the same each time.
func TestAFileIsReadBackAsItsNotice(t *testing.T) {
	files := map[string]string{}
	paths, err := filepath.Glob("testdata/*.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(paths, "../../web/demo/notice.toml", "../../cmd/volenti/testdata/shop.toml") {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[path] = string(b)
	}
	doc, err := os.ReadFile("../../docs/notice-file.md")
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```toml\n(site = .*?)```").FindSubmatch(doc)
	files["docs/notice-file.md"] = string(example[1])
	files["everything"] = everything
	read := 0
	for name, file := range files {
		n, issues := Read([]byte(file), "notice.toml")
		if n == nil {
			continue // a file of what can't be read
		}
		read++
		again, after := Read([]byte(n.File()), "notice.toml")
		if again == nil {
			t.Errorf("%s: can't be read back: %v\n%s", name, after, n.File())
			continue
		}
		if !reflect.DeepEqual(n, again) {
			t.Errorf("%s: is another notice\n%+v\n%+v\n%s", name, n, again, n.File())
		}
		if len(after) != len(issues) {
			t.Errorf("%s: has %d issues, had %d", name, len(after), len(issues))
		}
		if n.File() != again.File() {
			t.Errorf("%s: is written in another way the second time", name)
		}
	}
	if read < 4 {
		t.Errorf("%d files were read", read)
	}
}

// everything says something else than usual of all there is, hostile texts included.
const everything = `site = "shop"
languages = ["en", "pt-BR"]
origins = ["https://shop.example", "https://www.shop.example"]
policies = ["privacy", "cookies"]
policy_url = "https://shop.example/privacy"
validity_months = 12
posture = "floor"
dnt = "forward"

[controller]
name = "A \"quoted\" \\ name"
address = "1 Street"
contact = "privacy@shop.example"
establishment = "AT"

[google]
mode = "off"
wait_for_update = 1000
ads_data_redaction = true
url_passthrough = true

[look]
accent = "#0b5d3b"
position = "center"
theme = "dark"
reopen = "end"
radius = 0
modal = true
logo = "https://shop.example/logo.svg"

[blocking]
mode = "strict"
unknown = "allow"
allow = ["cdn.example"]

[age]
minimum = 16
by_country = true

[share]
domains = true

[[category]]
key = "necessary"

[[category]]
key = "support"
like = "preferences"
label = { en = "Support", pt-BR = "Ajuda" }
about = { en = "Lets you talk to us.", pt-BR = "Para falar conosco." }

[[category]]
key = "analytics"

[[override]]
region = "CA"
category = "analytics"
model = "opt-in"

[[vendor]]
key = "chat"
name = "Chat"
category = "support"
country = "US"
policy_url = "https://chat.example/privacy"
hosts = ["chat.example"]
api = "none"
reload = true
opt_out_url = "https://chat.example/out"

[[vendor.stores]]
name = "chat"
duration = "1 year"
purpose = { en = "Finds messages again: ' \" ] } # =", pt-BR = "x" }
http_only = true

[[vendor.stores]]
name = "db"
kind = "indexeddb"
foreign = true

[[vendor]]
key = "ga4"
name = "GA"
category = "analytics"

[[tag]]
template = "GA4"
id = "G-ABCDEFG"

[[tag]]
vendor = "chat"
kind = "pixel"
src = "https://chat.example/p.gif"

[[trial]]
key = "other"
percent = 30

[trial.look]
position = "bottom"
modal = false

[trial.wording.en]
title = "Another title"

[wording.en]
title = "Cookies <b>&amp;</b> {vendors}"

[wording.pt-BR]
accept = "Aceitar"
`

func TestWhatCanNotBeReadIsNoNotice(t *testing.T) {
	for name, file := range map[string]string{
		"no TOML":        "site = ",
		"unknown key":    "site = \"shop\"\nsites = 1\n",
		"wrong type":     "site = [\"shop\"]\nlanguages = 3\n",
		"not in a table": "site = \"shop\"\nlook = 3\n",
	} {
		if n, issues := Read([]byte(file), "notice.toml"); n != nil || !Failed(issues) {
			t.Errorf("%s: %v, %v", name, n, issues)
		}
	}
	n, issues := Read([]byte("site = \"shop\"\n"), "notice.toml")
	if n == nil || !Failed(issues) || !strings.Contains(issues[0].What, "missing") && len(issues) < 2 {
		t.Errorf("half a notice: %v, %v", n, issues)
	}
}
