package forms

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
	"github.com/volenti-consent/volenti/server/notice"
	"github.com/volenti-consent/volenti/server/regime"
)

// isoReceipt is a dpv:ConsentReceipt: the records of one decision, who is named in
// them, and the signed receipt itself, which the rest only says in other words.
func (s Source) isoReceipt() ([]byte, error) {
	subject, err := s.subject()
	if err != nil {
		return nil, err
	}
	document, err := s.evidence()
	if err != nil {
		return nil, err
	}
	receipt, _ := profilesOf(s.Core.Law)
	document["@context"] = context27560()
	document["dct:conformsTo"] = receipt
	document["dct:created"] = moment(s.Core.ReceivedAt)
	document["dct:publisher"] = s.iri("controller")
	document["schema:recipient"] = subject
	document["dpv:hasRecordOfActivity"] = s.records(subject)
	document["dpv:hasEntity"] = s.entities()
	return canonical.Encode(document)
}

// isoRecords is the records alone, as a controller's register holds them, with the
// receipt as their source.
func (s Source) isoRecords() ([]byte, error) {
	subject, err := s.subject()
	if err != nil {
		return nil, err
	}
	document, err := s.evidence()
	if err != nil {
		return nil, err
	}
	return canonical.Encode(node{"@context": context27560(), "@graph": append(append(s.records(subject), s.entities()...), document)})
}

// evidence is the receipt as a node of the graph.
func (s Source) evidence() (node, error) {
	receipt, err := consent.EncodeReceipt(s.Entry)
	if err != nil {
		return nil, err
	}
	n := node{
		"@id": s.iri(""), "@type": "dpv:ConsentReceipt", "dct:identifier": s.Core.ID, "dpv:hasIdentifier": s.Core.ID,
		"schema:url": s.receiptAddress(), "volenti:form": isoVersion, "volenti:receipt": json.RawMessage(receipt),
	}
	if s.Core.Previous != "" {
		n["dct:replaces"] = "urn:volenti:receipt:" + s.Core.Previous
	}
	return n, nil
}

// records are one for each purpose that was asked about, and one for each vendor of
// it that was answered otherwise: an event of TS 27560 has one state.
func (s Source) records(subject string) (records []any) {
	for _, key := range sortedKeys(s.Core.Categories) {
		c := s.category(key)
		choice := s.Core.Categories[key]
		with := map[consent.Choice][]notice.Vendor{}
		for _, v := range s.vendorsOf(key) {
			with[s.Core.Vendors[v.Key]] = append(with[s.Core.Vendors[v.Key]], v)
		}
		records = append(records, s.record(subject, key, c, choice, with[choice]))
		for _, other := range []consent.Choice{consent.Granted, consent.Refused, consent.NotAsked} {
			if other == choice {
				continue
			}
			for _, v := range with[other] {
				records = append(records, s.record(subject, key+"/"+v.Key, c, other, []notice.Vendor{v}))
			}
		}
	}
	return records
}

// record is a dpv:ConsentRecord about a purpose, with those who process for it.
func (s Source) record(subject, name string, c notice.Category, choice consent.Choice, vendors []notice.Vendor) node {
	_, profiles := profilesOf(s.Core.Law)
	r := node{
		// header
		"@id": s.iri(name), "@type": "dpv:ConsentRecord", "dct:conformsTo": profiles,
		"dct:identifier": s.Core.ID + "/" + name, "dpv:hasIdentifier": s.Core.ID + "/" + name,
		"dpv:hasDataSubject": node{"@id": subject, "@type": "dpv:DataSubject"}, "dct:source": s.iri(""),
		// processing
		"dpv:hasNotice":         s.notices(),
		"dpv:hasDataController": s.iri("controller"),
		"dpv:hasJurisdiction":   s.jurisdiction(),
		"dpv:hasApplicableLaw":  s.law(),
		"dpv:hasProcess":        s.process(c, vendors),
		"dpv:hasConsentControl": node{"@type": []string{"dpv:ProvideConsent", "dpv:WithdrawConsent"}, "dpv:isExercisedAt": s.address("/privacy/" + s.Core.Site + "/choices")},
		// event
		"dpv:hasConsentStatus": s.event(subject, c.Key, choice),
		"volenti:category":     c.Key, "volenti:choice": choice, "volenti:model": s.Core.Models[c.Key],
	}
	if s.Core.Law == gdpr {
		var all []any
		for _, right := range rights {
			all = append(all, node{"@type": []string{"dpv:DataSubjectRight", right.term}, "dct:title": right.title, "dpv:isExercisedAt": s.address("/privacy/" + s.Core.Site)})
		}
		r["dpv:hasRight"] = all
	}
	return r
}

