package transparency

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/auditlog"
)

func (w *world) placed(texts ...string) {
	w.t.Helper()
	w.log.Pins = w.db
	for _, text := range texts {
		p, err := ParsePlace(text)
		if err != nil {
			w.t.Fatal(err)
		}
		w.log.Places = append(w.log.Places, p)
	}
}

func TestCheckpointsArePinnedOnceADay(t *testing.T) {
	w := newWorld(t, "shop.example/log")
	var mu sync.Mutex
	var posted []string
	fail := true
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		if fail {
			fail = false
			rw.WriteHeader(http.StatusBadGateway)
			return
		}
		posted = append(posted, r.Header.Get("Content-Type")+"\n"+string(b))
	}))
	defer s.Close()
	file := filepath.Join(t.TempDir(), "checkpoint")
	w.placed(file, s.URL+"/pins?key=1")
	if err := w.log.pin(t.Context(), w.log.Places[0]); !errors.Is(err, auditlog.ErrNoCheckpoint) {
		t.Errorf("before anything was signed: %v", err)
	}
	w.grow(2)
	first := w.sign()
	for day := range 3 {
		for again := range 3 {
			for _, p := range w.log.Places {
				err := w.log.pin(t.Context(), p)
				if failed := day == 0 && again == 0 && p.Name != file; (err != nil) != failed {
					t.Errorf("day %d: pin to %s: %v", day, p.Name, err)
				}
			}
		}
		w.clock.pass(24 * time.Hour)
		w.grow(1)
		w.sign()
	}
	if b, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(b), "shop.example/log\n4\n") {
		t.Errorf("in the file: %q, %v", b, err)
	}
	if len(posted) != 3 || posted[0] != "text/plain; charset=utf-8\n"+string(first.Note) {
		t.Errorf("posted %d times, first %q", len(posted), posted)
	}
	pins, err := w.db.Pins(t.Context(), 100)
	if err != nil || len(pins) != 6 || pins[5].Day != "2026-11-21" || pins[5].Size != 2 {
		t.Errorf("%d pins, %v", len(pins), err)
	}
}

func TestPlacesThatAreNone(t *testing.T) {
	for _, text := range []string{"", "checkpoint", "ftp://x.example", "https://", "rfc3161:", "rfc3161:/file", "https://a:b@x.example/"} {
		if _, err := ParsePlace(text); err == nil {
			t.Errorf("%q is taken for a place", text)
		}
	}
}

// authority is a real one, made with openssl.
func authority(t *testing.T, digest string) (folder string) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Skip("no openssl here; .ci/deps installs it")
	}
	folder = t.TempDir()
	const config = `[req]
distinguished_name = name
prompt = no
[name]
CN = Time
[leaf]
basicConstraints = CA:FALSE
extendedKeyUsage = critical,timeStamping
[wrong]
basicConstraints = CA:FALSE
extendedKeyUsage = serverAuth
[tsa]
default_tsa = one
[one]
serial = FOLDER/serial
signer_cert = FOLDER/tsa.pem
signer_key = FOLDER/tsa.key
certs = FOLDER/ca.pem
signer_digest = DIGEST
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1, millisecs:500
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = DIGEST
`
	text := strings.NewReplacer("FOLDER", folder, "DIGEST", digest).Replace(config)
	for name, content := range map[string]string{"conf": text, "serial": "01\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	openssl(t, folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Root", "-days", "30")
	openssl(t, folder, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-config", "conf")
	openssl(t, folder, "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "tsa.pem", "-days", "30", "-extfile", "conf", "-extensions", "leaf")
	return folder
}

func openssl(t *testing.T, folder string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "openssl", args...)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("openssl %s: %v\n%s", args[0], err, out)
	}
}

// replies is an authority on a port. change alters its answer.
func replies(t *testing.T, folder string, change func([]byte) []byte) string {
	t.Helper()
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Content-Type"); got != "application/timestamp-query" {
			t.Errorf("asked with %q", got)
		}
		b, _ := io.ReadAll(r.Body)
		n++
		query, reply := filepath.Join(folder, fmt.Sprint("query", n)), filepath.Join(folder, fmt.Sprint("reply", n))
		if err := os.WriteFile(query, b, 0o600); err != nil {
			t.Error(err)
		}
		openssl(t, folder, "ts", "-reply", "-config", "conf", "-section", "one", "-queryfile", query, "-out", reply)
		answer, err := os.ReadFile(reply)
		if err != nil {
			t.Error(err)
		}
		rw.Header().Set("Content-Type", "application/timestamp-reply")
		rw.Write(change(answer))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func same(b []byte) []byte { return b }

