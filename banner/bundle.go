package banner

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"github.com/volenti-consent/volenti/server/notice"
)

// target is what browsers of the last four years run, and older ones too: what
// a newer syntax would save is less than what a visitor without banner costs.
const target = api.ES2020

// virtual holds the text of the modules that exist only while a notice is
// compiled, by the name they are imported under (src/virtual.d.ts).
type virtual map[string]string

// Output of esbuild's IIFE format, which bundle turns inside out.
const (
	iifeOpen  = "(()=>{"
	iifeClose = "})();\n"
)

// bundle makes one script of src/entry/{kind}.ts and what it imports.
//
// For the gate, the second layer and the block that is a module. For all others it is the
// text of a function of the boot, not called: "(boot=>{…})". The entry knows its boot as
// a free variable, which is what the parameter then binds.
func bundle(sources fs.FS, kind notice.Kind, modules virtual, constants map[string]string) ([]byte, error) {
	format := api.FormatIIFE
	if kind == notice.KindGate || kind == notice.KindSettings || kind == notice.KindBlock {
		format = api.FormatESModule
	}
	result := api.Build(api.BuildOptions{
		EntryPoints:       []string{"entry/" + string(kind) + ".ts"},
		Outfile:           "out.js",
		Bundle:            true,
		Format:            format,
		Platform:          api.PlatformNeutral,
		Target:            target,
		Charset:           api.CharsetUTF8,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		MangleProps:       `[^_]_$`, // a name that ends in one underscore is private to the bundle
		Define:            constants,
		TreeShaking:       api.TreeShakingTrue,
		LegalComments:     api.LegalCommentsNone,
		TsconfigRaw:       `{}`, // nothing of the machine's
		LogLevel:          api.LogLevelSilent,
		Plugins:           []api.Plugin{source(sources, modules)},
	})
	if len(result.Errors) > 0 {
		return nil, problems(result.Errors)
	}
	if len(result.OutputFiles) != 1 {
		return nil, fmt.Errorf("esbuild made %d files, want 1", len(result.OutputFiles))
	}
	text := result.OutputFiles[0].Contents
	if format == api.FormatESModule {
		return bytes.TrimSuffix(text, []byte("\n")), nil
	}
	body, opened := bytes.CutPrefix(text, []byte(iifeOpen))
	body, closed := bytes.CutSuffix(body, []byte(iifeClose))
	if !opened || !closed {
		return nil, errors.New("esbuild's IIFE has another shape than bundle.go expects: see iifeOpen and iifeClose")
	}
	return fmt.Appendf(nil, "(boot=>{%s})", body), nil
}

// source is the plugin that finds modules in sources, and nowhere else.
func source(sources fs.FS, modules virtual) api.Plugin {
	return api.Plugin{Name: "volenti", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: `.*`}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			if _, ok := modules[a.Path]; ok {
				return api.OnResolveResult{Path: a.Path, Namespace: "virtual", SideEffects: api.SideEffectsFalse}, nil
			}
			name := a.Path
			if a.Kind != api.ResolveEntryPoint {
				if !strings.HasPrefix(name, "./") && !strings.HasPrefix(name, "../") {
					return api.OnResolveResult{}, fmt.Errorf("%q is neither a file beside this one nor a module of the compiler: the banner has no dependencies", name)
				}
				if a.Namespace == "virtual" {
					name = path.Clean(name) // as if it stood in src
				} else {
					name = path.Join(path.Dir(a.Importer), name)
				}
			}
			if path.Ext(name) == "" {
				name += ".ts"
			}
			return api.OnResolveResult{Path: name, Namespace: "src", SideEffects: api.SideEffectsFalse}, nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: "virtual"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			text := modules[a.Path]
			return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: `.*`, Namespace: "src"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			b, err := fs.ReadFile(sources, a.Path)
			if err != nil {
				return api.OnLoadResult{}, err
			}
			text, loader := string(b), api.LoaderTS
			if path.Ext(a.Path) == ".css" {
				loader = api.LoaderText
				if text, err = stylesheet(a.Path, text); err != nil {
					return api.OnLoadResult{}, err
				}
			}
			return api.OnLoadResult{Contents: &text, Loader: loader}, nil
		})
	}}
}

// stylesheet minifies a style sheet. Its syntax stays as it is: esbuild would
// lower what browsers of four years ago need not have lowered.
func stylesheet(name, text string) (string, error) {
	result := api.Transform(text, api.TransformOptions{
		Loader: api.LoaderCSS, Sourcefile: name, Charset: api.CharsetUTF8, LogLevel: api.LogLevelSilent,
		MinifyWhitespace: true, MinifySyntax: true, LegalComments: api.LegalCommentsNone,
	})
	if messages := append(result.Errors, result.Warnings...); len(messages) > 0 {
		return "", problems(messages)
	}
	return strings.TrimSuffix(string(result.Code), "\n"), nil
}

func problems(messages []api.Message) error {
	all := make([]error, len(messages))
	for i, m := range messages {
		all[i] = errors.New(m.Text)
		if at := m.Location; at != nil {
			file := strings.TrimPrefix(at.File, "src:")
			all[i] = fmt.Errorf("banner/src/%s:%d:%d: %s", file, at.Line, at.Column+1, m.Text)
		}
	}
	return errors.Join(all...)
}
