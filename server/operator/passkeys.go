package operator

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
)

// ErrPasskey: an answer of an authenticator that proves nothing here.
var ErrPasskey = errors.New("this passkey does not open this account")

// PasskeyPatience is how long an authenticator's question waits for its answer.
const PasskeyPatience = 5 * time.Minute

// Authenticators ask for passkeys (WebAuthn level 3) and check the answers: user
// verification is required, so a passkey is possession and PIN or finger at once.
type Authenticators struct{ rp *webauthn.WebAuthn }

// NewAuthenticators makes one for a domain and the one origin its pages have.
func NewAuthenticators(domain, origin string) (*Authenticators, error) {
	limit := webauthn.TimeoutConfig{Timeout: PasskeyPatience, TimeoutUVD: PasskeyPatience}
	rp, err := webauthn.New(&webauthn.Config{
		RPID: domain, RPDisplayName: "Volenti", RPOrigins: []string{origin},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
		Timeouts: webauthn.TimeoutsConfig{Login: limit, Registration: limit},
	})
	if err != nil {
		return nil, fmt.Errorf("passkeys of %s: %w", origin, err)
	}
	return &Authenticators{rp}, nil
}

// account is an operator as WebAuthn sees them.
type account struct {
	o    Operator
	keys []webauthn.Credential
}

func (a account) WebAuthnID() []byte                         { return []byte(a.o.ID) }
func (a account) WebAuthnName() string                       { return a.o.Email }
func (a account) WebAuthnDisplayName() string                { return a.o.Name }
func (a account) WebAuthnCredentials() []webauthn.Credential { return a.keys }

func accountOf(o Operator, have []Passkey) (account, error) {
	a := account{o: o}
	for _, p := range have {
		var c webauthn.Credential
		if err := json.Unmarshal(p.Credential, &c); err != nil {
			return a, fmt.Errorf("passkey %s: %w", p.ID, err)
		}
		a.keys = append(a.keys, c)
	}
	return a, nil
}

// AskNew begins to add a passkey: options for the browser, and the state to keep
// for AnsweredNew.
func (a *Authenticators) AskNew(o Operator, have []Passkey) (options any, state []byte, err error) {
	who, err := accountOf(o, have)
	if err != nil {
		return nil, nil, err
	}
	creation, session, err := a.rp.BeginRegistration(who, webauthn.WithExclusions(webauthn.Credentials(who.keys).CredentialDescriptors()))
	if err != nil {
		return nil, nil, fmt.Errorf("ask for a new passkey: %w", err)
	}
	state, err = json.Marshal(session)
	return creation.Response, state, err
}

// AnsweredNew checks the browser's answer and makes the passkey; ErrPasskey.
func (a *Authenticators) AnsweredNew(o Operator, have []Passkey, state, answer []byte, now time.Time) (Passkey, error) {
	who, err := accountOf(o, have)
	if err != nil {
		return Passkey{}, err
	}
	var session webauthn.SessionData
	if err := json.Unmarshal(state, &session); err != nil {
		return Passkey{}, ErrPasskey
	}
	parsed, err := protocol.ParseCredentialCreationResponseBody(bytes.NewReader(answer))
	if err != nil {
		return Passkey{}, fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	c, err := a.rp.CreateCredential(who, session, parsed)
	if err != nil {
		return Passkey{}, fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	p := Passkey{ID: base64.RawURLEncoding.EncodeToString(c.ID), Operator: o.ID, CreatedAt: now}
	p.Credential, err = json.Marshal(c)
	return p, err
}

// Ask begins a sign-in by whatever passkey the browser has.
func (a *Authenticators) Ask() (options any, state []byte, err error) {
	assertion, session, err := a.rp.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, nil, fmt.Errorf("ask for a passkey: %w", err)
	}
	state, err = json.Marshal(session)
	return assertion.Response, state, err
}

// Answered checks the browser's answer: whose passkey it is, and the passkey as it
// is to be kept from now on. Find looks both up by the credential's id; ErrPasskey.
func (a *Authenticators) Answered(state, answer []byte, find func(id string) (Operator, Passkey, error)) (Operator, Passkey, error) {
	var session webauthn.SessionData
	if err := json.Unmarshal(state, &session); err != nil {
		return Operator{}, Passkey{}, ErrPasskey
	}
	parsed, err := protocol.ParseCredentialRequestResponseBody(bytes.NewReader(answer))
	if err != nil {
		return Operator{}, Passkey{}, fmt.Errorf("%w: %w", ErrPasskey, err)
	}
	var (
		o      Operator
		p      Passkey
		failed error // of find, if it is not that there is none
	)
	c, err := a.rp.ValidateDiscoverableLogin(func(id, handle []byte) (webauthn.User, error) {
		o, p, err = find(base64.RawURLEncoding.EncodeToString(id))
		if err != nil {
			if !errors.Is(err, ErrUnknown) {
				failed = err
			}
			return nil, err
		}
		if string(handle) != o.ID {
			return nil, ErrUnknown
		}
		return accountOf(o, []Passkey{p})
	}, session, parsed)
	switch {
	case failed != nil:
		return Operator{}, Passkey{}, failed
	case err != nil:
		return Operator{}, Passkey{}, fmt.Errorf("%w: %w", ErrPasskey, err)
	case c.Authenticator.CloneWarning:
		return Operator{}, Passkey{}, fmt.Errorf("%w: its counter went back, so there is a copy of it", ErrPasskey)
	}
	p.Credential, err = json.Marshal(c)
	return o, p, err
}
