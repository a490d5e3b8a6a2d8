package request

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/volenti-consent/volenti/server/consent"
)

// mostHeld is how many decisions of one browser are looked for: a hundred a day for a
// hundred days.
const mostHeld = 10000

// Holdings are all records that belong to whoever asked, newest first: those whose
// receipts he holds, and all others of the same browser. What is restricted is not
// among them, since nobody may read it, but leads to what is not.
func (s *Service) Holdings(ctx context.Context, r Request) ([]*consent.Entry, error) {
	var all []*consent.Entry
	seen := map[string]bool{}
	add := func(entries ...*consent.Entry) {
		for _, e := range entries {
			if !seen[e.ReceiptID] {
				seen[e.ReceiptID] = true
				all = append(all, e)
			}
		}
	}
	for _, id := range r.Receipts {
		e, err := s.Records.Entry(ctx, r.Site, id)
		if errors.Is(err, consent.ErrUnknownReceipt) {
			var beside string
			if beside, err = s.Erasures.Beside(ctx, r.Site, id); err == nil && beside == "" {
				continue
			}
			if err == nil {
				e, err = s.Records.Entry(ctx, r.Site, beside)
			}
		}
		if err != nil {
			return nil, err
		}
		add(e)
		if e.Subject == "" {
			continue
		}
		more, err := s.Records.EntriesOfSubject(ctx, r.Site, e.Subject, mostHeld)
		if err != nil {
			return nil, err
		}
		add(more...)
	}
	slices.SortFunc(all, func(a, b *consent.Entry) int { return int(b.Index - a.Index) })
	return all, nil
}

// hidden are the leaves of records that belong to whoever asked and are restricted, and
// the receipts by which those and the held ones are found.
func (s *Service) hidden(ctx context.Context, r Request, held []*consent.Entry) (leaves []int64, receipts []string, _ error) {
	receipts = idsOf(held)
	for _, id := range append(slices.Clone(receipts), r.Receipts...) {
		if Erased(id) {
			continue
		}
		some, err := s.Erasures.Restricted(ctx, r.Site, id)
		if err != nil {
			return nil, nil, err
		}
		if len(some) > 0 && !slices.Contains(receipts, id) {
			receipts = append(receipts, id) // nobody can read it, so it is restricted itself
		}
		for _, one := range some {
			leaves = append(leaves, one.Index)
		}
	}
	slices.Sort(leaves)
	return slices.Compact(leaves), receipts, nil
}

// Reached is how many records an erasure reaches: those held, and those that nobody may
// read.
func (s *Service) Reached(ctx context.Context, r Request, held []*consent.Entry) (int, error) {
	leaves, _, err := s.hidden(ctx, r, held)
	return len(held) + len(leaves), err
}

// A Fulfilment is what an operator says beside pressing the button.
type Fulfilment struct {
	By        string
	Text      string          // to the visitor, or ""
	How       consent.Erasure // of an erasure; "" is as the site's settings say
	Elsewhere bool            // it was done in the site's other systems too
}

// Fulfil does all that is to be done with what this server holds, and ends the request
// with a list of it. Records are erased before the list is kept: if the server stops in
// between, doing it again finds nothing left to erase, and ends the request.
func (s *Service) Fulfil(ctx context.Context, r Request, f Fulfilment) (Request, []Done, error) {
	if !r.State.Waits() {
		return r, nil, ErrState
	}
	sealed, err := s.text(r, f.Text)
	if err != nil {
		return r, nil, err
	}
	held, err := s.Holdings(ctx, r)
	if err != nil {
		return r, nil, err
	}
	var gone []string
	if r.Kind == Erasure {
		if _, gone, err = s.hidden(ctx, r, held); err != nil {
			return r, nil, err
		}
	}
	done, file, err := s.do(ctx, r, held, f)
	if err != nil {
		return r, nil, err
	}
	if len(held) == 0 && len(done) == 0 {
		done = append(done, Done{What: DoneNothing})
	}
	hooks, err := s.Store.Hooks(ctx, r.Site)
	if err != nil {
		return r, nil, err
	}
	told := 0
	for _, h := range hooks {
		if h.Wants(EventFulfilled) {
			told++
		}
	}
	if told > 0 {
		done = append(done, Done{What: DoneTold, Count: told})
	}
	if f.Elsewhere {
		done = append(done, Done{What: DoneElsewhere})
	}
	note, err := json.Marshal(done)
	if err != nil {
		return r, nil, err
	}
	r.HandOver = file != nil
	r, err = s.apply(ctx, r, Fulfilled, Step{What: Fulfilling, By: f.By, Note: string(note), Text: sealed}, EventFulfilled, func(c *Change) {
		c.File = file
		if r.Kind == Erasure && len(gone) > 0 {
			c.Events = append(c.Events, NewRecordEvent(EventErased, r.Site, gone, c.Steps[0].At))
		}
	})
	return r, done, err
}

