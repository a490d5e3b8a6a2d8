package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

const (
	// databaseType is ours: a name beginning with GeoIP or GeoLite2 would claim
	// another source.
	databaseType = "Volenti-Country"
	description  = "Contains IP data from the IPFire Location Database (https://location.ipfire.org/), CC BY-SA 4.0, converted to the MaxMind DB format"
)

type report struct {
	bytes   int64
	ranges  int
	codes   int
	skipped int
	date    time.Time
}

// A span is one line of the input: the addresses from first to last are in the
// country code. Codes are kept as they stand, the pseudo-codes (EU, AP, ??) too:
// what they mean is for the readers to say.
type span struct {
	first, last netip.Addr
	code        string
}

// build writes the database of both inputs to out.
func build(v4, v6 io.Reader, out io.Writer) (report, error) {
	four, fourDate, err := parse(v4, parseIPv4)
	if err != nil {
		return report{}, fmt.Errorf("IPv4 ranges: %w", err)
	}
	six, sixDate, err := parse(v6, netip.ParseAddr)
	if err != nil {
		return report{}, fmt.Errorf("IPv6 ranges: %w", err)
	}
	r := report{date: fourDate}
	if sixDate.Before(r.date) {
		r.date = sixDate // the older half decides when the whole is stale
	}
	tree, err := mmdbwriter.New(mmdbwriter.Options{
		BuildEpoch:   r.date.Unix(),
		DatabaseType: databaseType,
		Description:  map[string]string{"en": description},
		RecordSize:   24, // holds 16 million nodes; there are about one million
	})
	if err != nil {
		return report{}, err
	}
	records := map[string]mmdbtype.Map{}
	for _, s := range append(four, six...) {
		record, ok := records[s.code]
		if !ok {
			record = mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(s.code)}}
			records[s.code] = record
		}
		err := tree.InsertRange(net.IP(s.first.AsSlice()), net.IP(s.last.AsSlice()), record)
		var reserved *mmdbwriter.ReservedNetworkError
		var aliased *mmdbwriter.AliasedNetworkError
		switch {
		case errors.As(err, &reserved), errors.As(err, &aliased):
			r.skipped++ // no visitor comes from a reserved range; an aliased one is its IPv4 range
		case err != nil:
			return report{}, fmt.Errorf("%s to %s: %w", s.first, s.last, err)
		default:
			r.ranges++
		}
	}
	r.codes = len(records)
	if r.bytes, err = tree.WriteTo(out); err != nil {
		return report{}, fmt.Errorf("write: %w", err)
	}
	return r, nil
}

// parse reads "first,last,code" lines and the date of the comment
// "# Generated: Thu, 25 Jun 2026 04:33:59 GMT".
func parse(in io.Reader, address func(string) (netip.Addr, error)) ([]span, time.Time, error) {
	var spans []span
	var date time.Time
	lines := bufio.NewScanner(in)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if comment, ok := strings.CutPrefix(line, "#"); ok {
			if text, ok := strings.CutPrefix(strings.TrimSpace(comment), "Generated:"); ok {
				t, err := time.Parse(time.RFC1123, strings.TrimSpace(text))
				if err != nil {
					return nil, time.Time{}, fmt.Errorf("line %d: the date of the data: %w", n, err)
				}
				date = t.UTC()
			}
			continue
		}
		if line == "" {
			continue
		}
		s, err := parseSpan(line, address)
		if err != nil {
			return nil, time.Time{}, fmt.Errorf("line %d: %w", n, err)
		}
		spans = append(spans, s)
	}
	if err := lines.Err(); err != nil {
		return nil, time.Time{}, err
	}
	if date.IsZero() {
		return nil, time.Time{}, errors.New(`no "# Generated:" line: without the date of the data nobody can tell when it is stale`)
	}
	if len(spans) == 0 {
		return nil, time.Time{}, errors.New("no ranges")
	}
	return spans, date, nil
}

func parseSpan(line string, address func(string) (netip.Addr, error)) (span, error) {
	fields := strings.Split(line, ",")
	if len(fields) != 3 {
		return span{}, fmt.Errorf("%q is not first,last,code", line)
	}
	first, err := address(fields[0])
	if err != nil {
		return span{}, err
	}
	last, err := address(fields[1])
	if err != nil {
		return span{}, err
	}
	if last.Less(first) {
		return span{}, fmt.Errorf("%q ends before it begins", line)
	}
	if len(fields[2]) != 2 {
		return span{}, fmt.Errorf("%q has a code that is not two characters long", line)
	}
	return span{first, last, fields[2]}, nil
}

// parseIPv4 reads an address as these files write it: one decimal number.
func parseIPv4(s string) (netip.Addr, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return netip.Addr{}, err
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(n))
	return netip.AddrFrom4(b), nil
}
