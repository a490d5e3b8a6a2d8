package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/volenti-consent/volenti/server/store/storetest"
)

// Of PostgreSQL every value is read, numbers, texts and bytes; and what can't be read is said.
func TestPIIScanOnPostgres(t *testing.T) {
	flags := sharedFlags(t, storetest.Postgres(t, nil))
	publishAt(t, flags...)
	v := startAt(t, flags).open(nil)
	var receipts [][]byte
	for _, id := range []string{"one", "two"} {
		status, receipt, err := v.decide(id)
		if err != nil || status != 201 {
			t.Fatal(status, err)
		}
		receipts = append(receipts, receipt)
	}
	if out := must(t, 0, flags, "pii", "scan"); !strings.Contains(out, "0 findings") || !strings.Contains(out, "not read: the write-ahead log") {
		t.Error(out)
	}
	subject := subjectOf(t, receipts[0])
	if out := must(t, 3, flags, "pii", "scan", "--canary", subject); !strings.Contains(out, "PostgreSQL record.personal") || !strings.Contains(out, "PostgreSQL record.subject") || strings.Contains(out, subject) {
		t.Error(out)
	}
	must(t, 0, flags, "erasure", "run", "--site", "shop", "--how", "shredded", idOf(receipts[0]))
	for _, canary := range []string{subject, idOf(receipts[0])} {
		must(t, 0, flags, "pii", "scan", "--canary", canary)
	}
	must(t, 0, flags, "erasure", "restrict", "--site", "shop", "--ground", "contested", idOf(receipts[1]))
	_, leaf, err := place(receipts[1])
	if err != nil {
		t.Fatal(err)
	}
	must(t, 0, flags, "erasure", "unrestrict", "--site", "shop", "--why", "asked from 203.0.113.77", strconv.FormatInt(leaf, 10))
	if out := must(t, 3, flags, "pii", "scan"); !strings.Contains(out, "PostgreSQL operator_act.detail") || strings.Contains(out, "203.0.113.77") {
		t.Error(out)
	}
	// Who runs no node on this machine has no folder.
	must(t, 3, append([]string{"--data", "nowhere"}, flags[2:]...), "pii", "scan")
}
