package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"time"

	"github.com/hashicorp/nomad/api"
)

// signed is a JWT of these claims by this key.
func signed(key *rsa.PrivateKey, claims map[string]any) string {
	part := func(value any) string {
		text, _ := json.Marshal(value)
		return base64.RawURLEncoding.EncodeToString(text)
	}
	head := part(map[string]string{"alg": "RS256", "typ": "JWT"}) + "." + part(claims)
	digest := sha256.Sum256([]byte(head))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
	check("a JWT is signed", err)
	return head + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// tryAccessControl goes from the first token to a login by JWT, on a server of its own.
func tryAccessControl(address string) {
	config := api.DefaultConfig()
	config.Address = address
	client, err := api.NewClient(config)
	check("a client without a token", err)
	_, _, err = client.Jobs().List(nil)
	demand("sees no jobs", err != nil, err)
	first, _, err := client.ACLTokens().Bootstrap(nil)
	check("access control is bootstrapped", err)
	client.SetSecretID(first.SecretID)

	reads := &api.ACLPolicy{Name: "reads", Rules: `namespace "default" { capabilities = ["list-jobs"] }`}
	_, err = client.ACLPolicies().Upsert(reads, nil)
	check("a policy is made", err)
	role, _, err := client.ACLRoles().Create(&api.ACLRole{Name: "readers", Policies: []*api.ACLRolePolicyLink{{Name: "reads"}}}, nil)
	check("a role is made", err)

	key, err := rsa.GenerateKey(rand.Reader, 2048)
	check("a key is made", err)
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	check("and encoded", err)
	_, _, err = client.ACLAuthMethods().Create(&api.ACLAuthMethod{
		Name: "ci", Type: api.ACLAuthMethodTypeJWT, TokenLocality: api.ACLAuthMethodTokenLocalityLocal,
		MaxTokenTTL: 10 * time.Minute,
		Config: &api.ACLAuthMethodConfig{
			JWTValidationPubKeys: []string{string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))},
			BoundAudiences:       []string{"nomad"},
			ClockSkewLeeway:      30 * time.Second,
			ClaimMappings:        map[string]string{"team": "team"},
		},
	}, nil)
	check("an auth method is made", err)
	method, _, err := client.ACLAuthMethods().Get("ci", nil)
	check("and read", err)
	demand("as it was said", method.MaxTokenTTL == 10*time.Minute && method.Config.ClockSkewLeeway == 30*time.Second, method)
	_, _, err = client.ACLBindingRules().Create(&api.ACLBindingRule{
		AuthMethod: "ci", BindType: api.ACLBindingRuleBindTypeRole, BindName: "readers", Selector: `value.team == "ops"`,
	}, nil)
	check("a binding rule is made", err)

	anybody, err := api.NewClient(config)
	check("somebody without a token", err)
	methods, _, err := anybody.ACLAuthMethods().List(nil)
	check("lists the auth methods", err)
	demand("and finds one", len(methods) == 1 && methods[0].Name == "ci", methods)
	now := time.Now().Unix()
	claims := map[string]any{"aud": "nomad", "sub": "somebody", "iat": now, "exp": now + 600, "team": "ops"}
	token, _, err := anybody.ACLAuth().Login(&api.ACLLoginRequest{AuthMethodName: "ci", LoginToken: signed(key, claims)}, nil)
	check("logs in by a JWT", err)
	demand("with the role", len(token.Roles) == 1 && token.Roles[0].ID == role.ID, token)
	claims["team"] = "others"
	_, _, err = anybody.ACLAuth().Login(&api.ACLLoginRequest{AuthMethodName: "ci", LoginToken: signed(key, claims)}, nil)
	demand("nobody else does", err != nil, err)
	anybody.SetSecretID(token.SecretID)
	_, _, err = anybody.Jobs().List(nil)
	check("sees jobs", err)
	_, _, err = anybody.Nodes().List(nil)
	demand("but no nodes", err != nil, err)
	self, _, err := anybody.ACLTokens().Self(nil)
	check("and knows who that is", err)
	demand("by the accessor", self.AccessorID == token.AccessorID, self)

	_, err = client.ACLTokens().Delete(token.AccessorID, nil)
	check("the token is revoked", err)
	_, _, err = anybody.Jobs().List(nil)
	demand("and of no use from then on", err != nil, err)
	fmt.Println("ok     access control")
}
