package auditlog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// Whatever is made of genuine proof files and of other logs' proves
// of a leaf only what is true of it: its place, and a head that this log has signed.
func TestForgedProofsAreRefused(t *testing.T) {
	const n = 37
	forgeries := 100_000
	if testing.Short() { // as under the race detector: one thing is done after the other
		forgeries /= 20
	}
	leaves := make([][LeafSize]byte, n)
	stored := nodes{}
	var edge Edge
	key, err := NewLogKey("consent.example.com/log", rand.NewChaCha8([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewLogKey("consent.example.com/log", rand.NewChaCha8([32]byte{2})) // of the same name
	if err != nil {
		t.Fatal(err)
	}
	heads := map[Head]bool{}
	var files [][]byte
	var of []int64 // the leaf that a file is about
	for i := range leaves {
		leaves[i] = [LeafSize]byte{byte(i), 1}
		next, head, more, err := edge.Append(leaves[i : i+1])
		if err != nil {
			t.Fatal(err)
		}
		edge = next
		for _, s := range more {
			stored[s.Index] = s.Hash
		}
		if i%7 != 6 && i != n-1 {
			continue
		}
		heads[head] = true
		c, err := key.Sign(head, time.Unix(int64(i), 0))
		if err != nil {
			t.Fatal(err)
		}
		for _, index := range []int64{0, int64(i) / 2, int64(i)} {
			p, err := ProveInclusion(stored, head, index)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, Proof{Index: index, Hashes: p, Checkpoint: c.Note}.Encode())
			of = append(of, index)
		}
	}
	random := rand.New(rand.NewPCG(16, 100_000))
	accepted := 0
	for range forgeries {
		at := random.IntN(len(files))
		forged, leaf := forgedProof(random, files, at, other), leaves[of[at]]
		if random.IntN(3) == 0 {
			leaf = leaves[random.IntN(n)]
			if random.IntN(2) == 0 {
				leaf[random.IntN(LeafSize)] ^= 1 << random.IntN(8)
			}
		}
		p, err := ParseProof(forged)
		if err != nil {
			continue
		}
		c, _, err := p.Verify(leaf, key.Verifier())
		if err != nil {
			continue
		}
		accepted++
		if !heads[c.Head] || p.Index >= n || leaves[p.Index] != leaf || c.Origin != key.Origin() {
			t.Fatalf("proven of leaf %x at %d of %d:\n%s", leaf, p.Index, c.Head.Size, forged)
		}
	}
	// What is outside of the path and the signed lines may be anything: a comment, a
	// signature more, the log's own lines.
	if accepted == 0 || accepted > forgeries/4 {
		t.Errorf("%d of %d were no forgeries: the forger is out of practice", accepted, forgeries)
	}
	t.Logf("%d of %d proved what is true", accepted, forgeries)
	for i, file := range files {
		p, err := ParseProof(file)
		if err == nil {
			_, _, err = p.Verify(leaves[of[i]], key.Verifier())
		}
		if err != nil {
			t.Errorf("a genuine one is refused: %v", err)
		}
	}
}

func forgedProof(random *rand.Rand, files [][]byte, of int, other *LogKey) []byte {
	b := slices.Clone(files[of])
	mine, theirs := strings.Split(string(b), "\n"), strings.Split(string(files[random.IntN(len(files))]), "\n")
	at := random.IntN(len(b))
	line := random.IntN(len(mine))
	switch random.IntN(10) {
	case 0:
		b[at] ^= 1 << random.IntN(8)
	case 1:
		return b[:at]
	case 2:
		return append(b[:at:at], files[random.IntN(len(files))][min(at, len(theirs)):]...)
	case 3:
		mine[line] = theirs[min(line, len(theirs)-1)]
	case 4:
		mine = slices.Delete(mine, line, line+1)
	case 5:
		mine = slices.Insert(mine, line, theirs[random.IntN(len(theirs))])
	case 6: // another place
		mine[1] = fmt.Sprintf("index %d", random.IntN(64)-8)
	case 7: // lines exchanged
		with := random.IntN(len(mine))
		mine[line], mine[with] = mine[with], mine[line]
	case 8: // signed by another log of that name
		p, err := ParseProof(b)
		if err != nil {
			return b
		}
		c, err := ParseCheckpoint(p.Checkpoint)
		if err != nil {
			return b
		}
		if forged, err := other.Sign(Head{Size: c.Head.Size + int64(random.IntN(3)), Root: c.Head.Root}, time.Unix(1, 0)); err == nil {
			p.Checkpoint = forged.Note
		}
		return p.Encode()
	case 9: // other base64, other line ends, what nobody vouches for
		return bytes.Replace(b, []byte([]string{"=\n", "\n", "+", "index "}[random.IntN(4)]), []byte([]string{"\n", "\r\n", "-", "extra AAAA\nindex "}[random.IntN(4)]), 1+random.IntN(3))
	}
	if !slices.Equal(mine, strings.Split(string(files[of]), "\n")) {
		return []byte(strings.Join(mine, "\n"))
	}
	return b
}
