package zeebe

// #include "glue.h"
import "C"

import (
	"fmt"
	"strings"
	"time"
	"unsafe"

	"google.golang.org/grpc/metadata"
)

// Option is of a channel: what none gives comes from the environment, else from the default. Of an option that is given twice the last one counts.
type Option struct {
	name string
	of   constructor
	set  func(*settings)
}

// constructor is a set of channel functions.
type constructor int

const (
	insecure constructor = 1 << iota
	secure
	oauth2
	cloud
	environment

	addressed     = insecure | secure | oauth2
	credentialed  = secure | oauth2 | cloud
	authenticated = oauth2 | cloud
	optioned      = addressed | cloud
	every         = optioned | environment
)

func (c constructor) String() string {
	names := map[constructor]string{insecure: "NewInsecureChannel", secure: "NewSecureChannel", oauth2: "NewOAuth2ClientCredentialsChannel", cloud: "NewCamundaCloudChannel", environment: "NewChannelFromEnvironment"}
	var of []string
	for bit := insecure; bit <= environment; bit <<= 1 {
		if c&bit != 0 {
			of = append(of, names[bit])
		}
	}
	return strings.Join(of, ", ")
}

type settings struct {
	address, clientID, clientSecret, clusterID, region, authorizationServer, scope, audience *string

	credentials          *Credentials
	channelOptions       []channelOption
	leeway, expireIn     *time.Duration
	token                *TokenOptions
	connectAddress       *string
	metadata             metadata.MD
	timeout              *time.Duration
	waitForReady         int32
	maxWaitingCalls      int64
	allowInsecureGateway bool
}

type channelOption struct {
	key     string
	text    *string
	integer int64
}

// ---- of every channel ----

// WithConnectAddress is `host:port` or `unix:path` to dial in place of the target's address; TLS name and authority stay the target's.
func WithConnectAddress(address string) Option {
	return Option{"WithConnectAddress", every, func(s *settings) { s.connectAddress = &address }}
}

// WithMetadata is sent with every call. It is copied.
func WithMetadata(pairs metadata.MD) Option {
	pairs = pairs.Copy()
	return Option{"WithMetadata", every, func(s *settings) { s.metadata = pairs }}
}

// WithTimeout is of every unary call and stream whose context has no deadline; rounded up to milliseconds. [Forever]: none, which is the default.
func WithTimeout(timeout time.Duration) Option {
	return Option{"WithTimeout", every, func(s *settings) { s.timeout = &timeout }}
}

// WithWaitForReady says whether calls wait while the gateway cannot be reached, or fail with the reason, which is the default; of every call that does
// not say so itself by grpc.WaitForReady.
func WithWaitForReady(wait bool) Option {
	return Option{"WithWaitForReady", every, func(s *settings) {
		s.waitForReady = C.ZEEBE_WAIT_FOR_READY_NO
		if wait {
			s.waitForReady = C.ZEEBE_WAIT_FOR_READY_YES
		}
	}}
}

// WithInsecureGatewayAllowed allows to send tokens in plaintext beyond loopback. They can be read on the way.
func WithInsecureGatewayAllowed() Option {
	return Option{"WithInsecureGatewayAllowed", every, func(s *settings) { s.allowInsecureGateway = true }}
}

// WithMaxWaitingCalls limits how many calls wait for a connection, or for a stream where the gateway allows no more: others fail at once with
// ResourceExhausted. -1, which is the default: all wait, as in grpc-go, for each holds a goroutine; 0: the library's default, 4096.
func WithMaxWaitingCalls(calls int) Option {
	return Option{"WithMaxWaitingCalls", every, func(s *settings) { s.maxWaitingCalls = int64(calls) }}
}

// WithIntOption sets a gRPC channel argument that is a number, such as grpc.keepalive_time_ms, within 32 bits. Of duplicates the first counts.
func WithIntOption(key string, value int64) Option {
	return Option{"WithIntOption", optioned, func(s *settings) { s.channelOptions = append(s.channelOptions, channelOption{key, nil, value}) }}
}

// WithStringOption sets a gRPC channel argument that is text, such as grpc.default_authority. Of duplicates the first counts.
func WithStringOption(key, value string) Option {
	return Option{"WithStringOption", optioned, func(s *settings) { s.channelOptions = append(s.channelOptions, channelOption{key, &value, 0}) }}
}

// ---- of some ----

// WithAddress is the target: `host:port`, `dns:///host:port`, `ipv4:…`, `ipv6:…`, `unix:…` or a URL. Else ZEEBE_ADDRESS, else localhost:26500.
func WithAddress(address string) Option {
	return Option{"WithAddress", addressed, func(s *settings) { s.address = &address }}
}

