package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// asvsItems are the items of levels 1 and 2 of OWASP ASVS 5.0.0, chapters V1 to V4, V6
// to V8 and V11 to V16, by their numbers.
const asvsItems = `
1.1.1-2 1.2.1-9 1.3.1-11 1.4.1-3 1.5.1-2 2.1.1-3 2.2.1-3 2.3.1-4 2.4.1 3.2.1-2 3.3.1-4 3.4.1-6 3.5.1-5 3.7.1-2
4.1.1-3 4.2.1 4.3.1-2 4.4.1-4 6.1.1-3 6.2.1-12 6.3.1-4 6.4.1-4 6.5.1-5 6.6.1-3 6.8.1-4 7.1.1-3 7.2.1-4 7.3.1-2
7.4.1-5 7.5.1-2 7.6.1-2 8.1.1-2 8.2.1-3 8.3.1 8.4.1 11.1.1-2 11.2.1-3 11.3.1-3 11.4.1-4 11.5.1 11.6.1 12.1.1-3
12.2.1-2 12.3.1-4 13.1.1 13.2.1-5 13.3.1-2 13.4.1-5 14.1.1-2 14.2.1-4 14.3.1-3 15.1.1-3 15.2.1-3 15.3.1-7
16.1.1 16.2.1-5 16.3.1-4 16.4.1-3 16.5.1-3
`

// asvs writes the items out.
func asvs(t *testing.T) (all []string) {
	t.Helper()
	for _, section := range strings.Fields(asvsItems) {
		at := strings.LastIndexByte(section, '.')
		for part := range strings.SplitSeq(section[at+1:], ",") {
			first, last, ranged := strings.Cut(part, "-")
			if !ranged {
				last = first
			}
			from, err := strconv.Atoi(first)
			to, err2 := strconv.Atoi(last)
			if err != nil || err2 != nil {
				t.Fatal(section)
			}
			for n := from; n <= to; n++ {
				all = append(all, fmt.Sprintf("%s.%d", section[:at], n))
			}
		}
	}
	return all
}

