package fairness

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/notice"
)

// A finding is one thing that is unfair about one variant.
type finding struct {
	rule         int
	path         string // in the words of the notice file; "scripts" where it is no text or look of the site's
	what, remedy string
	where        notice.Variant
}

// An inquiry is about one variant.
type inquiry struct {
	n        *notice.Notice // as visitors of the variant's trial see it
	all      *notice.Notice // as it is written
	wording  notice.Wording // as is said in the variant
	variant  notice.Variant
	program  *program
	bundle   *bundle
	findings []finding
	seen     map[string]bool
}

// fail notes a finding, once for each rule and cause: the first screen it is
// seen on will do.
func (q *inquiry) fail(rule int, path, remedy, what string, args ...any) {
	key := fmt.Sprint(rule, path)
	if q.seen[key] {
		return
	}
	if q.seen == nil {
		q.seen = map[string]bool{}
	}
	q.seen[key] = true
	q.findings = append(q.findings, finding{rule, path, fmt.Sprintf(what, args...), remedy, q.variant})
}

// scripts is the path of what no notice can mend.
const scripts = "scripts"

// look is the path of a property of the look.
func (q *inquiry) look(name string) string {
	if i := q.trial(); i >= 0 {
		return fmt.Sprintf("trials[%d].look.%s", i, name)
	}
	return "look." + name
}

// said is the path of a text: of the trial's, or the site's, or else of ours.
func (q *inquiry) said(key string) string {
	path := fmt.Sprintf("wording.%s.%s", q.variant.Language, key)
	if i := q.trial(); i >= 0 && q.all.Trials[i].Wording[q.variant.Language][key] != "" {
		return fmt.Sprintf("trials[%d].%s", i, path)
	}
	return path
}

func (q *inquiry) trial() int {
	return slices.IndexFunc(q.all.Trials, func(t notice.Trial) bool { return t.Key == q.variant.Trial })
}

// issues joins findings that are the same in several variants.
func issues(all []finding) []notice.Issue {
	type cause struct {
		rule int
		path string
		text string
	}
	slices.SortStableFunc(all, func(a, b finding) int { return cmp.Or(cmp.Compare(a.rule, b.rule), cmp.Compare(a.path, b.path)) })
	var order []cause
	first := map[cause]finding{}
	places := map[cause][]string{}
	for _, f := range all {
		key := cause{f.rule, f.path, f.remedy}
		if _, ok := first[key]; !ok {
			first[key] = f
			order = append(order, key)
		}
		if name := placeOf(f.where); !slices.Contains(places[key], name) {
			places[key] = append(places[key], name)
		}
	}
	var list []notice.Issue
	for _, key := range order {
		f := first[key]
		list = append(list, notice.Issue{Path: f.path, Severity: notice.SeverityError, Rule: ruleOf(f.rule).String(),
			What: fmt.Sprintf("%s [%s]", f.what, several(places[key])), Remedy: f.remedy})
	}
	return list
}

func placeOf(v notice.Variant) string {
	name := fmt.Sprintf("%s in %s", v.Surface, v.Language)
	if v.Trial != "" {
		name += ", trial " + v.Trial
	}
	return name
}

func several(names []string) string {
	if len(names) <= 4 {
		return strings.Join(names, "; ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:3], "; "), len(names)-3)
}
