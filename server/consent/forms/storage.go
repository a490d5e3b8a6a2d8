package forms

import (
	"slices"
	"strconv"
	"strings"

	"github.com/volenti-consent/volenti/server/notice"
)

func itoa(n int) string { return strconv.Itoa(n) }

// storage is where what the vendors declare is kept, and for how long: on the device,
// and where the notice says that their data goes.
func storage(vendors []notice.Vendor) []any {
	durations := []string{}
	for _, v := range vendors {
		for _, kept := range v.Entries {
			if !slices.Contains(durations, kept.Duration) {
				durations = append(durations, kept.Duration)
			}
		}
	}
	conditions := []any{node{"@type": "dpv:StorageLocation", "dpv:hasLocation": placesOf(vendors)}}
	for _, d := range durations {
		conditions = append(conditions, node{"@type": "dpv:StorageDuration", "dpv:hasDuration": durationOf(d)})
	}
	if len(durations) == 0 {
		conditions = append(conditions, node{"@type": "dpv:StorageDuration", "dpv:hasDuration": node{
			"@type": "dpv:UntilEventDuration", "rdf:value": "not declared: no longer than the decision counts on the device; the recipients' notices say the rest",
		}})
	}
	return conditions
}

// placesOf are the device, and the countries that the vendors' data goes to.
func placesOf(vendors []notice.Vendor) []string {
	places := []string{"dpv:WithinDevice"}
	for _, v := range vendors {
		if place := "loc:" + v.Country; v.Country != "" && !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	return places
}

// units are the letters of ISO 8601 durations.
var units = map[string]string{"second": "PT#S", "minute": "PT#M", "hour": "PT#H", "day": "P#D", "week": "P#W", "month": "P#M", "year": "P#Y"}

// durationOf is a duration of the notice, "13 months", as one of DPV.
func durationOf(d string) node {
	if n, unit, ok := strings.Cut(d, " "); ok {
		if pattern := units[strings.TrimSuffix(unit, "s")]; pattern != "" {
			return node{"@type": "dpv:TemporalDuration", "rdf:value": strings.ReplaceAll(pattern, "#", n)}
		}
	}
	until := map[string]string{"session": "the browser is closed", "persistent": "the visitor or the site deletes it"}[d]
	if until == "" {
		until = d
	}
	return node{"@type": "dpv:UntilEventDuration", "rdf:value": until}
}
