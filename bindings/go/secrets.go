//go:build cgo

package zeebe

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"

	"google.golang.org/grpc/metadata"
)

// What has a secret in it is printed and logged without. Options are so as JSON, too, which is how slog writes what is inside of something else; a token,
// which a program may keep or hand on, is not. Of what is in a field that is not exported, fmt asks no method, and prints it all.

// redacted stands for a secret that there is.
const redacted = "<redacted>"

func hidden(secret string) string {
	if secret == "" {
		return ""
	}
	return redacted
}

// withoutKey is PEM text, unless a key is in it.
func withoutKey(pem string) string {
	if strings.Contains(pem, "PRIVATE KEY") {
		return redacted
	}
	return pem
}

// withoutPassword is a URL, unless it has a user, a password or a query. What is none may be a part of one.
func withoutPassword(given string) string {
	parsed, err := url.Parse(given)
	if given != "" && (err != nil || parsed.Host == "" || parsed.User != nil || parsed.RawQuery != "") {
		return redacted
	}
	return given
}

// withoutValues has a secret for each value: an authorization header may be among them.
func withoutValues(pairs metadata.MD) metadata.MD {
	shown := pairs.Copy()
	for _, values := range shown {
		for at := range values {
			values[at] = redacted
		}
	}
	return shown
}

// format prints as fmt does what has no method that says how.
func format(state fmt.State, verb rune, shown any) {
	_, _ = fmt.Fprintf(state, fmt.FormatString(state, verb), shown)
}

func (t Token) shown() any {
	type token Token
	t.AccessToken = hidden(t.AccessToken)
	return token(t)
}

// Format prints it without the token.
func (t Token) Format(state fmt.State, verb rune) { format(state, verb, t.shown()) }

// String is the token's scope and time, without the token.
func (t Token) String() string { return fmt.Sprintf("%+v", t) }

// LogValue is the same for logs. Inside of something else, slog writes JSON by json.Marshal, which has the token.
func (t Token) LogValue() slog.Value { return slog.AnyValue(t.shown()) }

func (o TLSOptions) shown() any {
	type tlsOptions TLSOptions
	o.PrivateKey = hidden(o.PrivateKey)
	o.RootCertificates, o.CertificateChain = withoutKey(o.RootCertificates), withoutKey(o.CertificateChain)
	return tlsOptions(o)
}

// Format prints them without the key.
func (o TLSOptions) Format(state fmt.State, verb rune) { format(state, verb, o.shown()) }

// String is the options without the key.
func (o TLSOptions) String() string { return fmt.Sprintf("%+v", o) }

// LogValue is the same for logs.
func (o TLSOptions) LogValue() slog.Value { return slog.AnyValue(o.shown()) }

// MarshalJSON is without the key, too.
func (o TLSOptions) MarshalJSON() ([]byte, error) { return json.Marshal(o.shown()) }

func (t TokenOptions) shown() any {
	type tokenOptions TokenOptions
	t.PrivateKey, t.HTTPProxy = hidden(t.PrivateKey), withoutPassword(t.HTTPProxy)
	t.CA, t.CertificateChain = withoutKey(t.CA), withoutKey(t.CertificateChain)
	return tokenOptions(t)
}

// Format prints them without the key and the proxy's password.
func (t TokenOptions) Format(state fmt.State, verb rune) { format(state, verb, t.shown()) }

// String is the options without the key and the proxy's password.
func (t TokenOptions) String() string { return fmt.Sprintf("%+v", t) }

// LogValue is the same for logs.
func (t TokenOptions) LogValue() slog.Value { return slog.AnyValue(t.shown()) }

// MarshalJSON is without the key and the proxy's password, too.
func (t TokenOptions) MarshalJSON() ([]byte, error) { return json.Marshal(t.shown()) }

func (o OAuth2Options) shown() any {
	type oauth2Options OAuth2Options
	o.ClientSecret, o.AuthorizationServer = hidden(o.ClientSecret), withoutPassword(o.AuthorizationServer)
	return oauth2Options(o)
}

// Format prints them without the secrets.
func (o OAuth2Options) Format(state fmt.State, verb rune) { format(state, verb, o.shown()) }

// String is the options without the secrets.
func (o OAuth2Options) String() string { return fmt.Sprintf("%+v", o) }

// LogValue is the same for logs.
func (o OAuth2Options) LogValue() slog.Value { return slog.AnyValue(o.shown()) }

// MarshalJSON is without the secrets, too.
func (o OAuth2Options) MarshalJSON() ([]byte, error) { return json.Marshal(o.shown()) }

func (o JobStreamOptions) shown() any {
	type jobStreamOptions JobStreamOptions
	o.Metadata = withoutValues(o.Metadata)
	return jobStreamOptions(o)
}

// Format prints them without what the metadata says.
func (o JobStreamOptions) Format(state fmt.State, verb rune) { format(state, verb, o.shown()) }

// String is the options without what the metadata says.
func (o JobStreamOptions) String() string { return fmt.Sprintf("%+v", o) }

// LogValue is the same for logs.
func (o JobStreamOptions) LogValue() slog.Value { return slog.AnyValue(o.shown()) }

// MarshalJSON is without what the metadata says, too, and without functions.
func (o JobStreamOptions) MarshalJSON() ([]byte, error) { return json.Marshal(o.shown()) }

func (o JobWorkerOptions) shown() any {
	type jobWorkerOptions JobWorkerOptions
	o.Metadata = withoutValues(o.Metadata)
	return jobWorkerOptions(o)
}

// Format prints them without what the metadata says.
func (o JobWorkerOptions) Format(state fmt.State, verb rune) { format(state, verb, o.shown()) }

// String is the options without what the metadata says.
func (o JobWorkerOptions) String() string { return fmt.Sprintf("%+v", o) }

// LogValue is the same for logs.
func (o JobWorkerOptions) LogValue() slog.Value { return slog.AnyValue(o.shown()) }

// MarshalJSON is without what the metadata says, too, and without functions.
func (o JobWorkerOptions) MarshalJSON() ([]byte, error) { return json.Marshal(o.shown()) }
