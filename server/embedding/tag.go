package embedding

import (
	"fmt"
	"strconv"
	"strings"
)

// A tag is one script element: of an address, or of a text.
type tag struct {
	src, integrity string
	async          bool
	text, kind     string
}

func join(tags []tag, indent string, write func(tag) string) string {
	all := make([]string, len(tags))
	for i, t := range tags {
		all[i] = indent + write(t)
	}
	return strings.Join(all, "\n")
}

// attributes of the element, but for its text, in the spelling of HTML or of JSX.
func (t tag) attributes(crossorigin string) string {
	var b strings.Builder
	if t.kind != "" {
		fmt.Fprintf(&b, ` type="%s"`, t.kind)
	}
	if t.async {
		b.WriteString(" async")
	}
	if t.src != "" {
		fmt.Fprintf(&b, ` src="%s"`, t.src)
	}
	if t.integrity != "" {
		fmt.Fprintf(&b, ` integrity="%s" %s="anonymous"`, t.integrity, crossorigin)
	}
	return b.String()
}

func (t tag) html() string {
	return "<script" + t.attributes("crossorigin") + ">" + t.text + "</script>"
}

func (t tag) astro() string {
	return "<script is:inline" + t.attributes("crossorigin") + ">" + t.text + "</script>"
}

func (t tag) jsx() string {
	if t.text != "" {
		return "<script" + t.attributes("crossOrigin") + " dangerouslySetInnerHTML={{ __html: " + strconv.Quote(t.text) + " }} />"
	}
	return "<script" + t.attributes("crossOrigin") + " />"
}

// rails gives every element the request's nonce, where there is one.
func (t tag) rails() string {
	if t.text != "" {
		more := ""
		if t.kind != "" {
			more = fmt.Sprintf(", type: %q", t.kind)
		}
		// Not javascript_tag, which puts CDATA marks around a text: they are no JSON, and no part of the digest.
		return fmt.Sprintf("<%%= tag.script(%q.html_safe%s, nonce: content_security_policy_nonce) %%>", t.text, more)
	}
	more := ""
	if t.async {
		more += ", async: true"
	}
	if t.integrity != "" {
		more += fmt.Sprintf(", integrity: %q, crossorigin: \"anonymous\"", t.integrity)
	}
	return fmt.Sprintf("<%%= javascript_include_tag %q%s, nonce: true %%>", t.src, more)
}
