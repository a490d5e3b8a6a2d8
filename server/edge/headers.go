package edge

import (
	"net/http"
	"slices"
	"strings"
)

// Headers can make a browser fetch, or send, before the page is even read.

// holdHeaders takes out of an answer's header what may not be fetched.
func (p *page) holdHeaders(h http.Header) {
	p.holdLinks(h)
	var f finding
	if refresh := h.Get("Refresh"); refresh != "" && p.known(refreshReference(refresh), &f) {
		h.Del("Refresh")
	}
	// Where browsers report to, and where rules for fetching ahead are.
	for _, name := range []string{"Report-To", "Reporting-Endpoints", "Speculation-Rules"} {
		kept := slices.DeleteFunc(h.Values(name), func(value string) bool {
			return slices.ContainsFunc(quoted(value), func(text string) bool { return strings.Contains(text, "//") && p.reference(text, &f) })
		})
		set(h, name, kept)
	}
}

// holdLinks takes out links that fetch or connect (RFC 8288 § 3), those of an
// early hint too.
func (p *page) holdLinks(h http.Header) {
	var kept []string
	for _, line := range h.Values("Link") {
		for _, link := range splitList(line) {
			if !p.holdLink(link) {
				kept = append(kept, link)
			}
		}
	}
	set(h, "Link", kept)
}

func (p *page) holdLink(link string) bool {
	target, params, ok := strings.Cut(strings.TrimPrefix(link, "<"), ">")
	if !ok || link[0] != '<' {
		return true // no browser reads it, or not as we do
	}
	rel, candidates := "", ""
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "rel":
			rel += " " + value
		case "imagesrcset":
			candidates = value
		}
	}
	var f finding
	return fetches(rel) && (p.reference(target, &f) || p.srcset(candidates, &f))
}

// splitList splits a header at commas that stand neither in <…> nor in quotes.
func splitList(line string) (parts []string) {
	begin, quote, angle := 0, false, false
	add := func(end int) {
		if part := strings.TrimSpace(line[begin:end]); part != "" {
			parts = append(parts, part)
		}
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote && c == '\\':
			i++
		case c == '"' && !angle:
			quote = !quote
		case quote:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case c == ',' && !angle:
			add(i)
			begin = i + 1
		}
	}
	add(len(line))
	return parts
}

// quoted are the texts in quotes.
func quoted(value string) (texts []string) {
	for {
		_, rest, ok := strings.Cut(value, `"`)
		if !ok {
			return texts
		}
		end := strings.IndexByte(rest, '"')
		if end < 0 {
			return append(texts, rest)
		}
		texts = append(texts, strings.ReplaceAll(rest[:end], `\`, ""))
		value = rest[end+1:]
	}
}

func set(h http.Header, name string, values []string) {
	if len(values) == 0 {
		h.Del(name)
	} else {
		h[name] = values
	}
}

// private makes a page that was judged for one visitor one that nobody else is
// given, and that this one asks for again: after a withdrawal the page of before
// must not come back. Browsers don't keep apart what they cache by cookie, so
// "Vary" alone is not enough.
func private(h http.Header, state string) {
	for _, name := range []string{"Content-Length", "Accept-Ranges", "Content-Md5", "Digest", "Content-Digest", "Repr-Digest",
		"Last-Modified", "Expires", "Surrogate-Control", "Cdn-Cache-Control", "Cloudflare-Cdn-Cache-Control"} {
		h.Del(name)
	}
	if !strings.Contains(strings.ToLower(strings.Join(h.Values("Cache-Control"), ",")), "no-store") {
		h.Set("Cache-Control", "private, no-cache")
	}
	h.Add("Vary", "Cookie, Sec-GPC")
	if tag := h.Get("ETag"); tag != "" {
		if tag = stated(tag, state); tag == "" {
			h.Del("ETag")
		} else {
			h.Set("ETag", tag)
		}
	}
}

// stateMark goes before the state in a page's ETag.
const stateMark = "-volenti-"

// stated is the server's tag with the state by which the page was judged: two
// states of one page are two pages. The bytes are ours, so it is a weak one.
func stated(tag, state string) string {
	inner, ok := strings.CutSuffix(strings.TrimPrefix(tag, "W/"), `"`)
	if !ok || state == "" || !strings.HasPrefix(inner, `"`) {
		return ""
	}
	return "W/" + inner + stateMark + state + `"`
}

// restate gives the server back its own tags in a request, those of pages in
// this state; a page of another state has to be sent again, and one that a
// browser kept from before we judged them. It reports whether a page is asked
// about; shown: a page is asked for.
func restate(h http.Header, state string, shown bool) (page bool) {
	was := h.Values("If-None-Match")
	var kept []string
	for _, line := range was {
		for _, tag := range splitList(line) {
			server, of, ours := strings.Cut(tag, stateMark)
			switch {
			case !ours && shown && tag != "*":
			case !ours:
				kept = append(kept, tag)
			case of == state+`"` && state != "":
				page = true
				kept = append(kept, server+`"`)
			}
		}
	}
	if len(was) > 0 {
		set(h, "If-None-Match", kept)
	}
	if shown {
		h.Del("If-Modified-Since")
	}
	if strings.Contains(h.Get("If-Range"), stateMark) {
		h.Del("If-Range")
		h.Del("Range")
	}
	return page
}