// WithCredentials secures the channel's connections and may authenticate its calls. Else it is TLS with the platform's roots.
func WithCredentials(credentials *Credentials) Option {
	return Option{"WithCredentials", credentialed, func(s *settings) { s.credentials = credentials }}
}

// WithClientID names the OAuth2 client. Else CAMUNDA_CLIENT_ID, ZEEBE_CLIENT_ID.
func WithClientID(id string) Option {
	return Option{"WithClientID", authenticated, func(s *settings) { s.clientID = &id }}
}

// WithClientSecret is the OAuth2 client's secret. Else CAMUNDA_CLIENT_SECRET, ZEEBE_CLIENT_SECRET.
func WithClientSecret(secret string) Option {
	return Option{"WithClientSecret", authenticated, func(s *settings) { s.clientSecret = &secret }}
}

// WithAuthorizationServer is the token URL. Else CAMUNDA_OAUTH_URL, ZEEBE_AUTHORIZATION_SERVER_URL; in Camunda's cloud there is a default.
func WithAuthorizationServer(url string) Option {
	return Option{"WithAuthorizationServer", authenticated, func(s *settings) { s.authorizationServer = &url }}
}

// WithScope is asked for with the token. "": none, which is the default.
func WithScope(scope string) Option {
	return Option{"WithScope", authenticated, func(s *settings) { s.scope = &scope }}
}

// WithAudience is asked for with the token. "": none. Else CAMUNDA_TOKEN_AUDIENCE, ZEEBE_TOKEN_AUDIENCE; in Camunda's cloud there is a default.
func WithAudience(audience string) Option {
	return Option{"WithAudience", authenticated, func(s *settings) { s.audience = &audience }}
}

// WithLeeway is how long before its expiry a token counts as expired, in whole seconds, rounded up; 0: at its expiry. Else a minute.
func WithLeeway(leeway time.Duration) Option {
	return Option{"WithLeeway", authenticated, func(s *settings) { s.leeway = &leeway }}
}

// WithExpireIn is how long a token is good that does not say so itself, in whole seconds, rounded up.
func WithExpireIn(expireIn time.Duration) Option {
	return Option{"WithExpireIn", authenticated, func(s *settings) { s.expireIn = &expireIn }}
}

// WithTokenOptions says how the token endpoint is asked.
func WithTokenOptions(options TokenOptions) Option {
	return Option{"WithTokenOptions", authenticated, func(s *settings) { s.token = &options }}
}

// WithClusterID names the cluster in Camunda's cloud. Else CAMUNDA_CLUSTER_ID.
func WithClusterID(id string) Option {
	return Option{"WithClusterID", cloud, func(s *settings) { s.clusterID = &id }}
}

// WithRegion is that of the cluster in Camunda's cloud. Else CAMUNDA_CLUSTER_REGION, bru-2.
func WithRegion(region string) Option {
	return Option{"WithRegion", cloud, func(s *settings) { s.region = &region }}
}

// ---- how the token endpoint is asked ----

// ClientAuthentication is how the client proves who it is to the token endpoint.
type ClientAuthentication int32

const (
	// ClientAuthenticationDefault: basic for OAuth channels, body for Camunda's cloud.
	ClientAuthenticationDefault ClientAuthentication = C.ZEEBE_CLIENT_AUTHENTICATION_DEFAULT
	// ClientAuthenticationBasic: HTTP Basic of id and secret as they are.
	ClientAuthenticationBasic ClientAuthentication = C.ZEEBE_CLIENT_AUTHENTICATION_BASIC
	// ClientAuthenticationBasicRFC6749: HTTP Basic of id and secret, each form-encoded first.
	ClientAuthenticationBasicRFC6749 ClientAuthentication = C.ZEEBE_CLIENT_AUTHENTICATION_BASIC_RFC6749
	// ClientAuthenticationBody: client_id and client_secret in the body.
	ClientAuthenticationBody ClientAuthentication = C.ZEEBE_CLIENT_AUTHENTICATION_BODY
	// ClientAuthenticationPrivateKeyJWT: an assertion that TokenOptions.PrivateKey signs (RFC 7523). No secret is needed.
	ClientAuthenticationPrivateKeyJWT ClientAuthentication = C.ZEEBE_CLIENT_AUTHENTICATION_PRIVATE_KEY_JWT
	// ClientAuthenticationTLS: client_id in the body, and TokenOptions.CertificateChain on the connection (RFC 8705). No secret is needed.
	ClientAuthenticationTLS ClientAuthentication = C.ZEEBE_CLIENT_AUTHENTICATION_TLS
)