// event is what happened: the state, when, how long it lasts, by whom, and how.
func (s Source) event(subject, category string, choice consent.Choice) node {
	state := s.statusOf(category, choice)
	until := s.Core.ValidUntil
	if choice == consent.Refused && s.Core.RefusalsUntil != 0 {
		until = s.Core.RefusalsUntil
	}
	kinds := []string{string(state)}
	if state != consentUnknown && asked(s.Core.Models[category]) {
		kinds = append(kinds, "dpv:ExpressedConsent")
	}
	e := node{
		"@type": kinds, "dpv:isIndicatedAtTime": moment(s.Core.GivenAt), "dpv:isIndicatedBy": subject, "dpv:hasIndicationMethod": s.how(),
		"dpv:hasDuration": node{"@type": "dpv:UntilTimeDuration", "rdf:value": moment(until)},
	}
	if s.Core.Signals.Any() {
		e["volenti:signals"] = s.Core.Signals
	}
	return e
}

func asked(m regime.Model) bool { return m == regime.OptIn || m == "" }

// notices are what the visitor was told: the banner's own and the policies, each in
// the very version, by its digest.
func (s Source) notices() (all []any) {
	archive := s.address("/v1/sites/" + s.Core.Site + "/archive/")
	all = append(all, node{
		"@id": archive + string(s.Core.Notice), "@type": "dpv:ConsentNotice", "dct:identifier": "sha256:" + string(s.Core.Notice),
		"dct:language": s.Core.Language, "volenti:experience": "sha256:" + string(s.Core.Experience),
	})
	for _, key := range sortedKeys(s.Core.Policies) {
		p := s.Core.Policies[key]
		all = append(all, node{
			"@id": s.policyAddress(key), "@type": "dpv:PrivacyNotice", "dct:identifier": "sha256:" + string(p.Digest),
			"dct:date": moment(p.Effective), "dct:title": key, "volenti:number": p.Number,
		})
	}
	return all
}

func (s Source) jurisdiction() any {
	if s.Core.Region == "-" {
		return node{"@type": "dpv:Location", "dct:description": "not known: the strictest rules of the law table were applied"}
	}
	return "loc:" + s.Core.Region
}

func (s Source) law() node {
	law := node{"@type": "dpv:Law", "dct:identifier": s.Core.Law, "volenti:table": s.Core.LawTable}
	if s.Law.Law != "" {
		law["dct:title"], law["dct:description"] = s.Law.Law, strings.Trim(s.Law.Name+"; "+s.Law.Citation, "; ")
	}
	return law
}

// process is what the question was about: why, with what, by whom, where, how long.
func (s Source) process(c notice.Category, vendors []notice.Vendor) node {
	purpose := []string{"dpv:Purpose"}
	if term := purposes[c.Like]; term != "" {
		purpose = append(purpose, term)
	}
	p := node{
		"@type":          "dpv:Process",
		"dpv:hasPurpose": node{"@type": purpose, "dct:title": s.said(s.labelOf(c)), "dct:description": s.said(s.aboutOf(c))},
		"dpv:hasDataSource": node{
			"@type": "dpv:DataSubjectDataSource", "dpv:hasProcessing": []string{"dpv:Collect", "dpv:Observe"},
			"dct:description": "cookies and like storage on the device, and requests of the page, once the decision allows them",
		},
		"dpv:hasProcessing":          []string{"dpv:Collect", "dpv:Store", "dpv:Use"},
		"dpv:hasLegalBasis":          s.basis(c.Key),
		"dpv:hasPersonalData":        s.personalData(vendors),
		"dpv:hasStorageCondition":    storage(vendors),
		"dpv:hasNecessity":           "dpv:Optional", // what is necessary is not asked about
		"dpv:hasProcessingCondition": node{"@type": "dpv:ProcessingLocation", "dpv:hasLocation": placesOf(vendors)},
	}
	recipients := []string{}
	for _, v := range vendors {
		recipients = append(recipients, s.iri("vendor/"+v.Key))
	}
	p["dpv:hasRecipientThirdParty"] = recipients
	return p
}

