package fairness

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/dop251/goja"
	"github.com/evanw/esbuild/pkg/api"
)

// lower makes a compiled script one that the engine runs: import() and export
// become calls of require and members of exports, newer syntax older syntax.
// What the script does is the same.
func lower(source []byte) (*goja.Program, error) {
	text := string(source)
	if bytes.HasPrefix(source, []byte("(boot=>{")) {
		text = "module.exports=" + text
	}
	result := api.Transform(text, api.TransformOptions{
		Loader: api.LoaderJS, Format: api.FormatCommonJS, Target: api.ES2017, Charset: api.CharsetUTF8,
		Supported: map[string]bool{"dynamic-import": false}, LogLevel: api.LogLevelSilent,
	})
	if len(result.Errors) > 0 {
		return nil, errors.New(result.Errors[0].Text)
	}
	program, err := goja.Compile("script", fmt.Sprintf("(function(module,exports,require){%s\n})", result.Code), false)
	if err != nil {
		return nil, fmt.Errorf("the engine does not read it: %w", err)
	}
	return program, nil
}
