// Command build makes geo/country.mmdb, the country database that the server
// embeds, from the two text files of Debian's package tor-geoipdb, an export of
// the IPFire Location Database.
//
//	go run ./geo/build -v4 /usr/share/tor/geoip -v6 /usr/share/tor/geoip6 -o geo/country.mmdb
//
// The same two files always give the same bytes: the database's date is the
// data's own.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	v4 := flag.String("v4", "/usr/share/tor/geoip", "IPv4 ranges, `file` of the package tor-geoipdb")
	v6 := flag.String("v6", "/usr/share/tor/geoip6", "IPv6 ranges, `file` of the package tor-geoipdb")
	out := flag.String("o", "geo/country.mmdb", "database to write, a `file`")
	flag.Parse()

	if err := run(*v4, *v6, *out); err != nil {
		fmt.Fprintln(os.Stderr, "build the country database:", err)
		os.Exit(1)
	}
}

// run writes beside out and renames, so that an interrupted build leaves the
// former database in place.
func run(v4, v6, out string) error {
	four, err := os.Open(v4)
	if err != nil {
		return fmt.Errorf("%w (Debian: apt-get install tor-geoipdb)", err)
	}
	defer four.Close()
	six, err := os.Open(v6)
	if err != nil {
		return fmt.Errorf("%w (Debian: apt-get install tor-geoipdb)", err)
	}
	defer six.Close()

	temp, err := os.CreateTemp(filepath.Dir(out), ".country-*.mmdb")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(temp.Name()) }() // after the rename there is nothing to remove
	report, err := build(four, six, temp)
	if err := errors.Join(err, temp.Chmod(0o644), temp.Close()); err != nil {
		return err
	}
	if err := os.Rename(temp.Name(), out); err != nil {
		return err
	}
	fmt.Printf("%s: %d bytes, %d ranges, %d codes, data of %s; %d ranges left out as reserved or aliased\n",
		out, report.bytes, report.ranges, report.codes, report.date.Format(time.DateOnly), report.skipped)
	return nil
}
