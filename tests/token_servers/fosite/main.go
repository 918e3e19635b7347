// An authorization server by fosite, on a free loopback port: `fosite SETTINGS`. Settings and output are those of
// ../oidc-provider/server.mjs.
package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/ory/fosite"
	"github.com/ory/fosite/compose"
	"github.com/ory/fosite/handler/oauth2"
	"github.com/ory/fosite/storage"
	"github.com/ory/fosite/token/jwt"
)

type settings struct {
	Clients []struct {
		ID        string              `json:"client_id"`
		Secret    string              `json:"client_secret"`
		Method    string              `json:"token_endpoint_auth_method"`
		Algorithm string              `json:"token_endpoint_auth_signing_alg"`
		Keys      *jose.JSONWebKeySet `json:"jwks"`
	}
	Scope     string
	Lifetime  time.Duration // in seconds
	Audiences []string
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func clients(known settings, hasher fosite.Hasher) map[string]fosite.Client {
	clients := make(map[string]fosite.Client)
	for _, client := range known.Clients {
		clients[client.ID] = &fosite.DefaultOpenIDConnectClient{
			DefaultClient: &fosite.DefaultClient{
				ID:         client.ID,
				Secret:     must(hasher.Hash(context.Background(), []byte(client.Secret))),
				GrantTypes: []string{"client_credentials"},
				Scopes:     []string{known.Scope},
				Audience:   known.Audiences,
			},
			TokenEndpointAuthMethod:           client.Method,
			TokenEndpointAuthSigningAlgorithm: client.Algorithm,
			JSONWebKeys:                       client.Keys,
		}
	}
	return clients
}

func main() {
	var known settings
	if err := json.Unmarshal(must(os.ReadFile(os.Args[1])), &known); err != nil {
		log.Fatal(err)
	}
	listener := must(net.Listen("tcp", "127.0.0.1:0"))
	issuer := "http://" + listener.Addr().String()
	key := must(rsa.GenerateKey(rand.Reader, 2048))

	config := &fosite.Config{
		AccessTokenIssuer:   issuer,
		AccessTokenLifespan: known.Lifetime * time.Second,
		GlobalSecret:        []byte(rand.Text() + rand.Text()),
		HashCost:            4, // it lives for seconds
		TokenURL:            issuer + "/token",
	}
	config.ClientSecretsHasher = &fosite.BCrypt{Config: config}
	store := storage.NewMemoryStore()
	store.Clients = clients(known, config.ClientSecretsHasher)
	private := func(context.Context) (any, error) { return key, nil }
	tokens := compose.NewOAuth2JWTStrategy(private, compose.NewOAuth2HMACStrategy(config), config)
	provider := compose.Compose(config, store, tokens, compose.OAuth2ClientCredentialsGrantFactory)

	http.HandleFunc("POST /token", func(writer http.ResponseWriter, request *http.Request) {
		ctx := request.Context()
		session := &oauth2.JWTSession{
			JWTClaims: &jwt.JWTClaims{},
			JWTHeader: &jwt.Headers{Extra: map[string]any{"kid": "issuer"}},
		}
		access, err := provider.NewAccessRequest(ctx, request, session)
		if err != nil {
			provider.WriteAccessError(ctx, writer, access, err)
			return
		}
		for _, scope := range access.GetRequestedScopes() {
			access.GrantScope(scope)
		}
		for _, audience := range access.GetRequestedAudience() {
			access.GrantAudience(audience)
		}
		response, err := provider.NewAccessResponse(ctx, access)
		if err != nil {
			provider.WriteAccessError(ctx, writer, access, err)
			return
		}
		provider.WriteAccessResponse(ctx, writer, access, response)
	})
	publish := func(path string, document any) {
		http.HandleFunc("GET "+path, func(writer http.ResponseWriter, _ *http.Request) {
			json.NewEncoder(writer).Encode(document)
		})
	}
	public := jose.JSONWebKey{Key: key.Public(), KeyID: "issuer", Algorithm: "RS256", Use: "sig"}
	publish("/jwks", jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}})
	publish("/.well-known/openid-configuration", map[string]string{
		"issuer":         issuer,
		"token_endpoint": issuer + "/token",
		"jwks_uri":       issuer + "/jwks",
	})
	go func() { log.Fatal(http.Serve(listener, nil)) }()
	fmt.Printf("{\"issuer\": %q}\n", issuer)
	io.Copy(io.Discard, os.Stdin)
}
