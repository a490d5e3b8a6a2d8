package notice

import (
	"regexp"
	"strings"
)

var bare = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// member is the path of an object's member, as RFC 9535 normalizes it where
// the name is not a bare word.
func member(path, name string) string {
	if !bare.MatchString(name) {
		return path + "['" + strings.ReplaceAll(strings.ReplaceAll(clip(name), `\`, `\\`), "'", `\'`) + "']"
	}
	if path == "" {
		return name
	}
	return path + "." + name
}
