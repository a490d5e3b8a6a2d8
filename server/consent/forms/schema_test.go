package forms

import (
	"bytes"
	"encoding/json"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/piprate/json-gold/ld"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/volenti-consent/volenti/server/consent"
)

// compiled are the schemas as any client has them: by their own $id.
func compiled(t *testing.T) map[string]*jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft4) // that each names its draft is checked below
	c.AssertFormat()
	ids := map[string]string{}
	for _, name := range Schemas() {
		b, ok := Schema(name)
		if !ok {
			t.Fatal(name)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		said := doc.(map[string]any)
		if said["$schema"] != "https://json-schema.org/draft/2020-12/schema" {
			t.Errorf("%s is of draft %v", name, said["$schema"])
		}
		ids[name] = said["$id"].(string)
		if err := c.AddResource(ids[name], doc); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	all := map[string]*jsonschema.Schema{}
	for name, id := range ids {
		s, err := c.Compile(id)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = s
	}
	return all
}

func valueOf(t *testing.T, b []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var schemaOf = map[string]string{"receipt": "receipt-v1.json", "27560": "27560-v1.json", "27560-record": "27560-v1.json", "kantara": "kantara-v1.json"}

func TestFormsFollowTheirSchemas(t *testing.T) {
	schemas := compiled(t)
	if len(schemas) != 3 {
		t.Fatalf("%d schemas", len(schemas))
	}
	for form, name := range schemaOf {
		for _, c := range cases {
			if err := schemas[name].Validate(valueOf(t, written(t, form, c))); err != nil {
				t.Errorf("%s of %s: %#v", form, c, err)
			}
		}
	}
	if _, ok := Schema("../form.go"); ok {
		t.Error("a file that is no schema is given out")
	}
}

// Every member that TS 27560 and Kantara's specification ask for is asked for by the
// schemas too: each is taken away once, and none of the documents passes.
func TestSchemasAskForEveryMandatoryMember(t *testing.T) {
	schemas := compiled(t)
	for form, members := range map[string][]string{
		"receipt": {"core", "id", "key_id", "leaf", "salts", "schema", "signature", "personal", "subject", "hash", "index", "state", "categories", "policies", "token", "number"},
		// schema_version, record_id, pii_principal_id; privacy_notice, language, purpose, lawful_basis, pii_information, pii_controllers, collection_method,
		// storage_locations and retention_period, jurisdiction, recipient_third_parties, withdrawal_method, privacy_rights; party_name, party_address,
		// party_contact; event_state and event_type, event_time, validity_duration, entity_id.
		"27560": {
			"dct:conformsTo", "dct:identifier", "dpv:hasIdentifier", "dpv:hasDataSubject", "dpv:hasNotice", "dct:language", "dpv:hasPurpose", "dpv:hasLegalBasis",
			"dpv:hasPersonalData", "dpv:hasDataController", "dpv:hasDataSource", "dpv:hasStorageCondition", "dpv:hasLocation", "dpv:hasJurisdiction", "dpv:hasRecipientThirdParty",
			"dpv:hasConsentControl", "dpv:hasRight", "dpv:isExercisedAt", "dpv:hasName", "schema:address", "schema:contactPoint", "dpv:hasConsentStatus", "dpv:isIndicatedAtTime",
			"dpv:hasDuration", "dpv:isIndicatedBy", "dpv:hasProcess", "volenti:receipt", "dpv:hasEntity", "dct:created",
		},
		"kantara": {
			"version", "jurisdiction", "consentTimestamp", "collectionMethod", "consentReceiptID", "piiPrincipalId", "piiControllers", "policyUrl", "services", "sensitive", "spiCat",
			"piiController", "contact", "address", "email", "phone", "service", "purposes", "consentType", "purposeCategory", "piiCategory", "termination", "thirdPartyDisclosure", "thirdPartyName",
		},
	} {
		for _, member := range members {
			v := valueOf(t, written(t, form, "save"))
			if !without(v, member) {
				t.Errorf("%s: it has no member %s at all", form, member)
			}
			if err := schemas[schemaOf[form]].Validate(v); err == nil {
				t.Errorf("%s: the schema lets it pass without %s", form, member)
			}
		}
	}
}

// without takes a member out wherever it stands, but in the context and the receipt.
func without(v any, member string) (found bool) {
	switch v := v.(type) {
	case []any:
		for _, v := range v {
			found = without(v, member) || found
		}
	case map[string]any:
		_, found = v[member]
		delete(v, member)
		for name, v := range v {
			if name != "@context" && name != "volenti:receipt" {
				found = without(v, member) || found
			}
		}
	}
	return found
}

// A processor that knows nothing of us reads the documents as linked data, without
// fetching anything: every term is one of a vocabulary that is named, and every term
// of DPV is one that its version 2.3 has.
func TestLinkedData(t *testing.T) {
	list, err := os.ReadFile("testdata/dpv-2.3-terms.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := strings.Fields(string(list))
	processor, options := ld.NewJsonLdProcessor(), ld.NewJsonLdOptions("")
	options.DocumentLoader = noLoader{t}
	options.ProcessingMode = ld.JsonLd_1_1
	for _, form := range []string{"27560", "27560-record"} {
		for _, c := range cases {
			var document any
			if err := json.Unmarshal(written(t, form, c), &document); err != nil {
				t.Fatal(err)
			}
			dataset, err := processor.ToRDF(document, options)
			if err != nil {
				t.Fatalf("%s of %s: %v", form, c, err)
			}
			text, err := (&ld.NQuadRDFSerializer{}).Serialize(dataset.(*ld.RDFDataset))
			if err != nil {
				t.Fatal(err)
			}
			quads := text.(string)
			for _, want := range wantQuads[path.Base(c)] {
				if !strings.Contains(quads, want) {
					t.Errorf("%s of %s does not say %s:\n%s", form, c, want, quads)
				}
			}
			for _, word := range strings.Fields(quads) {
				if iri := strings.Trim(word, "<>."); strings.HasPrefix(iri, "https://w3id.org/dpv") && !slices.Contains(known, iri) {
					t.Errorf("%s of %s: %s is no term of DPV 2.3 that was looked up", form, c, iri)
				}
				if strings.HasPrefix(word, "<dpv:") || strings.HasPrefix(word, "<dct:") || strings.HasPrefix(word, "\"dpv:") || strings.HasPrefix(word, "\"eu-gdpr:") || strings.HasPrefix(word, "\"loc:") {
					t.Errorf("%s of %s: the context does not make %s a term", form, c, word)
				}
			}
			nodes := strings.Count(quads, "<http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://w3id.org/dpv#ConsentRecord>")
			if want := len(sourceOf(t, c).records("")); nodes != want {
				t.Errorf("%s of %s: %d records, want %d", form, c, nodes, want)
			}
		}
	}
}

const dpv = "https://w3id.org/dpv#"

var wantQuads = map[string][]string{
	"save": {
		"<" + dpv + "ConsentGiven>", "<" + dpv + "ConsentRefused>", "<" + dpv + "hasLegalBasis> <https://w3id.org/dpv/legal/eu/gdpr#A6-1-a>", "<" + dpv + "hasJurisdiction> <https://w3id.org/dpv/loc#DE>",
		"\"2026-11-21T12:01:04.567Z\"^^<http://www.w3.org/2001/XMLSchema#dateTime>", "^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON>", "\"Statistik\"@de",
	},
	"withdraw": {"<" + dpv + "ConsentWithdrawn>", "<http://purl.org/dc/terms/replaces> <urn:volenti:receipt:"},
	"signal":   {"<" + dpv + "ConsentRefused>", "<" + dpv + "hasJurisdiction> <https://w3id.org/dpv/loc#US-CA>"},
}

// noLoader fails whatever would fetch a context.
type noLoader struct{ t *testing.T }

func (l noLoader) LoadDocument(address string) (*ld.RemoteDocument, error) {
	l.t.Errorf("the document makes its reader fetch %s", address)
	return nil, os.ErrNotExist
}

// What is no consent is never told as one.
func TestOnlyConsentIsToldAsConsent(t *testing.T) {
	for _, c := range []string{"withdraw", "signal", "acknowledge"} {
		for _, form := range []string{"27560", "27560-record", "kantara"} {
			if b := written(t, form, c); bytes.Contains(b, []byte("ConsentGiven")) || bytes.Contains(b, []byte("EXPLICIT")) {
				t.Errorf("%s of %s says that consent was given:\n%s", form, c, b)
			}
		}
	}
	// In a region that asks nobody first, what is on was not consented to.
	s := sourceOf(t, "accept-all")
	s.Core.Law = "us-ca-ccpa"
	for key := range s.Core.Models {
		s.Core.Models[key] = "opt-out"
	}
	for _, r := range s.records("x") {
		if text, err := json.Marshal(r); err != nil || bytes.Contains(text, []byte("ConsentGiven")) || bytes.Contains(text, []byte("A6-1-a")) || bytes.Contains(text, []byte("ExpressedConsent")) {
			t.Errorf("%s, %v", text, err)
		}
	}
	// One vendor that was set apart is a record, and a purpose, of its own.
	save := written(t, "27560", "save")
	if !bytes.Contains(save, []byte(`/marketing/meta","dct:source"`)) {
		t.Errorf("no record of the vendor that was allowed apart from its category:\n%s", save)
	}
	k, err := ReadKantara(written(t, "kantara", "save"))
	if err != nil || len(k.Services[0].Purposes) != 3 || k.Services[0].Purposes[1].ThirdPartyName != "Meta Pixel" {
		t.Errorf("%+v, %v", k.Services, err)
	}
}

// A record whose notice is not in the archive still has every form.
func TestFormsWithoutTheNotice(t *testing.T) {
	schemas := compiled(t)
	for _, c := range cases {
		e, err := consent.ParseReceipt(wire(t, c+".json"))
		if err != nil {
			t.Fatal(err)
		}
		s, err := Load(t.Context(), archive{}, e, nil, "")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range All() {
			b, err := f.Write(s, goldenSigner())
			if err != nil {
				t.Fatalf("%s of %s: %v", f.Name, c, err)
			}
			if name := schemaOf[f.Name]; name != "" {
				if err := schemas[name].Validate(valueOf(t, b)); err != nil {
					t.Errorf("%s of %s: %#v", f.Name, c, err)
				}
			}
			if f.Name != "kantara" {
				if _, err := Verify(b, keysOf(t)); err != nil {
					t.Errorf("%s of %s: %v", f.Name, c, err)
				}
			}
		}
	}
}