// do is the deed itself, by kind.
func (s *Service) do(ctx context.Context, r Request, held []*consent.Entry, f Fulfilment) ([]Done, *File, error) {
	statistics := Done{What: DoneStatistics}
	switch {
	case r.Kind.Copies():
		file, err := s.copy(ctx, r, held)
		if err != nil {
			return nil, nil, fmt.Errorf("copy of what is held: %w", err)
		}
		return []Done{{DoneCopied, len(held)}, statistics}, file, nil
	case r.Kind == Erasure:
		hidden, receipts, err := s.hidden(ctx, r, held)
		if err != nil || len(held)+len(hidden) == 0 {
			return nil, nil, err
		}
		if f.How == "" {
			_, _, err = s.Erasures.EraseOfVisitor(ctx, r.Site, receipts, s.now())
		} else {
			leaves := hidden // with the held ones, at once: each is found by another
			for _, e := range held {
				leaves = append(leaves, e.Index)
			}
			_, err = s.Erasures.EraseLeaves(ctx, r.Site, leaves, f.How, consent.ReasonRequested, s.now())
		}
		if err != nil {
			return nil, nil, err
		}
		if err := s.Erasures.Scrub(ctx); err != nil && !errors.Is(err, consent.ErrReaders) {
			return nil, nil, err
		}
		return []Done{{DoneErased, len(held) + len(hidden)}, statistics}, nil, nil
	case r.Kind == Restriction:
		if len(held) == 0 {
			return nil, nil, nil
		}
		leaves, err := s.Erasures.Restrict(ctx, r.Site, idsOf(held), consent.GroundContested, s.now())
		return []Done{{DoneRestricted, len(leaves)}}, nil, err
	case r.Kind.SwitchesOff():
		if len(held) == 0 {
			return nil, nil, nil
		}
		if _, err := s.Switch.SwitchOff(ctx, r.Site, held[0].ReceiptID); err != nil {
			return nil, nil, err
		}
		return []Done{{What: DoneSwitched}}, nil, nil
	case r.Kind == Rectification:
		return []Done{{What: DoneCorrected}}, nil, nil
	}
	return nil, nil, nil // sb-27: only the site knows to whom it gave what
}

func idsOf(entries []*consent.Entry) []string {
	ids := make([]string, len(entries))
	for i, e := range entries {
		ids[i] = e.ReceiptID
	}
	return ids
}

// DoneOf reads the list that a step of fulfilment keeps.
func DoneOf(step Step) (all []Done, err error) {
	if step.What != Fulfilling {
		return nil, nil
	}
	err = json.Unmarshal([]byte(step.Note), &all)
	return all, err
}

// Open is what is handed over with a request: name and bytes. It fails with ErrNoFile.
func (s *Service) Open(ctx context.Context, r Request) (string, []byte, error) {
	f, err := s.Store.File(ctx, r.ID)
	if err != nil {
		return "", nil, err
	}
	if s.Now().After(f.Until) {
		return "", nil, ErrNoFile
	}
	b, err := s.Seals.Open("file "+r.ID, f.Sealed)
	return f.Name, b, err
}

// Take notes that whoever asked has downloaded the file.
func (s *Service) Take(ctx context.Context, r Request) (Request, error) {
	return s.apply(ctx, r, r.State, Step{What: Taken, By: "visitor"}, "")
}

// Remove deletes the file: whoever asked has it, or its time is over.
func (s *Service) Remove(ctx context.Context, r Request, by string) (Request, error) {
	if !r.HandOver {
		return r, ErrNoFile
	}
	r.HandOver = false
	return s.apply(ctx, r, r.State, Step{What: Removed, By: by}, "", func(c *Change) { c.Drop, c.Mails = true, nil })
}

// SwitchNow switches marketing off for the browser that asked, before anybody has
// looked at the request: an opt-out needs no decision of the site (11 CCR 7026). remember
// does it and says whether anything was on.
func (s *Service) SwitchNow(ctx context.Context, r Request) (Request, error) {
	return s.apply(ctx, r, r.State, Step{What: SwitchedOff, By: "visitor"}, "")
}
