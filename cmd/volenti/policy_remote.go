package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/admin"
	"github.com/volenti-consent/volenti/server/site"
)

// publishRemotely sends the documents to a server, which imports and publishes them.
func publishRemotely(cmd *cobra.Command, server, tokenFile string, flags policyFlags, p publication, asJSON bool) error {
	address, err := publishAddress(server, *flags.site, *flags.policy)
	if err != nil {
		return usage(err)
	}
	token, err := readToken(cmd.InOrStdin(), tokenFile)
	if err != nil {
		return usage(err)
	}
	request, err := p.request(cmd.InOrStdin())
	if err != nil {
		return err
	}
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	answer, err := postVersion(cmd.Context(), address, token, body)
	if err != nil {
		return err
	}
	return printAnswer(cmd.OutOrStdout(), answer, site.Site{}, asJSON)
}

// publishAddress is where versions are published. A token is sent over TLS, or to
// this machine.
func publishAddress(server, siteKey, policy string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", fmt.Errorf("--server %q is not an address such as https://consent.example.com", server)
	}
	loopback := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return "", fmt.Errorf("--server %s: a token is sent over https only", server)
	}
	if !policyversions.ValidKey(siteKey) || !policyversions.ValidKey(policy) {
		return "", fmt.Errorf("--site %q or --policy %q is not a key", siteKey, policy)
	}
	return u.JoinPath("v1", "sites", siteKey, "policies", policy, "versions").String(), nil
}

// readToken reads it from a file or the environment: on the command line other
// users of the machine could see it.
func readToken(in io.Reader, file string) (string, error) {
	token := os.Getenv("VOLENTI_TOKEN")
	switch file {
	case "":
	case "-":
		raw, err := io.ReadAll(io.LimitReader(in, 4096))
		if err != nil {
			return "", err
		}
		token = string(raw)
	default:
		raw, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		token = string(raw)
	}
	token = strings.TrimSpace(token)
	if token == "" || strings.ContainsAny(token, " \r\n") {
		return "", errors.New("there is no token: name its file with --token-file, or put it into VOLENTI_TOKEN")
	}
	return token, nil
}

func (p publication) request(in io.Reader) (admin.PublishRequest, error) {
	r := admin.PublishRequest{Effective: p.effective, Material: p.material, Summary: p.summary, GraceDays: p.graceDays}
	read := func(file, language string) (admin.PublishText, error) {
		d, err := readDraft(in, file, language) // what can't be imported is not sent
		return admin.PublishText{Language: language, Filename: filepath.Base(file), Original: d.Original}, err
	}
	var err error
	if r.PublishText, err = read(p.file, p.language); err != nil {
		return r, err
	}
	for _, t := range p.translations {
		language, file, ok := strings.Cut(t, "=")
		if !ok {
			return r, usage(fmt.Errorf("--translate %q: write the language first, such as de=privacy.de.md", t))
		}
		text, err := read(file, language)
		if err != nil {
			return r, err
		}
		r.Translations = append(r.Translations, text)
	}
	return r, nil
}

func postVersion(ctx context.Context, address, token string, body []byte) (admin.PublishAnswer, error) {
	var answer admin.PublishAnswer
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	client := &http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}},
		// A token is for the server it was made on, wherever that one points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		return answer, fmt.Errorf("%w; nothing is known of what was done: send it again, which does nothing twice", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return answer, err
	}
	if resp.StatusCode == http.StatusOK || resp.StatusCode == http.StatusCreated {
		if err := json.Unmarshal(raw, &answer); err != nil || answer.Number == 0 {
			return answer, fmt.Errorf("%s answered something else than a version: is it a Volenti server?", address)
		}
		return answer, nil
	}
	return answer, refusal(resp.StatusCode, address, raw)
}

// refusal is what a server said of why it did not publish.
func refusal(status int, address string, raw []byte) error {
	var problem struct {
		Title, Detail string
		Errors        []struct{ Path, What, Remedy string }
	}
	if json.Unmarshal(raw, &problem) != nil || problem.Title == "" {
		return fmt.Errorf("%s answered %d %s", address, status, http.StatusText(status))
	}
	said := fmt.Sprintf("the server says: %s. %s", problem.Title, problem.Detail)
	for _, e := range problem.Errors {
		said += "\n  " + strings.TrimPrefix(e.Path+": "+e.What, ": ") + "; " + e.Remedy
	}
	err := errors.New(said)
	switch {
	case status == http.StatusUnprocessableEntity:
		return invalid(err)
	case status >= 400 && status < 500:
		return usage(err)
	}
	return err
}

// printAnswer tells what was published. Without a site days are in UTC.
func printAnswer(out io.Writer, a admin.PublishAnswer, s site.Site, asJSON bool) error {
	if asJSON {
		return writeJSON(out, a)
	}
	at := func(milliseconds int64) string {
		return time.UnixMilli(milliseconds).In(s.Location()).Format("2 January 2006 15:04 MST")
	}
	if !a.Published {
		fmt.Fprintf(out, "%s/%s version %d says this already; nothing was changed\n", a.Site, a.Policy, a.Number)
		return nil
	}
	fmt.Fprintf(out, "%s/%s version %d: %q\n  digest     %s\n  in force   %s\n  address    %s\n", a.Site, a.Policy, a.Number, a.Title, a.Digest, at(a.Effective), a.Address)
	for _, t := range a.Translations {
		fmt.Fprintf(out, "  in %-8s %s\n", t.Language, t.Digest)
	}
	if a.Material {
		fmt.Fprintf(out, "  material   known visitors are told from then on, and bound from %s\n", at(a.Binds))
	}
	for _, change := range a.Changes {
		fmt.Fprintf(out, "  tidied     %s (%d)\n", change.What, change.Count)
	}
	return nil
}
