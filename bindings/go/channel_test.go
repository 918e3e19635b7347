package zeebe_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"

	"libzeebe.org/go/zeebe"
	"libzeebe.org/go/zeebe/gatewaypb"
	"libzeebe.org/go/zeebe/internal/testserver"
)

func TestChannelsCountForPrometheus(t *testing.T) {
	gateway := testserver.StartGateway(t)
	used, idle := insecure(t, gateway.Address("plaintext")), insecure(t, "gateway.example:1")
	topology(t, used)
	text := must(zeebe.ChannelsPrometheusText(used, idle))
	if !strings.Contains(text, `zeebe_channel_calls_ended_total{channel="0",grpc_target="`+gateway.Address("plaintext")+`",grpc_status="OK"} 1`) ||
		!strings.Contains(text, `{channel="1",grpc_target="gateway.example:1"`) || strings.Count(text, "# TYPE zeebe_channel_calls_ended_total counter") != 1 {
		t.Fatal(text)
	}
	if text := must(zeebe.ChannelsPrometheusText()); strings.Contains(text, "{channel") {
		t.Fatal(text)
	}
}

func TestFourChannelsReachTheGateway(t *testing.T) {
	gateway := testserver.StartGateway(t)
	roots := must(zeebe.NewTLSCredentials(zeebe.TLSOptions{RootCertificates: gateway.File("ca")}))
	tokenURL := zeebe.WithAuthorizationServer("https://" + gateway.Address("token_https") + "/oauth/token")
	token := zeebe.WithTokenOptions(zeebe.TokenOptions{CA: gateway.File("ca")})
	id, secret := zeebe.WithClientID("demo-client"), zeebe.WithClientSecret("demo-secret")

	t.Run("insecure", func(t *testing.T) { topology(t, insecure(t, gateway.Address("plaintext"))) })
	t.Run("secure", func(t *testing.T) {
		channel, err := zeebe.NewSecureChannel(zeebe.WithAddress(gateway.Address("tls")), zeebe.WithCredentials(roots))
		topology(t, open(t, channel, err))
	})
	t.Run("mutual TLS", func(t *testing.T) {
		own := must(zeebe.NewTLSCredentials(zeebe.TLSOptions{RootCertificates: gateway.File("ca"), PrivateKey: gateway.File("client_key"), CertificateChain: gateway.File("client_certificate")}))
		channel, err := zeebe.NewSecureChannel(zeebe.WithAddress(gateway.Address("mtls")), zeebe.WithCredentials(own))
		topology(t, open(t, channel, err))
	})
	t.Run("OAuth", func(t *testing.T) {
		channel, err := zeebe.NewOAuth2ClientCredentialsChannel(zeebe.WithAddress(gateway.Address("tls_oauth")), zeebe.WithCredentials(roots),
			id, secret, tokenURL, token, zeebe.WithAudience("zeebe-api"), zeebe.WithLeeway(0), zeebe.WithExpireIn(time.Minute))
		topology(t, open(t, channel, err))
		ok(t, channel.RetrieveToken(patience(t)))
	})
	t.Run("cloud", func(t *testing.T) {
		channel, err := zeebe.NewCamundaCloudChannel(zeebe.WithClusterID("demo-cluster"), zeebe.WithRegion("bru-2"), zeebe.WithCredentials(roots),
			id, secret, tokenURL, token, zeebe.WithConnectAddress(gateway.Address("cloud")))
		topology(t, open(t, channel, err))
	})
	t.Run("environment", func(t *testing.T) {
		t.Setenv("ZEEBE_ADDRESS", gateway.Address("plaintext"))
		t.Setenv("ZEEBE_INSECURE_CONNECTION", "true")
		channel, err := zeebe.NewChannelFromEnvironment(zeebe.WithTimeout(time.Minute))
		topology(t, open(t, channel, err))
	})
}

