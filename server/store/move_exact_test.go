package store

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/volenti-consent/volenti/server/store/storetest"
)

// A row that is another one in the copy is found, also of what the log vouches for.
func TestAMoveComparesEveryRow(t *testing.T) {
	from := openedSQLite(t, filepath.Join(t.TempDir(), "volenti.db"))
	withSites(t, from, "shop")
	if err := from.AppendRecords(t.Context(), entriesOf(t, draft(t, "shop", "a", ""))); err != nil {
		t.Fatal(err)
	}
	to, err := OpenPostgres(t.Context(), storetest.Postgres(t, migrated), Options{Moving: true})
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	mustAlter(t, to, `CREATE FUNCTION misread() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.core = NEW.core || '\x20'; RETURN NEW; END $$`)
	mustAlter(t, to, `CREATE TRIGGER misread BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION misread()`)
	if _, err := (&Move{From: from, To: to}).Run(t.Context(), "x"); !errors.Is(err, ErrMoveDiffers) {
		t.Errorf("a record that is another one: %v", err)
	}
	if err := to.Vacant(t.Context()); !errors.Is(err, ErrMoveTarget) {
		t.Errorf("a move that broke off: %v", err)
	}
}
