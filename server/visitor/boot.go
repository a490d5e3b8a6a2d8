package visitor

import (
	"strconv"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
)

// A boot is what the script is told beyond what is compiled into it; see
// docs/wire.md. All of its text is of alphabets that need no escaping in JSON.
type boot struct {
	token   string
	models  string
	from    int64 // start of the bucket, Unix seconds
	gpc     bool
	dnt     bool
	link    bool
	void    int64 // Unix seconds: the request's cookie is of no use, ask again; 0 if it is, or there is none
	decided bool
	memory  Memory
	choices string
}

// append adds the argument list that calls the compiled function.
func (b *boot) append(dst []byte) []byte {
	dst = append(dst, `({"t":"`...)
	dst = append(dst, b.token...)
	dst = append(dst, `","m":"`...)
	dst = append(dst, b.models...)
	dst = append(dst, `","n":`...)
	dst = strconv.AppendInt(dst, b.from, 10)
	for _, flag := range [...]struct {
		on   bool
		name byte
	}{{b.gpc, 'g'}, {b.dnt, 'd'}, {b.link, 'l'}} {
		if flag.on {
			dst = append(dst, ',', '"', flag.name, '"', ':', '1')
		}
	}
	if b.void != 0 {
		dst = append(dst, `,"x":`...)
		dst = strconv.AppendInt(dst, b.void, 10)
	}
	if b.decided {
		dst = append(dst, `,"c":"`...)
		dst = append(dst, b.choices...)
		dst = append(dst, `","a":`...)
		dst = strconv.AppendInt(dst, b.memory.Decided.Unix(), 10)
		dst = append(dst, `,"u":`...)
		dst = strconv.AppendInt(dst, b.memory.Ends.Unix(), 10)
		if b.memory.Signal {
			dst = append(dst, `,"s":1`...)
		}
	}
	return append(dst, "});\n"...)
}

// letter is how a category's model is written in the boot's `m`.
func letter(m regime.Model) byte {
	switch m {
	case regime.OptOut:
		return 'o'
	case regime.Notice:
		return 'n'
	case regime.None:
		return '-'
	}
	return 'i' // opt-in, and whatever is not understood
}

// surfaceOf is the shape of the first layer for these models, the strictest of
// them.
func surfaceOf(models string) notice.Surface {
	surface := notice.AskNotice
	for _, m := range []byte(models) {
		switch m {
		case 'i':
			return notice.AskOptIn
		case 'o':
			surface = notice.AskOptOut
		}
	}
	return surface
}
