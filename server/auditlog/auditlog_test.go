package auditlog

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// nodes is a store of nodes in memory.
type nodes map[int64]tlog.Hash

func (n nodes) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		h, ok := n[x]
		if !ok {
			return nil, fmt.Errorf("node %d: %w", x, ErrDamaged)
		}
		hashes[i] = h
	}
	return hashes, nil
}

func (n nodes) add(t interface{ Fatalf(string, ...any) }, stored []StoredHash) {
	for _, s := range stored {
		if _, twice := n[s.Index]; twice {
			t.Fatalf("node %d was written twice", s.Index)
		}
		n[s.Index] = s.Hash
	}
}

func leafNumber(i int) (leaf [LeafSize]byte) {
	binary.BigEndian.PutUint64(leaf[:], uint64(i)+1)
	return leaf
}

func leavesTo(n int) [][LeafSize]byte {
	all := make([][LeafSize]byte, n)
	for i := range all {
		all[i] = leafNumber(i)
	}
	return all
}

// rootOf is RFC 6962 section 2.1 to the letter, as a second opinion.
func rootOf(leaves [][LeafSize]byte) [sha256.Size]byte {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0][:]...))
	}
	k := 1
	for k*2 < len(leaves) {
		k *= 2
	}
	left, right := rootOf(leaves[:k]), rootOf(leaves[k:])
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

// build appends leaves in batches of the given sizes and returns the head
// after each batch, beginning with that of the empty log.
func build(t interface{ Fatalf(string, ...any) }, store nodes, batches []int) []Head {
	heads := []Head{Empty()}
	var e Edge
	done := 0
	for _, n := range batches {
		next, head, stored, err := e.Append(leavesTo(done + n)[done:])
		if err != nil {
			t.Fatalf("append %d leaves at %d: %v", n, done, err)
		}
		store.add(t, stored)
		done += n
		e = next
		heads = append(heads, head)
	}
	return heads
}

func TestAppendGrowsTheTreeOfRFC6962(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		batches := rapid.SliceOfN(rapid.IntRange(0, 70), 0, 8).Draw(t, "batches")
		store := nodes{}
		heads := build(t, store, batches)
		done := 0
		for i, head := range heads {
			if i > 0 {
				done += batches[i-1]
			}
			if head.Size != int64(done) || head.Root != rootOf(leavesTo(done)) {
				t.Fatalf("after %d leaves: head %d %x", done, head.Size, head.Root)
			}
			// An edge read back is as good as one remembered.
			e, err := LoadEdge(store, head)
			if err != nil {
				t.Fatalf("load edge: %v", err)
			}
			if again, err := e.Head(); err != nil || again != head {
				t.Fatalf("edge of %d leaves says %v, %v", done, again, err)
			}
		}
		if want := tlog.StoredHashCount(int64(done)); int64(len(store)) != want {
			t.Fatalf("%d nodes for %d leaves, want %d", len(store), done, want)
		}
	})
}

func TestEveryLeafIsProven(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 300).Draw(t, "size")
		store := nodes{}
		heads := build(t, store, []int{size})
		head := heads[1]
		for i := range size {
			p, err := ProveInclusion(store, head, int64(i))
			if err != nil {
				t.Fatalf("prove %d: %v", i, err)
			}
			if err := CheckInclusion(p, head, int64(i), leafNumber(i)); err != nil {
				t.Fatal(err)
			}
			wrong := rapid.IntRange(0, size).Draw(t, "another leaf")
			if wrong != i && CheckInclusion(p, head, int64(i), leafNumber(wrong)) == nil {
				t.Fatalf("the proof of leaf %d is taken for leaf %d", i, wrong)
			}
		}
		if _, err := ProveInclusion(store, head, int64(size)); !errors.Is(err, ErrNotInLog) {
			t.Fatalf("a leaf beyond the end: %v", err)
		}
	})
}