// basis is the legal basis that was asked for; where the law lets it be on until it
// is refused, consent is none, and the record does not pretend it.
func (s Source) basis(category string) any {
	switch {
	case !asked(s.Core.Models[category]):
		return node{"@type": "dpv:LegalBasis", "dct:description": "other than consent: by the model " + string(s.Core.Models[category]) + " the law of the place asks for none before"}
	case s.Core.Law == gdpr:
		return []string{"dpv:ExpressedConsent", "eu-gdpr:A6-1-a"}
	}
	return "dpv:ExpressedConsent"
}

// personalData is what the vendors declare to keep on the device.
func (s Source) personalData(vendors []notice.Vendor) (all []any) {
	for _, v := range vendors {
		for _, kept := range v.Entries {
			all = append(all, node{
				"@type": "dpv:PersonalData", "dct:identifier": kept.Name, "dct:title": v.Name + ": " + kept.Name,
				"dct:description": s.declared(kept.Purpose), "volenti:kind": kept.Kind,
			})
		}
	}
	if all == nil {
		all = append(all, node{"@type": "dpv:PersonalData", "dct:description": "nothing is declared to be kept on the device; what the recipients collect besides, their notices say"})
	}
	return all
}

// said is a text in the language of the banner.
func (s Source) said(text string) any { return node{"@value": text, "@language": s.Core.Language} }

// declared is a text of the notice in the language of the banner, or else in the
// notice's first, as the banner shows it.
func (s Source) declared(byLanguage map[string]string) any {
	if _, there := byLanguage[s.Core.Language]; !there && len(s.Notice.Languages) > 0 {
		return node{"@value": s.Notice.Text(byLanguage, s.Core.Language), "@language": s.Notice.Languages[0]}
	}
	return s.said(byLanguage[s.Core.Language])
}

// entities are who is named: the controller, and each recipient.
func (s Source) entities() (all []any) {
	by := s.Core.Controller
	controller := node{
		"@id": s.iri("controller"), "@type": []string{"dpv:DataController", "dpv:Organisation"}, "dpv:hasIdentifier": s.Core.Site, "dpv:hasName": by.Name,
		"schema:address": node{"@type": "schema:PostalAddress", "schema:streetAddress": by.Address, "schema:addressCountry": by.Establishment}, "schema:contactPoint": contact(by.Contact),
	}
	all = append(all, controller)
	for _, key := range sortedKeys(s.Core.Vendors) {
		v := notice.Vendor{Key: key, Name: key}
		if s.Notice != nil {
			if at := slices.IndexFunc(s.Notice.Vendors, func(v notice.Vendor) bool { return v.Key == key }); at >= 0 {
				v = s.Notice.Vendors[at]
			}
		}
		n := node{"@id": s.iri("vendor/" + key), "@type": []string{"dpv:ThirdParty", "dpv:Organisation"}, "dpv:hasIdentifier": key, "dpv:hasName": v.Name}
		if v.PolicyURL != "" {
			n["schema:url"], n["schema:contactPoint"] = v.PolicyURL, contact(v.PolicyURL)
		}
		if v.Country != "" {
			n["schema:address"] = node{"@type": "schema:PostalAddress", "schema:addressCountry": v.Country}
		}
		all = append(all, n)
	}
	return all
}

func contact(address string) node {
	c := node{"@type": "schema:ContactPoint"}
	if strings.Contains(address, "://") {
		c["schema:url"] = address
	} else {
		c["schema:email"] = address
	}
	return c
}

func (s Source) policyAddress(key string) string {
	return s.address("/policies/" + s.Core.Site + "/" + key + "/versions/" + itoa(s.Core.Policies[key].Number))
}
