package zeebe_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	"libzeebe.org/go/zeebe"
)

const secret = "s3cret"

// holders are the values with a secret in each place that may have one.
func holders() (holders []any) {
	key := "-----BEGIN PRIVATE KEY-----\n" + secret
	holders = append(holders, zeebe.Token{AccessToken: secret, Scope: "shown"}, zeebe.TLSOptions{PrivateKey: key, RootCertificates: "shown"},
		zeebe.TLSOptions{CertificateChain: key, RootCertificates: "shown"}, zeebe.OAuth2Options{ClientID: "shown", ClientSecret: secret})
	for _, proxy := range []string{"http://user:" + secret + "@proxy:3128", "user:" + secret, "http://user:" + secret} {
		holders = append(holders, zeebe.TokenOptions{PrivateKey: key, HTTPProxy: proxy, KeyID: "shown"})
	}
	for _, url := range []string{"https://user:" + secret + "@shown/token", "https://shown/token?key=" + secret} {
		holders = append(holders, zeebe.OAuth2Options{AuthorizationServer: url, Audience: "shown"})
	}
	for _, options := range []zeebe.TokenOptions{{PrivateKey: key, CA: "shown"}, {CertificateChain: key, KeyID: "shown"}} {
		holders = append(holders, options, zeebe.OAuth2Options{Token: options})
	}
	pairs := metadata.MD{"user-agent": {"Bearer " + secret, secret}, "authorization": {secret}}
	return append(holders, zeebe.JobStreamOptions{Metadata: pairs, OnError: func(error, int, time.Duration) {}},
		zeebe.JobWorkerOptions{Metadata: pairs, OnError: func(error, int, time.Duration) {}, OnJobError: func(*zeebe.Job, error) {}})
}

// pointer is that to a copy.
func pointer(holder any) any {
	switch holder := holder.(type) {
	case zeebe.Token:
		return &holder
	case zeebe.TLSOptions:
		return &holder
	case zeebe.TokenOptions:
		return &holder
	case zeebe.OAuth2Options:
		return &holder
	case zeebe.JobStreamOptions:
		return &holder
	case zeebe.JobWorkerOptions:
		return &holder
	}
	panic(holder)
}

func TestSecretsAreNotPrinted(t *testing.T) {
	type nested struct{ Inside any }
	for _, holder := range holders() {
		for _, value := range []any{holder, pointer(holder)} {
			check := func(how, text string, isWhole bool) {
				t.Helper()
				isShown := strings.Contains(text, "shown") || strings.Contains(text, "user-agent") // metadata prints no key that is not gRPC's
				if strings.Contains(text, secret) || isWhole && !(isShown && strings.Contains(text, "<redacted>")) {
					t.Errorf("%T by %s: %s", value, how, text)
				}
			}
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d"} {
				check(verb, fmt.Sprintf(verb, value), true)
				check(verb+" nested", fmt.Sprintf(verb, nested{value}), true)
				check(verb+" in a slice", fmt.Sprintf(verb, []any{value}), true)
			}
			check("String", value.(fmt.Stringer).String(), true)
			var text, asJSON bytes.Buffer
			for how, handler := range map[string]slog.Handler{"text": slog.NewTextHandler(&text, nil), "JSON": slog.NewJSONHandler(&asJSON, nil)} {
				logger := slog.New(handler)
				logger.Info("it", "value", value)
				if _, isToken := pointer(holder).(*zeebe.Token); isToken && how == "JSON" {
					continue // json.Marshal writes a token whole
				}
				logger.Info("it", "value", nested{value})
			}
			check("slog's text", text.String(), true)
			check("slog's JSON", strings.ReplaceAll(asJSON.String(), `\u003c`, "<"), false)
			if !strings.Contains(asJSON.String(), "shown") && !strings.Contains(asJSON.String(), "user-agent") {
				t.Errorf("%T: %s", value, asJSON.String())
			}
		}
	}
	for _, none := range []any{(*zeebe.Token)(nil), (*zeebe.TLSOptions)(nil), (*zeebe.TokenOptions)(nil), (*zeebe.OAuth2Options)(nil), (*zeebe.JobStreamOptions)(nil), (*zeebe.JobWorkerOptions)(nil)} {
		if text := fmt.Sprint(none); text != "<nil>" {
			t.Error(text)
		}
	}
	// What is not given is not said to be there, and what is no secret is shown.
	leeway := time.Minute
	for holder, part := range map[fmt.Stringer]string{
		zeebe.Token{ExpiresIn: time.Second}: "ExpiresIn:1s", zeebe.TokenOptions{HTTPProxy: "http://proxy:3128"}: "HTTPProxy:http://proxy:3128",
		zeebe.OAuth2Options{AuthorizationServer: "https://server/token", Leeway: &leeway}: "AuthorizationServer:https://server/token",
		&zeebe.JobStreamOptions{MaxBufferedJobs: 7}:                                       "MaxBufferedJobs:7",
		&zeebe.JobWorkerOptions{WorkerName: "me"}:                                         "WorkerName:me",
	} {
		if text := fmt.Sprintf("%+v", holder); strings.Contains(text, "redacted") || !strings.Contains(text, part) {
			t.Error(text)
		}
	}
}

// A token may be kept, or handed on, as JSON; options may be read from it.
func TestJSONOfWhatHasSecrets(t *testing.T) {
	token, read := zeebe.Token{AccessToken: secret, ExpiresIn: time.Minute}, zeebe.Token{}
	ok(t, json.Unmarshal(must(json.Marshal(token)), &read))
	if read != token {
		t.Error(read)
	}
	var options zeebe.OAuth2Options
	ok(t, json.Unmarshal([]byte(`{"ClientSecret": "s3cret", "Token": {"PrivateKey": "key"}}`), &options))
	var worker zeebe.JobWorkerOptions
	ok(t, json.Unmarshal([]byte(`{"Metadata": {"authorization": ["s3cret"]}}`), &worker))
	if options.ClientSecret != secret || options.Token.PrivateKey != "key" || worker.Metadata.Get("authorization")[0] != secret {
		t.Error("it is not what was read")
	}
	// Functions are left out, and what hides a secret has not changed it.
	if text := must(json.Marshal(worker)); !bytes.Contains(text, []byte("authorization")) || bytes.Contains(text, []byte(secret)) || worker.Metadata.Get("authorization")[0] != secret {
		t.Errorf("%s", text)
	}
}