func TestConsistencyProofsAndForgedOnes(t *testing.T) {
	const size = 1000
	store := nodes{}
	heads := build(t, store, slices.Repeat([]int{1}, size))
	random := rand.New(rand.NewPCG(6962, 1))
	forged := 0
	for range 1000 {
		a, b := random.IntN(size+1), random.IntN(size+1)
		old, new := heads[min(a, b)], heads[max(a, b)]
		p, err := ProveConsistency(store, old, new)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckConsistency(p, old, new); err != nil {
			t.Fatal(err)
		}
		// The same pair with one bit of a head or of the proof changed.
		switch what := random.IntN(3); {
		case what == 0:
			old.Root[random.IntN(32)] ^= 1 << random.IntN(8)
		case what == 1 && old.Size > 0:
			new.Root[random.IntN(32)] ^= 1 << random.IntN(8)
		case len(p) > 0:
			p[random.IntN(len(p))][random.IntN(32)] ^= 1 << random.IntN(8)
		default:
			p = append(p, tlog.Hash{})
		}
		if CheckConsistency(p, old, new) == nil {
			t.Fatalf("a forged proof from %d to %d leaves verifies", old.Size, new.Size)
		}
		forged++
	}
	if forged != 1000 {
		t.Fatalf("%d forgeries tried", forged)
	}
	if _, err := ProveConsistency(store, heads[9], heads[3]); err == nil {
		t.Error("a log can't be consistent with a later one")
	}
}

// A log that was rewritten can't be shown to continue an earlier head.
func TestAlteredLogIsFound(t *testing.T) {
	honest, altered := nodes{}, nodes{}
	before := build(t, honest, []int{60, 40})[1]
	leaves := leavesTo(100)
	leaves[17][3] ^= 1
	_, after, stored, err := Edge{}.Append(leaves)
	if err != nil {
		t.Fatal(err)
	}
	altered.add(t, stored)
	p, err := ProveConsistency(altered, before, after)
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckConsistency(p, before, after); !errors.Is(err, ErrConsistency) {
		t.Errorf("leaf 17 was changed, yet: %v", err)
	}
}

func TestLoadEdgeRefusesWhatDoesNotAddUp(t *testing.T) {
	store := nodes{}
	head := build(t, store, []int{21})[1]
	for x, h := range store {
		e, err := LoadEdge(store, head)
		if err != nil {
			t.Fatal(err)
		}
		if _, onEdge := e.nodes[x]; !onEdge {
			continue
		}
		bad := h
		bad[0] ^= 0x80
		store[x] = bad
		if _, err := LoadEdge(store, head); !errors.Is(err, ErrDamaged) {
			t.Errorf("node %d altered: %v", x, err)
		}
		delete(store, x)
		if _, err := LoadEdge(store, head); !errors.Is(err, ErrDamaged) {
			t.Errorf("node %d lost: %v", x, err)
		}
		store[x] = h
	}
	if _, err := LoadEdge(store, Head{Size: 0, Root: head.Root}); !errors.Is(err, ErrDamaged) {
		t.Errorf("an empty log with a root: %v", err)
	}
}

// The values were computed with printf, cat and sha256sum; they hold the format
// still, since receipts already handed out depend on it.
func TestLeafFormat(t *testing.T) {
	salt := [SaltSize]byte{}
	for i := range salt {
		salt[i] = byte(i)
	}
	core := Commit(salt, []byte(`{"schema":"consent/v1"}`))
	if got, want := hex.EncodeToString(core[:]), "e232339e4b1037f67085cde52a93641d55ab43ae61aae6a12c0a9df14236ff08"; got != want {
		t.Errorf("commitment %s, want %s", got, want)
	}
	leaf := Leaf(core, Commit(salt, nil))
	if got, want := hex.EncodeToString(leaf[:]), "6e2f6a7558cd9a0c36a643a2ec77ce643b8bd71672d13a3fe541e53697bd36d6"; got != want {
		t.Errorf("leaf %s, want %s", got, want)
	}
	h := LeafHash(leaf)
	if got, want := hex.EncodeToString(h[:]), "6aa6ed90c1edffe0a3e0a2d06287de9f8619e5893b4c1c70dd5424dce40a48aa"; got != want {
		t.Errorf("leaf hash %s, want %s", got, want)
	}
}
