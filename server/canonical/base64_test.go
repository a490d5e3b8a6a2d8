package canonical

import (
	"encoding/base64"
	"testing"
)

func TestBase64HasOneSpelling(t *testing.T) {
	for s, want := range map[string]string{"": "", "YQ==": "a", "YWI=": "ab", "YWJj": "abc", "-_8=": "\xfb\xff"} {
		if got, err := DecodeBase64(s); err != nil || string(got) != want {
			t.Errorf("%q: %q %v", s, got, err)
		}
	}
	for _, s := range []string{"YR==", "YWJ=", "YQ", "YQ=", "YQ===", "YWJj\n", "YW\r\nJj", " YWJj", "+/8=", "?"} {
		if got, err := DecodeBase64(s); err == nil {
			t.Errorf("%q is taken for that of %q", s, base64.URLEncoding.EncodeToString(got))
		}
	}
}