// docs/security.md says of every item where it stands, and what it names is there: a
// test that is renamed or removed takes the claim with it.
func TestSecurityPageNamesWhatIsThere(t *testing.T) {
	page, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]bool{}
	defined := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)[A-Z]\w*)`)
	err = filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, found := range defined.FindAllStringSubmatch(string(text), -1) {
			tests[found[1]] = true
		}
		return err
	})
	if err != nil || len(tests) < 500 {
		t.Fatalf("%d tests: %v", len(tests), err)
	}
	there := func(name string) bool {
		if regexp.MustCompile(`^(Test|Fuzz|Benchmark)[A-Z]\w*$`).MatchString(name) {
			return tests[name]
		}
		_, err := os.Stat(filepath.Join("../..", name))
		return err == nil
	}
	// html/template is no file of ours.
	ours := func(name string) bool {
		top, _, deep := strings.Cut(name, "/")
		_, err := os.Stat(filepath.Join("../..", top))
		return deep && err == nil
	}
	quoted, file := regexp.MustCompile("`([^`]+)`"), regexp.MustCompile(`^[\w.-]+(/[\w.-]+)*/?$`)
	said := map[string]string{}
	for number, line := range strings.Split(string(page), "\n") {
		named := 0
		for _, found := range quoted.FindAllStringSubmatch(line, -1) {
			name := found[1]
			isFile := file.MatchString(name) && (ours(name) || regexp.MustCompile(`\.(md|mod|yml)$|^(Makefile|Dockerfile)$`).MatchString(name))
			if !isFile && !strings.HasPrefix(name, "Test") && !strings.HasPrefix(name, "Fuzz") && !strings.HasPrefix(name, "Benchmark") {
				continue
			}
			if named++; !there(name) && (strings.Contains(name, "/") || !strings.HasSuffix(name, ".test.mjs")) {
				t.Errorf("docs/security.md:%d: there is no %s", number+1, name)
			}
		}
		cells := strings.Split(line, " | ")
		if len(cells) != 3 || !regexp.MustCompile(`^\| \d+\.\d+\.\d+$`).MatchString(cells[0]) {
			continue
		}
		item := strings.TrimPrefix(cells[0], "| ")
		if said[item] != "" {
			t.Errorf("%s is there twice", item)
		}
		said[item] = cells[1]
		switch cells[1] {
		case "met", "partly":
			if named == 0 {
				t.Errorf("%s names nothing", item)
			}
		case "n/a":
		default:
			t.Errorf("%s is %q", item, cells[1])
		}
	}
	for _, item := range asvs(t) {
		if said[item] == "" {
			t.Errorf("nothing about %s", item)
		}
		delete(said, item)
	}
	for item := range said {
		t.Errorf("%s is no item of levels 1 and 2", item)
	}
}

// A documented address knows the methods that are documented, and no others; what is
// not documented and no page is not there.
func TestOneMethodTooMany(t *testing.T) {
	p := start(t, publish(t))
	d := describe(t, p.base)
	paths, _ := d.at("paths")
	parameter := regexp.MustCompile(`\{[a-z]+\}`)
	asked := 0
	for path := range paths {
		operations, _ := d.at("paths", path)
		address := parameter.ReplaceAllStringFunc(path, func(name string) string {
			if name == "{site}" {
				return "shop"
			}
			return "1"
		})
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get"} {
			described := operations[strings.ToLower(method)] != nil || method == http.MethodHead && operations["get"] != nil
			if described && method != "get" {
				continue
			}
			status, answer, err := p.sendRaw([]byte(method + " " + address + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
			asked++
			if method == http.MethodOptions && status == http.StatusNoContent && !bytes.Contains(answer, []byte("Access-Control")) {
				continue // it says which methods there are, and lets no page in
			}
			if err != nil || !slices.Contains([]int{http.StatusMethodNotAllowed, http.StatusNotFound, http.StatusBadRequest, http.StatusUnauthorized}, status) {
				t.Errorf("%s %s: %d %v", method, address, status, err)
			}
		}
		for _, other := range []string{address + "/", address + "/x", address + "%00", address + ".bak", address + "~", strings.ToUpper(address)} {
			status, _, err := p.sendRaw([]byte("GET " + other + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"))
			asked++
			if err != nil || status < 300 && !strings.Contains(address, "/policies/") || status >= 500 {
				t.Errorf("GET %s: %d %v", other, status, err)
			}
		}
	}
	if asked < 200 {
		t.Errorf("%d requests", asked)
	}
}

// A receipt that is another site's, or that never was, or whose id is none, is answered
// alike: nobody learns what is there without holding it.
func TestReceiptLookupsTellNothing(t *testing.T) {
	p := start(t, twoSites(t))
	b := &browser{t: t, base: p.base}
	theirs, _ := b.decide("blog", blogOrigin, "told-nothing")
	own, _ := b.decide("shop", shopOrigin, "told-nothing")
	if resp, _ := fetch(t, p.base+"/v1/sites/shop/receipts/"+own, nil); resp.StatusCode != http.StatusOK {
		t.Fatalf("one's own: %d", resp.StatusCode)
	}
	// Half of one that is there, too.
	ids := []string{theirs, own[:16] + strings.Repeat("0", 16), own[:31], own + "0", "0123456789abcdef0123456789abcdef", strings.ToUpper(own), strings.ToUpper(own) + "X", own[:8] + strings.Repeat("u", 24), own[:6] + "0123456789abcdefghjkmnpqrs", "0", strings.Repeat("f", 32), strings.Repeat("F", 32), strings.Repeat("0", 64), "..%2f", "%00", "é", "' OR 1=1 --"}
	instance := regexp.MustCompile(`"instance":"[0-9a-f]+"`)
	var first string
	for _, id := range ids {
		resp, body := fetch(t, p.base+"/v1/sites/shop/receipts/"+strings.ReplaceAll(id, " ", "%20"), nil)
		resp.Header.Del("Date")
		resp.Header.Del("Content-Length")
		var header strings.Builder
		_ = resp.Header.Write(&header)
		answer := fmt.Sprintf("%d %s %s", resp.StatusCode, header.String(), instance.ReplaceAllString(body, ""))
		if first == "" {
			first = answer
		}
		if resp.StatusCode != http.StatusNotFound || answer != first {
			t.Errorf("%q is answered\n%s\nand %q\n%s", id, answer, ids[0], first)
		}
	}
}
