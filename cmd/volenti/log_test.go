package main

import (
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/transparency"
)

// placeOf is where an installation of publish lives.
func placeOf(data string) home { return home{data: data, dsn: os.Getenv("VOLENTI_STORE_DSN")} }

// signedOnce signs what is in the log of an installation, as a server does, and returns
// the public key.
func signedOnce(t *testing.T, data string) (vkey string) {
	t.Helper()
	at := placeOf(data)
	db, err := openDatabase(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	keys, err := at.keyStore(db)
	if err != nil {
		t.Fatal(err)
	}
	key, err := consent.OpenLogKey(keys, "consent.example/log", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transparency.New(transparency.Options{Store: db, Key: key, Now: time.Now, Pinned: at.pinnedFile()}).Sign(t.Context()); err != nil {
		t.Fatal(err)
	}
	return key.VerifierKey()
}

// alter changes the database as its owner can: its triggers are gone first.
func alter(t *testing.T, data string, texts ...string) {
	t.Helper()
	if at := placeOf(data); at.shared() {
		alterShared(t, at.dsn, texts...)
		return
	}
	db, err := sql.Open("sqlite3", filepath.Join(data, "volenti.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT 'DROP TRIGGER ' || name FROM sqlite_master WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		texts = append([]string{text}, texts...)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

// connected is a connection to PostgreSQL that is not ours.
func connected(t *testing.T, dsn string) *pgconn.PgConn {
	t.Helper()
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	delete(config.RuntimeParams, "volenti_durable_elsewhere") // a word for us
	db, err := pgconn.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// alterShared does so in PostgreSQL.
func alterShared(t *testing.T, dsn string, texts ...string) {
	t.Helper()
	db := connected(t, dsn)
	defer db.Close(t.Context())
	for _, text := range append([]string{`DO $$ DECLARE name text; BEGIN
		FOR name IN SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
		LOOP EXECUTE format('ALTER TABLE %I DISABLE TRIGGER USER', name); END LOOP; END $$`}, texts...) {
		if err := db.Exec(t.Context(), text).Close(); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func TestLogCommands(t *testing.T) {
	data := publish(t)
	p := start(t, data)
	v := p.open(nil)
	var receipts [][]byte
	decide := func(n int) {
		t.Helper()
		for range n {
			status, receipt, err := v.decide(fmt.Sprint("d", len(receipts)))
			if err != nil || status != http.StatusCreated {
				t.Fatalf("%d %v %s", status, err, receipt)
			}
			receipts = append(receipts, receipt)
		}
	}
	decide(5)
	folder := t.TempDir()
	file := func(name, text string) string {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	must := func(want int, args ...string) string {
		t.Helper()
		out, exit := volenti(t, args...)
		if exit != want {
			t.Fatalf("volenti %v: exit %d, want %d\n%s", args, exit, want, out)
		}
		return out
	}
	signedOnce(t, data)
	first := file("first.txt", must(0, "log", "checkpoint", "--data", data))
	decide(4)
	if out := must(0, "log", "audit", "--data", data, "--checkpoint", first); !strings.Contains(out, "all holds") { // beside the server
		t.Errorf("%s", out)
	}
	if err := p.stop(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	vkey := signedOnce(t, data)
	key := file("log.vkey", vkey+"\n")
	second := file("second.txt", must(0, "log", "checkpoint", "--data", data))

	var audit auditOut
	if err := json.Unmarshal([]byte(must(0, "log", "audit", "--json", "--data", data, "--checkpoint", first, "--checkpoint", second)), &audit); err != nil {
		t.Fatal(err)
	}
	if !audit.OK || audit.Records != 9 || audit.Versions != 1 || audit.Entries["publication/v1"] != 1 || audit.Checkpoints < 2 || audit.Unverified != 0 {
		t.Errorf("%+v", audit)
	}
	if out := must(0, "log", "consistency", second, first, "--data", data); !strings.Contains(out, "consistent\n") {
		t.Errorf("%s", out)
	}
	receipt := struct{ ID string }{}
	if err := json.Unmarshal(receipts[7], &receipt); err != nil {
		t.Fatal(err)
	}
	proof := file("proof", must(0, "log", "proof", receipt.ID, "--data", data))
	mine, other := file("mine.json", string(receipts[7])), file("other.json", string(receipts[6]))

	if out := must(0, "log", "verify", proof, "--receipt", mine, "--log-key", key, "--checkpoint", second); !strings.Contains(out, "verified") {
		t.Errorf("%s", out)
	}
	must(0, "log", "verify", first, "--log-key", vkey)
	stranger, err := auditlog.NewLogKey("consent.example/log", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	witness, err := auditlog.NewWitnessKey("witness.example", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{proof, "--receipt", other, "--log-key", key},
		{proof, "--receipt", mine, "--log-key", stranger.VerifierKey()},
		{proof, "--receipt", mine, "--log-key", key, "--checkpoint", first},
		{first, "--log-key", key, "--witness", witness.VerifierKey()},
	} {
		must(3, append([]string{"log", "verify"}, args...)...)
	}
	for _, args := range [][]string{
		{"verify", proof, "--log-key", key}, {"verify", "no such file", "--log-key", key}, {"verify", first, "--receipt", mine, "--log-key", key},
		{"proof", strings.Repeat("0", 32), "--data", data}, {"consistency", "1", "2", "--data", data}, {"audit", "--data", folder},
	} {
		if args[0] == "audit" && placeOf(data).shared() {
			continue // the folder is not where it lives
		}
		must(2, append([]string{"log"}, args...)...)
	}

	changed := `CAST(replace(CAST(core AS TEXT), '"granted"', '"refused"') AS BLOB)`
	if placeOf(data).shared() {
		changed = `convert_to(replace(convert_from(core, 'UTF8'), '"granted"', '"refused"'), 'UTF8')`
	}
	alter(t, data, `UPDATE record SET core = `+changed+` WHERE id = '`+receipt.ID+`'`)
	if out := must(3, "log", "audit", "--data", data); !strings.Contains(out, "FOUND  receipt "+receipt.ID+" at leaf") || !strings.Contains(out, "was altered") {
		t.Errorf("%s", out)
	}
	if err := json.Unmarshal([]byte(must(3, "log", "audit", "--json", "--data", data)), &audit); err != nil || audit.OK || len(audit.Findings) != 1 ||
		audit.Findings[0].What != auditlog.Altered || audit.Findings[0].Of != "receipt "+receipt.ID || audit.Findings[0].Leaf == nil {
		t.Errorf("%+v, %v", audit, err)
	}
}
