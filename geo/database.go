package geo

import (
	_ "embed" // the country database
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

//go:generate go run ./build -o country.mmdb

// countryDatabase is built by ./build from the IPFire Location Database, CC BY-SA 4.0;
// see COUNTRY-DATABASE-LICENSE.md.
//
//go:embed country.mmdb
var countryDatabase []byte

// ErrNoCountries is returned for a database in which no address has a country.
var ErrNoCountries = errors.New("this database holds no countries: give a Country or City database of MaxMind or DB-IP, or another in the MaxMind DB format with country codes")

// Info describes a database to its operator.
type Info struct {
	Path         string    // "" for the embedded one
	Type         string    // the file's own word, such as "GeoLite2-City"
	Built        time.Time // the date of the data, UTC
	Subdivisions bool      // whether it can say more than the country
	IPv6         bool
}

// StaleAfter is the age at which the operator of a database is told. Networks
// move between countries; after two months a noticeable part of answers is old.
const StaleAfter = 60 * 24 * time.Hour

// geoLiteAfter is when a copy of GeoLite2 must be gone: 30 days after a newer one
// was released (GeoLite2 End User License Agreement), which happens twice a week.
const geoLiteAfter = 30 * 24 * time.Hour

// Warning is a sentence for the operator of a database that is too old at now,
// or "".
func (i Info) Warning(now time.Time) string {
	age := now.Sub(i.Built)
	days := int(age.Hours() / 24)
	switch {
	case strings.HasPrefix(i.Type, "GeoLite2") && age > geoLiteAfter:
		return fmt.Sprintf("the region database %s is of %s, %d days old; its licence lets GeoLite2 be used for 30 days: fetch the newest with geoipupdate", i.Path, i.Built.Format(time.DateOnly), days)
	case age <= StaleAfter:
		return ""
	case i.Path == "":
		return fmt.Sprintf("the embedded region database is of %s, %d days old: upgrade volenti, or name a newer database as [geo] database", i.Built.Format(time.DateOnly), days)
	default:
		return fmt.Sprintf("the region database %s is of %s, %d days old: put a newer one in its place, it is taken up without a restart", i.Path, i.Built.Format(time.DateOnly), days)
	}
}

// A Database finds the region of an address in a file in the MaxMind DB format.
// It is safe for concurrent use and never changes.
//
// A file is read into memory, not mapped: a mapped file that somebody truncates
// or copies over takes the process down with it.
type Database struct {
	reader *maxminddb.Reader
	layout layout
	cache  cache
	info   Info
}

var _ Lookuper = (*Database)(nil)

// Embedded is the country database that the program carries. It knows no
// subdivisions.
func Embedded() (*Database, error) {
	d, err := OpenBytes(countryDatabase)
	if err != nil {
		return nil, fmt.Errorf("embedded region database: %w", err)
	}
	return d, nil
}

// Open reads an operator's database and checks all of it: Country and City of
// MaxMind and DB-IP, and others that hold country codes. Errors say what to do.
func Open(path string) (*Database, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("region database: %w", err)
	}
	d, err := open(b, check)
	if err != nil {
		return nil, fmt.Errorf("region database %s: %w", path, err)
	}
	d.info.Path = path
	return d, nil
}

// check reads every network and every record once. The reader's own Verify would
// also refuse files that only lack a description, as home-made ones do.
func check(r *maxminddb.Reader) error {
	seen := map[uintptr]bool{}
	for result := range r.Networks() {
		if err := result.Err(); err != nil {
			return err
		}
		offset := result.Offset()
		if seen[offset] {
			continue
		}
		seen[offset] = true
		var record any
		if err := result.Decode(&record); err != nil {
			return err
		}
	}
	return nil
}

// OpenBytes is Open for bytes that are there already and are known to be whole;
// the Database keeps b, which must not change.
func OpenBytes(b []byte) (*Database, error) {
	return open(b, func(*maxminddb.Reader) error { return nil })
}

func open(b []byte, check func(*maxminddb.Reader) error) (*Database, error) {
	reader, err := maxminddb.OpenBytes(b)
	if err != nil {
		return nil, fmt.Errorf("not a readable MaxMind DB file, fetch it again: %w", err)
	}
	if err := check(reader); err != nil {
		return nil, fmt.Errorf("damaged, fetch it again: %w", err)
	}
	layout, err := probe(reader)
	if err != nil {
		return nil, fmt.Errorf("type %q: %w", reader.Metadata.DatabaseType, err)
	}
	d := &Database{
		reader: reader,
		layout: layout,
		info: Info{
			Type:         reader.Metadata.DatabaseType,
			Built:        reader.Metadata.BuildTime().UTC(),
			Subdivisions: strings.Contains(strings.ToLower(reader.Metadata.DatabaseType), "city") || strings.Contains(reader.Metadata.DatabaseType, "Enterprise"),
			IPv6:         reader.Metadata.IPVersion == 6,
		},
	}
	d.cache.init()
	return d, nil
}

// Info describes the database.
func (d *Database) Info() Info { return d.info }

// Lookup is the region of addr, the zero Region if the database has none. It
// allocates only where a record is met for the first time.
func (d *Database) Lookup(addr netip.Addr) Region {
	addr = normal(addr)
	if !addr.IsValid() {
		return Region{}
	}
	result := d.reader.Lookup(addr)
	if !result.Found() {
		return Region{}
	}
	offset := result.Offset()
	if found, ok := d.cache.get(offset); ok {
		return found
	}
	found := d.layout(result)
	d.cache.put(offset, found)
	return found
}
