package policyversions

import (
	"regexp"
	"strings"
)

var (
	frontKey  = regexp.MustCompile(`^[A-Za-z][\w-]*:(\s|$)`)
	frontMore = regexp.MustCompile(`^(\s+\S|- |#)`)
)

// setAside takes what stands before a policy without being part of it off its
// front: the notice with which archives say what they extracted, and the front
// matter of site generators. Both are returned, in reading order.
func setAside(text string, t *tally) (rest string, notes []string) {
	for {
		text = strings.TrimLeft(text, "\n")
		if note, rest, ok := archiveNotice(text); ok {
			t.add(setAsideNotice, 1)
			notes, text = append(notes, note), rest
			continue
		}
		note, title, rest, ok := frontMatter(text)
		if !ok {
			return text, notes
		}
		t.add(setAsideMatter, 1)
		notes, text = append(notes, note), rest
		if body := strings.TrimLeft(text, "\n "); title != "" && !strings.HasPrefix(body, "# ") {
			t.add(addedTitle, 1)
			text = "# " + title + "\n\n" + text
		}
	}
}

// archiveNotice cuts off a first paragraph that says it is not the policy: "The
// following text is extracted … archived on …".
func archiveNotice(text string) (note, rest string, ok bool) {
	block, rest, _ := strings.Cut(text, "\n\n")
	var lines []string
	for line := range strings.SplitSeq(block, "\n") {
		lines = append(lines, strings.TrimSpace(strings.TrimLeft(line, "> \t")))
	}
	note = strings.Trim(strings.Join(lines, " "), "*_ \t")
	if !strings.HasPrefix(note, "The following text is extracted") || !strings.Contains(note, "archived on") {
		return "", text, false
	}
	return note, rest, true
}

// frontMatter cuts off a first block of "key: value" lines between two lines of
// "---". A line such as "Last updated: May 2020" has a blank in its key: it is the
// policy's own, and the block stays.
func frontMatter(text string) (matter, title, rest string, ok bool) {
	body, found := strings.CutPrefix(text, "---\n")
	if !found {
		return "", "", text, false
	}
	var lines []string
	for {
		line, after, more := strings.Cut(body, "\n")
		line = strings.TrimRight(line, " \t")
		if line == "---" {
			rest = after
			break
		}
		key := frontKey.MatchString(line)
		if !more || !key && (len(lines) == 0 || !frontMore.MatchString(line)) {
			return "", "", text, false
		}
		if value, is := strings.CutPrefix(line, "title:"); is {
			title = strings.Trim(strings.TrimSpace(value), `"'`)
		}
		lines, body = append(lines, line), after
	}
	if len(lines) == 0 || !hasWords(title) {
		title = ""
	}
	return strings.Join(lines, "\n"), title, rest, len(lines) > 0
}
