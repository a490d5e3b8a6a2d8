package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"
	"golang.org/x/net/html/charset"

	"github.com/volenti-consent/volenti/server/catalogue"
	"github.com/volenti-consent/volenti/server/markup"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/store"
)

// What a page may cost that is fetched.
const (
	pageTimeout = 20 * time.Second
	pageSize    = 8 << 20
)

func markupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "markup FILE|URL",
		Short: "Say of each tag of a page what it waits for, and what nothing gates",
		Long: `Read a page and say of each tag from elsewhere what it waits for: a category of
the notice, by our marks or by those of another banner, or nothing. It ends with
what the notice lacks, as lines for its file. Without a notice, the four standard
categories are taken.

A page is read as it is served, without running its scripts: what they add later
is not seen. A URL is fetched without cookies and without credentials.

Exit codes: 0 if nothing loads ungated, 3 if something does, 2 if the page or the
notice can't be read, 1 if something else went wrong.`,
		Example: `  volenti markup index.html --notice shop.toml
  volenti markup https://www.shop.example/ --site shop --data /var/lib/volenti --json`,
		Args: cobra.ExactArgs(1),
	}
	data := dataFlag(cmd)
	siteKey := cmd.Flags().String("site", "", "judge by the notice that is published for this site")
	file := cmd.Flags().String("notice", "", "judge by this notice file")
	at := cmd.Flags().String("at", "", "address of the page, if FILE is given (default: the notice's first origin)")
	asJSON := cmd.Flags().Bool("json", false, "write JSON")
	cmd.MarkFlagsMutuallyExclusive("site", "notice")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n, err := noticeToJudgeBy(cmd, *data, *siteKey, *file)
		if err != nil {
			return err
		}
		text, address, err := readPage(cmd.Context(), args[0], *at, n)
		if err != nil {
			return err
		}
		if len(n.Origins) == 0 {
			n.Origins = []string{address.Scheme + "://" + address.Host}
		}
		known, err := catalogue.Load()
		if err != nil {
			return err
		}
		page, err := markup.Read(strings.NewReader(text), address, n, known)
		if err != nil {
			return err
		}
		if *asJSON {
			err = printPageJSON(cmd.OutOrStdout(), args[0], page, page.Add(n, known))
		} else {
			err = printPage(cmd.OutOrStdout(), args[0], page, page.Add(n, known))
		}
		if err != nil {
			return err
		}
		if count := page.Ungated(); count > 0 {
			return invalid(fmt.Errorf("%s: %d tags load before anybody is asked", args[0], count))
		}
		return nil
	}
	return cmd
}

// noticeToJudgeBy is the published notice, the one of a file, or one with the
// four standard categories and no origins.
func noticeToJudgeBy(cmd *cobra.Command, data home, siteKey, file string) (n *notice.Notice, err error) {
	switch {
	case file != "":
		return readNotice(cmd.ErrOrStderr(), file)
	case siteKey != "":
		err := withDatabase(cmd.Context(), data, func(db *store.DB) error {
			p, err := db.Current(cmd.Context(), siteKey)
			if errors.Is(err, notice.ErrUnpublished) {
				return usage(fmt.Errorf("%w: %s; publish one, or name a file with --notice", err, siteKey))
			} else if err != nil {
				return err
			}
			n, err = notice.Decode(p.NoticeBytes)
			return err
		})
		return n, err
	}
	n = &notice.Notice{Blocking: notice.Blocking{Mode: "script", Unknown: "hold"}}
	for _, key := range []string{notice.Necessary, notice.Preferences, notice.Analytics, notice.Marketing} {
		n.Categories = append(n.Categories, notice.Category{Key: key, Like: key})
	}
	return n, nil
}

