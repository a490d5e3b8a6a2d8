package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/traces"
)

func piiCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "pii", Short: "Look for personal data where none must be"}
	scan := &cobra.Command{
		Use:   "scan [FILE...]",
		Short: "Search database, logs, exports and backups for what must not be there",
		Long: `Search for network addresses, e-mail addresses, full names of browsers, addresses with
a query, and tokens. Of the data folder it reads every value of every table, and every
byte of every file, free pages and write-ahead log included. FILE is a log, an export,
a copy of /metrics, or a backup; a folder stands for all files in it.

Of a PostgreSQL database it reads every value of every table. What no statement sees
it names: dead rows, the write-ahead log, archives and replicas, the log of PostgreSQL
itself. Name those of them that are files.

What a site has published itself, and how operators sign in, is no finding; the same
found anywhere else is not told from it. --canary looks for strings that were put in
on purpose, in any encoding, in published texts and keys too.

Values are never shown in full. Ends with 3 if something was found.`,
		Example: `  volenti pii scan --data /var/lib/volenti /var/log/volenti
  volenti pii scan --canary 203.0.113.77 --canary "canary-agent/7" server.log`,
	}
	data, asJSON := dataFlag(scan), jsonFlag(scan)
	said := scan.Flags().StringArray("canary", nil, "string to look for; may be repeated")
	scan.RunE = func(cmd *cobra.Command, args []string) error {
		canaries, err := traces.NewCanaries(*said...)
		if err != nil {
			return usage(err)
		}
		s := &piiScan{canaries: canaries, own: map[string]bool{}, found: map[finding]int{}}
		if data.shared() {
			if err := s.server(cmd.Context(), *data); err != nil {
				return err
			}
		}
		if _, err := os.Stat(data.data); data.shared() && errors.Is(err, fs.ErrNotExist) {
			data.data = "" // this machine is no node
		} else if err != nil {
			return usage(err)
		}
		for _, path := range append([]string{data.data}, args...) {
			if path == "" {
				continue
			}
			if err := s.path(cmd.Context(), path); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
		return s.report(cmd.OutOrStdout(), *asJSON)
	}
	cmd.AddCommand(scan)
	return cmd
}

// A finding is one trace in one place. How often it is there is counted.
type finding struct {
	Place string      `json:"place"` // table and column, or file
	Kind  traces.Kind `json:"kind"`
	Value string      `json:"value"` // masked
	First string      `json:"first"` // row, or byte
}

type piiScan struct {
	canaries traces.Canaries
	own      map[string]bool // what sites and operators said of themselves
	found    map[finding]int
	unseen   []string // what was not read, with what to do
	files    int
	cells    int64
	bytes    int64
}

// publishedTables are those in which a site's own words stand, and how the server and
// its operators are reached: addresses there are nobody else's.
var publishedTables = []string{"artifact", "encoded", "publication", "policy_", "notice_work", "operator.", "operator.email", "site.", "webhook.url",
	"log_accepted", "checkpoint", "cosignature", "pin.", "witnessed", "schema_migration", "sqlite_"}

func isPublished(table, column string) bool {
	return slices.ContainsFunc(publishedTables, func(prefix string) bool {
		return strings.HasPrefix(table+"."+column, prefix) || strings.HasPrefix(table, prefix)
	})
}

// server reads a database that is no file.
func (s *piiScan) server(ctx context.Context, p home) (err error) {
	db, err := p.openToRead(ctx)
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	for _, own := range []bool{true, false} {
		if err := db.Cells(ctx, func(table, column string, row int64, value []byte) error {
			s.cell("PostgreSQL", table, column, row, value, own)
			return nil
		}); err != nil {
			return fmt.Errorf("database: %w", err)
		}
	}
	dead, err := db.DeadRows(ctx)
	if err != nil {
		return err
	}
	for _, table := range slices.Sorted(maps.Keys(dead)) {
		s.unseen = append(s.unseen, fmt.Sprintf("%d dead rows of %s: the server removes them within a minute or two, unless somebody reads an older state; VACUUM %[2]s does so at once", dead[table], table))
	}
	s.unseen = append(s.unseen,
		"unused parts of pages, where erased rows stand until others are written over them: VACUUM FULL record, record_facet, restricted_record rewrites them, while nobody can write",
		"the write-ahead log, its archive, base backups and replicas: give them the term of backups (docs/retention.md)",
		"the log of PostgreSQL: name its files here; log_parameter_max_length = 0 keeps what is recorded out of it")
	return nil
}

