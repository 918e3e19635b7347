package zeebe_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"libzeebe.org/go/zeebe"
	"libzeebe.org/go/zeebe/gatewaypb"
	"libzeebe.org/go/zeebe/internal/testserver"
)

// fetch asks the gateway's token endpoint as a program with a token source of its own would.
func fetch(ctx context.Context, gateway *testserver.Gateway) (zeebe.Token, error) {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {"demo-client"}, "client_secret": {"demo-secret"}}
	request, err := http.NewRequestWithContext(ctx, "POST", "http://"+gateway.Address("token_http")+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return zeebe.Token{}, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return zeebe.Token{}, err
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	body, _ := io.ReadAll(response.Body)
	err = json.Unmarshal(body, &answer)
	return zeebe.Token{AccessToken: answer.AccessToken, ExpiresIn: time.Duration(answer.ExpiresIn) * time.Second}, err
}

func withSource(t *testing.T, gateway *testserver.Gateway, source zeebe.TokenSource) (*zeebe.Channel, *zeebe.MetadataPlugin) {
	t.Helper()
	plugin := must(zeebe.NewTokenSourcePlugin(source, zeebe.TokenSourceOptions{}))
	channel, err := zeebe.NewSecureChannel(zeebe.WithAddress(gateway.Address("plaintext_oauth")), zeebe.WithCredentials(must(must(zeebe.NewLocalCredentials()).With(plugin))))
	return open(t, channel, err), plugin
}

func TestTokenSource(t *testing.T) {
	gateway := testserver.StartGateway(t)
	var asked atomic.Int32
	channel, plugin := withSource(t, gateway, func(ctx context.Context) (zeebe.Token, error) {
		asked.Add(1)
		return fetch(ctx, gateway)
	})
	if expired := must(plugin.IsTokenExpired()); !expired {
		t.Fatal("there is a token that nobody asked for")
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { topology(t, channel) })
	}
	all.Wait()
	if asked.Load() != 1 || must(plugin.IsTokenExpired()) {
		t.Fatalf("asked %d times", asked.Load())
	}
	ok(t, plugin.RetrieveToken(patience(t)))
	if asked.Load() != 2 {
		t.Fatalf("asked %d times", asked.Load())
	}
}

func TestTokenSourceFails(t *testing.T) {
	gateway := testserver.StartGateway(t)
	for name, source := range map[string]zeebe.TokenSource{
		"as it says": func(context.Context) (zeebe.Token, error) {
			return zeebe.Token{}, status.Error(codes.PermissionDenied, "not you")
		},
		"no such token": func(context.Context) (zeebe.Token, error) { return zeebe.Token{AccessToken: "a b"}, nil },
		"NUL":           func(context.Context) (zeebe.Token, error) { return zeebe.Token{AccessToken: "a\x00b"}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			channel, _ := withSource(t, gateway, source)
			_, err := gatewaypb.NewGatewayClient(channel).Topology(patience(t), &gatewaypb.TopologyRequest{})
			if name == "as it says" {
				if found := failure(t, err, codes.PermissionDenied); !strings.Contains(found.Message, "not you") {
					t.Fatal(found)
				}
			} else if err == nil || strings.Contains(err.Error(), "a b") {
				t.Fatal(err)
			}
		})
	}
	_, err := zeebe.NewTokenSourcePlugin(nil, zeebe.TokenSourceOptions{})
	failure(t, err, codes.InvalidArgument)
}

func TestDroppedTokenSourceIsFreed(t *testing.T) {
	freed := make(chan struct{})
	func() {
		held := new([1024]byte)
		runtime.AddCleanup(held, func(struct{}) { close(freed) }, struct{}{})
		must(zeebe.NewTokenSourcePlugin(func(context.Context) (zeebe.Token, error) { return zeebe.Token{Scope: string(held[:1])}, nil }, zeebe.TokenSourceOptions{}))
	}()
	for {
		runtime.GC()
		select {
		case <-freed:
			return
		case <-time.After(time.Millisecond):
		case <-patience(t).Done():
			t.Fatal("the source is still held")
		}
	}
}

func TestBearerAndBasic(t *testing.T) {
	gateway := testserver.StartGateway(t)
	local := must(zeebe.NewLocalCredentials())
	bearer := must(zeebe.NewBearerPlugin("wrong"))
	channel, err := zeebe.NewSecureChannel(zeebe.WithAddress(gateway.Address("plaintext_oauth")), zeebe.WithCredentials(must(local.With(bearer))))
	open(t, channel, err)
	_, err = gatewaypb.NewGatewayClient(channel).Topology(patience(t), &gatewaypb.TopologyRequest{})
	failure(t, err, codes.Unauthenticated)
	ok(t, bearer.SetToken(must(fetch(patience(t), gateway)).AccessToken))
	topology(t, channel)

	_, err = zeebe.NewBasicPlugin("a:b", "c")
	failure(t, err, codes.InvalidArgument)
	if _, err := must(zeebe.NewBasicPlugin("a", "b")).IsTokenExpired(); err == nil {
		t.Fatal("a plugin without tokens has one that expires")
	}
	_, err = local.With(nil)
	failure(t, err, codes.InvalidArgument)
}

