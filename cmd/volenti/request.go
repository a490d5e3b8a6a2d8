package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/regime"
	"github.com/volenti-consent/volenti/server/request"
	"github.com/volenti-consent/volenti/server/visitor"
	"github.com/volenti-consent/volenti/web"
)

func requestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "request",
		Short: "What visitors ask for about their data",
		Long: `Lists and answers requests of visitors: access, copy, correction, erasure,
restriction, objection, portability, do not sell or share. Deadlines follow the law
of the visitor's region, or the site's own shorter promise.`,
	}
	cmd.AddCommand(requestListCommand(), requestShowCommand(), requestFulfilCommand(), requestExportCommand())
	return cmd
}

// withRequests opens what answers requests, for one command.
func withRequests(ctx context.Context, p home, do func(*request.Service) error) (err error) {
	if err := p.exists(); err != nil {
		return err
	}
	in, err := open(ctx, p)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.close()) }()
	table, err := regime.Load()
	if err != nil {
		return err
	}
	pages, err := web.New()
	if err != nil {
		return err
	}
	service, err := newRequests(&Config{}, in, table, pages)
	if err != nil {
		return err
	}
	log := logger(defaults())
	directory := &visitor.Directory{Sites: in.db, Notices: in.db, Versions: in.db, Now: time.Now, Log: log}
	if err := directory.Refresh(ctx); err != nil {
		return err
	}
	recorder := consent.NewRecorder(in.db, in.keyring, consent.RecorderOptions{})
	defer func() { err = errors.Join(err, recorder.Close(context.WithoutCancel(ctx))) }()
	service.Switch = &visitor.Decisions{Directory: directory, Archive: &visitor.Archive{Store: in.db, Notices: in.db, Versions: in.db, Log: log}, Laws: &visitor.Laws{Table: table},
		Recorder: recorder, Tokens: consent.NewTokens(in.secrets.Token...), Now: time.Now}
	return do(service)
}

func requestListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list SITE", Short: "List a site's requests, the soonest deadline first", Args: cobra.ExactArgs(1)}
	data := dataFlag(cmd)
	all := cmd.Flags().Bool("all", false, "also those that are closed, or wait for confirmation")
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return withRequests(cmd.Context(), *data, func(s *request.Service) error {
			lines := []request.Line{}
			err := eachRequest(cmd.Context(), s, args[0], *all, func(l request.Line) error {
				l.Steps = nil
				lines = append(lines, l)
				return nil
			})
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd.OutOrStdout(), lines)
			}
			if len(lines) == 0 {
				fmt.Fprintln(cmd.OutOrStdout(), "nothing waits")
				return nil
			}
			return printRequests(cmd.OutOrStdout(), lines)
		})
	}
	return cmd
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func printRequests(w io.Writer, lines []request.Line) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tKIND\tSTATE\tDUE\tRECEIVED\tIDENTITY\tREGION\tLAW")
	for _, l := range lines {
		late := ""
		if l.Overdue {
			late = " (late)"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s%s\t%s\t%s\t%s\t%s\n", l.ID, l.Kind, l.State, l.Due, late, l.Received, l.Identity, l.Region, l.Law)
	}
	return table.Flush()
}

// eachRequest calls do for a site's requests by deadline, page by page.
func eachRequest(ctx context.Context, s *request.Service, site string, all bool, do func(request.Line) error) error {
	if _, err := s.Sites.Site(ctx, site); err != nil {
		return fmt.Errorf("site %s: %w", site, err)
	}
	q := request.Query{Site: site, Limit: 200, States: []request.State{request.Open, request.Extended}}
	if all {
		q.States = nil
	}
	for {
		requests, err := s.Store.Requests(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range requests {
			l, err := s.Line(ctx, r)
			if err == nil {
				err = do(l)
			}
			if err != nil {
				return err
			}
		}
		if len(requests) < q.Limit {
			return nil
		}
		q.After = &requests[len(requests)-1]
	}
}

func requestShowCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "show SITE ID", Short: "Show one request with its steps, and what this server holds of whoever asks", Args: cobra.ExactArgs(2)}
	data := dataFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return withRequests(cmd.Context(), *data, func(s *request.Service) error {
			ctx := cmd.Context()
			r, err := s.Store.Request(ctx, args[0], args[1])
			if err != nil {
				return fmt.Errorf("request %s of site %s: %w", args[1], args[0], err)
			}
			l, err := s.Line(ctx, r)
			if err != nil {
				return err
			}
			held, err := s.Holdings(ctx, r)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd.OutOrStdout(), struct {
					request.Line
					Held int `json:"held"`
				}{l, len(held)})
			}
			w := cmd.OutOrStdout()
			fmt.Fprintf(w, "request %s of %s: %s, %s\nreceived %s, due %s by %s\nthis server holds %d records of whoever asks\n", l.ID, l.Site, l.Kind, l.State, l.Received, l.Due, l.Law, len(held))
			for _, step := range l.Steps {
				fmt.Fprintf(w, "%s  %s by %s  %s\n", step.At, step.What, step.By, step.Note)
			}
			return nil
		})
	}
	return cmd
}

func requestFulfilCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "fulfil SITE ID",
		Short: "Do all that is to be done with what this server holds, and close the request",
		Long: `Does what the request asks with all that this server holds of whoever asks: makes
the copy, erases, restricts, or switches marketing off; keeps the list of what was
done, and tells the visitor. What other systems hold, they are told by webhooks.`,
		Args: cobra.ExactArgs(2),
	}
	data := dataFlag(cmd)
	asJSON := cmd.Flags().Bool("json", false, "print what was done as JSON")
	how := cmd.Flags().String("how", string(consent.Shredded), "how records are erased: shredded (all of them) or minimised (what tells the browser from others)")
	text := cmd.Flags().String("text", "", "a word to the visitor")
	elsewhere := cmd.Flags().Bool("elsewhere", false, "say that it was done in the site's other systems too")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if err := consent.Erasure(*how).Check(); err != nil {
			return usage(fmt.Errorf("--how %s: %w", *how, err))
		}
		return withRequests(cmd.Context(), *data, func(s *request.Service) error {
			r, err := s.Store.Request(cmd.Context(), args[0], args[1])
			if err != nil {
				return fmt.Errorf("request %s of site %s: %w", args[1], args[0], err)
			}
			_, done, err := s.Fulfil(cmd.Context(), r, request.Fulfilment{By: byCommand, Text: *text, How: consent.Erasure(*how), Elsewhere: *elsewhere})
			if errors.Is(err, request.ErrState) {
				return invalid(fmt.Errorf("request %s is %s: only one that is open can be fulfilled", r.ID, r.State))
			}
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(cmd.OutOrStdout(), done)
			}
			for _, d := range done {
				fmt.Fprintln(cmd.OutOrStdout(), doneText(s.Words, d))
			}
			return nil
		})
	}
	return cmd
}

func doneText(words request.Words, d request.Done) string {
	pairs := []string{}
	if d.Count != 0 {
		pairs = []string{"count", fmt.Sprint(d.Count)}
	}
	text, err := words.Text("en", "req_done_"+d.What, pairs...)
	if err != nil {
		return d.What
	}
	return text
}

func requestExportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export SITE",
		Short: "Write all requests of a site with their steps, one JSON object a line, without addresses and texts",
		Args:  cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	out := cmd.Flags().StringP("out", "o", "", "file to write; standard output without it")
	asJSON := cmd.Flags().Bool("json", false, "write one JSON array instead of a line for each")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		w := cmd.OutOrStdout()
		if *out != "" {
			f, err := os.OpenFile(filepath.Clean(*out), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
			if err != nil {
				return usage(err)
			}
			defer func() { err = errors.Join(err, f.Close()) }()
			w = f
		}
		return withRequests(cmd.Context(), *data, func(s *request.Service) error {
			if !*asJSON {
				e := json.NewEncoder(w)
				return eachRequest(cmd.Context(), s, args[0], true, func(l request.Line) error { return e.Encode(l) })
			}
			lines := []request.Line{}
			if err := eachRequest(cmd.Context(), s, args[0], true, func(l request.Line) error { lines = append(lines, l); return nil }); err != nil {
				return err
			}
			return printJSON(w, lines)
		})
	}
	return cmd
}
