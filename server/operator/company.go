package operator

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// ErrCompany: the company's sign-in did not say who this is, in words we accept.
var ErrCompany = errors.New("the company's sign-in did not work out")

// CompanyOptions say where operators of a company sign in (OpenID Connect).
type CompanyOptions struct {
	Issuer   string // "https://login.example.com"
	ClientID string
	Secret   string       // of the client; "" for a public one
	Redirect string       // our address it comes back to
	Role     Role         // of whoever is not an operator yet; "" lets in nobody new
	Name     string       // on the button; "" is the issuer's host
	Client   *http.Client // nil: one that waits ten seconds
	Now      func() time.Time
}

// A Company is a sign-in elsewhere. It is asked for its addresses when somebody
// first needs them, so that we start while it is away. It is safe for concurrent
// use.
type Company struct {
	options CompanyOptions

	mu       sync.Mutex
	provider *oidc.Provider // guarded by mu; nil until it has answered
	failed   error          // why it did not, the last time; guarded by mu
	retry    time.Time      // not asked again before; guarded by mu
}

// companyRests is how long a company that did not answer is left alone: whoever
// asks meanwhile gets the same error at once.
const companyRests = 10 * time.Second

// NewCompany makes a Company.
func NewCompany(o CompanyOptions) *Company {
	if o.Client == nil {
		o.Client = &http.Client{Timeout: 10 * time.Second}
	}
	return &Company{options: o}
}

// Name is what the button says.
func (c *Company) Name() string {
	if c.options.Name != "" {
		return c.options.Name
	}
	host := c.options.Issuer
	if _, after, ok := strings.Cut(host, "://"); ok {
		host = after
	}
	host, _, _ = strings.Cut(host, "/")
	return host
}

// Role is the one that somebody new gets, or "".
func (c *Company) Role() Role { return c.options.Role }

// A Question is what has to come back as it went out: state and nonce (OpenID
// Connect 1.0, 3.1.2.1), and the verifier of RFC 7636.
type Question struct {
	State, Nonce, Verifier string
	Again                  bool // they are to prove who they are now, not some time ago
	At                     int64
}

func (c *Company) context(ctx context.Context) context.Context {
	return oidc.ClientContext(ctx, c.options.Client)
}

func (c *Company) config(ctx context.Context) (*oauth2.Config, *oidc.Provider, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.provider == nil {
		if c.options.Now().Before(c.retry) {
			return nil, nil, c.failed
		}
		// The provider keeps the context for its keys: not that of one request.
		p, err := oidc.NewProvider(c.context(context.WithoutCancel(ctx)), c.options.Issuer)
		if err != nil {
			c.failed = fmt.Errorf("%w: %s does not answer as it should: %w", ErrCompany, c.options.Issuer, err)
			c.retry = c.options.Now().Add(companyRests)
			return nil, nil, c.failed
		}
		c.provider = p
	}
	return &oauth2.Config{ClientID: c.options.ClientID, ClientSecret: c.options.Secret, Endpoint: c.provider.Endpoint(),
		RedirectURL: c.options.Redirect, Scopes: []string{oidc.ScopeOpenID, "email", "profile"}}, c.provider, nil
}

// Ask is where to send the browser, and what to keep for Answered.
func (c *Company) Ask(ctx context.Context, again bool) (address string, q Question, err error) {
	config, _, err := c.config(ctx)
	if err != nil {
		return "", q, err
	}
	q = Question{State: NewSecret(), Nonce: NewSecret(), Verifier: oauth2.GenerateVerifier(), Again: again, At: c.options.Now().Unix()}
	more := []oauth2.AuthCodeOption{oidc.Nonce(q.Nonce), oauth2.S256ChallengeOption(q.Verifier)}
	if again {
		more = append(more, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	return config.AuthCodeURL(q.State, more...), q, nil
}

// A Claim is who the company says has signed in. Its address is verified.
type Claim struct{ Email, Name string }

// Answered turns what came back into a Claim; ErrCompany.
func (c *Company) Answered(ctx context.Context, q Question, state, code string) (Claim, error) {
	if subtle.ConstantTimeCompare([]byte(state), []byte(q.State)) != 1 || code == "" {
		return Claim{}, fmt.Errorf("%w: the answer is not that to our question", ErrCompany)
	}
	config, provider, err := c.config(ctx)
	if err != nil {
		return Claim{}, err
	}
	token, err := config.Exchange(c.context(ctx), code, oauth2.VerifierOption(q.Verifier))
	if err != nil {
		return Claim{}, fmt.Errorf("%w: %w", ErrCompany, err)
	}
	raw, _ := token.Extra("id_token").(string)
	verifier := provider.Verifier(&oidc.Config{ClientID: c.options.ClientID, Now: c.options.Now,
		SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256, oidc.PS256, oidc.EdDSA}})
	id, err := verifier.Verify(c.context(ctx), raw)
	if err != nil {
		return Claim{}, fmt.Errorf("%w: %w", ErrCompany, err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(q.Nonce)) != 1 {
		return Claim{}, fmt.Errorf("%w: the answer is to another question", ErrCompany)
	}
	var said struct {
		Email    string `json:"email"`
		Verified bool   `json:"email_verified"`
		Name     string `json:"name"`
		At       int64  `json:"auth_time"`
	}
	if err := id.Claims(&said); err != nil {
		return Claim{}, fmt.Errorf("%w: %w", ErrCompany, err)
	}
	switch {
	case said.Email == "" || !said.Verified:
		return Claim{}, fmt.Errorf("%w: it names no verified e-mail address", ErrCompany)
	case q.Again && said.At < q.At-int64(clockSlack/time.Second):
		return Claim{}, fmt.Errorf("%w: it did not ask again who this is", ErrCompany)
	}
	return Claim{Email: strings.ToLower(said.Email), Name: said.Name}, nil
}

// clockSlack is what the company's clock may be behind ours.
const clockSlack = time.Minute
