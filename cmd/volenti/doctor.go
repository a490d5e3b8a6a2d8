package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/store"
)

func doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong with this installation, and how to mend it",
		Long: `Look at an installation, beside a server that runs or without one, and say what is
wrong and how to mend it: configuration, data folder, disk, database, keys, log, law
table and region database, sites, requests, webhooks, backups. Give it the settings
that serve gets. Run it as the user that serves.

It changes nothing: it writes one empty file into the data folder, to time the disk,
and removes it. It asks nobody; with --reach it asks the server at public_url, the
mail server and the company's sign-in, too.

Ends with 0 when nothing is wrong, hints aside, with 1 when something is, with 2 when
the call is wrong.`,
		Example: `  volenti doctor --config volenti.toml
  volenti doctor --config volenti.toml --reach --json`,
		Args: cobra.NoArgs,
	}
	flags := addConfigFlags(cmd.Flags())
	asJSON := jsonFlag(cmd)
	reach := cmd.Flags().Bool("reach", false, "ask the server at public_url, the mail server and the company's sign-in, too")
	within := cmd.Flags().Duration("check-within", 30*time.Second, "how long the check of the database file may take; 0 leaves it out")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		cfg, wrong := flags.read(os.Getenv)
		d := &doctor{cfg: cfg, environ: os.Environ(), now: time.Now, disk: diskOf, flush: (*os.File).Sync, within: *within}
		d.examine(cmd.Context(), wrong, *reach)
		return d.report(cmd.OutOrStdout(), *asJSON)
	}
	return cmd
}

// A complaint is one thing that is wrong, or that somebody should think about.
type complaint struct {
	Check string `json:"check"` // what was looked at: "disk.space"
	Level string `json:"level"` // "problem", or "hint": it works, and could be better
	What  string `json:"what"`
	Mend  string `json:"mend"`
}

// A doctor examines one installation.
type doctor struct {
	cfg     *Config
	environ []string
	now     func() time.Time
	disk    func(path string) (disk, error)
	flush   func(*os.File) error
	within  time.Duration

	checked  []string
	found    []complaint
	check    string // that is under way
	problems int
}

// An examination is one check: what it finds it tells the doctor; its error says that
// it could not be carried out.
type examination struct {
	name string
	do   func(ctx context.Context) error
}

func (d *doctor) examine(ctx context.Context, wrong []error, reach bool) {
	d.run(ctx, examination{"configuration", func(context.Context) error {
		for _, err := range wrong {
			d.problem("change the setting; volenti serve --help explains each", "%v", err)
		}
		return nil
	}}, examination{"configuration.environment", func(context.Context) error {
		for _, s := range strays(d.environ) {
			d.hint(s.mend(), "no setting has the name of the variable %s: it is ignored", s.name)
		}
		return nil
	}}, examination{"configuration.files", d.files})
	d.run(ctx, d.machine()...)
	if _, err := os.Stat(d.cfg.home().file()); err == nil || d.cfg.home().shared() {
		d.database(ctx)
	} else if errors.Is(err, fs.ErrNotExist) {
		d.check = "database"
		d.problem("start the server once, or name its folder with --data", "there is no database in %s", d.cfg.Data)
	}
	d.run(ctx, d.tables()...)
	if reach {
		d.run(ctx, d.outside()...)
	}
}

func (d *doctor) run(ctx context.Context, all ...examination) {
	for _, e := range all {
		d.check = e.name
		d.checked = append(d.checked, e.name)
		if err := e.do(ctx); err != nil {
			d.problem("mend what the error names, and run this again as the user that serves", "could not be checked: %v", err)
		}
	}
}

// database opens it, beside whoever has it open, and looks at everything in it.
func (d *doctor) database(ctx context.Context) {
	d.check = "database.opens"
	d.checked = append(d.checked, d.check)
	db, err := d.cfg.home().openToRead(ctx)
	switch {
	case errors.Is(err, store.ErrOlder):
		d.hint("start the server: it brings the database up to date; make a backup before", "%v", err)
		return
	case errors.Is(err, store.ErrNewer):
		d.problem("install the newer version again; a database is never taken back", "%v", err)
		return
	case errors.Is(err, store.ErrUndurable), errors.Is(err, store.ErrPostgres):
		d.problem("do what the error says; no node starts otherwise", "%v", err)
		return
	case err != nil && d.cfg.home().shared():
		d.problem("start PostgreSQL, or mend store.dsn", "the database does not answer: %v", err)
		return
	case err != nil:
		d.run(ctx, d.keys(nil)...)
		d.check = "database.opens"
		mend := "put a backup in its place with volenti restore, or give the file to the user that serves"
		if errors.Is(err, consent.ErrUnavailable) { // nothing says that it is damaged, and a backup lacks what came after
			mend = "make room on its disk, mount that to be written, and give the file to the user that serves; put a backup in its place only if the disk has failed"
		}
		d.problem(mend, "%v", err)
		return
	}
	d.run(ctx, slices.Concat(d.keys(db), d.vitals(db), d.server(db), d.sites(db))...)
	if err := db.Close(); err != nil {
		d.problem("run this again", "the database can't be closed: %v", err)
	}
}

func (d *doctor) problem(mend, format string, args ...any) {
	d.problems++
	d.tell("problem", mend, format, args...)
}

func (d *doctor) hint(mend, format string, args ...any) { d.tell("hint", mend, format, args...) }

func (d *doctor) tell(level, mend, format string, args ...any) {
	d.found = append(d.found, complaint{d.check, level, fmt.Sprintf(format, args...), mend})
}

// doctorJSON is what doctor --json writes.
type doctorJSON struct {
	Sound   bool        `json:"sound"` // there is no problem; there may be hints
	Checked []string    `json:"checked"`
	Found   []complaint `json:"found"`
}

func (d *doctor) report(out io.Writer, asJSON bool) error {
	if asJSON {
		if d.found == nil {
			d.found = []complaint{}
		}
		if err := writeJSON(out, doctorJSON{d.problems == 0, d.checked, d.found}); err != nil {
			return err
		}
	} else {
		for _, c := range d.found {
			fmt.Fprintf(out, "%s: %s: %s\n  mend: %s\n", c.Level, c.Check, c.What, c.Mend)
		}
	}
	if d.problems > 0 {
		return errReported
	}
	return nil
}
