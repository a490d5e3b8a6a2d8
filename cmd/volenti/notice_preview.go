package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/banner"
	"github.com/volenti-consent/volenti/geo"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/visitor"
)

// previewPage is a page around a banner; it needs nothing but itself.
//
//go:embed preview.html
var previewPage string

func noticePreviewCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "preview FILE",
		Short: "Write pages that show the banner of a notice file, to be opened from disk",
		Long: `Compile a notice file, and write a page for each regime (opt-in, opt-out, notice) and
language, or for each region named: with the banner as visitors there would see it.
Each page has the real scripts in it and opens from disk. Nothing is sent, and no
decision counts; it is forgotten when the page is opened again.`,
		Example: `  volenti notice preview shop.toml -o preview
  volenti notice preview shop.toml -o preview --region DE --region US-CA --language de`,
		Args: cobra.ExactArgs(1),
	}
	folder := cmd.Flags().StringP("output", "o", "", "folder to write into; pages of an earlier preview are replaced")
	regions := cmd.Flags().StringSlice("region", nil, "show what the law asks there, such as DE or US-CA (repeatable; default: a page for each regime)")
	languages := cmd.Flags().StringSlice("language", nil, "languages of the notice to show (repeatable; default: all)")
	_ = cmd.MarkFlagRequired("output")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := readNotice(cmd.OutOrStdout(), args[0])
		if err != nil {
			return err
		}
		met, err := meetings(n, *regions)
		if err != nil {
			return usage(err)
		}
		if len(*languages) == 0 {
			*languages = n.Languages
		}
		for _, l := range *languages {
			if !slices.Contains(n.Languages, l) {
				return usage(fmt.Errorf("--language %s: the notice has %v", l, n.Languages))
			}
		}
		scripts, err := banner.Compiler{}.Compile(n, n.Wordings())
		if err != nil {
			return invalid(fmt.Errorf("%s: %w", args[0], err))
		}
		pages, err := previewPages(n, scripts, met, *languages)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(*folder, 0o755); err != nil { //nolint:gosec // to be looked at
			return usage(err)
		}
		for _, p := range pages {
			if err := os.WriteFile(filepath.Join(*folder, p.name), p.bytes, fs.FileMode(0o644)); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), filepath.Join(*folder, p.name))
		}
		return nil
	}
	return cmd
}

// A meeting is how a banner meets visitors somewhere.
type meeting struct {
	name, about string
	visitor.Preview
}

func meetings(n *notice.Notice, regions []string) (met []meeting, err error) {
	table, err := regime.Load()
	if err != nil {
		return nil, err
	}
	laws, now := &visitor.Laws{Table: table}, time.Now()
	for _, name := range regions {
		region, ok := geo.ParseRegion(name)
		if !ok {
			return nil, fmt.Errorf("--region %q is not one such as DE or US-CA", name)
		}
		p := laws.Preview(n, region, now)
		met = append(met, meeting{region.String(), fmt.Sprintf("%s: %s (%s)", region, p.Law.Name, p.Law.Law), p})
	}
	if len(regions) > 0 {
		return met, nil
	}
	for _, m := range []regime.Model{regime.OptIn, regime.OptOut, regime.Notice} {
		met = append(met, meeting{string(m), "Where the law asks for: " + string(m), laws.PreviewAs(n, m, now)})
	}
	return met, nil
}

func previewPages(n *notice.Notice, scripts []notice.Script, met []meeting, languages []string) (pages []file, err error) {
	page, err := template.New("preview").Parse(previewPage)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	for _, m := range met {
		for _, language := range languages {
			want := notice.Variant{Kind: notice.KindAsk, Surface: m.Surface, Language: language}
			at := slices.IndexFunc(scripts, func(s notice.Script) bool { return s.Variant == want })
			if at < 0 {
				return nil, fmt.Errorf("no script was compiled for %s in %s", m.Surface, language)
			}
			data := map[string]any{
				"Language": language, "RTL": notice.RTL(language), "Site": n.Site, "About": m.about, "Surface": m.Surface,
				"Script":  string(slices.Concat(scripts[at].Source, m.Arguments)),
				"Modules": modulesOf(n, scripts, language), "Inline": n.Look.Position == "inline",
			}
			var b bytes.Buffer
			if err := page.Execute(&b, data); err != nil {
				return nil, err
			}
			pages = append(pages, file{m.name + "." + language + ".html", b.Bytes(), now})
		}
	}
	return pages, nil
}

// modulesOf are the modules that the scripts of a language fetch, by the ends of
// the addresses they fetch them from.
func modulesOf(n *notice.Notice, scripts []notice.Script, language string) map[string]string {
	modules := map[string]string{}
	for _, s := range scripts {
		if s.Language == language && s.Kind != notice.KindAsk && s.Kind != notice.KindKept && s.Kind != notice.KindGuarded {
			address := "/b/" + n.Site + "/" + s.Digest.Short() + ".js"
			modules[address], modules[address+"?0"] = string(s.Source), string(s.Source)
		}
	}
	return modules
}
