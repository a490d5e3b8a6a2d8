package forms

import (
	"encoding/base64"
)

var base64url = base64.RawURLEncoding.Strict()

// The vocabularies of the 27560 form. The context stands in each document, so that
// nobody has to fetch one; the terms are those of DPV 2.3.
var prefixes = node{
	"dct":       "http://purl.org/dc/terms/",
	"dpv":       "https://w3id.org/dpv#",
	"dpv-27560": "https://w3id.org/dpv/schema/dpv-27560#",
	"eu-gdpr":   "https://w3id.org/dpv/legal/eu/gdpr#",
	"loc":       "https://w3id.org/dpv/loc#",
	"rdf":       "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
	"schema":    "https://schema.org/",
	"xsd":       "http://www.w3.org/2001/XMLSchema#",
	"volenti":   "urn:volenti:terms:",
}

// links are the properties whose values name something rather than say it.
var links = []string{
	"dct:conformsTo", "dct:publisher", "dct:replaces", "dct:source",
	"dpv:hasApplicableLaw", "dpv:hasDataController", "dpv:hasDataSubject", "dpv:hasEntity", "dpv:hasJurisdiction", "dpv:hasLegalBasis",
	"dpv:hasLocation", "dpv:hasNecessity", "dpv:hasNotice", "dpv:hasProcessing", "dpv:hasRecipientThirdParty", "dpv:hasRecordOfActivity",
	"dpv:isExercisedAt", "dpv:isIndicatedBy", "schema:recipient", "schema:url",
}

// times are those whose values are instants.
var times = []string{"dct:created", "dct:date", "dpv:isIndicatedAtTime"}

// context is the @context of every document of this version.
func context27560() node {
	c := node{"@version": 1.1}
	for prefix, iri := range prefixes {
		c[prefix] = iri
	}
	for _, property := range links {
		c[property] = node{"@id": property, "@type": "@id"}
	}
	for _, property := range times {
		c[property] = node{"@id": property, "@type": "xsd:dateTime"}
	}
	c["volenti:receipt"] = node{"@id": "volenti:receipt", "@type": "@json"}
	return c
}

// A node is an object of JSON-LD.
type node = map[string]any

// A status is a ConsentStatus of DPV. Of these only consentGiven is one that
// processing may rest on.
type status string

// The statuses. ConsentRefused is no state of TS 27560 itself: it is the extension
// that DPV has for it. ConsentUnknown stands for whatever was no answer to a
// question for consent: not asked, left on by an opt-out law, only read.
const (
	consentGiven     status = "dpv:ConsentGiven"
	consentRefused   status = "dpv:ConsentRefused"
	consentWithdrawn status = "dpv:ConsentWithdrawn"
	consentUnknown   status = "dpv:ConsentUnknown"
)

// purposes are the purpose types of categories, by what they are like.
var purposes = map[string]string{
	"preferences": "dpv:ServicePersonalisation",
	"analytics":   "dpv:ServiceUsageAnalytics",
	"marketing":   "dpv:Marketing",
}

// rights are those a data subject has where processing rests on consent, by their
// article of the GDPR.
var rights = []struct{ term, title string }{
	{"eu-gdpr:A7-3", "Right to withdraw consent"},
	{"eu-gdpr:A15", "Right of access"},
	{"eu-gdpr:A16", "Right to rectification"},
	{"eu-gdpr:A17", "Right to erasure"},
	{"eu-gdpr:A18", "Right to restriction of processing"},
	{"eu-gdpr:A20", "Right to data portability"},
	{"eu-gdpr:A77", "Right to lodge a complaint with a supervisory authority"},
}

// gdpr is the row of the law table that the EU profiles are for.
const gdpr = "eu-gdpr-eprivacy"

// profilesOf are the IRIs a receipt and its records conform to. The document that
// defines the profiles calls the receipt's receipt-record, its machine-readable
// twin receipt: both are named.
func profilesOf(law string) (receipt, record []string) {
	receipt, record = []string{"dpv-27560:receipt-record", "dpv-27560:receipt"}, []string{"dpv-27560:record"}
	if law == gdpr {
		receipt, record = append(receipt, "dpv-27560:receipt-eu-gdpr"), append(record, "dpv-27560:record-eu-gdpr")
	}
	return receipt, record
}
