package zeebe

// #include "glue.h"
import "C"

import (
	"context"
	"runtime"
	"time"
)

// Credentials secure a channel's connections and may authenticate its calls. Any number of channels may share them.
type Credentials struct {
	droppable
	ptr *C.zeebe_channel_credentials
}

// TLSOptions are PEM text, not paths. The zero value: the platform's roots and no certificate of one's own.
type TLSOptions struct {
	// RootCertificates: else the platform's; SSL_CERT_FILE and SSL_CERT_DIR are honoured.
	RootCertificates string
	// PrivateKey and CertificateChain are the program's own, for mutual TLS. The key is a secret.
	PrivateKey, CertificateChain string
}

// NewTLSCredentials makes credentials of TLS, or of mutual TLS.
func NewTLSCredentials(options TLSOptions) (*Credentials, error) {
	var memory arena
	defer memory.free()
	native := (*C.zeebe_ssl_channel_credentials_options)(memory.allocate(C.sizeof_zeebe_ssl_channel_credentials_options))
	native.size = C.sizeof_zeebe_ssl_channel_credentials_options
	native.root_certificates = memory.notEmpty("TLSOptions.RootCertificates", options.RootCertificates)
	native.private_key = memory.notEmpty("TLSOptions.PrivateKey", options.PrivateKey)
	native.certificate_chain = memory.notEmpty("TLSOptions.CertificateChain", options.CertificateChain)
	if memory.err != nil {
		return nil, memory.err
	}
	return newCredentials(func(ptr **C.zeebe_channel_credentials) *C.zeebe_error {
		return C.zeebe_ssl_channel_credentials_new(native, ptr)
	})
}

// NewInsecureCredentials is plaintext. Plugins are refused with it beyond loopback, unless the channel allows it.
func NewInsecureCredentials() (*Credentials, error) {
	return newCredentials(func(ptr **C.zeebe_channel_credentials) *C.zeebe_error {
		return C.zeebe_insecure_channel_credentials_new(ptr)
	})
}

// NewLocalCredentials is plaintext that never leaves the machine: for loopback and unix: targets only.
func NewLocalCredentials() (*Credentials, error) {
	return newCredentials(func(ptr **C.zeebe_channel_credentials) *C.zeebe_error {
		return C.zeebe_local_channel_credentials_new(ptr)
	})
}

// With is these credentials with a plugin more. Of several plugins the later wins.
func (c *Credentials) With(plugin *MetadataPlugin) (*Credentials, error) {
	if c == nil || plugin == nil {
		return nil, invalidArgument("Credentials.With needs credentials and a plugin, and one of them is nil")
	}
	defer runtime.KeepAlive(c)
	defer runtime.KeepAlive(plugin)
	return newCredentials(func(ptr **C.zeebe_channel_credentials) *C.zeebe_error {
		return C.zeebe_composite_channel_credentials_new(c.ptr, plugin.ptr, ptr)
	})
}

func newCredentials(create func(**C.zeebe_channel_credentials) *C.zeebe_error) (*Credentials, error) {
	c := &Credentials{}
	if err := takeError(create(&c.ptr)); err != nil {
		return nil, err
	}
	runtime.AddCleanup(c, func(ptr *C.zeebe_channel_credentials) { C.zeebe_channel_credentials_free(ptr) }, c.ptr)
	return c, nil
}

func (c *Credentials) native() *C.zeebe_channel_credentials {
	if c == nil {
		return nil
	}
	return c.ptr
}

// MetadataPlugin adds metadata to calls: a token, most often. Channels and calls may share it.
type MetadataPlugin struct {
	droppable
	ptr *C.zeebe_metadata_plugin
}

// NewBearerPlugin authenticates with a bearer token that the program has, and may replace by SetToken.
func NewBearerPlugin(token string) (*MetadataPlugin, error) {
	var memory arena
	defer memory.free()
	text := memory.text("the token", &token)
	if memory.err != nil {
		return nil, memory.err
	}
	return newPlugin(func(ptr **C.zeebe_metadata_plugin) *C.zeebe_error {
		return C.zeebe_bearer_metadata_plugin_new(text, ptr)
	})
}

