package consent

// Nearly every decision is written the way our own script writes it: known members, each
// once, plain ASCII without escapes. Such a text is read here in one go; whatever is not
// exactly so, right or wrong, is left to the reader, which also says what is wrong. Both
// read the same decision: FuzzDecode compares them.

// quick reads a decision that is written plainly; false for any other.
func quick(body []byte) (Decision, bool) {
	d := Decision{Categories: map[string]bool{}, Vendors: map[string]bool{}}
	s := scan{rest: body}
	seen := 0
	if !s.object(func(name []byte) bool {
		var bit int
		switch string(name) {
		case "id":
			bit, d.ID = 1<<0, s.text()
			return once(&seen, bit) && isDecisionID(d.ID)
		case "token":
			bit, d.Token = 1<<1, s.text()
			return once(&seen, bit) && d.Token != "" && len(d.Token) <= maxToken
		case "categories":
			bit = 1 << 2
			return once(&seen, bit) && s.choices(d.Categories)
		case "vendors":
			bit = 1 << 3
			return once(&seen, bit) && s.choices(d.Vendors)
		case "action":
			bit, d.Action = 1<<4, Action(s.text())
			return once(&seen, bit) && d.Action.sent()
		case "surface":
			bit, d.Surface = 1<<5, Surface(s.text())
			return once(&seen, bit) && d.Surface.sent()
		case "at":
			bit, d.At = 1<<6, s.number()
			return once(&seen, bit) && d.At <= maxTime
		case "gpc":
			bit, d.GPC = 1<<7, s.flag()
			return once(&seen, bit)
		case "dnt":
			bit, d.DNT = 1<<8, s.flag()
			return once(&seen, bit)
		case "previous":
			bit, d.Previous = 1<<9, s.text()
			return once(&seen, bit) && IsReceiptID(d.Previous)
		}
		return false
	}) {
		return Decision{}, false
	}
	const required = 1<<0 | 1<<1 | 1<<2 | 1<<4 | 1<<5 | 1<<6
	s.space()
	bad := &Invalid{}
	d.judge(bad)
	return d, !s.failed && len(s.rest) == 0 && seen&required == required && len(bad.Problems) == 0
}

func once(seen *int, bit int) bool {
	first := *seen&bit == 0
	*seen |= bit
	return first
}

// A scan goes through plain JSON. Once it has failed it stays so.
type scan struct {
	rest   []byte
	failed bool
}

func (s *scan) space() {
	for len(s.rest) > 0 && (s.rest[0] == ' ' || s.rest[0] == '\n' || s.rest[0] == '\t' || s.rest[0] == '\r') {
		s.rest = s.rest[1:]
	}
}

// take passes over one byte, if it is next.
func (s *scan) take(c byte) bool {
	s.space()
	if s.failed || len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scan) text() string { return string(s.word()) }

// word is a string of plain ASCII, as it stands in the text.
func (s *scan) word() []byte {
	if !s.take('"') {
		s.failed = true
		return nil
	}
	for i, c := range s.rest {
		if c == '"' {
			word := s.rest[:i]
			s.rest = s.rest[i+1:]
			return word
		}
		if c < 0x20 || c > 0x7e || c == '\\' {
			break
		}
	}
	s.failed = true
	return nil
}

func (s *scan) flag() bool {
	s.space()
	switch {
	case len(s.rest) >= 4 && string(s.rest[:4]) == "true":
		s.rest = s.rest[4:]
		return true
	case len(s.rest) >= 5 && string(s.rest[:5]) == "false":
		s.rest = s.rest[5:]
		return false
	}
	s.failed = true
	return false
}

// number is one of up to 16 digits, without sign, fraction and exponent.
func (s *scan) number() (n int64) {
	s.space()
	digits := 0
	for digits < len(s.rest) && digits < 17 && '0' <= s.rest[digits] && s.rest[digits] <= '9' {
		n = 10*n + int64(s.rest[digits]-'0')
		digits++
	}
	if digits == 0 || digits > 16 || digits > 1 && s.rest[0] == '0' {
		s.failed = true
		return 0
	}
	s.rest = s.rest[digits:] // what follows has to be a comma or a bracket
	return n
}

// object calls member with each name, standing before its value.
func (s *scan) object(member func(name []byte) bool) bool {
	if !s.take('{') {
		return false
	}
	if s.take('}') {
		return true
	}
	for {
		name := s.word()
		if s.failed || !s.take(':') || !member(name) || s.failed {
			return false
		}
		if s.take(',') {
			continue
		}
		return s.take('}')
	}
}

func (s *scan) choices(into map[string]bool) bool {
	return s.object(func(name []byte) bool {
		key := string(name)
		if _, twice := into[key]; twice || !isChoiceKey(key) || reservedKey(key) {
			return false
		}
		into[key] = s.flag()
		return true
	})
}
