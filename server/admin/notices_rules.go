package admin

import (
	"fmt"
	"slices"

	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/web/console"
)

// generalGroups are who asks, where, and by which rules.
func generalGroups(n *notice.Notice) []console.FieldGroup {
	return []console.FieldGroup{
		{Legend: "Who asks", Fields: []console.Field{
			textField("controller.name", "Name", n.Controller.Name, "Who is responsible, as in the register: Shop GmbH"),
			textField("controller.address", "Postal address", n.Controller.Address, "In one line"),
			textField("controller.contact", "Contact", n.Controller.Contact, "E-mail address, or https address of a page"),
			textField("controller.establishment", "Country of establishment", n.Controller.Establishment, "Two letters: AT. One in the EU or the UK owes its law to everybody."),
		}},
		{Legend: "Where", Fields: []console.Field{
			linesField("languages", "Languages", n.Languages, "One a line; the first is used where none fits."),
			linesField("origins", "Websites that may embed the banner", n.Origins, "One a line: https://shop.example"),
			linesField("policies", "Policies", n.Policies, "Keys, one a line; the banner links to the first."),
			textField("policy_url", "Where the policy's link leads", n.PolicyURL, "https address of a page of yours; empty: the archive here"),
			tickField("share.domains", "A decision counts on all these websites", n.Share.Domains, "The choice goes along when somebody follows a link from one to another. They have to be the same controller's."),
		}},
		{Legend: "How laws are read", Fields: []console.Field{
			numberField("validity_months", "A decision holds, in months", n.Validity, "1 to 13; then visitors are asked again"),
			closed("posture", "How each law is read", n.Posture, "posture", "Where a law leaves room."),
			closed("dnt", "What the old signal DNT does", n.DNT, "dnt", "Global Privacy Control counts in any case, wherever a law says so."),
			numberField("age.minimum", "Age that is asked for", n.Age.Minimum, "0: nobody is asked; else 13 to 21 years"),
			tickField("age.by_country", "The law's own age where it is higher", n.Age.ByCountry, "Needs an age to start from."),
		}},
		{Legend: "Tags in your pages", Fields: []console.Field{
			closed("blocking.mode", "Tags that nobody marked", n.Blocking.Mode, "blocking.mode", "Known vendors are recognised by the host they load from."),
			closed("blocking.unknown", "Hosts that nobody knows", n.Blocking.Unknown, "blocking.unknown", "Neither your vendors nor our catalogue have them."),
			linesField("blocking.allow", "Never held", n.Blocking.Allow, "Hosts, one a line, with the beginning of a path if only that is meant: api.example/search"),
		}},
		{Legend: "Google Consent Mode", Fields: []console.Field{
			closed("google.mode", "Mode", n.Google.Mode, "google.mode", "What Google's tags are told, and when they load."),
			numberField("google.wait_for_update", "How long Google's tags wait, in milliseconds", n.Google.WaitForUpdate, "0 to 5000; for a decision that is on its way"),
			tickField("google.ads_data_redaction", "Take identifiers out of ad requests while ads are denied", n.Google.AdsDataRedaction, "ads_data_redaction"),
			tickField("google.url_passthrough", "Pass clicks on in addresses while storage is denied", n.Google.URLPassthrough, "url_passthrough"),
		}},
	}
}

func setGeneral(d *Desk, n *notice.Notice) string {
	n.Languages, n.Origins, n.Policies = words(d, "languages", n.Languages), words(d, "origins", n.Origins), words(d, "policies", n.Policies)
	n.PolicyURL = one(d, "policy_url", n.PolicyURL)
	n.Controller = notice.Controller{Name: one(d, "controller.name", n.Controller.Name), Address: one(d, "controller.address", n.Controller.Address),
		Contact: one(d, "controller.contact", n.Controller.Contact), Establishment: one(d, "controller.establishment", n.Controller.Establishment)}
	n.Validity, n.Posture, n.DNT = number(d, "validity_months", n.Validity), one(d, "posture", n.Posture), one(d, "dnt", n.DNT)
	n.Blocking = notice.Blocking{Mode: one(d, "blocking.mode", n.Blocking.Mode), Unknown: one(d, "blocking.unknown", n.Blocking.Unknown), Allow: words(d, "blocking.allow", n.Blocking.Allow)}
	n.Google.Mode, n.Google.WaitForUpdate = one(d, "google.mode", n.Google.Mode), number(d, "google.wait_for_update", n.Google.WaitForUpdate)
	n.Google.AdsDataRedaction, n.Google.URLPassthrough = ticked(d, "google.ads_data_redaction"), ticked(d, "google.url_passthrough")
	n.Age = notice.Age{Minimum: number(d, "age.minimum", n.Age.Minimum), ByCountry: ticked(d, "age.by_country")}
	n.Share.Domains = ticked(d, "share.domains")
	return "site and rules"
}