func TestAnAuthorityStampsACheckpoint(t *testing.T) {
	for _, digest := range []string{"sha256", "sha512", "sha1"} {
		t.Run(digest, func(t *testing.T) {
			folder := authority(t, strings.Replace(digest, "sha1", "sha256", 1))
			if digest == "sha1" { // the older way to name a certificate
				conf, err := os.ReadFile(folder + "/conf")
				if err == nil {
					err = os.WriteFile(folder+"/conf", bytes.Replace(conf, []byte("ess_cert_id_alg = sha256"), []byte("ess_cert_id_alg = sha1"), 1), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			w := newWorld(t, "shop.example/log")
			w.clock.t = time.Now()
			w.placed("rfc3161:" + replies(t, folder, same))
			w.grow(1)
			c := w.sign()
			if err := w.log.pin(t.Context(), w.log.Places[0]); err != nil {
				t.Fatal(err)
			}
			pins, err := w.db.Pins(t.Context(), 10)
			if err != nil || len(pins) != 1 || !bytes.Equal(pins[0].Note, c.Note) {
				t.Fatalf("%d pins, %v", len(pins), err)
			}
			s, err := VerifyStamp(pins[0].Answer, c.Note)
			if err != nil || time.Since(s.At).Abs() > time.Minute {
				t.Fatalf("stamped at %v: %v", s.At, err)
			}
			// It leads to the root that a reader trusts.
			ca, err := os.ReadFile(folder + "/ca.pem")
			if err != nil {
				t.Fatal(err)
			}
			roots := x509.NewCertPool()
			roots.AppendCertsFromPEM(ca)
			if _, err := s.Certificate.Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}}); err != nil {
				t.Error(err)
			}
			// Others read it too.
			for name, b := range map[string][]byte{"note": c.Note, "token": pins[0].Answer} {
				if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			openssl(t, folder, "ts", "-verify", "-data", "note", "-in", "token", "-token_in", "-CAfile", "ca.pem", "-untrusted", "tsa.pem")
			if _, err := VerifyStamp(pins[0].Answer, append(bytes.Clone(c.Note), '\n')); !errors.Is(err, ErrStamp) {
				t.Errorf("of another text: %v", err)
			}
			flipped := 0
			for i := range pins[0].Answer { // whatever is changed in it
				b := bytes.Clone(pins[0].Answer)
				b[i] ^= 1
				if got, err := VerifyStamp(b, c.Note); err != nil {
					flipped++
				} else if !got.At.Equal(s.At) || !got.Certificate.Equal(s.Certificate) || got.Serial.Cmp(s.Serial) != 0 {
					t.Errorf("byte %d changed: it says %v by %s", i, got.At, got.Certificate.Subject)
				}
			}
			if flipped < len(pins[0].Answer)/2 {
				t.Errorf("%d of %d changed tokens are refused", flipped, len(pins[0].Answer))
			}
		})
	}
}

func TestAnswersThatAreNoStamp(t *testing.T) {
	folder := authority(t, "sha256")
	note := []byte("shop.example/log\n0\n")
	good := replies(t, folder, same)
	var first []byte
	if token, err := stamp(t.Context(), good, note, time.Now()); err != nil {
		t.Fatal(err)
	} else {
		first = token
	}
	for name, address := range map[string]string{
		"nothing": replies(t, folder, func([]byte) []byte { return nil }),
		"garbage": replies(t, folder, func([]byte) []byte { return []byte("yes") }),
		"cut off": replies(t, folder, func(b []byte) []byte { return b[:len(b)/2] }),
		"more":    replies(t, folder, func(b []byte) []byte { return append(b, 0) }),
		"refused": replies(t, folder, func([]byte) []byte { return []byte{0x30, 5, 0x30, 3, 2, 1, 2} }),
		"that of before": replies(t, folder, func([]byte) []byte {
			return append([]byte{0x30, 0x82, byte((len(first) + 5) >> 8), byte(len(first) + 5), 0x30, 3, 2, 1, 0}, first...)
		}),
	} {
		if token, err := stamp(t.Context(), address, note, time.Now()); err == nil {
			t.Errorf("%s: taken for a stamp of %d bytes", name, len(token))
		} else if name == "that of before" && !strings.Contains(err.Error(), "another request") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := stamp(t.Context(), good, note, time.Now().Add(48*time.Hour)); err == nil || !strings.Contains(err.Error(), "here") {
		t.Errorf("a clock that is two days off: %v", err)
	}
}

// A certificate that is for something else does not stamp.
func TestACertificateForServersStampsNothing(t *testing.T) {
	folder := authority(t, "sha256")
	w := replies(t, folder, same)
	token, err := stamp(t.Context(), w, []byte("x"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s, err := VerifyStamp(token, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	// openssl itself refuses to stamp with such a one, so the check is asked directly.
	other := *s.Certificate
	other.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for name, c := range map[string]*x509.Certificate{"for servers": &other, "of somebody else": stranger(t, s.Certificate)} {
		info, content := parts(t, token)
		if _, err := verifySigner(info, content, []*x509.Certificate{c}); !errors.Is(err, ErrStamp) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func parts(t *testing.T, token []byte) (signerInfo, []byte) {
	t.Helper()
	var outer contentInfo
	var data signedData
	if err := errors.Join(whole(token, &outer), whole(outer.Content.Bytes, &data)); err != nil {
		t.Fatal(err)
	}
	return data.Signers[0], data.Content.Content
}

// stranger has the same name, another key, and says it is the one that is named.
func stranger(t *testing.T, c *x509.Certificate) *x509.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	other := *c
	other.PublicKey = &key.PublicKey
	return &other
}
