package edge

import (
	"bytes"
)

// How a browser reads the text of a script. "<!--" hides an end tag from it if
// "<script" follows (HTML, "Script data state" and those after it). The
// tokenizer of x/net leaves the hidden part too early, behind a '<' in it, so
// it and a browser can end a script at different places.
type hiding byte

const (
	bare   hiding = iota // </script> ends it
	hidden               // behind <!--: </script> ends it, <script> hides that
	double               // behind <!-- and <script>: </script> ends only that
)

// A scriptEnd is how a browser has read the text of a script, or a part of it.
type scriptEnd struct {
	end   hiding // at the end of the text
	early bool   // it would have ended the script within the text
	at    int    // the last place where nothing is half read
	there hiding // how it is read from that place on
}

// scriptData follows the text of a script that was read in one way so far.
func scriptData(text []byte, from hiding) scriptEnd {
	state, dashes := from, 0
	last := scriptEnd{there: from}
	for i := 0; i < len(text); {
		c := text[i]
		if dashes == 0 && c != '<' && c != '-' {
			last.at, last.there = i, state
		}
		switch {
		case state == bare && c == '<' && bytes.HasPrefix(text[i:], []byte("<!--")):
			state, dashes = hidden, 2
			i += 4
		case state == bare && c == '<' && bytes.HasPrefix(text[i:], []byte("</")):
			end, ok := scriptWord(text, i+2)
			if ok {
				last.early = true
				return last
			}
			i = end
		case state == bare:
			i++
		case c == '-':
			dashes++
			i++
		case c == '<':
			dashes = 0
			i++
			closes := i < len(text) && text[i] == '/'
			if !closes && (state == double || i == len(text) || !letter(text[i])) {
				continue
			}
			if closes {
				i++
			}
			end, ok := scriptWord(text, i)
			i = end
			switch {
			case !ok:
			case state == double:
				state = hidden
			case closes:
				last.early = true
				return last
			default:
				state = double
			}
		default:
			if c == '>' && dashes >= 2 {
				state = bare
			}
			dashes = 0
			i++
		}
	}
	last.end = state
	return last
}

// scriptWord reads "script" and the character behind it at i. end is behind what
// a browser takes in either way: the letters, and a character that ends a name.
func scriptWord(text []byte, i int) (end int, ok bool) {
	end = i
	for end < len(text) && letter(text[end]) {
		end++
	}
	if end == len(text) || !space(text[end]) && text[end] != '/' && text[end] != '>' {
		return end, false
	}
	return end + 1, bytes.EqualFold(text[i:end], []byte("script"))
}

// agree makes the text of a script one that everybody ends at the same place: at
// the first end tag. That changes what it does only where it held such text in
// something else than a string.
func agree(text []byte) []byte {
	if read := scriptData(text, bare); !read.early && read.end != double {
		return text
	}
	out := bytes.ReplaceAll(text, []byte("<!--"), []byte(`<\!--`))
	for i := 0; i+1 < len(out); i++ {
		if out[i] == '<' && out[i+1] == '/' {
			if _, ok := scriptWord(out, i+2); ok {
				out = append(out[:i+1:i+1], append([]byte(`\`), out[i+1:]...)...)
			}
		}
	}
	return out
}

// withoutTags has no '<' that could begin anything, read as text or as markup:
// in markup "&lt;" is a '<', in text it is harmless. With sections, whole CDATA
// sections stay: both readings end behind them.
func withoutTags(text []byte, sections bool) []byte {
	if bytes.IndexByte(text, '<') < 0 {
		return text
	}
	var out []byte
	for {
		i := bytes.IndexByte(text, '<')
		if i < 0 {
			return append(out, text...)
		}
		out = append(out, text[:i]...)
		text = text[i:]
		if end := bytes.Index(text, []byte("]]>")); sections && end > 0 && bytes.HasPrefix(text, []byte("<![CDATA[")) {
			out = append(out, text[:end+3]...)
			text = text[end+3:]
			continue
		}
		out = append(out, "&lt;"...)
		text = text[1:]
	}
}
