package main

import (
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/volenti-consent/volenti/server/store/storetest"
)

// A client whose requests go to three nodes in turn gets from all of them together what
// was said, and not three times as much.
func TestNodesShareAnAllowance(t *testing.T) {
	dsn := storetest.Postgres(t, nil)
	folder := t.TempDir()
	dsnFile, secretFile := sharedFiles(t, dsn)
	shared := []string{"--store-dsn-file", dsnFile, "--keys-secret-file", secretFile}
	for _, args := range [][]string{
		{"site", "add", "shop", "--name", "Shop"},
		{"policy", "import", "testdata/privacy.md", "--site", "shop", "--policy", "privacy", "--effective", "2026-01-01"},
		{"notice", "publish", "testdata/shop.toml"},
	} {
		if out, exit := volenti(t, append(append(args, "--data", filepath.Join(folder, "n0")), shared...)...); exit != 0 {
			t.Fatalf("volenti %v: exit %d\n%s", args, exit, out)
		}
	}
	const nodes, perSecond = 3, 6
	var visits []*visit
	for i := range nodes {
		p := start(t, filepath.Join(folder, fmt.Sprint("n", i)), append(shared, "--limits-local", "--limits-decisions", fmt.Sprint(perSecond), "--limits-nodes", fmt.Sprint(nodes))...)
		visits = append(visits, p.open(nil))
	}
	began := time.Now()
	taken, refused := 0, 0
	for i := range 3 * saved * perSecond {
		v := visits[i%nodes]
		v.token = visits[0].token
		switch status, body, err := v.decide(fmt.Sprintf("one-%d", i)); {
		case err != nil:
			t.Fatal(err)
		case status == http.StatusCreated:
			taken++
		case status == http.StatusTooManyRequests:
			refused++
		default:
			t.Fatalf("%d %s", status, body)
		}
	}
	// What was saved up, and what came in meanwhile, to one more for each node.
	most := saved*perSecond + int(time.Since(began).Seconds()*perSecond) + nodes
	if taken < saved*perSecond || taken > most {
		t.Errorf("%d were taken and %d refused in %s; from %d to %d are allowed", taken, refused, time.Since(began), saved*perSecond, most)
	}
	if out, exit := volenti(t, append([]string{"serve", "--limits-nodes", "0", "--data", filepath.Join(folder, "n0")}, shared...)...); exit != exitUsage {
		t.Errorf("no nodes: %d %s", exit, out)
	}
}
