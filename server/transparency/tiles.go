package transparency

import (
	"context"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/volenti-consent/volenti/server/auditlog"
)

// Tiles are those of c2sp.org/tlog-tiles: 256 hashes high and wide.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	deepest    = 63 // level of tiles
)

// entries is the level of bundles of entries, as x/mod/sumdb/tlog has it.
const entries = -1

// parseTile reads what stands behind /log/tile/: 0/x001/234, entries/000.p/17. There is
// one way to write each tile, so that caches hold it once.
func parseTile(path string) (t tlog.Tile, ok bool) {
	level, rest, ok := strings.Cut(path, "/")
	if !ok {
		return t, false
	}
	t = tlog.Tile{H: tileHeight, L: entries, W: tileWidth}
	if level != "entries" {
		var err error
		if t.L, err = strconv.Atoi(level); err != nil || t.L < 0 || t.L > deepest {
			return t, false
		}
	}
	number, width, partial := strings.Cut(rest, ".p/")
	if partial {
		var err error
		if t.W, err = strconv.Atoi(width); err != nil || t.W < 1 || t.W >= tileWidth {
			return t, false
		}
	}
	for part := range strings.SplitSeq(number, "/") {
		n, err := strconv.ParseInt(strings.TrimPrefix(part, "x"), 10, 64)
		if err != nil || n < 0 || n > 999 || t.N > (1<<53)/1000 {
			return t, false
		}
		t.N = t.N*1000 + n
	}
	return t, tilePath(t) == path
}

// tilePath is the one way to write a tile.
func tilePath(t tlog.Tile) string {
	// "tile/8/" stands before the path of the checksum database, and data for entries.
	path := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", tileHeight))
	if rest, ok := strings.CutPrefix(path, "data/"); ok {
		return "entries/" + rest
	}
	return path
}

// covered reports whether a log of size leaves has all of a tile.
func covered(t tlog.Tile, size int64) bool {
	level := max(t.L, 0)
	if level*tileHeight >= 63 {
		return false
	}
	return t.N*tileWidth+int64(t.W) <= size>>(level*tileHeight)
}

// readTile is the content of a tile or a bundle that is covered.
func readTile(ctx context.Context, r auditlog.Reader, t tlog.Tile) ([]byte, error) {
	if t.L != entries {
		return tlog.ReadTileData(t, r.Hashes(ctx))
	}
	leaves, err := r.Leaves(ctx, t.N*tileWidth, t.W)
	if err != nil {
		return nil, err
	}
	if len(leaves) != t.W {
		return nil, fmt.Errorf("%d entries from %d: %w", len(leaves), t.N*tileWidth, auditlog.ErrDamaged)
	}
	b := make([]byte, 0, t.W*(2+auditlog.LeafSize))
	for _, leaf := range leaves {
		b = binary.BigEndian.AppendUint16(b, auditlog.LeafSize)
		b = append(b, leaf[:]...)
	}
	return b, nil
}