// path reads a file, or all files of a folder. Databases come first: what stands in
// them as published is known when their bytes are read.
func (s *piiScan) path(ctx context.Context, path string) error {
	var files []string
	authority := filepath.Join(path, "tls") // whom an authority of certificates writes to: the operator's own word
	err := filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path == authority {
			return fs.SkipDir
		}
		if err == nil && d.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	for _, file := range files {
		if ok, err := isDatabase(file); err != nil || !ok {
			if err != nil {
				return err
			}
			continue
		}
		// Twice: first for what is published, then for everything else.
		for _, own := range []bool{true, false} {
			if err := store.Cells(ctx, file, func(table, column string, row int64, value []byte) error {
				s.cell(file, table, column, row, value, own)
				return nil
			}); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	for _, file := range files {
		if err := s.raw(file); err != nil {
			return err
		}
	}
	return nil
}

func isDatabase(path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head := make([]byte, 16)
	_, err = io.ReadFull(f, head)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return false, nil
	}
	return string(head) == "SQLite format 3\x00", err
}

func (s *piiScan) cell(file, table, column string, row int64, value []byte, own bool) {
	if isPublished(table, column) == own {
		for _, m := range traces.Find(string(value)) {
			if own {
				s.own[m.Value] = true
			} else if !s.known(m.Value) {
				s.add(finding{filepath.Base(file) + " " + table + "." + column, m.Kind, m.Masked(), fmt.Sprintf("row %d", row)})
			}
		}
	}
	if !own {
		s.cells++
		for _, m := range s.canaries.Find(value) {
			s.add(finding{filepath.Base(file) + " " + table + "." + column, m.Kind, m.Masked(), fmt.Sprintf("row %d", row)})
		}
	}
}

// known: it is what was published, or that with a neighbour's end, as bytes of a page
// follow one another without a gap, or a part of it, as long values are cut.
func (s *piiScan) known(value string) bool {
	if s.own[value] {
		return true
	}
	for own := range s.own {
		if strings.Contains(value, own) || strings.Contains(own, value) {
			return true
		}
	}
	return false
}

func (s *piiScan) raw(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	s.files++
	counted := &counter{r: f}
	err = traces.Raw(counted, s.canaries, func(m traces.Match, at int64) {
		if m.Kind == traces.Canary || !s.known(m.Value) {
			s.add(finding{filepath.Base(path), m.Kind, m.Masked(), fmt.Sprintf("byte %d", at)})
		}
	})
	s.bytes += counted.n
	return err
}

type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// mostFound bounds how many different findings are kept.
const mostFound = 10000

func (s *piiScan) add(f finding) {
	for known := range s.found {
		if known.Place == f.Place && known.Kind == f.Kind && known.Value == f.Value {
			s.found[known]++
			return
		}
	}
	if len(s.found) < mostFound {
		s.found[f] = 1
	}
}

// piiOut is what --json writes.
type piiOut struct {
	Files    int        `json:"files"`
	Bytes    int64      `json:"bytes"`
	Cells    int64      `json:"cells"`
	Findings []traceOut `json:"findings"`
	Unseen   []string   `json:"unseen,omitempty"`
}

type traceOut struct {
	finding
	Times int `json:"times"`
}

func (s *piiScan) report(out io.Writer, asJSON bool) error {
	list := []traceOut{}
	for f, times := range s.found {
		list = append(list, traceOut{f, times})
	}
	slices.SortFunc(list, func(a, b traceOut) int {
		return strings.Compare(a.Place+"\x00"+string(a.Kind)+a.First, b.Place+"\x00"+string(b.Kind)+b.First)
	})
	var err error
	if asJSON {
		err = writeJSON(out, piiOut{s.files, s.bytes, s.cells, list, s.unseen})
	} else {
		var b bytes.Buffer
		w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
		for _, f := range list {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d times\n", f.Place, f.Kind, f.Value, f.First, f.Times)
		}
		_ = w.Flush()
		for _, what := range s.unseen {
			fmt.Fprintln(&b, "not read:", what)
		}
		_, err = fmt.Fprintf(out, "%s%d files with %d bytes and %d values read: %d findings\n", b.String(), s.files, s.bytes, s.cells, len(list))
	}
	if err == nil && len(list) > 0 {
		return exitError{exitInvalid, errReported}
	}
	return err
}