// SetToken replaces the token of a bearer plugin, for calls that start from now on.
func (p *MetadataPlugin) SetToken(token string) error {
	defer runtime.KeepAlive(p)
	var memory arena
	defer memory.free()
	text := memory.text("the token", &token)
	if memory.err != nil {
		return memory.err
	}
	return takeError(C.zeebe_bearer_metadata_plugin_set_token(p.ptr, text))
}

// NewBasicPlugin authenticates with user name and password by HTTP Basic (RFC 7617).
func NewBasicPlugin(username, password string) (*MetadataPlugin, error) {
	var memory arena
	defer memory.free()
	name, secret := memory.text("the user name", &username), memory.text("the password", &password)
	if memory.err != nil {
		return nil, memory.err
	}
	return newPlugin(func(ptr **C.zeebe_metadata_plugin) *C.zeebe_error {
		return C.zeebe_basic_metadata_plugin_new(name, secret, ptr)
	})
}

// OAuth2Options are those of [NewOAuth2ClientCredentialsPlugin], which reads no environment. Id, secret and URL are required, unless the
// client proves who it is without a secret.
type OAuth2Options struct {
	ClientID, ClientSecret, AuthorizationServer, Scope, Audience string
	// Leeway and ExpireIn: see [WithLeeway] and [WithExpireIn]; nil: not given.
	Leeway, ExpireIn *time.Duration
	Token            TokenOptions
}

// NewOAuth2ClientCredentialsPlugin authenticates with the client credentials grant (RFC 6749 section 4.4).
func NewOAuth2ClientCredentialsPlugin(options OAuth2Options) (*MetadataPlugin, error) {
	var memory arena
	defer memory.free()
	native := (*C.zeebe_oauth2_client_credentials_metadata_plugin_options)(memory.allocate(C.sizeof_zeebe_oauth2_client_credentials_metadata_plugin_options))
	native.size = C.sizeof_zeebe_oauth2_client_credentials_metadata_plugin_options
	native.client_id = memory.notEmpty("OAuth2Options.ClientID", options.ClientID)
	native.client_secret = memory.notEmpty("OAuth2Options.ClientSecret", options.ClientSecret)
	native.authorization_server = memory.notEmpty("OAuth2Options.AuthorizationServer", options.AuthorizationServer)
	native.scope = memory.notEmpty("OAuth2Options.Scope", options.Scope)
	native.audience = memory.notEmpty("OAuth2Options.Audience", options.Audience)
	native.token_options = options.Token.native(&memory)
	native.leeway = memory.leeway("OAuth2Options.Leeway", options.Leeway)
	native.expire_in = memory.duration("OAuth2Options.ExpireIn", options.ExpireIn, time.Second)
	if memory.err != nil {
		return nil, memory.err
	}
	return newPlugin(func(ptr **C.zeebe_metadata_plugin) *C.zeebe_error {
		return C.zeebe_oauth2_client_credentials_metadata_plugin_new(native, ptr)
	})
}

// IsTokenExpired says whether a call would need a new token now. A plugin that fetches none gives an error.
func (p *MetadataPlugin) IsTokenExpired() (bool, error) {
	defer runtime.KeepAlive(p)
	var expired C.int32_t
	err := takeError(C.zeebe_metadata_plugin_is_token_expired(p.ptr, &expired))
	return expired != 0, err
}

// RetrieveToken fetches a token, even if there is a good one.
func (p *MetadataPlugin) RetrieveToken(ctx context.Context) error {
	defer runtime.KeepAlive(p)
	return await(ctx, func(queue *C.zeebe_completion_queue, tag C.uint64_t) *C.zeebe_error {
		return C.zeebe_metadata_plugin_retrieve_token_on_queue(p.ptr, queue, tag)
	})
}

func newPlugin(create func(**C.zeebe_metadata_plugin) *C.zeebe_error) (*MetadataPlugin, error) {
	p := &MetadataPlugin{}
	if err := takeError(create(&p.ptr)); err != nil {
		return nil, err
	}
	runtime.AddCleanup(p, func(ptr *C.zeebe_metadata_plugin) { C.zeebe_metadata_plugin_free(ptr) }, p.ptr)
	return p, nil
}
