package splice_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"

	"github.com/volenti-consent/volenti/server/splice"
)

var codings = append(splice.Codings(), splice.Identity)

// decode reads a whole stream with a decoder that is not ours, and fails
// where anything is left behind it.
func decode(coding string, stream []byte) ([]byte, error) {
	in := bytes.NewReader(stream)
	var r io.Reader
	switch coding {
	case splice.Brotli:
		r = brotli.NewReader(in)
	case splice.Gzip:
		z, err := gzip.NewReader(in) // the standard library's: it checks CRC and length
		if err != nil {
			return nil, err
		}
		z.Multistream(false)
		r = z
	case splice.Zstd:
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		defer z.Close()
		r = z
	default:
		r = in
	}
	got, err := io.ReadAll(r)
	if err == nil && in.Len() > 0 && coding != splice.Brotli { // brotli's reader reads ahead
		err = fmt.Errorf("%d bytes behind the stream", in.Len())
	}
	return got, err
}

func script(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	words := []string{"function", "return ", "(boot=>{", "const ", "document", ".createElement(", "})", "=>", "'volenti'", "consent", "let a=", ";"}
	var b strings.Builder
	for b.Len() < n {
		b.WriteString(words[r.IntN(len(words))])
	}
	return []byte(b.String()[:n])
}

func noise(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}

func TestAppendMakesOneStream(t *testing.T) {
	sources := map[string][]byte{
		"nothing":          nil,
		"one byte":         []byte("x"),
		"a script":         script(20_000),
		"past one window":  script(300_000),
		"incompressible":   noise(70_000),
		"several segments": append(noise(200_000), script(200_000)...),
	}
	tails := map[string][]byte{
		"no tail":         nil,
		"one byte":        []byte(")"),
		"a boot":          []byte(`({"t":"1.demo.0123.mac","m":"-iii","n":1795286400});`),
		"a full block":    noise(65_535),
		"one more":        noise(65_536),
		"several blocks":  noise(200_000),
		"two full blocks": noise(2 * 65_535),
	}
	for sourceName, source := range sources {
		encoded, err := splice.Compress(source)
		if err != nil {
			t.Fatal(err)
		}
		encoded[splice.Identity] = source
		for _, coding := range codings {
			for tailName, tail := range tails {
				t.Run(strings.Join([]string{coding, sourceName, tailName}, "/"), func(t *testing.T) {
					before := bytes.Clone(encoded[coding])
					head := []byte("HTTP")
					stream := splice.Append(head, coding, encoded[coding], tail)
					if !bytes.HasPrefix(stream, head) {
						t.Fatal("what was in dst is gone")
					}
					stream = stream[len(head):]
					got, err := decode(coding, stream)
					if err != nil {
						t.Fatal(err)
					}
					if want := append(bytes.Clone(source), tail...); !bytes.Equal(got, want) {
						t.Fatalf("decoded %d bytes, want %d; or others", len(got), len(want))
					}
					if !bytes.Equal(before, encoded[coding]) {
						t.Error("the prefix was changed")
					}
					if len(tail) <= 65_535 && len(stream) > len(before)+len(tail)+splice.MaxOverhead {
						t.Errorf("%d bytes over, MaxOverhead is %d", len(stream)-len(before)-len(tail), splice.MaxOverhead)
					}
				})
			}
		}
	}
}

// A flush costs a few bytes; more would mean that the prefix isn't compressed as well as a whole.
func TestPrefixIsAsSmallAsAWholeStream(t *testing.T) {
	source := script(30_000)
	encoded, err := splice.Compress(source)
	if err != nil {
		t.Fatal(err)
	}
	var whole bytes.Buffer
	w := brotli.NewWriterLevel(&whole, brotli.BestCompression)
	w.Write(source)
	w.Close()
	if got := len(splice.Append(nil, splice.Brotli, encoded[splice.Brotli], nil)); got > whole.Len()+4 {
		t.Errorf("brotli: %d bytes, as one stream %d", got, whole.Len())
	}
	whole.Reset()
	g, _ := gzip.NewWriterLevel(&whole, gzip.BestCompression)
	g.Write(source)
	g.Close()
	if got := len(splice.Append(nil, splice.Gzip, encoded[splice.Gzip], nil)); got > whole.Len()*101/100+10 {
		t.Errorf("gzip: %d bytes, as one stream %d", got, whole.Len())
	}
	e, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if got, one := len(splice.Append(nil, splice.Zstd, encoded[splice.Zstd], nil)), len(e.EncodeAll(source, nil)); got > one*101/100+10 {
		t.Errorf("zstd: %d bytes, as one stream %d", got, one)
	}
}

