package policyversions

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

var (
	address   = regexp.MustCompile(`(?i)\b(?:https?://|www\.|mailto:)[^\s<>]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+`)
	special   = regexp.MustCompile("[\\\\`*\\[\\]]|<[A-Za-z/!?]|&#?\\w+;|~~+|\\b_+|_+\\b")
	tableRule = regexp.MustCompile(`^[\s:|-]*\|[\s:|-]*$`)
	underline = regexp.MustCompile(`^(=+|-{3,})$`)
	listed    = regexp.MustCompile(`^([-*+]|\d{1,9}[.)])(\s|$)`)
)

// shortLine is the length, in characters, up to which the lines of a paragraph
// are taken for an address or a list of names, whose line breaks mean something.
// Prose is wrapped wider.
const shortLine = 60

// fromPlain writes plain text as Markdown that shows as that text: headings that
// are underlined become headings, bulleted and numbered lines are left for tidy to
// see, the breaks of short lines are kept, and whatever Markdown would read as
// markup is escaped. Web and mail addresses stay as they are.
func fromPlain(text string, t *tally) string {
	var out []string
	for block := range strings.SplitSeq(text, "\n\n") {
		out = append(out, plainBlock(strings.Split(block, "\n"), t))
	}
	return strings.Join(out, "\n\n")
}

func plainBlock(lines []string, t *tally) string {
	short := len(lines) > 1
	for _, line := range lines {
		body := strings.TrimSpace(line)
		short = short && utf8.RuneCountInString(body) <= shortLine && !isListed(body) && !underline.MatchString(body)
	}
	var out []string
	for i, line := range lines {
		body := strings.TrimSpace(line)
		if level := headingLevel(body); level != "" && i > 0 && hasWords(lines[i-1]) && (i < 2 || !hasWords(lines[i-2])) {
			t.add(madeHeadings, 1)
			out[len(out)-1] = level + strings.TrimSpace(out[len(out)-1])
			continue
		}
		line = escapePlain(line, t)
		if short && i < len(lines)-1 && body != "" && strings.TrimSpace(lines[i+1]) != "" {
			line += "  "
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

func headingLevel(body string) string {
	switch {
	case !underline.MatchString(body):
		return ""
	case body[0] == '=':
		return "# "
	}
	return "## "
}

func isListed(body string) bool {
	_, odd := cutOddBullet(body)
	return odd || listed.MatchString(body)
}

func escapePlain(line string, t *tally) string {
	body := strings.TrimLeft(line, " \t")
	lead := line[:len(line)-len(body)]
	if atxHeading.MatchString(body) || tableRule.MatchString(body) && strings.Contains(body, "-") {
		t.add(escapedMarkup, 1)
		return lead + `\` + body
	}
	if marker := listed.FindString(body); marker != "" {
		lead, body = lead+marker, body[len(marker):]
	}
	var b strings.Builder
	b.WriteString(lead)
	at := 0
	for _, a := range address.FindAllStringIndex(body, -1) {
		b.WriteString(escapeSpecial(body[at:a[0]], t))
		b.WriteString(body[a[0]:a[1]])
		at = a[1]
	}
	b.WriteString(escapeSpecial(body[at:], t))
	return b.String()
}

func escapeSpecial(s string, t *tally) string {
	return special.ReplaceAllStringFunc(s, func(m string) string {
		t.add(escapedMarkup, 1)
		if c := m[:1]; c == "_" || c == "~" {
			return strings.Repeat(`\`+c, len(m))
		}
		return `\` + m
	})
}
