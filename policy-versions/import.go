package policyversions

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxOriginal bounds an imported text, in bytes. The longest policies in use
// hold some 200 KB.
const MaxOriginal = 512 << 10

// Errors of Import. Each says what to do.
var (
	ErrTooLarge      = fmt.Errorf("the text is larger than %d KiB: import the policy alone, without images or scripts inside it", MaxOriginal>>10)
	ErrEncoding      = errors.New("the text is not UTF-8: save it as UTF-8 and import it again")
	ErrEmpty         = errors.New("the text holds no words")
	ErrTooMuchMarkup = errors.New("a paragraph has thousands of links or tags: part it by blank lines, or import the page as HTML")
	ErrTooDeep       = errors.New("quotations, lists or elements are nested too deeply to be a policy")
)

// Import reads a policy from what an editor, a website or an archive gave: Markdown,
// HTML, plain text or a Word document, told apart by the file name and by what is in it. The bytes
// stay as they are in Original. The text is brought into one form, so that the same
// words in another file have the same digest, and no word of the policy is dropped
// on the way; what was changed or set aside is listed in Changes.
//
// Importing a draft's own Markdown again, as Markdown, gives the same text.
// Dates that the text states are not read: when a version takes effect is for the
// operator to say.
func Import(raw []byte, name string) (Draft, error) {
	docx, err := documentKind(raw)
	if err != nil {
		return Draft{}, err
	}
	if len(raw) > MaxDocument || len(raw) > MaxOriginal && !docx {
		return Draft{}, ErrTooLarge
	}
	d := Draft{Original: bytes.Clone(raw)}
	var t tally
	var text string
	if docx {
		d.Format = "docx"
		text, err = fromDOCX(raw, &t)
	} else {
		d.Format, text, err = fromText(raw, name, &t)
	}
	if err != nil {
		return Draft{}, err
	}
	if len(text) > 4*MaxOriginal {
		return Draft{}, ErrTooLarge
	}
	if text, d.Provenance, err = settle(text, &t); err != nil {
		return Draft{}, err
	}
	d.Markdown, d.Changes = text, t
	if d.Title = titleOf(text); d.Title == "" {
		return Draft{}, ErrEmpty
	}
	return d, nil
}

// fromText writes what is no document of a word processor as Markdown.
func fromText(raw []byte, name string, t *tally) (format, text string, err error) {
	if err := checkEncoding(raw); err != nil {
		return "", "", err
	}
	text = normalizeCharacters(string(raw), t)
	switch format = formatOf(name, text); format {
	case "html":
		text, err = fromHTML(text, t)
	case "text":
		text = fromPlain(text, t)
	}
	return format, text, err
}

// settle repeats the steps until nothing changes any more: taking a tag away, for
// one, can leave behind what reads as another. Its result is a fixed point, which
// is what makes importing idempotent.
func settle(text string, t *tally) (settled string, provenance []string, err error) {
	const rounds = 16 // real texts need two, hostile ones six
	for range rounds {
		next := normalizeCharacters(text, t)
		next, notes := setAside(next, t)
		provenance = append(provenance, notes...)
		if next, err = replaceHTML(next, t); err != nil {
			return "", nil, err
		}
		next = tidy(next, t)
		if next == text {
			return text, provenance, nil
		}
		if len(next) > 4*MaxOriginal {
			return "", nil, ErrTooLarge
		}
		text = next
	}
	return "", nil, errors.New("the markup of this text cannot be settled: remove the HTML in it and import it again")
}

func checkEncoding(raw []byte) error {
	if bytes.HasPrefix(raw, []byte{0xFF, 0xFE}) || bytes.HasPrefix(raw, []byte{0xFE, 0xFF}) {
		return fmt.Errorf("%w (it seems to be UTF-16)", ErrEncoding)
	}
	if utf8.Valid(raw) {
		return nil
	}
	line := 1
	for rest := raw; len(rest) > 0; {
		r, size := utf8.DecodeRune(rest)
		if r == utf8.RuneError && size == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		rest = rest[size:]
	}
	return fmt.Errorf("%w (line %d)", ErrEncoding, line)
}

var (
	htmlStart = regexp.MustCompile(`(?i)^\s*(<\?xml[^>]*>\s*|<!--[^>]*-->\s*)*<(!doctype\s+html|html|head|body|article|main|section|div|p|h[1-6])[\s>]`)
	mdSigns   = regexp.MustCompile(`(?m)^\s{0,3}#{1,6} \S|\]\([^)\s]+\)`)
)

// formatOf trusts the content over the name where they clearly disagree: archives
// keep Markdown as .txt, and "save page as" puts HTML under any name.
func formatOf(name, text string) string {
	ext := strings.ToLower(path.Ext(name))
	switch {
	case ext == ".html" || ext == ".htm" || ext == ".xhtml":
		return "html"
	case htmlStart.MatchString(text) && (ext != ".md" || strings.Contains(strings.ToLower(text), "</html>")):
		return "html"
	case ext == ".md" || ext == ".markdown" || mdSigns.MatchString(text):
		return "markdown"
	}
	return "text"
}

// FileType is how an original of a format is handed out to be saved: the end of its
// name, and its media type. What a browser could run is plain text.
func FileType(format string) (extension, media string) {
	switch format {
	case "docx":
		return "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case "markdown":
		extension = "md"
	case "html":
		extension = "html"
	default:
		extension = "txt"
	}
	return extension, "text/plain; charset=utf-8"
}

// hasWords is true if s holds at least one letter or digit.
func hasWords(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}
