package request

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// An address that is accepted is one address, and puts nothing into a mail's header.
func FuzzParseAddress(f *testing.F) {
	for _, seed := range []string{"a@b.example", "A B <a@b.example>", "a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example", `"a b"@c.example`, "a@[127.0.0.1]", "ä@ö.example", "", "@", strings.Repeat("a", 400) + "@b.example"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseAddress(text)
		if err != nil {
			if !errors.Is(err, ErrAddress) {
				t.Fatal(err)
			}
			return
		}
		all, err := mail.ParseAddressList(got)
		if got != text || strings.ContainsAny(got, "\r\n\x00 ,;<>\"()") || err != nil || len(all) != 1 || all[0].Name != "" {
			t.Fatalf("%q is taken as %q: %v", text, got, all)
		}
	})
}

// The address of a hook that is accepted is read the same by whoever calls it.
func FuzzCheckHookURL(f *testing.F) {
	for _, seed := range []string{"https://crm.example/hook", "http://127.0.0.1/", "https://user:pw@x.example/", "https://x.example/#f", "//x.example", "javascript:alert(1)", "https://", "https://[::1]:443/", "https://x.example\r\nHost: y", "https://x.example\\@y.example/", strings.Repeat("https://x.example/", 40)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		if CheckHookURL(address) != nil {
			return
		}
		u, err := url.Parse(address)
		if err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || len(address) > 500 {
			t.Fatalf("%q is accepted", address)
		}
		if strings.ContainsAny(u.Hostname(), "\r\n\x00/\\@#?") || strings.ContainsAny(address, "\r\n") {
			t.Fatalf("%q leads to %q", address, u.Hostname())
		}
	})
}

// A signature is that of id, time and body; of anything else it is not.
func FuzzSign(f *testing.F) {
	f.Add("msg_0123", int64(1700000000), []byte(`{"a":1}`), []byte("0123456789abcdef0123456789abcdef"))
	f.Add("", int64(-1), []byte{}, []byte{})
	f.Add("a.1", int64(2), []byte("3.b"), []byte("key"))
	f.Fuzz(func(t *testing.T, id string, at int64, body, key []byte) {
		secret := secretPrefix + base64.StdEncoding.EncodeToString(key)
		got, err := Sign(id, time.Unix(at, 0), body, secret, secret)
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + strconv.FormatInt(at, 10) + "." + string(body)))
		one := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		if got != one+" "+one {
			t.Fatalf("%q", got)
		}
		if other, _ := Sign(id, time.Unix(at, 0), append(body[:len(body):len(body)], 0), secret); strings.Contains(got, other) {
			t.Fatal("another body has this signature")
		}
	})
}
