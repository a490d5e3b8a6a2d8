package visitor

import (
	"strconv"
	"time"

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
	optOut  bool // by the page /opt-out
	link    bool
	binding bool  // the law makes GPC binding here
	age     int   // years that whoever grants something says to be; 0: nobody is asked
	reask   int   // months that a refusal rests, where that is longer than the notice's validity; else 0
	change  int64 // when the newest material change of a policy came into force, Unix seconds; 0: none
	void    int64 // Unix seconds: the request's cookie is of no use, ask again; 0 if it is, or there is none
	decided bool
	memory  Memory
	carried
	may notice.Choices // what may load by what was decided, for scripts that leave the judgement to the gate; "" is what is necessary
}

// signal reports whether one is on that counts here.
func (b *boot) signal() bool { return b.gpc || b.dnt || b.optOut }

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
	}{{b.gpc, 'g'}, {b.dnt, 'd'}, {b.optOut, 'o'}, {b.link, 'l'}, {b.binding, 'b'}} {
		if flag.on {
			dst = append(dst, ',', '"', flag.name, '"', ':', '1')
		}
	}
	dst = number(dst, 'y', int64(b.age))
	dst = number(dst, 'r', int64(b.reask))
	dst = number(dst, 'h', b.change)
	dst = number(dst, 'x', b.void)
	if b.decided {
		dst = append(dst, `,"c":"`...)
		dst = append(dst, b.choices...)
		dst = append(dst, '"')
		dst = number(dst, 'a', unix(b.memory.Decided))
		dst = number(dst, 'u', unix(b.ends))
		dst = number(dst, 'w', unix(b.rests))
		dst = number(dst, 'k', unix(b.memory.Told))
		if b.memory.Signal {
			dst = append(dst, `,"s":1`...)
		}
		if b.more {
			dst = append(dst, `,"f":1`...)
		}
		if b.memory.Receipt != "" {
			dst = append(append(append(dst, `,"i":"`...), b.memory.Receipt...), '"')
		}
	}
	dst = choices(dst, 'q', b.may)
	return append(dst, "});\n"...)
}

// number adds a member, unless it is 0.
func number(dst []byte, name byte, n int64) []byte {
	if n == 0 {
		return dst
	}
	return strconv.AppendInt(append(dst, ',', '"', name, '"', ':'), n, 10)
}

// choices adds a member, unless it is empty.
func choices(dst []byte, name byte, c notice.Choices) []byte {
	if c == "" {
		return dst
	}
	dst = append(append(dst, ',', '"', name, '"', ':', '"'), c...)
	return append(dst, '"')
}

func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
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
