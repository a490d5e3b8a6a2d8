package main

import (
	"fmt"
	"io"

	"github.com/schollz/progressbar/v3"
)

// A progress tells people how far something is: by a bar on a terminal, else by a
// line now and then.
type progress struct {
	out         io.Writer
	what        string
	done, total int
	bar         *progressbar.ProgressBar
}

// progressEvery is after how many a line is written where there is no terminal.
const progressEvery = 100

func newProgress(out io.Writer, what string, total int) *progress {
	p := &progress{out: out, what: what, total: total}
	if isTerminal(out) {
		p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(out), progressbar.OptionSetDescription(what),
			progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(), progressbar.OptionSetPredictTime(false))
	}
	return p
}

func (p *progress) step() {
	p.done++
	switch {
	case p.bar != nil:
		_ = p.bar.Add(1)
	case p.done%progressEvery == 0:
		fmt.Fprintf(p.out, "%s: %d of %d\n", p.what, p.done, p.total)
	}
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}

// bars are one for each of several things.
type bars struct {
	out io.Writer
	all map[string]*progress
}

func newBars(out io.Writer) *bars { return &bars{out, map[string]*progress{}} }

func (b *bars) reach(what string, done, of int64) {
	if b.all[what] == nil {
		b.all[what] = newProgress(b.out, what, int(of))
	}
	b.all[what].reach(done, of)
}

func (b *bars) end() {
	for _, p := range b.all {
		p.end()
	}
}
