package admin

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"strings"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/web/console"
)

// before is the version that a draft's differences are shown to: the newest one that
// is in force or, where all lie ahead, the newest. Its Number is 0 if there is none.
func (c *Console) before(d *Desk, policy string) (policyversions.Version, error) {
	ctx := d.Request().Context()
	v, err := c.Versions.InForce(ctx, d.Site.Key, policy, c.Now())
	switch {
	case errors.Is(err, policyversions.ErrUnknownPolicy):
		return policyversions.Version{}, nil
	case errors.Is(err, policyversions.ErrUnknownVersion):
		all, err := c.Versions.Versions(ctx, d.Site.Key, policy)
		if err != nil {
			return policyversions.Version{}, err
		}
		return c.Versions.Version(ctx, d.Site.Key, policy, all[0].Number)
	}
	return v, err
}

// looks are the texts of a draft, and what becomes of each.
func (c *Console) looks(w policyversions.Work, before policyversions.Version, fold bool) []console.DraftText {
	texts := textsOf(w)
	all := make([]console.DraftText, len(texts))
	for i, t := range texts {
		all[i] = console.DraftText{At: i, Language: t.Language, Name: languageName(t.Language), Direction: direction(t.Language),
			Title: t.Title, Markdown: t.Markdown, Look: lookOf(t, before, i == 0, fold)}
	}
	return all
}

// lookOf reads a text as publishing would, renders it, and compares it with what a
// version says in its language. A translation that the version does not have is
// compared with nothing.
func lookOf(t policyversions.WorkText, before policyversions.Version, binds, fold bool) (look console.Look) {
	read, err := policyversions.Import([]byte(t.Markdown), "draft.md")
	if errors.Is(err, policyversions.ErrEmpty) {
		look.Wrong = "There are no words yet."
		return look
	}
	if err != nil {
		look.Wrong = sentence(err)
		return look
	}
	text := read.Text
	text.Language = t.Language
	if t.Title != "" {
		text.Title = t.Title
	}
	rendered, err := policyversions.Render(text)
	if err != nil {
		look.Wrong = sentence(err)
		return look
	}
	look.Preview = template.HTML(rendered.HTML) //nolint:gosec // Render's contract: safe to stand in a page as it is
	if before.Number == 0 {
		return look
	}
	old, err := before.In(t.Language)
	if err != nil {
		look.Wrong = sentence(err)
		return look
	}
	if binds || old.Language == t.Language {
		look.Difference = differenceOf(policyversions.Compare(old, text))
		if fold {
			look.Difference.Blocks = folded(look.Difference.Blocks)
		}
	}
	return look
}

// differenceOf is a difference as pages show it: what moved is shown where it went,
// with what changed in it on the way.
func differenceOf(d policyversions.Difference) *console.Difference {
	out := &console.Difference{Inserted: d.Inserted, Deleted: d.Deleted, Moved: d.Moved, Blocks: make([]console.DifferenceBlock, 0, len(d.Blocks))}
	for _, b := range d.Blocks {
		block := console.DifferenceBlock{Kind: string(b.Kind), Heading: b.Level > 0}
		spans := b.Spans
		if b.Changes != nil {
			spans = b.Changes
		}
		for _, s := range spans {
			op := ""
			switch {
			case b.Kind == policyversions.MovedFrom, b.Kind == policyversions.MovedTo && b.Changes == nil, s.Op == policyversions.Kept:
			case b.Kind == policyversions.Same: // only blanks differ
				if s.Op == policyversions.Gone {
					continue
				}
			case s.Op == policyversions.Put:
				op = "put"
			default:
				op = "gone"
			}
			block.Spans = append(block.Spans, console.DifferenceSpan{Op: op, Text: s.Text})
		}
		trimBlock(&block)
		out.Blocks = append(out.Blocks, block)
	}
	return out
}

// trimBlock takes off what only Markdown needs: blank lines behind a block, and the
// marks of a heading, which is shown as one.
func trimBlock(b *console.DifferenceBlock) {
	for i := len(b.Spans) - 1; i >= 0; i-- {
		b.Spans[i].Text = strings.TrimRight(b.Spans[i].Text, "\n")
		if b.Spans[i].Text != "" {
			break
		}
	}
	if b.Heading && len(b.Spans) > 0 {
		b.Spans[0].Text = strings.TrimLeft(strings.TrimLeft(b.Spans[0].Text, "#"), " ")
	}
}

// folded leaves out runs of blocks that are the same, but for their neighbours.
func folded(blocks []console.DifferenceBlock) []console.DifferenceBlock {
	const around = 1
	same := string(policyversions.Same)
	var out []console.DifferenceBlock
	for i := 0; i < len(blocks); {
		if blocks[i].Kind != same {
			out = append(out, blocks[i])
			i++
			continue
		}
		end := i
		for end < len(blocks) && blocks[end].Kind == same {
			end++
		}
		head, tail := around, around
		if i == 0 {
			head = 0
		}
		if end == len(blocks) {
			tail = 0
		}
		if hidden := end - i - head - tail; hidden > 1 {
			out = append(out, blocks[i:i+head]...)
			out = append(out, console.DifferenceBlock{Folded: hidden})
			out = append(out, blocks[end-tail:end]...)
		} else {
			out = append(out, blocks[i:end]...)
		}
		i = end
	}
	return out
}

// look answers what becomes of what is being typed, while it is typed: for each
// text the part of the page beside it. Nothing is kept.
func (c *Console) look(d *Desk) error {
	kept, err := c.work(d)
	if err != nil {
		return err
	}
	w, _ := typed(d, kept)
	before, err := c.before(d, w.Policy)
	if err != nil {
		return err
	}
	page := &console.Draft{Against: before.Number}
	parts := map[string]string{}
	for _, text := range c.looks(w, before, true) {
		part, err := c.Pages.Part("draft", "look", map[string]any{"root": page, "text": text})
		if err != nil {
			return fmt.Errorf("look at draft: %w", err)
		}
		parts[fmt.Sprint(text.At)] = part
	}
	d.Response().Header().Set("Cache-Control", "no-store")
	return d.JSON(http.StatusOK, map[string]any{"looks": parts})
}

// autosave keeps what is being typed; nothing of it is in the audit log, which says
// what was done, not that somebody is typing.
func (c *Console) autosave(d *Desk) error {
	kept, err := c.work(d)
	if err != nil {
		return err
	}
	w, wrong := typed(d, kept)
	d.Response().Header().Set("Cache-Control", "no-store")
	const submitted = "This draft was submitted for approval meanwhile. Copy your words before you leave the page."
	if kept.State == policyversions.Submitted {
		return d.JSON(http.StatusConflict, map[string]any{"said": submitted})
	}
	if len(wrong) > 0 {
		return d.JSON(http.StatusUnprocessableEntity, map[string]any{"said": wrong[0].What})
	}
	saved, err := c.save(d, w)
	if errors.Is(err, policyversions.ErrStale) {
		return d.JSON(http.StatusConflict, map[string]any{"said": "Somebody else kept other words meanwhile. Press Keep to see both; nothing is lost."})
	}
	if err != nil {
		return err
	}
	return d.JSON(http.StatusOK, map[string]any{"revision": saved.Revision, "said": "Kept at " + saved.ChangedAt.In(d.Site.Location()).Format("15:04:05")})
}
