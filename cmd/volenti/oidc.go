package main

import (
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/volenti-consent/volenti/server/operator"
)

// validateOIDC refuses a company's sign-in that could not work, or that lets in
// more than is meant.
func (c *Config) validateOIDC() (wrong []error) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if c.OIDCIssuer == "" {
		if c.OIDCClient != "" || c.OIDCSecretFile != "" || c.OIDCRole != "" || c.OIDCName != "" {
			bad("oidc.client, secret_file, role and name count only with oidc.issuer; take them out, or name the issuer")
		}
		return wrong
	}
	if u, err := url.Parse(c.OIDCIssuer); err != nil || u.Host == "" || u.Scheme != "https" && !loopbackHost(u.Hostname()) {
		bad("oidc.issuer = %q is not an https address such as https://login.example.com", c.OIDCIssuer)
	}
	if c.OIDCClient == "" {
		bad("oidc.issuer needs oidc.client, the id this server has there")
	}
	if c.PublicURL == "" {
		bad("oidc.issuer needs public_url, the address it sends operators back to")
	}
	if c.OIDCRole != "" && !slices.Contains([]operator.Role{operator.Legal, operator.Marketing, operator.Auditor}, operator.Role(c.OIDCRole)) {
		bad("oidc.role = %q; write legal, marketing or auditor: owners are made by owners", c.OIDCRole)
	}
	if c.OIDCSecretFile != "" {
		if _, err := readSecret(c.OIDCSecretFile); err != nil {
			bad("oidc.secret_file: %w", err)
		}
	}
	return wrong
}

// company is the sign-in elsewhere that the configuration names, or nil.
func company(c *Config, now func() time.Time) *operator.Company {
	if c.OIDCIssuer == "" {
		return nil
	}
	secret, _ := readSecret(c.OIDCSecretFile) // validated
	return operator.NewCompany(operator.CompanyOptions{Issuer: c.OIDCIssuer, ClientID: c.OIDCClient, Secret: secret,
		Redirect: c.PublicURL + "/admin/sign-in/company/back", Role: operator.Role(c.OIDCRole), Name: c.OIDCName, Now: now})
}
