// Command compile writes what the browser test of fairness looks at into a
// folder: an everyday notice in every language, and the unfair banners of
// banner/fairness/testdata/mutants.json in English. It runs in the folder banner.
//
// {folder}/{digest}.js is a script, {folder}/index.json lists first layers:
// [{"mutant", "rule", "language", "surface", "script", "wording"}].
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/volenti-consent/volenti/banner"
	"github.com/volenti-consent/volenti/server/notice"
)

// A layer is one compiled first layer. Mutant is empty for those that are fair.
type layer struct {
	Mutant   string         `json:"mutant"`
	Rule     int            `json:"rule"`
	Language string         `json:"language"`
	Surface  notice.Surface `json:"surface"`
	Script   string         `json:"script"`
	Purposes []string       `json:"purposes"` // as they are named in the language
	Models   string         `json:"models"`
}

type mutant struct {
	File, Old, New string
	Rule           int
	Seen           bool
}

func main() {
	folder := flag.String("into", "", "folder, which must be there")
	flag.Parse()
	if err := run(*folder); err != nil {
		log.Fatal(err)
	}
}

func run(folder string) error {
	var all []layer
	fair, err := compile(folder, shop(notice.Languages()...), banner.Compiler{}, "", 0)
	if err != nil {
		return err
	}
	all = append(all, fair...)
	text, err := os.ReadFile("fairness/testdata/mutants.json")
	if err != nil {
		return err
	}
	var mutants map[string]mutant
	if err := json.Unmarshal(text, &mutants); err != nil {
		return fmt.Errorf("mutants: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(mutants)) {
		m := mutants[name]
		if !m.Seen {
			continue
		}
		sources, err := changed(m)
		if err != nil {
			return fmt.Errorf("mutant %q: %w", name, err)
		}
		unfair, err := compile(folder, shop("en"), banner.Compiler{Sources: sources}, name, m.Rule)
		if err != nil {
			return fmt.Errorf("mutant %q: %w", name, err)
		}
		all = append(all, slices.DeleteFunc(unfair, func(l layer) bool { return l.Surface != notice.AskOptIn })...)
	}
	b, err := json.Marshal(all)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "index.json"), b, 0o600)
}

func compile(folder string, n *notice.Notice, compiler banner.Compiler, name string, rule int) ([]layer, error) {
	scripts, err := compiler.Compile(n, n.Wordings())
	if err != nil {
		return nil, err
	}
	letters := map[notice.Surface]string{notice.AskOptIn: "-iii", notice.AskOptOut: "-ooo", notice.AskNotice: "-nnn"}
	var all []layer
	for _, s := range scripts {
		file := s.Digest.Short() + ".js"
		if err := os.WriteFile(filepath.Join(folder, file), s.Source, 0o600); err != nil {
			return nil, err
		}
		if s.Kind != notice.KindAsk {
			continue
		}
		w := n.WordingFor(s.Language)
		all = append(all, layer{name, rule, s.Language, s.Surface, file, []string{w["preferences"], w["analytics"], w["marketing"]}, letters[s.Surface]})
	}
	return all, nil
}

// changed are the sources of the banner with a mutant's change.
func changed(m mutant) (fs.FS, error) {
	whole := fstest.MapFS{}
	root := os.DirFS("src")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := fs.ReadFile(root, name)
		if name == m.File {
			text := string(b)
			switch {
			case m.Old == "":
				b = []byte(text + m.New)
			case strings.Count(text, m.Old) != 1:
				return fmt.Errorf("%s holds %q %d times, want once", name, m.Old, strings.Count(text, m.Old))
			default:
				b = []byte(strings.Replace(text, m.Old, m.New, 1))
			}
		}
		whole[name] = &fstest.MapFile{Data: b}
		return err
	})
	return whole, err
}

func shop(languages ...string) *notice.Notice {
	vendor := func(key, category string) notice.Vendor {
		return notice.Vendor{Key: key, Name: strings.ToUpper(key), Category: category, Country: "US", PolicyURL: "https://vendor.example/privacy",
			Entries: []notice.Stored{{Name: "_" + key, Kind: "cookie", Duration: "13 months", Purpose: map[string]string{languages[0]: "For " + key + "."}}}}
	}
	return &notice.Notice{
		Schema: notice.Schema, Site: "shop", Languages: languages, Origins: []string{"https://shop.example"}, Policies: []string{"privacy"},
		Controller: notice.Controller{Name: "Example Shop Ltd", Address: "1 High Street, Dublin", Contact: "privacy@shop.example", Establishment: "IE"},
		Validity:   6, Posture: "cautious", DNT: "ignore", Google: notice.Google{Mode: "basic", WaitForUpdate: 500},
		Look:       notice.Look{Accent: "#1d4ed8", Position: "bottom", Theme: "auto", Reopen: "start", Radius: 8},
		Categories: []notice.Category{{Key: "necessary", Like: "necessary"}, {Key: "preferences", Like: "preferences"}, {Key: "analytics", Like: "analytics"}, {Key: "marketing", Like: "marketing"}},
		Vendors:    []notice.Vendor{vendor("cart", "necessary"), vendor("video", "preferences"), vendor("counter", "analytics"), vendor("ads", "marketing")},
	}
}
