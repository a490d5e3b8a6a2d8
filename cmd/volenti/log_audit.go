package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/splice"
	"github.com/volenti-consent/volenti/server/store"
	"github.com/volenti-consent/volenti/server/transparency"
)

func logAuditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Replay the whole log, and say what was altered",
		Long: `Replay the whole log: every record, policy version, publication and act against its
leaf, digests, signatures, the tree, every checkpoint, and what was erased against
what says so. Whatever was altered, removed, put in or exchanged is named.

Nothing is changed, and the server may run. Give it a checkpoint that was kept
outside with --checkpoint: without one, a database that was exchanged for an older
copy, or written anew with the same keys, looks honest. The newest one beside the
database (log.checkpoint) is always looked at.

Exit code 0: all holds; 3: something does not; 1: it could not be read.`,
		Example: `  volenti log audit --checkpoint mailed-last-month.txt`,
		Args:    cobra.NoArgs,
	}
	data, asJSON := dataFlag(cmd), jsonFlag(cmd)
	given := cmd.Flags().StringArray("checkpoint", nil, "file with a checkpoint that was kept outside; may be repeated")
	keyFile := cmd.Flags().String("keys", "", "file with the public keys of receipts (JWKS or PEM); those in the data folder if not given")
	logKeys := cmd.Flags().StringArray("log-key", nil, "public key of the log or of a witness (name+hash+key, or a file with it); may be repeated")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withReader(cmd.Context(), *data, func(db *store.DB) error {
			o, err := auditingOf(db, *data, *keyFile, *logKeys, *given)
			if err != nil {
				return err
			}
			head, err := db.Head(cmd.Context())
			if err != nil && !errors.Is(err, auditlog.ErrDamaged) {
				return err
			}
			p := newProgress(cmd.ErrOrStderr(), "leaves read", int(head.Size))
			o.Progress = p.reach
			debug.SetGCPercent(400) // millions of small records, and few megabytes that stay
			began := time.Now()
			a, err := db.AuditAll(cmd.Context(), o)
			p.end()
			if err != nil {
				return err
			}
			if *asJSON {
				err = writeJSON(cmd.OutOrStdout(), auditOf(a))
			} else {
				err = writeAudit(cmd.OutOrStdout(), a, time.Since(began), len(o.Outside))
			}
			if err == nil && len(a.Findings) > 0 {
				return invalid(errReported)
			}
			return err
		})
	}
	return cmd
}