func TestWrongCredentialsEndTheCall(t *testing.T) {
	gateway := testserver.StartGateway(t)
	channel, err := zeebe.NewOAuth2ClientCredentialsChannel(zeebe.WithAddress(gateway.Address("plaintext_oauth")), zeebe.WithCredentials(must(zeebe.NewLocalCredentials())),
		zeebe.WithClientID("demo-client"), zeebe.WithClientSecret("wrong"), zeebe.WithAudience("zeebe-api"), zeebe.WithAuthorizationServer("http://"+gateway.Address("token_http")+"/oauth/token"))
	open(t, channel, err)
	_, err = gatewaypb.NewGatewayClient(channel).Topology(patience(t), &gatewaypb.TopologyRequest{})
	if found := failure(t, err, codes.Unauthenticated); found.Kind != zeebe.KindInvalidOAuthCredentials || found.Source != zeebe.SourceTokenEndpoint || found.Retryable {
		t.Fatalf("%+v", found)
	}
	if found := failure(t, channel.RetrieveToken(patience(t)), codes.Unauthenticated); found.Kind != zeebe.KindInvalidOAuthCredentials {
		t.Fatalf("%+v", found)
	}
}

func TestOptionsThatDoNotApplyAreRefused(t *testing.T) {
	_, err := zeebe.NewInsecureChannel(zeebe.WithClusterID("a"))
	if found := failure(t, err, codes.InvalidArgument); !strings.Contains(found.Message, "WithClusterID is no option of NewInsecureChannel; it is one of NewCamundaCloudChannel") {
		t.Fatal(found)
	}
	_, err = zeebe.NewInsecureChannel(zeebe.Option{})
	failure(t, err, codes.InvalidArgument)
	_, err = zeebe.NewCamundaCloudChannel(zeebe.WithLeeway(-time.Second))
	failure(t, err, codes.InvalidArgument)
}

func TestTextWithNULIsRefused(t *testing.T) {
	nul := "a\x00b"
	_, err := zeebe.NewInsecureChannel(zeebe.WithAddress(nul))
	if found := failure(t, err, codes.InvalidArgument); !strings.Contains(found.Message, "WithAddress has a NUL character, at byte 1") {
		t.Fatal(found)
	}
	for what, refuse := range map[string]func() error{
		"option key":  func() error { _, err := zeebe.NewInsecureChannel(zeebe.WithStringOption(nul, "a")); return err },
		"option text": func() error { _, err := zeebe.NewInsecureChannel(zeebe.WithStringOption("grpc.a", nul)); return err },
		"secret":      func() error { _, err := zeebe.NewCamundaCloudChannel(zeebe.WithClientSecret(nul)); return err },
		"credentials": func() error { _, err := zeebe.NewTLSCredentials(zeebe.TLSOptions{RootCertificates: nul}); return err },
		"token":       func() error { _, err := zeebe.NewBearerPlugin(nul); return err },
		"default":     func() error { _, err := zeebe.ZeebeAddress(nul); return err },
		"cluster":     func() error { _, err := zeebe.CamundaAddress("a", nul); return err },
		"metadata": func() error {
			_, err := zeebe.NewInsecureChannel(zeebe.WithMetadata(map[string][]string{nul: {"a"}}))
			return err
		},
		"method": func() error {
			return insecure(t, "localhost:1").Invoke(t.Context(), "/a/b\x00c", nil, nil)
		},
	} {
		t.Run(what, func(t *testing.T) {
			if found := failure(t, refuse(), codes.InvalidArgument); strings.Contains(found.Message, "\x00") || !strings.Contains(found.Message, "NUL") {
				t.Fatal(found)
			}
		})
	}
}

func TestDescriptionAndStats(t *testing.T) {
	gateway := testserver.StartGateway(t)
	channel := insecure(t, gateway.Address("plaintext"), zeebe.WithIntOption("grpc.keepalive_time_ms", 20_000))
	topology(t, channel)
	var description struct {
		Version int
		Target  string
	}
	ok(t, json.Unmarshal(must(channel.Describe()), &description))
	if description.Version != 1 || description.Target != gateway.Address("plaintext") {
		t.Fatalf("%+v", description)
	}
	if count := running(t, channel); count != 0 {
		t.Fatalf("%d calls are running", count)
	}
}

