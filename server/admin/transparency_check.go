package admin

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/volenti-consent/volenti/server/auditlog"
	"github.com/volenti-consent/volenti/web/console"
)

func (c *Console) checkPage(d *Desk) *console.LogCheck {
	page := &console.LogCheck{Base: entriesBase(d)}
	page.Title, page.Sub = "Check a checkpoint", "Whoever kept one can tell whether the log of now still holds all that was under it."
	page.Trail = logTrail(d)
	return page
}

// showCheck answers GET …/log/entries/check.
func (c *Console) showCheck(d *Desk) error {
	if c.Transparency.Store == nil {
		return echo.ErrNotFound
	}
	return d.Show(c.checkPage(d))
}

// mostCheckpoint is the longest note that is read, in bytes.
const mostCheckpoint = 64 << 10

// checkCheckpoint answers POST …/log/entries/check.
func (c *Console) checkCheckpoint(d *Desk) error {
	if c.Transparency.Store == nil {
		return echo.ErrNotFound
	}
	page := c.checkPage(d)
	text, field := []byte(strings.ReplaceAll(d.FormValue("checkpoint"), "\r\n", "\n")), "checkpoint"
	if header, err := d.FormFile("file"); err == nil && header.Size > 0 {
		field = "file"
		f, err := header.Open()
		if err != nil {
			return err
		}
		defer f.Close()
		if text, err = io.ReadAll(io.LimitReader(f, mostCheckpoint+1)); err != nil {
			return err
		}
	} else {
		if len(text) <= mostCheckpoint {
			page.Pasted = string(text)
		}
		if len(text) > 0 && text[len(text)-1] != '\n' {
			text = append(text, '\n') // lost where it was copied
		}
	}
	mend := func(what string) error {
		page.Wrong = append(page.Wrong, console.Mend{Field: field, What: what})
		return d.ShowAs(http.StatusUnprocessableEntity, page)
	}
	if len(text) == 0 {
		return mend("Choose the file, or paste its text.")
	}
	given, err := auditlog.ParseCheckpoint(text)
	if err != nil {
		return mend("This is no checkpoint: it has three lines, an empty one, and signatures. Take the file as it was given out.")
	}
	if err := c.signedHere(text, given); err != nil {
		return mend(err.Error())
	}
	ctx := d.Request().Context()
	head, err := c.Transparency.Store.Head(ctx)
	if err != nil {
		return err
	}
	page.Checked = &console.LogChecked{Old: *checkpointView(given), New: console.LogCheckpoint{Size: console.Number(head.Size), Root: head.Root.String()}}
	if given.Head.Size > head.Size {
		page.Checked.Failed = fmt.Sprintf("It is of %s leaves, and the log has %s: later entries were removed, or the database is an older copy.", page.Checked.Old.Size, page.Checked.New.Size)
		return d.Show(page)
	}
	proof, err := auditlog.ProveConsistency(c.Transparency.Store.Hashes(ctx), given.Head, head)
	if err == nil {
		err = auditlog.CheckConsistency(proof, given.Head, head)
	}
	switch {
	case errors.Is(err, auditlog.ErrConsistency):
		page.Checked.Failed = "Its root is not that of the log's first " + page.Checked.Old.Size + " leaves: something under it was changed, removed, reordered or put in between."
	case errors.Is(err, auditlog.ErrDamaged):
		page.Checked.Failed = "The log's own hashes contradict one another."
	case err != nil:
		return err
	}
	for _, h := range proof {
		page.Checked.Proof = append(page.Checked.Proof, h.String())
	}
	return d.Show(page)
}

// signedHere makes sure that this log signed a checkpoint. Its error is for people.
func (c *Console) signedHere(text []byte, given auditlog.Checkpoint) error {
	if c.Transparency.Keys == nil {
		return nil
	}
	keys, err := c.Transparency.Keys()
	if err != nil {
		return err
	}
	err = fmt.Errorf("It is of the log %s, which is not this one.", given.Origin) //nolint:staticcheck // a sentence for people
	for _, key := range keys {
		v, bad := auditlog.NewVerifier(key)
		if bad != nil || v.Name() != given.Origin {
			continue
		}
		if _, _, bad = auditlog.OpenCheckpoint(text, v); bad == nil {
			return nil
		}
		err = errors.New("It names this log, which never signed it: its text was altered, or somebody else made it.") //nolint:staticcheck // as above
	}
	return err
}

// exportEntries answers GET …/log/entries/entries.csv and entries.json, page by page
// from the store: a long log is never in memory at once.
func (c *Console) exportEntries(d *Desk) error {
	if c.Transparency.Store == nil {
		return echo.ErrNotFound
	}
	q, _ := c.entriesQuery(d)
	q.After, q.Most = auditlog.Place{}, 500
	var write func(console.LogLeafRow) error
	var end func(error) error
	if strings.HasSuffix(d.Request().URL.Path, ".csv") {
		w := csv.NewWriter(d.export("text/csv; charset=utf-8", "entries.csv"))
		if err := w.Write([]string{"leaf", "at", "kind", "site", "of"}); err != nil {
			return err
		}
		write = func(row console.LogLeafRow) error {
			cells := []string{strconv.FormatInt(row.Index, 10), saidWhen(row), row.Kind, row.Site, row.About + row.ReceiptShown}
			for i := range cells {
				cells[i] = PlainCell(cells[i])
			}
			return w.Write(cells)
		}
		end = func(err error) error {
			w.Flush()
			return errors.Join(err, w.Error())
		}
	} else {
		w, before := d.export("application/json", "entries.json"), "[\n"
		write = func(row console.LogLeafRow) error {
			b, err := json.Marshal(map[string]any{"leaf": row.Index, "at": saidWhen(row), "kind": row.Kind, "site": row.Site, "of": row.About + row.ReceiptShown})
			if err != nil {
				return err
			}
			_, err = io.WriteString(w, before+string(b))
			before = ",\n"
			return err
		}
		end = func(err error) error {
			if err != nil {
				return err
			}
			last := "\n]\n"
			if before == "[\n" {
				last = "[]\n"
			}
			_, err = io.WriteString(w, last)
			return err
		}
	}
	for {
		list, next, err := c.Transparency.Store.LogList(d.Request().Context(), q)
		for i := 0; err == nil && i < len(list); i++ {
			err = write(c.placed(d, list[i]))
		}
		if err != nil || next == (auditlog.Place{}) {
			return end(err)
		}
		q.After = next
	}
}

// saidWhen is a time as programs read it, or the day where only that is known.
func saidWhen(row console.LogLeafRow) string {
	if row.At.IsZero() {
		return row.Day
	}
	return row.At.UTC().Format(time.RFC3339Nano)
}
