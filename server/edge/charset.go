package edge

import (
	"bytes"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// A page is read as bytes of ASCII and of others that mean nothing here. Two
// kinds of encoding are not like that: in UTF-16 every character has two bytes,
// and in ISO-2022-JP an escape makes bytes of ASCII mean something else, so that
// a tag is text and text is a tag. Pages in them are passed on in UTF-8, behind
// a byte order mark, which counts more than what header and page say (HTML,
// "Determining the character encoding").

var utf8Mark = []byte("\xef\xbb\xbf")

// A charset looks at the beginning of a page, and settles how it is read.
type charset struct {
	out     io.Writer         // what comes behind
	label   encoding.Encoding // by the header, if it is one of these; or nil
	stated  bool              // the header names an encoding that is like ASCII
	begun   []byte            // fewer bytes than a mark may have
	settled bool
	through io.Writer // where everything goes once it is settled
	closer  io.Closer
}

// newCharset takes the charset parameter of the page's Content-Type.
func newCharset(label string, out io.Writer) *charset {
	c := &charset{out: out}
	if found, err := htmlindex.Get(label); err == nil {
		switch name, _ := htmlindex.Name(found); name {
		case "utf-16le", "utf-16be", "iso-2022-jp", "replacement":
			c.label = found
		default:
			c.stated = true
		}
	}
	return c
}

func (c *charset) Write(p []byte) (int, error) {
	if c.settled {
		return c.pass(p)
	}
	c.begun = append(c.begun, p...)
	if len(c.begun) < len(utf8Mark) {
		return len(p), nil
	}
	return len(p), c.settle()
}

func (c *charset) pass(p []byte) (int, error) {
	if _, err := c.through.Write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// settle chooses by the first bytes.
func (c *charset) settle() error {
	c.settled, c.through = true, c.out
	from := c.label
	switch {
	case bytes.HasPrefix(c.begun, utf8Mark):
		from = nil
	case bytes.HasPrefix(c.begun, []byte("\xfe\xff")):
		from = unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM)
	case bytes.HasPrefix(c.begun, []byte("\xff\xfe")):
		from = unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM)
	case from == nil && !c.stated:
		c.through = withoutEscapes{c.out}
	}
	if from != nil {
		if _, err := c.out.Write(utf8Mark); err != nil {
			return err
		}
		w := transform.NewWriter(c.out, from.NewDecoder())
		c.through, c.closer = w, w
	}
	begun := c.begun
	c.begun = nil
	_, err := c.pass(begun)
	return err
}

// Close passes on what is left.
func (c *charset) Close() error {
	if !c.settled {
		if err := c.settle(); err != nil {
			return err
		}
	}
	if c.closer != nil {
		return c.closer.Close()
	}
	return nil
}

// withoutEscapes makes spaces of the escape character. A page that says nowhere
// in its header how it is encoded can be ISO-2022-JP by a <meta>, or by guess;
// without escapes that is ASCII.
type withoutEscapes struct{ out io.Writer }

func (w withoutEscapes) Write(p []byte) (int, error) {
	if bytes.IndexByte(p, 0x1b) < 0 {
		return w.out.Write(p)
	}
	return w.out.Write(bytes.ReplaceAll(p, []byte{0x1b}, []byte{' '}))
}