// processorTime is that of this process so far.
func processorTime(t testing.TB) time.Duration {
	t.Helper()
	var used syscall.Rusage
	ok(t, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func TestConnectivity(t *testing.T) {
	gateway := testserver.StartGateway(t)
	channel := insecure(t, gateway.Address("plaintext"))
	if state := channel.GetState(); state != connectivity.Idle {
		t.Fatal(state)
	}
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if channel.WaitForStateChange(short, connectivity.Idle) {
		t.Fatal("it connected by itself")
	}
	ok(t, channel.WaitReady(patience(t)))
	if state := channel.GetState(); state != connectivity.Ready {
		t.Fatal(state)
	}
	changed := make(chan bool)
	go func() { changed <- channel.WaitForStateChange(patience(t), connectivity.Ready) }()
	ok(t, channel.Close())
	if !<-changed || channel.GetState() != connectivity.Shutdown {
		t.Fatal(channel.GetState())
	}
	if found := failure(t, channel.WaitReady(patience(t)), codes.Unavailable); found.Kind != zeebe.KindShutdown {
		t.Fatal(found)
	}
	failure(t, channel.Invoke(patience(t), gatewaypb.Gateway_Topology_FullMethodName, nil, nil), codes.Unavailable)
	begin := processorTime(t)
	short, cancel = context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if channel.WaitForStateChange(short, connectivity.Shutdown) || short.Err() == nil {
		t.Fatal("something follows the end")
	}
	if used := processorTime(t) - begin; used > 100*time.Millisecond {
		t.Fatalf("waiting took %v of processor time", used)
	}

	channel = insecure(t, gateway.Address("refused"))
	channel.Connect()
	await(t, func() bool { return channel.GetState() == connectivity.TransientFailure })
	short, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	refused := channel.WaitReady(short)
	if found := failure(t, refused, codes.DeadlineExceeded); !strings.Contains(found.Message, "refused") || !errors.Is(refused, context.DeadlineExceeded) {
		t.Fatal(found)
	}
}

// doneTooLate is a context that is done when nobody waits for it any more.
type doneTooLate struct{ context.Context }

func (doneTooLate) Done() <-chan struct{} { return nil }
func (doneTooLate) Err() error            { return context.Canceled }

func TestShutdownWaitsForRunningCalls(t *testing.T) {
	gateway := testserver.StartGateway(t)
	channel := insecure(t, gateway.Address("plaintext"))
	topology(t, channel)
	gateway.Tell("POST", "/latency?ms=200")
	ended := make(chan error)
	go func() { ended <- channel.Invoke(patience(t), gatewaypb.Gateway_Topology_FullMethodName, nil, nil) }()
	await(t, func() bool { return gateway.Tell("GET", "/counters")["calls"].(map[string]any)["Topology"] == 2.0 })
	ok(t, channel.Shutdown(patience(t)))
	ok(t, get(t, ended))
	channel = insecure(t, gateway.Address("plaintext"))
	ok(t, channel.Shutdown(doneTooLate{t.Context()}))

	channel = insecure(t, gateway.Address("plaintext"))
	gateway.Tell("POST", "/freeze")
	defer gateway.Tell("POST", "/thaw")
	go func() {
		ended <- channel.Invoke(patience(t), gatewaypb.Gateway_Topology_FullMethodName, nil, nil, waitForReady)
	}()
	await(t, func() bool { return running(t, channel) == 1 })
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	failure(t, channel.Shutdown(short), codes.DeadlineExceeded)
	failure(t, get(t, ended), codes.Canceled)
}

func TestEnvironment(t *testing.T) {
	t.Setenv("ZEEBE_ADDRESS", "")
	if address := must(zeebe.ZeebeAddress("")); address != "localhost:26500" {
		t.Fatal(address)
	}
	t.Setenv("ZEEBE_ADDRESS", "gateway:1")
	if address := must(zeebe.ZeebeAddress("other")); address != "gateway:1" {
		t.Fatal(address)
	}
	t.Setenv("CAMUNDA_CLUSTER_ID", "")
	_, err := zeebe.CamundaClusterID()
	if found := failure(t, err, codes.FailedPrecondition); found.Kind != zeebe.KindSettings || found.Error() != "zeebe: No CAMUNDA_CLUSTER_ID provided!" {
		t.Fatal(err)
	}
}