func TestCompressIsRepeatable(t *testing.T) {
	source := script(10_000)
	a, err := splice.Compress(source)
	if err != nil {
		t.Fatal(err)
	}
	b, err := splice.Compress(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, coding := range splice.Codings() {
		if len(a[coding]) == 0 || !bytes.Equal(a[coding], b[coding]) {
			t.Errorf("%s: the same source gave other bytes", coding)
		}
	}
}

func TestAppendAllocatesNothing(t *testing.T) {
	source, tail := script(20_000), []byte(`({"t":"x"});`)
	encoded, err := splice.Compress(source)
	if err != nil {
		t.Fatal(err)
	}
	for _, coding := range splice.Codings() {
		dst := make([]byte, 0, len(encoded[coding])+len(tail)+splice.MaxOverhead)
		if n := testing.AllocsPerRun(100, func() { dst = splice.Append(dst[:0], coding, encoded[coding], tail) }); n != 0 {
			t.Errorf("%s: %v allocations", coding, n)
		}
	}
}

func TestVerifyFindsDamage(t *testing.T) {
	source := script(5_000)
	encoded, err := splice.Compress(source)
	if err != nil {
		t.Fatal(err)
	}
	encoded[splice.Identity] = source
	for _, coding := range codings {
		prefix := encoded[coding]
		if err := splice.Verify(coding, prefix, source); err != nil {
			t.Errorf("%s, untouched: %v", coding, err)
		}
		for what, damaged := range map[string][]byte{
			"empty":        nil,
			"cut off":      prefix[:len(prefix)/2],
			"extended":     append(bytes.Clone(prefix), 1, 2, 3),
			"another byte": flip(prefix, len(prefix)/2),
			"another end":  flip(prefix, len(prefix)-1),
		} {
			if err := splice.Verify(coding, damaged, source); !errors.Is(err, splice.ErrDamaged) {
				t.Errorf("%s, %s: got %v, want ErrDamaged", coding, what, err)
			}
		}
		if err := splice.Verify(coding, prefix, source[1:]); !errors.Is(err, splice.ErrDamaged) {
			t.Errorf("%s, another source: got %v, want ErrDamaged", coding, err)
		}
	}
	if splice.Verify("deflate", source, source) == nil {
		t.Error("an unknown coding was verified")
	}
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 0x55
	return b
}

func FuzzAppend(f *testing.F) {
	f.Add([]byte(nil), []byte(nil))
	f.Add([]byte("(boot=>{})"), []byte(`({"t":""});`))
	f.Add(bytes.Repeat([]byte("ab"), 3000), bytes.Repeat([]byte{0}, 65_536))
	f.Add(noise(1000), noise(70_000))
	f.Fuzz(func(t *testing.T, source, tail []byte) {
		encoded, err := splice.Compress(source)
		if err != nil {
			t.Fatal(err)
		}
		for coding, prefix := range encoded {
			got, err := decode(coding, splice.Append(nil, coding, prefix, tail))
			if err != nil {
				t.Fatalf("%s: %v", coding, err)
			}
			if !bytes.Equal(got, append(bytes.Clone(source), tail...)) {
				t.Fatalf("%s: other bytes came back", coding)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	source, tail := script(30_000), script(300)
	encoded, err := splice.Compress(source)
	if err != nil {
		b.Fatal(err)
	}
	for _, coding := range splice.Codings() {
		b.Run(coding, func(b *testing.B) {
			dst := make([]byte, 0, len(encoded[coding])+len(tail)+splice.MaxOverhead)
			b.SetBytes(int64(len(source) + len(tail)))
			b.ReportAllocs()
			for b.Loop() {
				dst = splice.Append(dst[:0], coding, encoded[coding], tail)
			}
		})
	}
}

func BenchmarkCompress(b *testing.B) {
	source := script(30_000)
	b.SetBytes(int64(len(source)))
	for b.Loop() {
		if _, err := splice.Compress(source); err != nil {
			b.Fatal(err)
		}
	}
}
