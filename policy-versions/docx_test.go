package policyversions

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const wordNamespaces = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"`

// wordDocument is a Word document with that body, and the parts of testdata/docx
// beside it: its styles, its lists, its notes, a header and a comment.
func wordDocument(t testing.TB, body string) []byte {
	t.Helper()
	parts := map[string]string{"word/document.xml": `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:document ` + wordNamespaces + `><w:body>` + body + `<w:sectPr/></w:body></w:document>`}
	files, err := filepath.Glob("testdata/docx/*")
	if err != nil || len(files) < 9 {
		t.Fatalf("the parts are missing: %v %v", files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parts[strings.ReplaceAll(filepath.Base(file), "__", "/")] = string(raw)
	}
	return zipped(t, parts)
}

func zipped(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range parts {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// para is a paragraph: its properties, and its text or runs.
func para(properties, content string) string {
	if !strings.HasPrefix(content, "<") {
		content = `<w:r><w:t xml:space="preserve">` + content + `</w:t></w:r>`
	}
	return `<w:p><w:pPr>` + properties + `</w:pPr>` + content + `</w:p>`
}

func styled(style, content string) string { return para(`<w:pStyle w:val="`+style+`"/>`, content) }

func inList(list, level int, content string) string {
	return para(fmt.Sprintf(`<w:numPr><w:ilvl w:val="%d"/><w:numId w:val="%d"/></w:numPr>`, level, list), content)
}

func bold(text string) string {
	return `<w:r><w:rPr><w:b/></w:rPr><w:t xml:space="preserve">` + text + `</w:t></w:r>`
}

func wordRun(text string) string { return `<w:r><w:t xml:space="preserve">` + text + `</w:t></w:r>` }

func TestImportWordDocuments(t *testing.T) {
	const bullets, decimals, legal, letters, headings = 1, 2, 3, 4, 5
	for name, c := range map[string]struct{ body, want, changes string }{
		"headings": {
			styled("Heading1", "Privacy policy") + para("", "Who we are.") + styled("berschrift2", "Cookies") + para(`<w:outlineLvl w:val="2"/>`, "Which"),
			"# Privacy policy\n\nWho we are.\n\n## Cookies\n\n### Which\n", "",
		},
		"a title": {
			styled("Title", "Privacy policy") + styled("Heading1", "Cookies"),
			"# Privacy policy\n\n## Cookies\n", "",
		},
		"looks": {
			para("", wordRun("We ")+bold("never ")+bold("sell")+`<w:r><w:rPr><w:i/></w:rPr><w:t xml:space="preserve"> your</w:t></w:r>`+wordRun(" data")+`<w:r><w:rPr><w:b w:val="0"/></w:rPr><w:br/><w:t>ever</w:t></w:r>`),
			"We **never sell** *your* data\\\never\n", "",
		},
		"marks of Markdown are words": {
			para("", "# no heading * no_bullet_ [no](link) &lt;b&gt; 1. no list"), "\\# no heading * no\\_bullet_ \\[no](link) &lt;b&gt; 1. no list\n", "",
		},
		"lists": {
			inList(bullets, 0, "names") + inList(bullets, 1, "first") + inList(bullets, 1, "last") + inList(bullets, 0, "orders") + para("", "After."),
			"- names\n\n  - first\n  - last\n- orders\n\nAfter.\n", "",
		},
		"numbers go on behind a paragraph": {
			inList(decimals, 0, "one") + inList(decimals, 0, "two") + para("", "Between.") + inList(decimals, 0, "three"),
			"1. one\n2. two\n\nBetween.\n\n3. three\n", "",
		},
		"numbers that Markdown can't write": {
			inList(letters, 0, "one") + inList(letters, 0, "two") + inList(legal, 0, "A") + inList(legal, 1, "B") + inList(legal, 1, "C") + inList(legal, 0, "D") + inList(legal, 1, "E"),
			"- (a) one\n- (b) two\n- 1 A\n\n  - 1.1 B\n  - 1.2 C\n- 2 D\n\n  - 2.1 E\n", wroteNumbers,
		},
		"numbered headings": {
			styled("Heading1", "Privacy") + styled("NumberedHeading", "Who") + styled("NumberedHeading", "What"),
			"# Privacy\n\n## 1 Who\n\n## 2 What\n", wroteNumbers,
		},
		"links": {
			styled("Heading1", `<w:bookmarkStart w:id="1" w:name="_Ref1"/><w:r><w:t>Your rights</w:t></w:r><w:bookmarkEnd w:id="1"/>`) +
				para("", `<w:hyperlink r:id="web">`+wordRun("the site")+`</w:hyperlink>`+wordRun(" and ")+`<w:hyperlink w:anchor="_Ref1">`+wordRun("rights")+`</w:hyperlink>`) +
				para("", `<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> HYPERLINK "mailto:dpo@shop.example" </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>`+wordRun("mail us")+`<w:r><w:fldChar w:fldCharType="end"/></w:r>`+wordRun(" now")),
			"# Your rights\n\n[the site](https://shop.example/about) and [rights](#your-rights)\n\n[mail us](mailto:dpo@shop.example) now\n", "",
		},
		"a link that runs something": {
			para("", `<w:hyperlink r:id="evil">`+wordRun("press")+`</w:hyperlink>`), "press\n", unlinked,
		},
		"a table": {
			`<w:tbl><w:tr><w:tc>` + para("", "Cookie") + `</w:tc><w:tc>` + para("", "Days") + `</w:tc></w:tr><w:tr><w:tc>` + para("", "cart | a") + para("", "second") + `</w:tc><w:tc>` + para("", "30") + `</w:tc></w:tr></w:tbl>`,
			"| Cookie                  | Days |\n|-------------------------|------|\n| cart \\| a   second | 30   |\n", "",
		},
		"a frame": {
			`<w:tbl><w:tr><w:tc>` + styled("Heading1", "Privacy") + para("", "In a frame.") + `</w:tc></w:tr></w:tbl>`, "# Privacy\n\nIn a frame.\n", openedFrames,
		},
		"notes": {
			para("", wordRun("We keep it")+`<w:r><w:footnoteReference w:id="2"/></w:r>`+wordRun(" long")+`<w:r><w:endnoteReference w:id="2"/></w:r>`+wordRun(".")),
			"We keep it\\[1] long\\[2].\n\n***\n\n\\[1] Seven years.\n\n\\[2] By [law](https://law.example/).\n", movedNotes,
		},
		"tracked changes": {
			para("", wordRun("We keep ")+`<w:del><w:r><w:delText>seven</w:delText></w:r></w:del><w:ins>`+wordRun("five")+`</w:ins>`+wordRun(" years")),
			"We keep five years\n", acceptedDeletions,
		},
		"hidden text": {
			para("", wordRun("Shown")+`<w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r>`), "Shown\n", droppedHidden,
		},
		"a picture": {
			para("", wordRun("Logo: ")+`<w:r><w:drawing><wp:inline><wp:docPr descr="Shop Ltd"/></wp:inline></w:drawing></w:r>`), "Logo: Shop Ltd\n", describedPictures,
		},
		"a text box, which is there twice": {
			para("", wordRun("Before")+`<w:r><mc:AlternateContent><mc:Choice><w:drawing><w:txbxContent>`+para("", "In the box")+`</w:txbxContent></w:drawing></mc:Choice><mc:Fallback><w:pict><w:txbxContent>`+para("", "In the box")+`</w:txbxContent></w:pict></mc:Fallback></mc:AlternateContent></w:r>`) + para("", "After"),
			"Before\n\nIn the box\n\nAfter\n", movedBoxes,
		},
		"a table of contents": {
			`<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/></w:docPartObj></w:sdtPr><w:sdtContent>` + styled("TOC1", "Cookies 3") + `</w:sdtContent></w:sdt>` + styled("TOC1", "Cookies 3") + styled("Heading1", "Cookies"),
			"# Cookies\n", droppedContents,
		},
		"a content control": {
			`<w:sdt><w:sdtContent>` + para("", wordRun("We are ")+`<w:sdt><w:sdtContent>`+wordRun("Shop Ltd")+`</w:sdtContent></w:sdt>`) + `</w:sdtContent></w:sdt>`, "We are Shop Ltd\n", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			raw := wordDocument(t, c.body)
			d := mustImport(t, string(raw), "policy.docx")
			if d.Format != "docx" || !bytes.Equal(d.Original, raw) {
				t.Errorf("format %q, %d bytes kept of %d", d.Format, len(d.Original), len(raw))
			}
			if d.Markdown != c.want {
				t.Errorf("got\n%s\nwant\n%s", d.Markdown, c.want)
			}
			again(t, d)
			var said []string
			for _, change := range d.Changes {
				said = append(said, change.What)
			}
			if !strings.Contains(strings.Join(said, "\n"), c.changes) || !strings.Contains(strings.Join(said, "\n"), droppedMargins) || !strings.Contains(strings.Join(said, "\n"), droppedRemarks) {
				t.Errorf("the changes are %q", said)
			}
			r, err := Render(d.Text)
			if err != nil {
				t.Fatal(err)
			}
			assertSafe(t, r.HTML)
		})
	}
}

func TestWordDocumentsThatAreNone(t *testing.T) {
	deep := strings.Repeat("<w:sdt><w:sdtContent>", 400) + para("", "x") + strings.Repeat("</w:sdtContent></w:sdt>", 400)
	for name, c := range map[string]struct {
		raw  []byte
		want error
		says string
	}{
		"old":                {[]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1 and more"), ErrDocument, "save it as .docx"},
		"PDF":                {[]byte("%PDF-1.7 …"), ErrDocument, "PDF"},
		"cut off":            {wordDocument(t, para("", "x"))[:200], ErrDocument, "damaged"},
		"another kind":       {zipped(t, map[string]string{"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<a/>"}), ErrDocument, "no Word document"},
		"not XML":            {zipped(t, map[string]string{"word/document.xml": "<w:document><w:body>"}), ErrDocument, "word/document.xml"},
		"an entity":          {zipped(t, map[string]string{"word/document.xml": `<!DOCTYPE x [<!ENTITY a "aaaa">]><document><body><p><r><t>&a;</t></r></p></body></document>`}), ErrDocument, "entity"},
		"no words":           {wordDocument(t, para("", "")), ErrEmpty, ""},
		"deep":               {wordDocument(t, deep), ErrTooDeep, ""},
		"a bomb":             {wordDocument(t, para("", strings.Repeat("a", mostPart+1))), ErrTooLarge, "unpacked"},
		"a bomb of elements": {wordDocument(t, strings.Repeat("<w:p/>", mostElements+1)), ErrTooLarge, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if len(c.raw) > MaxOriginal {
				t.Fatalf("%d bytes: not refused for what is in it", len(c.raw))
			}
			_, err := Import(c.raw, "policy.docx")
			if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("%v", err)
			}
		})
	}
}

// FuzzWordBody puts anything into the body of a document.
func FuzzWordBody(f *testing.F) {
	for _, body := range []string{
		styled("Heading1", "Privacy") + inList(1, 0, "names") + inList(3, 1, "a") + inList(2, 0, "b"),
		`<w:tbl><w:tr><w:tc>` + para("", "a") + `</w:tc></w:tr></w:tbl>` + para("", `<w:hyperlink r:id="web">`+wordRun("x")+`</w:hyperlink><w:r><w:footnoteReference w:id="2"/></w:r>`),
		para("", `<w:r><w:fldChar w:fldCharType="begin"/><w:instrText>HYPERLINK "x</w:instrText><w:fldChar w:fldCharType="end"/></w:r>`+bold(" # * _ ")),
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		if len(body) > 4<<10 {
			return
		}
		d, err := Import(wordDocument(t, body), "policy.docx")
		if err != nil {
			for _, known := range []error{ErrDocument, ErrEmpty, ErrTooDeep, ErrTooLarge, ErrTooMuchMarkup} {
				if errors.Is(err, known) {
					return
				}
			}
			t.Fatal(err)
		}
		again(t, d)
		r, err := Render(d.Text)
		if err != nil {
			t.Fatal(err)
		}
		assertSafe(t, r.HTML)
	})
}

// FuzzWordDocument puts anything in place of a document.
func FuzzWordDocument(f *testing.F) {
	f.Add(wordDocument(f, para("", "x")))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if d, err := Import(raw, "policy.docx"); err == nil {
			again(t, d)
		}
	})
}
