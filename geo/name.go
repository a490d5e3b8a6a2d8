package geo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"time"
)

// A Naming says what the limits on guessing and on requests may know of a client's
// address. Nothing else derives anything from one but its region, which forgets it at
// once; no record, log or act has a place for one.
type Naming string

// The namings.
const (
	Unnamed   Naming = "none"      // nothing: limits count everybody together
	Truncated Naming = "truncated" // the network: an IPv4 address without its last 8 bits, an IPv6 one without its last 80
	Keyed     Naming = "keyed"     // a hash under a key of the day
)

// A Namer makes names of addresses.
type Namer struct {
	Naming Naming
	Secret []byte // the keys of days are made of it; the store does not have it
	Now    func() time.Time
}

// Check refuses a naming that there is none of.
func (n Naming) Check() error {
	if n != Unnamed && n != Truncated && n != Keyed {
		return fmt.Errorf("%q: write none, truncated or keyed", string(n))
	}
	return nil
}

// Name is what stands for an address today, "" for none. Processes that share the
// secret agree on it; from one day (UTC) to the next it changes, and says nothing of
// the one before.
func (n Namer) Name(a netip.Addr) string {
	if !a.IsValid() || n.Naming == Unnamed {
		return ""
	}
	a = a.Unmap().WithZone("")
	bits := 48
	if a.Is4() {
		bits = 24
	}
	said := a.String()
	if n.Naming == Truncated {
		network, err := a.Prefix(bits)
		if err != nil {
			return ""
		}
		return network.String()
	}
	day := hmac.New(sha256.New, n.Secret)
	day.Write([]byte("volenti addresses " + n.Now().UTC().Format(time.DateOnly)))
	name := hmac.New(sha256.New, day.Sum(nil))
	name.Write([]byte(said))
	return hex.EncodeToString(name.Sum(nil)[:16])
}