// withReader opens the database of a folder as it is: nothing is checked, mended or
// written.
func withReader(ctx context.Context, p home, do func(*store.DB) error) (err error) {
	db, err := p.openToRead(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return usage(fmt.Errorf("%w; name the data folder with --data", err))
	}
	if err != nil {
		return fmt.Errorf("database: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return do(db)
}

// auditingOf are keys and checkpoints, those of the data folder and those given.
func auditingOf(db *store.DB, p home, keyFile string, logKeys, given []string) (o store.Auditing, err error) {
	o.Encoded = splice.Verify
	keys, err := p.keyStore(db)
	if err != nil && keyFile == "" {
		return o, err
	}
	if keyFile != "" {
		text, err := os.ReadFile(keyFile)
		if err != nil {
			return o, usage(err)
		}
		if o.Receipts, err = consent.ParsePublicKeys(text); err != nil {
			return o, usage(fmt.Errorf("%s: %w", keyFile, err))
		}
	} else if o.Receipts, err = consent.ReadPublicKeys(keys); err != nil {
		return o, usage(fmt.Errorf("keys of receipts: %w; name a file with --keys", err))
	}
	if o.Log, err = logVerifiers(keys, logKeys); err != nil {
		return o, err
	}
	for _, file := range given {
		c, err := givenCheckpoint(file, o.Log)
		if err != nil {
			return o, err
		}
		o.Outside = append(o.Outside, c)
	}
	pinned, err := transparency.ReadPinned(p.pinnedFile())
	switch {
	case err == nil:
		o.Outside = append(o.Outside, pinned)
	case !errors.Is(err, fs.ErrNotExist):
		return o, usage(err)
	}
	return o, nil
}

// logVerifiers are the keys under which the log of a folder was signed, and those
// given.
func logVerifiers(keys consent.KeyStore, given []string) (all []note.Verifier, err error) {
	var retired []string
	if keys != nil {
		key, err := consent.ReadLogKey(keys)
		switch {
		case err == nil:
			all = append(all, key.Verifier())
		case !consent.NoLogKey(err):
			return nil, err
		}
		if retired, err = consent.RetiredLogKeys(keys); err != nil {
			return nil, err
		}
	}
	for _, text := range append(retired, given...) {
		v, err := verifierOf(text)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// logVerifiersOf is logVerifiers of a place.
func logVerifiersOf(db *store.DB, p home, given []string) ([]note.Verifier, error) {
	keys, err := p.keyStore(db)
	if err != nil {
		return nil, err
	}
	return logVerifiers(keys, given)
}

// verifierOf reads a public key, or the file that holds it.
func verifierOf(text string) (note.Verifier, error) {
	if b, err := os.ReadFile(text); err == nil {
		text = strings.TrimSpace(string(b))
	}
	v, err := auditlog.NewVerifier(text)
	if err != nil {
		return nil, usage(err)
	}
	return v, nil
}

// givenCheckpoint reads a checkpoint from a file. Where the log's key is known, it has
// signed it.
func givenCheckpoint(file string, keys []note.Verifier) (auditlog.Checkpoint, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return auditlog.Checkpoint{}, usage(err)
	}
	c, err := auditlog.ParseCheckpoint(text)
	if err != nil {
		return c, invalid(fmt.Errorf("%s: %w", file, err))
	}
	err = fmt.Errorf("the key of log %s is not known: %w; give it with --log-key", c.Origin, auditlog.ErrCheckpoint)
	for _, v := range keys {
		if v.Name() != c.Origin {
			continue
		}
		if _, _, err = auditlog.OpenCheckpoint(text, v); err == nil {
			return c, nil
		}
	}
	return c, invalid(fmt.Errorf("%s: %w", file, err))
}

// reach is a step to a number of all.
func (p *progress) reach(done, _ int64) {
	for n := int64(p.done); n < done; n++ {
		p.done++
		if p.bar == nil && p.done%progressFar == 0 {
			fmt.Fprintf(p.out, "%s: %d of %d\n", p.what, p.done, p.total)
		}
	}
	if p.bar != nil {
		_ = p.bar.Set64(done)
	}
}

// progressFar is progressEvery for what there are millions of.
const progressFar = 100_000

// auditOut is an audit as --json writes it.
type auditOut struct {
	OK          bool             `json:"ok"`
	Leaves      int64            `json:"leaves"`
	Root        string           `json:"root"` // base64
	Records     int64            `json:"records"`
	Minimised   int64            `json:"minimised"`
	Without     int64            `json:"without_record"`
	Versions    int64            `json:"policy_versions"`
	Entries     map[string]int64 `json:"entries"` // by kind
	Artifacts   int64            `json:"artifacts"`
	Checkpoints int64            `json:"checkpoints"`
	Unverified  int64            `json:"unverified"` // checkpoints and cosignatures of keys that were not given
	Findings    []findingOut     `json:"findings"`
	More        int64            `json:"more"` // findings beyond these
}

// findingOut is a finding as --json writes it.
type findingOut struct {
	What auditlog.Alteration `json:"what"`
	Of   string              `json:"of"`
	Leaf *int64              `json:"leaf,omitempty"`
	Why  string              `json:"why,omitempty"`
}

func auditOf(a *store.Audit) auditOut {
	out := auditOut{
		OK: len(a.Findings) == 0, Leaves: a.Head.Size, Root: a.Head.Root.String(), Records: a.Records, Minimised: a.Minimised, Without: a.Without,
		Versions: a.Versions, Entries: map[string]int64{}, Artifacts: a.Artifacts, Checkpoints: a.Checkpoints, Unverified: a.Unverified,
		Findings: make([]findingOut, len(a.Findings)), More: a.More,
	}
	for kind, n := range a.Entries {
		out.Entries[string(kind)] = n
	}
	for i, f := range a.Findings {
		out.Findings[i] = findingOut{What: f.What, Of: f.Of}
		if f.Leaf >= 0 {
			out.Findings[i].Leaf = &f.Leaf
		}
		if f.Err != nil {
			out.Findings[i].Why = f.Err.Error()
		}
	}
	return out
}

func writeAudit(w io.Writer, a *store.Audit, took time.Duration, outside int) error {
	fmt.Fprintf(w, "leaves       %d, root %s\n", a.Head.Size, a.Head.Root)
	fmt.Fprintf(w, "records      %d, of which %d without their personal half; %d leaves without a record\n", a.Records, a.Minimised, a.Without)
	fmt.Fprintf(w, "versions     %d of policies\n", a.Versions)
	for _, kind := range slices.Sorted(maps.Keys(a.Entries)) {
		fmt.Fprintf(w, "entries      %d of %s\n", a.Entries[kind], kind)
	}
	fmt.Fprintf(w, "artifacts    %d\n", a.Artifacts)
	fmt.Fprintf(w, "checkpoints  %d signed by the log, %d kept outside\n", a.Checkpoints, outside)
	if a.Unverified > 0 {
		fmt.Fprintf(w, "unverified   %d checkpoints or cosignatures of keys that were not given (--log-key)\n", a.Unverified)
	}
	fmt.Fprintf(w, "took         %s, %.0f leaves a second\n", took.Round(time.Millisecond), float64(a.Head.Size)/max(took.Seconds(), 1e-9))
	if outside == 0 {
		fmt.Fprintln(w, "note         no checkpoint was kept outside: an older copy of the database, or a history written anew, looks like this too")
	}
	if len(a.Findings) == 0 {
		_, err := fmt.Fprintln(w, "\nall holds")
		return err
	}
	fmt.Fprintln(w)
	for _, f := range a.Findings {
		fmt.Fprintf(w, "FOUND  %s\n", strings.Map(printable, f.Error()))
	}
	if a.More > 0 {
		fmt.Fprintf(w, "and %d more\n", a.More)
	}
	return nil
}

// printable keeps what stands in an altered database from moving the cursor.
func printable(c rune) rune {
	if c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069 {
		return '\uFFFD'
	}
	return c
}