// overrideRows are where more is asked than the law table does.
func overrideRows(n *notice.Notice) *console.FieldRows {
	rows := &console.FieldRows{One: "rule", Many: "rules",
		About: "Ask for more than a law does, in a region or everywhere. Less can't be said: of two rules the stricter one counts.",
		Empty: "Every region is asked as its law says. Add a rule to ask for more, such as opt-in in all of Canada.",
		Add:   console.Field{Name: "add", Label: "Add a rule for a region", Kind: "text", Hint: "A country, CA, a part of one, US-TX, or * for everywhere."}}
	for i, o := range n.Overrides {
		at := fmt.Sprintf("overrides[%d]", i)
		purposes := append([]string{"*"}, keysOf(n)...)
		if !slices.Contains(purposes, o.Category) {
			purposes = append(purposes, o.Category)
		}
		purpose := console.Field{Name: at + ".category", Label: "Purpose", Kind: "select", Value: o.Category, Options: choices(o.Category, purposes...), Hint: "Or all of them."}
		purpose.Options[0].Name = "all purposes"
		region := o.Region
		if region == "*" {
			region = "everywhere"
		}
		rows.List = append(rows.List, console.FieldRow{At: i, Name: region, Sub: o.Model, Groups: []console.FieldGroup{{Fields: []console.Field{
			textField(at+".region", "Region", o.Region, "CA, US-TX, or *"), purpose,
			closed(at+".model", "How visitors are asked", o.Model, "model", "At least as strict as the law."),
		}}}})
	}
	return rows
}

func keysOf(n *notice.Notice) []string {
	keys := make([]string, len(n.Categories))
	for i, c := range n.Categories {
		keys[i] = c.Key
	}
	return keys
}

func setOverrides(d *Desk, n *notice.Notice) string {
	for i := range n.Overrides {
		o, at := &n.Overrides[i], fmt.Sprintf("overrides[%d]", i)
		o.Region, o.Category, o.Model = one(d, at+".region", o.Region), one(d, at+".category", o.Category), one(d, at+".model", o.Model)
	}
	if do, _ := did(d); do == "add" {
		region := one(d, "add", "")
		if region == "" {
			return ""
		}
		n.Overrides = append(n.Overrides, notice.Override{Region: region, Category: "*", Model: "opt-in"})
		return "rule for " + region + " added"
	}
	all, what := arranged(d, n.Overrides)
	n.Overrides = all
	if what != "" {
		return "rule " + what
	}
	return "rules by region"
}

// trialRows are other looks and wordings of the first layer, with the texts of one
// language.
func trialRows(n *notice.Notice, language string) *console.FieldRows {
	rows := &console.FieldRows{One: "trial", Many: "trials",
		About: "A share of visitors sees another first layer, by chance and without an identifier. What is asked stays the same, and each layer is judged for fairness. The overview compares how they are answered.",
		Empty: "Everybody sees the same first layer. A trial shows another look or wording to some, so that you can compare.",
		Add:   console.Field{Name: "add", Label: "Add a trial", Kind: "text", Hint: "A name for it, such as “shorter”: small letters, digits, hyphens."}}
	ours := n.WordingFor(language)
	for i, t := range n.Trials {
		at := fmt.Sprintf("trials[%d]", i)
		look := lookFields(at+".look", t.Look)
		look = slices.DeleteFunc(look, func(f console.Field) bool { return f.Name == at+".look.reopen" }) // of no first layer
		group := console.FieldGroup{Legend: "What it says in " + languageName(language), About: "An empty field says what the banner says anyway, which stands in it in grey."}
		for _, key := range notice.Tried() {
			group.Fields = append(group.Fields, console.Field{Name: at + ".wording." + language + "." + key, Label: key, Kind: "words", Value: t.Wording[language][key],
				Default: ours[key], Language: language, Direction: direction(language)})
		}
		rows.List = append(rows.List, console.FieldRow{At: i, Name: t.Key, Sub: fmt.Sprintf("%d percent", t.Percent), Groups: []console.FieldGroup{
			{Fields: []console.Field{
				textField(at+".key", "Name", t.Key, "Stands in receipts and statistics"),
				numberField(at+".percent", "Percent of visitors who see it", t.Percent, "1 to 99; the rest sees the banner as it is"),
			}},
			{Legend: "How it looks", Fields: look}, group,
		}})
	}
	return rows
}

func setTrials(d *Desk, n *notice.Notice, language string) string {
	for i := range n.Trials {
		t, at := &n.Trials[i], fmt.Sprintf("trials[%d]", i)
		if !came(d, at+".key") {
			continue
		}
		t.Key, t.Percent = one(d, at+".key", t.Key), number(d, at+".percent", t.Percent)
		t.Look = lookIn(d, at+".look", t.Look)
		if !slices.Contains(n.Languages, language) {
			continue
		}
		own := map[string]string{}
		for _, key := range notice.Tried() {
			if said := one(d, at+".wording."+language+"."+key, t.Wording[language][key]); said != "" {
				own[key] = said
			}
		}
		if t.Wording == nil {
			t.Wording = map[string]map[string]string{}
		}
		delete(t.Wording, language)
		if len(own) > 0 {
			t.Wording[language] = own
		}
	}
	if do, _ := did(d); do == "add" {
		key := one(d, "add", "")
		if key == "" {
			return ""
		}
		n.Trials = append(n.Trials, notice.Trial{Key: key, Percent: 10, Look: n.Look, Wording: map[string]map[string]string{}})
		return "trial " + key + " added"
	}
	all, what := arranged(d, n.Trials)
	n.Trials = all
	if what != "" {
		return "trial " + what
	}
	return "trials"
}