// readPage reads a file, or fetches a page. Address is where it is, or would be.
func readPage(ctx context.Context, source, at string, n *notice.Notice) (text string, address *url.URL, err error) {
	if u, err := url.Parse(source); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		if at != "" {
			return "", nil, usage(errors.New("--at is for files: a URL is its own address"))
		}
		return fetchPage(ctx, u)
	}
	if at == "" && len(n.Origins) > 0 {
		at = n.Origins[0] + "/"
	}
	if at == "" {
		at = "http://localhost/"
	}
	if address, err = url.Parse(at); err != nil || address.Host == "" {
		return "", nil, usage(fmt.Errorf("--at %q is not a whole address, such as https://www.shop.example/", at))
	}
	f, err := os.Open(source)
	if err != nil {
		return "", nil, usage(err)
	}
	defer f.Close()
	text, err = decode(f, "", source)
	return text, address, err
}

func fetchPage(ctx context.Context, u *url.URL) (string, *url.URL, error) {
	plain := func(u *url.URL) error {
		if u.User != nil {
			return errors.New("pages are fetched without credentials: leave user and password out of the address")
		}
		return nil
	}
	if err := plain(u); err != nil {
		return "", nil, usage(err)
	}
	ctx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	client := &http.Client{CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 5 {
			return errors.New("more than five redirects")
		}
		return plain(r.URL)
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", nil, usage(err)
	}
	request.Header.Set("Accept", "text/html")
	request.Header.Set("User-Agent", "volenti markup")
	response, err := client.Do(request)
	if err != nil {
		return "", nil, usage(fmt.Errorf("fetch the page: %w", err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "", nil, usage(fmt.Errorf("fetch the page: %s answered %s", response.Request.URL.Redacted(), response.Status))
	}
	kind := response.Header.Get("Content-Type")
	if !strings.Contains(kind, "html") {
		return "", nil, usage(fmt.Errorf("%s is %q, not HTML", response.Request.URL.Redacted(), kind))
	}
	text, err := decode(response.Body, kind, u.Redacted())
	return text, response.Request.URL, err
}

// decode reads a page of any encoding, up to pageSize.
func decode(from io.Reader, contentType, name string) (string, error) {
	limited := &io.LimitedReader{R: from, N: pageSize + 1}
	reader, err := charset.NewReader(limited, contentType)
	if errors.Is(err, io.EOF) {
		return "", nil
	}
	if err != nil {
		return "", usage(fmt.Errorf("%s: %w", name, err))
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		return "", usage(fmt.Errorf("%s: %w", name, err))
	}
	if limited.N <= 0 {
		return "", usage(fmt.Errorf("%s has more than %d MiB; is it a page?", name, pageSize>>20))
	}
	return string(text), nil
}

func printPage(out io.Writer, name string, page *markup.Page, add string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LINE\tSTATE\tCATEGORY\tVENDOR\tMARKED FOR\tTAG")
	for _, f := range page.Findings {
		dialect := "-"
		if f.Mark != nil {
			dialect = f.Mark.Dialect
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s %s\n", f.Line, f.State, dash(clip(f.Category)), dash(clip(f.Vendor)), dialect, f.Tag, clip(f.Source))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, f := range page.Findings {
		if f.Note != "" {
			fmt.Fprintf(out, "%s:%d: %s %s: %s\n", name, f.Line, f.State, f.Tag, f.Note)
		}
	}
	if !page.Script {
		fmt.Fprintf(out, "%s: the banner's script is not there, or not before all others: it belongs first into <head>\n", name)
	}
	if add != "" {
		fmt.Fprintf(out, "\n# What the notice lacks:\n%s", add)
	}
	return nil
}

func printPageJSON(out io.Writer, name string, page *markup.Page, add string) error {
	e := json.NewEncoder(out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	findings := page.Findings
	if findings == nil {
		findings = []markup.Finding{}
	}
	return e.Encode(struct {
		Page     string           `json:"page"`
		Script   bool             `json:"script"`
		Ungated  int              `json:"ungated"`
		Findings []markup.Finding `json:"findings"`
		Add      string           `json:"add"` // TOML
	}{name, page.Script, page.Ungated(), findings, add})
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// clip shortens what would make a table unreadable, and takes out what a
// terminal would obey: it was written by others.
func clip(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if runes := []rune(text); len(runes) > 100 {
		return string(runes[:99]) + "…"
	}
	return text
}
