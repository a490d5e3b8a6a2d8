package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	policyversions "github.com/volenti-consent/volenti/policy-versions"
	"github.com/volenti-consent/volenti/server/admin"
	"github.com/volenti-consent/volenti/server/store"
)

// A publication is what `policy publish` was asked to publish.
type publication struct {
	file, language, effective string
	material                  bool
	summary                   map[string]string
	graceDays                 int
	translations              []string // "de=privacy.de.md"
}

func policyPublishCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "publish FILE",
		Aliases: []string{"import"},
		Short:   "Publish a text (Markdown, HTML, plain text, Word or an archived extraction) as the next version",
		Long: `Publish a text as the next version of a policy. The bytes of the file are kept
as they are; the canonical text made of them is hashed, shown and named by
receipts. A version never changes: to correct one, publish another.

A material change is told to visitors who decided under an earlier version: once,
in a small note with the summary and a link to the versions. --grace-days says how much
later than new visitors it binds them; it delays neither a stop nor a question.

With --server the text goes to a running server, which does the same; the token is
one that may publish policies of the site. A text that is published already is not
published again, and that is no failure.`,
		Example: `  volenti policy publish privacy.md --site shop --policy privacy --effective 2026-12-01
  volenti policy publish privacy.docx --site shop --translate de=privacy.de.docx --material --grace-days 14 \
    --summary "en=Orders are kept for five years instead of seven." --summary "de=Bestellungen werden fünf statt sieben Jahre aufbewahrt."
  volenti policy publish privacy.md --site shop --server https://consent.example.com --token-file token`,
		Args: cobra.ExactArgs(1),
	}
	flags, asJSON := addPolicyFlags(cmd), jsonFlag(cmd)
	var p publication
	f := cmd.Flags()
	f.StringVar(&p.language, "language", "en", "language of the text (BCP 47)")
	f.StringVar(&p.effective, "effective", "", "day it takes effect, in the site's time zone: 2026-12-01 (default: now)")
	f.BoolVar(&p.material, "material", false, "visitors who know an earlier version are told of the change")
	f.IntVar(&p.graceDays, "grace-days", 0, "days by which known visitors are bound later than new ones")
	f.StringArrayVar(&p.translations, "translate", nil, "a translation, by language: de=privacy.de.md (repeatable)")
	summaries := f.StringArray("summary", nil, `what changed, for visitors, by language: "en=We keep orders for five years." (repeatable)`)
	summaryFile := f.String("summary-file", "", `the same from a JSON file: {"en": "…", "de": "…"}`)
	server := f.String("server", "", "publish on this server, such as https://consent.example.com, instead of in a data folder")
	tokenFile := f.String("token-file", "", "file that holds the token for --server; - is standard input (default: VOLENTI_TOKEN)")
	_ = cmd.MarkFlagRequired("site")
	cmd.MarkFlagsMutuallyExclusive("server", "data")
	cmd.RunE = func(cmd *cobra.Command, args []string) (err error) {
		p.file = args[0]
		if p.summary, err = summaryOf(*summaries, *summaryFile); err != nil {
			return usage(err)
		}
		if *server != "" {
			return publishRemotely(cmd, *server, *tokenFile, flags, p, *asJSON)
		}
		return withDatabase(cmd.Context(), *flags.data, func(db *store.DB) error {
			return p.publish(cmd, db, flags, *asJSON)
		})
	}
	return cmd
}

// publish does it in a database.
func (p publication) publish(cmd *cobra.Command, db *store.DB, flags policyFlags, asJSON bool) error {
	ctx := cmd.Context()
	draft, err := readDraft(cmd.InOrStdin(), p.file, p.language)
	if err != nil {
		return err
	}
	draft.Material, draft.GraceDays, draft.Summary = p.material, p.graceDays, p.summary
	var translations []policyversions.Draft
	for _, t := range p.translations {
		language, file, ok := strings.Cut(t, "=")
		if !ok {
			return usage(fmt.Errorf("--translate %q: write the language first, such as de=privacy.de.md", t))
		}
		d, err := readDraft(cmd.InOrStdin(), file, language)
		if err != nil {
			return err
		}
		translations = append(translations, d)
	}
	s, err := siteOf(ctx, db, *flags.site)
	if err != nil {
		return err
	}
	effective := time.Now()
	if p.effective != "" {
		if effective, err = policyversions.StartOfDay(p.effective, s.Location()); err != nil {
			return usage(fmt.Errorf("--effective: %w", err))
		}
	}
	v, err := policyversions.Publisher{Store: db, Zone: s.Location()}.PublishTexts(ctx, s.Key, *flags.policy, byCommand, effective, draft, translations...)
	if errors.Is(err, policyversions.ErrSameText) {
		all, err := db.Versions(ctx, s.Key, *flags.policy)
		if err != nil {
			return err
		}
		return printAnswer(cmd.OutOrStdout(), admin.AnswerOf(all[0], false, nil), s, asJSON)
	}
	if err != nil {
		return published(err)
	}
	if err := noteCommand(ctx, db, v.PublishedAt, s.Key, "policy.publish", fmt.Sprintf("%s %d", v.Policy, v.Number), ""); err != nil {
		return err
	}
	return printAnswer(cmd.OutOrStdout(), admin.AnswerOf(v, true, draft.Changes), s, asJSON)
}

// summaryOf reads what visitors are told, by language: from the flags, and from a
// file of a JSON object, each language once.
func summaryOf(flags []string, file string) (map[string]string, error) {
	all := map[string]string{}
	if file != "" {
		raw, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(raw, &all); err != nil {
			return nil, fmt.Errorf(`--summary-file %s: %w; write {"en": "…"}`, file, err)
		}
	}
	for _, text := range flags {
		language, summary, ok := strings.Cut(text, "=")
		if language = strings.TrimSpace(language); !ok || language == "" {
			return nil, fmt.Errorf(`--summary %q: write the language first, such as "en=We keep orders for five years."`, text)
		}
		if _, twice := all[language]; twice {
			return nil, fmt.Errorf("--summary: %s is there twice", language)
		}
		all[language] = summary
	}
	return all, nil
}