// TokenOptions says how the token endpoint is asked. The zero value of each field is "not given". Certificates and keys are PEM text.
type TokenOptions struct {
	ClientAuthentication ClientAuthentication
	// AllowInsecureTokenURL: an http:// URL beyond loopback is allowed. The secret can be read on the way.
	AllowInsecureTokenURL bool
	// Prefetch: the token is fetched when the channel is made, in the background.
	Prefetch bool
	// ConnectTimeout, rounded up to milliseconds: else ten seconds.
	ConnectTimeout time.Duration
	// Timeout of the whole request, rounded up to milliseconds: else thirty seconds.
	Timeout time.Duration
	// CA is what the endpoint's certificate is checked against: else the platform's roots.
	CA string
	// PrivateKey is the client's own: it signs assertions, and belongs to CertificateChain. A secret.
	PrivateKey string
	// CertificateChain is shown on the TLS connection to the endpoint. Needs PrivateKey.
	CertificateChain string
	// KeyID is the `kid` of assertions.
	KeyID string
	// AssertionAudience is the `aud` of assertions, where the server calls itself otherwise than the token URL does.
	AssertionAudience string
	// SendRootCertificate shows a root at the end of CertificateChain, too.
	SendRootCertificate bool
	// HTTPProxy is `http://[user:password@]host:port`; else the variables https_proxy, http_proxy and no_proxy.
	HTTPProxy string
	// CachePath is a file that tokens are kept in, for other processes and for the next start.
	CachePath string
}

func (t *TokenOptions) native(memory *arena) *C.zeebe_token_options {
	if t == nil {
		return nil
	}
	native := (*C.zeebe_token_options)(memory.allocate(C.sizeof_zeebe_token_options))
	native.size = C.sizeof_zeebe_token_options
	native.client_authentication = C.int32_t(t.ClientAuthentication)
	native.allow_insecure_token_url = flag(t.AllowInsecureTokenURL)
	native.prefetch = flag(t.Prefetch)
	native.connect_timeout_ms = memory.duration("TokenOptions.ConnectTimeout", notZero(t.ConnectTimeout), time.Millisecond)
	native.timeout_ms = memory.duration("TokenOptions.Timeout", notZero(t.Timeout), time.Millisecond)
	native.token_ca = memory.notEmpty("TokenOptions.CA", t.CA)
	native.private_key = memory.notEmpty("TokenOptions.PrivateKey", t.PrivateKey)
	native.certificate_chain = memory.notEmpty("TokenOptions.CertificateChain", t.CertificateChain)
	native.key_id = memory.notEmpty("TokenOptions.KeyID", t.KeyID)
	native.assertion_audience = memory.notEmpty("TokenOptions.AssertionAudience", t.AssertionAudience)
	native.send_root_certificate = flag(t.SendRootCertificate)
	native.http_proxy = memory.notEmpty("TokenOptions.HTTPProxy", t.HTTPProxy)
	native.cache_path = memory.notEmpty("TokenOptions.CachePath", t.CachePath)
	return native
}

// ---- from Go to C ----

func newSettings(of constructor, options []Option) (*settings, error) {
	s := &settings{maxWaitingCalls: -1}
	for _, option := range options {
		if option.set == nil {
			return nil, invalidArgument("an Option is made by a With function, not by hand")
		}
		if option.of&of == 0 {
			return nil, invalidArgument(fmt.Sprintf("%s is no option of %v; it is one of %v", option.name, of, option.of))
		}
		option.set(s)
	}
	return s, nil
}

func (s *settings) connection(memory *arena) *C.zeebe_connection_options {
	native := (*C.zeebe_connection_options)(memory.allocate(C.sizeof_zeebe_connection_options))
	native.size = C.sizeof_zeebe_connection_options
	native.connect_address = memory.text("WithConnectAddress", s.connectAddress)
	native.metadata = memory.metadata(s.metadata)
	if s.timeout != nil && *s.timeout != Forever {
		native.timeout_ms = memory.duration("WithTimeout", s.timeout, time.Millisecond)
	}
	native.wait_for_ready = C.int32_t(s.waitForReady)
	native.allow_insecure_gateway = flag(s.allowInsecureGateway)
	native.max_waiting_calls = C.int64_t(s.maxWaitingCalls)
	return native
}

func (s *settings) options(memory *arena) (*C.zeebe_channel_option, C.size_t) {
	count := len(s.channelOptions)
	if count == 0 {
		return nil, 0
	}
	array := (*C.zeebe_channel_option)(memory.allocate(count * C.sizeof_zeebe_channel_option))
	for i, option := range s.channelOptions {
		native := &unsafe.Slice(array, count)[i]
		native.key = memory.text("a channel option's key", &option.key)
		native.string = memory.text("the channel option "+option.key, option.text)
		native.integer = C.int64_t(option.integer)
	}
	return array, C.size_t(count)
}
