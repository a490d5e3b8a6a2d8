package main

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/store"
)

func policyExportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Write all versions of a policy into a folder or a ZIP archive",
		Long: `Write all versions of a policy: of each the document as it was handed in, the text as
Markdown, the canonical bytes that its digest is taken over, and its entry in the
chain; translations beside it; and versions.json with everything that is known of
them. Digests are checked on the way. The documents have their days in their names:
"volenti policy history import" reads them.`,
		Example: `  volenti policy export --site shop --policy privacy -o privacy.zip
  volenti policy export --site shop -o - | sha256sum`,
		Args: cobra.NoArgs,
	}
	flags := addPolicyFlags(cmd)
	to := cmd.Flags().StringP("output", "o", "", "a new folder, a new file ending in .zip, or - for a ZIP archive on standard output")
	_ = cmd.MarkFlagRequired("site")
	_ = cmd.MarkFlagRequired("output")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return withDatabase(cmd.Context(), *flags.data, func(db *store.DB) error {
			files, err := exported(cmd.Context(), db, flags)
			if err != nil {
				return published(err)
			}
			if *to == "-" {
				return writeZIP(cmd.OutOrStdout(), files)
			}
			if err := writable(*to); err != nil {
				return err
			}
			if err := writeExport(*to, files); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d files\n", *to, len(files))
			return nil
		})
	}
	return cmd
}

// A file that is written somewhere.
type file struct {
	name  string
	bytes []byte
	at    time.Time
}

// exported are all files of a policy, the oldest version first.
func exported(ctx context.Context, db *store.DB, flags policyFlags) ([]file, error) {
	s, err := siteOf(ctx, db, *flags.site)
	if err != nil {
		return nil, err
	}
	all, err := db.Versions(ctx, *flags.site, *flags.policy)
	if err != nil {
		return nil, err
	}
	var files []file
	var about []versionOut
	now := time.Now()
	for k := len(all) - 1; k >= 0; k-- {
		v, err := db.Version(ctx, *flags.site, *flags.policy, all[k].Number)
		if err != nil {
			return nil, err
		}
		standing, _ := policyversions.StandingOf(all, v.Number, now)
		about = append(about, outOf(v, standing.State))
		of, err := filesOf(ctx, db, v, s.Location())
		if err != nil {
			return nil, err
		}
		files = append(files, of...)
	}
	var index bytes.Buffer
	err = writeJSON(&index, about)
	return append(files, file{"versions.json", index.Bytes(), now}), err
}

// filesOf are those of one version. Names sort by number, and hold the day.
func filesOf(ctx context.Context, db *store.DB, v policyversions.Version, zone *time.Location) ([]file, error) {
	base := fmt.Sprintf("%04d_%s", v.Number, policyversions.DayOf(v.Effective, zone))
	link, err := db.VersionLink(ctx, v.Site, v.Policy, v.Number)
	if err == nil {
		err = link.Check(v)
	}
	if err != nil {
		return nil, err
	}
	files := []file{{"chain/" + base + ".json", link.Bytes, v.PublishedAt}}
	texts := append([]policyversions.Translation{{Language: v.Language, Canonical: v.Canonical, Original: v.Original, Format: v.Format}}, v.Translations...)
	for n, t := range texts {
		text, err := v.In(t.Language) // checks the digest
		if err != nil {
			return nil, err
		}
		folder := "" // of the documents that bind
		if n > 0 {
			folder = "translations/" + t.Language + "/"
		}
		extension, _ := policyversions.FileType(t.Format)
		files = append(files,
			file{folder + base + "." + extension, t.Original, v.PublishedAt},
			file{folder + "markdown/" + base + ".md", []byte(text.Markdown), v.PublishedAt},
			file{folder + "canonical/" + base + ".json", t.Canonical, v.PublishedAt})
	}
	return files, nil
}

// writeExport writes a folder or an archive: all of it, or nothing.
func writeExport(to string, files []file) (err error) {
	if filepath.Ext(to) == ".zip" {
		return writeNew(to, func(w io.Writer) error { return writeZIP(w, files) })
	}
	part, err := os.MkdirTemp(filepath.Dir(to), ".volenti-export-")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(part))
		}
	}()
	for _, f := range files {
		path := filepath.Join(part, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // published texts
			return err
		}
		if err := os.WriteFile(path, f.bytes, 0o644); err != nil { //nolint:gosec // published texts
			return err
		}
	}
	if err := os.Chmod(part, 0o755); err != nil { //nolint:gosec // published texts
		return err
	}
	return os.Rename(part, to)
}

// writeNew writes a file that is there once it is complete.
func writeNew(path string, write func(io.Writer) error) (err error) {
	part, err := os.CreateTemp(filepath.Dir(path), ".volenti-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part.Name())
		}
	}()
	err = write(part)
	if err := errors.Join(err, part.Chmod(0o644), part.Close()); err != nil {
		return err
	}
	return os.Rename(part.Name(), path)
}

func writeZIP(w io.Writer, files []file) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		part, err := z.CreateHeader(&zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: f.at})
		if err != nil {
			return err
		}
		if _, err := part.Write(f.bytes); err != nil {
			return err
		}
	}
	return z.Close()
}
