// Command serve compiles a notice and serves it to pages of tests: the shop and
// its server on one origin, a pretend vendor on another. It keeps everything in
// memory, listens on loopback only, and ends when its standard input does.
//
// On start it prints one line of JSON: {"shop": origin, "vendor": origin, "other": origin}.
// Vendor is of the same site as the shop by its host, other is the vendor under a
// host that is not.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/volenti-consent/volenti/banner"
	"github.com/volenti-consent/volenti/server/notice"
)

func main() {
	pages := flag.String("pages", "test/pages", "folder of the test pages")
	change := flag.String("change", "{}", "members of the notice that are otherwise, as JSON")
	flag.Parse()
	if err := run(*pages, *change); err != nil {
		log.Fatal(err)
	}
}

func run(pages, change string) error {
	n := testNotice()
	if err := json.Unmarshal([]byte(change), n); err != nil {
		return err
	}
	wordings := map[string]notice.Wording{}
	for _, language := range n.Languages {
		wordings[language] = n.WordingFor(language)
	}
	scripts, err := banner.Compiler{}.Compile(n, wordings)
	if err != nil {
		return err
	}
	vendor := &vendor{}
	vendorOrigin, err := serve(vendor)
	if err != nil {
		return err
	}
	shop, err := newShop(n, scripts, pages, vendorOrigin)
	if err != nil {
		return err
	}
	shopOrigin, err := serve(shop)
	if err != nil {
		return err
	}
	line, err := json.Marshal(map[string]string{"shop": shopOrigin, "vendor": vendorOrigin, "other": otherOf(vendorOrigin)})
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	_, err = io.Copy(io.Discard, bufio.NewReader(os.Stdin))
	return err
}

// serve answers with h on a free port of loopback.
func serve(h http.Handler) (origin string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { log.Print(http.Serve(l, h)) }()
	return fmt.Sprintf("http://localhost:%d", l.Addr().(*net.TCPAddr).Port), nil
}

// otherOf is the same server under another host.
func otherOf(origin string) string { return strings.Replace(origin, "localhost", "127.0.0.1", 1) }
