package notice

// The keys of a notice file. docs/notice-file.md explains each; a test holds
// the two together.
var fileKeys = map[string][]string{
	"":           {"site", "languages", "origins", "policies", "policy_url", "validity_months", "posture", "dnt", "controller", "google", "look", "blocking", "age", "share", "trials", "categories", "vendors", "tags", "overrides", "wording"},
	"controller": {"name", "address", "contact", "establishment"},
	"google":     {"mode", "wait_for_update", "ads_data_redaction", "url_passthrough"},
	"look":       {"accent", "position", "theme", "reopen", "radius", "modal", "logo"},
	"overrides":  {"region", "category", "model"},
	"categories": {"key", "like", "label", "about"},
	"vendors":    {"key", "name", "category", "country", "policy_url", "stores", "hosts", "api", "reload", "opt_out_url"},
	"stores":     {"name", "kind", "duration", "purpose", "http_only", "foreign"},
	"tags":       {"vendor", "kind", "src", "template", "id"},
	"blocking":   {"mode", "unknown", "allow"},
	"age":        {"minimum", "by_country"},
	"share":      {"domains"},
	"trials":     {"key", "percent", "look", "wording"},
}

// singular are the names under which lists of tables are written one by one,
// as [[vendor]]. Paths have the plural.
var singular = map[string]string{
	"override": "overrides",
	"category": "categories",
	"vendor":   "vendors",
	"tag":      "tags",
	"trial":    "trials",
}

// otherSection finds the one section that has a key; false if there is none or
// there are several.
func otherSection(section, key string) (string, bool) {
	found, times := "", 0
	for name, keys := range fileKeys {
		if name == section {
			continue
		}
		for _, k := range keys {
			if k == key {
				found, times = name, times+1
			}
		}
	}
	return found, times == 1
}