// tokenRequest is the last one, of a channel with these options.
func tokenRequest(t *testing.T, gateway *testserver.Gateway, id, listener string, options zeebe.TokenOptions) map[string]any {
	t.Helper()
	options.CA = gateway.File("ca")
	options.PrivateKey = gateway.File("client_key")
	channel, err := zeebe.NewOAuth2ClientCredentialsChannel(zeebe.WithAddress(gateway.Address("plaintext")), zeebe.WithClientID(id),
		zeebe.WithAudience("zeebe-api"), zeebe.WithAuthorizationServer("https://"+gateway.Address(listener)+"/oauth/token"),
		zeebe.WithCredentials(must(zeebe.NewLocalCredentials())), zeebe.WithTokenOptions(options))
	_ = open(t, channel, err).RetrieveToken(patience(t)) // it may be refused
	return gateway.Tell("GET", "/token-request")
}

func TestAssertionsAreForWhomTheProgramSays(t *testing.T) {
	gateway := testserver.StartGateway(t)
	for given, expected := range map[string]string{"": "https://" + gateway.Address("token_https") + "/oauth/token", "https://login.example/issuer": "https://login.example/issuer"} {
		request := tokenRequest(t, gateway, "signer"+given, "token_https", zeebe.TokenOptions{
			ClientAuthentication: zeebe.ClientAuthenticationPrivateKeyJWT, AssertionAudience: given,
		})
		form := must(url.ParseQuery(request["body"].(string)))
		var claims struct{ Aud string }
		ok(t, json.Unmarshal(must(base64.RawURLEncoding.DecodeString(strings.Split(form.Get("client_assertion"), ".")[1])), &claims))
		if claims.Aud != expected {
			t.Errorf("aud is %q, not %q", claims.Aud, expected)
		}
	}
}

func TestRootBehindTheCertificateIsShownIfTheProgramSaysSo(t *testing.T) {
	gateway := testserver.StartGateway(t)
	for sends, expected := range map[bool]float64{false: 1, true: 2} {
		request := tokenRequest(t, gateway, "demo-client", "token_mtls", zeebe.TokenOptions{
			ClientAuthentication: zeebe.ClientAuthenticationTLS,
			CertificateChain:     gateway.File("client_certificate") + gateway.File("ca"), SendRootCertificate: sends,
		})
		if request["certificates"] != expected {
			t.Errorf("%v certificates were shown, not %v", request["certificates"], expected)
		}
	}
}

type lockedBuffer struct {
	mutex sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.Buffer.Write(p)
}

func (b *lockedBuffer) has(text string) bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return strings.Contains(b.String(), text)
}

func TestLogger(t *testing.T) {
	var log lockedBuffer
	ok(t, zeebe.SetLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), slog.LevelDebug))
	insecure(t, "localhost:1", zeebe.WithIntOption("grpc.no_such_option", 1))
	for !log.has("grpc.no_such_option") || !log.has("level=WARN") {
		select {
		case <-time.After(time.Millisecond):
		case <-patience(t).Done():
			t.Fatal(log.String())
		}
	}
	ok(t, zeebe.SetLogger(nil, 0))
}

func TestRuntimeEndsAndBeginsAnew(t *testing.T) {
	gateway := testserver.StartGateway(t)
	for range 3 {
		channel := must(zeebe.NewInsecureChannel(zeebe.WithAddress(gateway.Address("plaintext"))))
		topology(t, channel)
		s := jobStream(t, channel, t.Context())
		calls, err := gatewaypb.NewGatewayClient(channel).StreamActivatedJobs(t.Context(), &gatewaypb.StreamActivatedJobsRequest{Type: "none", Worker: "test", Timeout: 1000})
		ok(t, err)
		closing := insecure(t, gateway.Address("plaintext"))
		running, err := gatewaypb.NewGatewayClient(closing).StreamActivatedJobs(t.Context(), &gatewaypb.StreamActivatedJobsRequest{Type: "none", Worker: "test", Timeout: 1000})
		ok(t, err)
		closed := make(chan error)
		go func() { closed <- closing.Shutdown(t.Context()) }()
		for closing.GetState() != connectivity.Shutdown {
			runtime.Gosched()
		}
		ok(t, zeebe.ShutdownRuntime(zeebe.Forever))
		ok(t, <-closed) // the end of the runtime has closed it
		runtime.KeepAlive(running)
		for _, err := range []error{s.Recv(&gatewaypb.ActivatedJob{}), calls.RecvMsg(nil)} {
			if code := status.Code(err); code != codes.Canceled && code != codes.Unavailable {
				t.Fatal(err)
			}
		}
		_, err = gatewaypb.NewGatewayClient(channel).Topology(patience(t), &gatewaypb.TopologyRequest{})
		if found := failure(t, err, codes.Unavailable); found.Kind != zeebe.KindShutdown {
			t.Fatal(err)
		}
		ok(t, channel.Close())
	}
}
