package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// BenchmarkCarry says how long it takes to carry an installation elsewhere: to back it up,
// to restore that into a file and into PostgreSQL, and to move it there, each by the
// command for it, which compares and audits as it does for everybody. The real binary
// records VOLENTI_BENCH_RECEIPTS (10,000) decisions first; PostgreSQL keeps what it says.
//
//	VOLENTI_BENCH_RECEIPTS=1000000 go test ./cmd/volenti -run '^$' -bench Carry -benchtime 1x -timeout 3h
func BenchmarkCarry(b *testing.B) {
	receipts, err := strconv.Atoi(os.Getenv("VOLENTI_BENCH_RECEIPTS"))
	if err != nil {
		receipts = 10_000
	}
	data := publish(b)
	server := start(b, data, "--limits-site", "0", "--log-level", "error") // a log kept here would count as memory of what is started next
	begun := time.Now()
	(&poster{server.open(nil).token}).fill(b, strings.TrimPrefix(server.base, "http://"), receipts)
	b.Logf("%d decisions recorded in %s", receipts, time.Since(begun).Round(time.Millisecond))
	if err := server.stop(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	durable, folder := cluster(b), private(b)
	backup, phrase := filepath.Join(folder, "backup.db"), filepath.Join(folder, "phrase")
	if err := os.WriteFile(phrase, []byte("four words of this benchmark\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	carry := func(name string, args func(dsn, secret string) []string) {
		b.Run(name, func(b *testing.B) {
			var most int64 // KiB of memory
			rounds := 0
			for ; b.Loop(); rounds++ {
				b.StopTimer()
				_ = os.Remove(backup + ".made")
				dsn, secret := sharedFiles(b, durable.Database(b))
				command := exec.Command(binary, args(dsn, secret)...)
				b.StartTimer()
				out, err := command.CombinedOutput()
				if err != nil {
					b.Fatalf("%v\n%s", err, out)
				}
				most = max(most, command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
				lines := strings.Split(strings.TrimSpace(string(out)), "\n")
				b.Log(strings.Join(lines[max(0, len(lines)-4):], "\n"))
			}
			b.ReportMetric(b.Elapsed().Seconds()/float64(rounds), "s")
			b.ReportMetric(float64(receipts*rounds)/b.Elapsed().Seconds(), "receipts/s")
			b.ReportMetric(float64(most)/1024, "MiB")
			b.ReportMetric(0, "ns/op")
		})
	}
	if out, exit := volenti(b, "backup", backup, "--keys", "--passphrase-file", phrase, "--data", data); exit != 0 {
		b.Fatal(out)
	}
	carry("backup", func(string, string) []string { return []string{"backup", backup + ".made", "--data", data} })
	restore := func(more ...string) []string {
		return append([]string{"restore", backup, "--nothing-erased", "--passphrase-file", phrase, "--data", filepath.Join(private(b), "restored")}, more...)
	}
	carry("restore", func(string, string) []string { return restore() })
	carry("restore-postgres", func(dsn, secret string) []string {
		return restore("--store-dsn-file", dsn, "--keys-secret-file", secret)
	})
	carry("audit", func(string, string) []string { return []string{"log", "audit", "--data", data} })
	// The last: the file takes nothing afterwards.
	carry("migrate", func(dsn, secret string) []string {
		return []string{"store", "migrate", "--data", data, "--to-file", dsn, "--keys-secret-file", secret}
	})
}

// fill posts so many decisions over 64 connections.
func (p *poster) fill(b *testing.B, address string, decisions int) {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	for client := range 64 {
		all.Go(func() {
			l, err := p.dial(address, client)
			if err != nil {
				b.Error(err)
				return
			}
			defer l.conn.Close()
			for next.Add(1) <= int64(decisions) {
				if err := l.post(); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if b.Failed() {
		b.FailNow()
	}
}
