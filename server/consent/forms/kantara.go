package forms

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/volenti-consent/volenti/server/canonical"
	"github.com/volenti-consent/volenti/server/consent"
)

// kantaraSpec is the value of "version" in a receipt by Kantara's specification 1.1.
const kantaraSpec = "KI-CR-v1.1.0"

// A Kantara is a consent receipt by the Kantara Initiative's specification 1.1.0. It
// knows consent and nothing else: a purpose that was refused, withdrawn or never
// asked for is not in it. Members have the specification's names and types.
type Kantara struct {
	Version          string              `json:"version"`
	Jurisdiction     string              `json:"jurisdiction"`
	ConsentTimestamp int64               `json:"consentTimestamp"` // Unix seconds
	CollectionMethod string              `json:"collectionMethod"`
	ConsentReceiptID string              `json:"consentReceiptID"`
	PublicKey        string              `json:"publicKey,omitempty"` // PEM, of the receipt's key
	Language         string              `json:"language"`
	PIIPrincipalID   string              `json:"piiPrincipalId"`
	PIIControllers   []KantaraController `json:"piiControllers"`
	PolicyURL        string              `json:"policyUrl"`
	Services         []KantaraService    `json:"services"`
	Sensitive        bool                `json:"sensitive"`
	SPICat           []string            `json:"spiCat"`
}

// A KantaraController is who asked.
type KantaraController struct {
	PIIController    string         `json:"piiController"`
	Contact          string         `json:"contact"`
	Address          KantaraAddress `json:"address"`
	Email            string         `json:"email"`
	Phone            string         `json:"phone"` // "": a notice names none
	PIIControllerURL string         `json:"piiControllerUrl,omitempty"`
}

// A KantaraAddress is a postal address of schema.org.
type KantaraAddress struct {
	StreetAddress  string `json:"streetAddress"`
	AddressCountry string `json:"addressCountry,omitempty"`
}

// A KantaraService is what was consented for.
type KantaraService struct {
	Service  string           `json:"service"`
	Purposes []KantaraPurpose `json:"purposes"`
}

// A KantaraPurpose is a purpose that the visitor consented to.
type KantaraPurpose struct {
	Purpose              string   `json:"purpose"`
	ConsentType          string   `json:"consentType"` // "EXPLICIT"
	PurposeCategory      []string `json:"purposeCategory"`
	PIICategory          []string `json:"piiCategory"`
	PrimaryPurpose       bool     `json:"primaryPurpose"`
	Termination          string   `json:"termination"`
	ThirdPartyDisclosure bool     `json:"thirdPartyDisclosure"`
	ThirdPartyName       string   `json:"thirdPartyName,omitempty"`
}

// kantaraPurposes are the specification's purpose categories, by what a category is like.
var kantaraPurposes = map[string]string{"preferences": "5 - Personalize Experience", "analytics": "16 - Improve Performance", "marketing": "6 - Marketing"}

func (s Source) kantara() ([]byte, error) {
	if err := consent.CheckEntry(s.Entry); err != nil {
		return nil, err
	}
	subject, err := s.subject()
	if err != nil {
		return nil, err
	}
	by := s.Core.Controller
	k := Kantara{
		Version: kantaraSpec, Jurisdiction: s.Core.Region, ConsentTimestamp: s.Core.GivenAt / 1000,
		CollectionMethod: "consent banner: " + s.how(), ConsentReceiptID: s.Core.ID, PublicKey: s.publicKey(), Language: s.Core.Language, PIIPrincipalID: subject,
		PIIControllers: []KantaraController{{PIIController: by.Name, Contact: by.Contact, Address: KantaraAddress{by.Address, by.Establishment}}},
		SPICat:         []string{},
	}
	if k.Jurisdiction == "-" {
		k.Jurisdiction = by.Establishment
	}
	if strings.Contains(by.Contact, "://") {
		k.PIIControllers[0].PIIControllerURL = by.Contact
	} else {
		k.PIIControllers[0].Email = by.Contact
	}
	for _, key := range sortedKeys(s.Core.Policies) {
		if k.PolicyURL == "" || key == "privacy" {
			k.PolicyURL = s.policyAddress(key)
		}
	}
	service := KantaraService{Service: s.Core.Site, Purposes: []KantaraPurpose{}}
	if s.Notice != nil && len(s.Notice.Origins) > 0 {
		service.Service = s.Notice.Origins[0]
	}
	for _, key := range sortedKeys(s.Core.Categories) {
		var names []string // of those who were allowed, be it apart from the rest of the purpose
		for _, v := range s.vendorsOf(key) {
			if s.statusOf(key, s.Core.Vendors[v.Key]) == consentGiven {
				names = append(names, v.Name)
			}
		}
		if len(names) > 0 || s.statusOf(key, s.Core.Categories[key]) == consentGiven {
			service.Purposes = append(service.Purposes, s.kantaraPurpose(key, names))
		}
	}
	k.Services = []KantaraService{service}
	return canonical.Encode(k)
}

func (s Source) kantaraPurpose(key string, names []string) KantaraPurpose {
	c := s.category(key)
	p := KantaraPurpose{
		Purpose: s.labelOf(c), ConsentType: "EXPLICIT", PurposeCategory: []string{}, PIICategory: []string{"15 - Behavioral"},
		Termination: "until " + time.UnixMilli(s.Core.ValidUntil).UTC().Format(time.DateOnly) + ", or earlier when it is withdrawn",
	}
	if of := kantaraPurposes[c.Like]; of != "" {
		p.PurposeCategory = append(p.PurposeCategory, of)
	}
	p.ThirdPartyName, p.ThirdPartyDisclosure = strings.Join(names, ", "), len(names) > 0
	return p
}

// publicKey is the key of the receipt's own signature, where it is known.
func (s Source) publicKey() string {
	key, known := s.Keys[s.Entry.KeyID]
	if !known {
		return ""
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// ReadKantara reads what the kantara form writes. It fails with ErrNotThis for what
// lacks a member, has one more, or is of another version of the specification.
func ReadKantara(text []byte) (Kantara, error) {
	var k Kantara
	b, err := canonical.Transform(json.RawMessage(text))
	if err == nil {
		err = canonical.Decode(b, &k)
	}
	if err != nil || k.Version != kantaraSpec {
		return Kantara{}, fmt.Errorf("%w: it is no Kantara receipt %s", ErrNotThis, kantaraSpec)
	}
	return k, nil
}
