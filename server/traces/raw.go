package traces

import (
	"bytes"
	"errors"
	"io"
)

// shortestRun is how many printable bytes in a row are a text among bytes that are none:
// fewer come about by chance.
const shortestRun = 12

// longestRun bounds how much of one text is looked at in one piece.
const longestRun = 64 << 10

// Raw reads bytes of which nothing is known, such as a database with its free pages,
// and tells each of what it finds and at which byte.
func Raw(r io.Reader, canaries Canaries, each func(m Match, at int64)) error {
	const chunk = 1 << 20
	overlap := max(canaries.Longest(), longestRun)
	buffer := make([]byte, 0, chunk+overlap)
	begins := int64(0) // of buffer, in the file
	seen := int64(0)   // what begins before that was looked at
	for {
		n, err := io.ReadFull(r, buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		last := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		until := int64(len(buffer)) // what begins behind it is looked at with the next chunk
		if !last {
			until -= int64(overlap)
		}
		tell := func(m Match, at int) {
			if begins+int64(at) >= seen && int64(at) < until {
				each(m, begins+int64(at))
			}
		}
		for _, m := range canaries.Find(buffer) {
			tell(m, m.At)
		}
		runs(buffer, func(text []byte, from int) {
			for _, m := range Find(string(text)) {
				tell(m, from+m.At)
			}
		})
		if last {
			return nil
		}
		seen = begins + until
		// One run of text more stays before it: a match is found from its beginning.
		keep := max(int(until)-longestRun, 0)
		begins += int64(keep)
		buffer = buffer[:copy(buffer[:cap(buffer)], buffer[keep:])]
	}
}

// runs calls each with every text of printable ASCII.
func runs(b []byte, each func(text []byte, from int)) {
	for from := 0; from < len(b); {
		n := bytes.IndexFunc(b[from:], func(r rune) bool { return r < ' ' || r > '~' })
		if n < 0 {
			n = len(b) - from
		}
		if n >= shortestRun {
			each(b[from:from+n], from)
		}
		from += n + 1
	}
}
