package zeebe_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/oauth"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"libzeebe.org/go/zeebe"
	"libzeebe.org/go/zeebe/gatewaypb"
	"libzeebe.org/go/zeebe/internal/testserver"
)

// asked are credentials that keep what they were asked.
type asked struct {
	secure  bool
	failure error
	pairs   map[string]string

	info credentials.RequestInfo
	uri  []string
}

func (a *asked) GetRequestMetadata(ctx context.Context, uri ...string) (map[string]string, error) {
	a.info, _ = credentials.RequestInfoFromContext(ctx)
	a.uri = uri
	return a.pairs, a.failure
}
func (a *asked) RequireTransportSecurity() bool { return a.secure }

// level is the channel's, as credentials are told it.
func (a *asked) level() credentials.SecurityLevel {
	return a.info.AuthInfo.(interface {
		GetCommonAuthInfo() credentials.CommonAuthInfo
	}).GetCommonAuthInfo().SecurityLevel
}

func TestCredentialsOfGrpcGo(t *testing.T) {
	gateway := testserver.StartGateway(t)
	roots := must(zeebe.NewTLSCredentials(zeebe.TLSOptions{RootCertificates: gateway.File("ca")}))
	secure, err := zeebe.NewSecureChannel(zeebe.WithAddress(gateway.Address("tls_oauth")), zeebe.WithCredentials(roots))
	open(t, secure, err)
	token := &oauth2.Token{AccessToken: must(fetch(patience(t), gateway)).AccessToken}
	source := oauth.TokenSource{TokenSource: oauth2.StaticTokenSource(token)}
	for _, from := range []credentials.PerRPCCredentials{source, oauth.NewOauthAccess(token)} {
		client := gatewaypb.NewGatewayClient(secure)
		_, err = client.Topology(patience(t), &gatewaypb.TopologyRequest{}, grpc.PerRPCCredentials(from))
		ok(t, err)
		jobs, err := client.ActivateJobs(patience(t), &gatewaypb.ActivateJobsRequest{Type: "none", Worker: "test", Timeout: 1000, MaxJobsToActivate: 1, RequestTimeout: -1}, grpc.PerRPCCredentials(from))
		ok(t, err)
		for err == nil {
			_, err = jobs.Recv()
		}
		if err.Error() != "EOF" {
			t.Fatal(err)
		}
	}
	// They go over nothing less.
	_, err = gatewaypb.NewGatewayClient(insecure(t, gateway.Address("plaintext_oauth"))).Topology(patience(t), &gatewaypb.TopologyRequest{}, grpc.PerRPCCredentials(source))
	failure(t, err, codes.Unauthenticated)
}

func TestCredentialsAreToldHowSecureTheChannelIs(t *testing.T) {
	ask := func(channel *zeebe.Channel, err error, from *asked) error {
		from.failure = errors.New("enough is known")
		return open(t, channel, err).Invoke(patience(t), method, nil, nil, grpc.PerRPCCredentials(from))
	}
	local, socket := zeebe.WithCredentials(must(zeebe.NewLocalCredentials())), "unix:"+filepath.Join(t.TempDir(), "socket")
	none, all := credentials.NoSecurity, credentials.PrivacyAndIntegrity
	for name, of := range map[string]struct {
		create  func(...zeebe.Option) (*zeebe.Channel, error)
		options []zeebe.Option
		called  string
		level   credentials.SecurityLevel
	}{
		"TLS":                 {zeebe.NewSecureChannel, []zeebe.Option{zeebe.WithAddress("localhost:1")}, "tls", all},
		"plaintext":           {zeebe.NewInsecureChannel, []zeebe.Option{zeebe.WithAddress("localhost:1")}, "insecure", none},
		"plaintext by socket": {zeebe.NewInsecureChannel, []zeebe.Option{zeebe.WithAddress(socket)}, "insecure", none},
		"loopback":            {zeebe.NewSecureChannel, []zeebe.Option{zeebe.WithAddress("localhost:1"), local}, "local", none},
		"socket":              {zeebe.NewSecureChannel, []zeebe.Option{zeebe.WithAddress(socket), local}, "local", all},
		"socket in name":      {zeebe.NewSecureChannel, []zeebe.Option{zeebe.WithAddress(socket), zeebe.WithConnectAddress("localhost:1"), local}, "local", none},
		"socket in truth":     {zeebe.NewSecureChannel, []zeebe.Option{zeebe.WithAddress("localhost:1"), zeebe.WithConnectAddress(socket), local}, "local", all},
	} {
		t.Run(name, func(t *testing.T) {
			var seen asked
			channel, err := of.create(of.options...)
			failure(t, ask(channel, err, &seen), codes.Internal)
			if seen.info.Method != method || seen.info.AuthInfo.AuthType() != of.called || seen.level() != of.level {
				t.Fatalf("%+v", seen)
			}
			demanding, expected := asked{secure: true}, codes.Unauthenticated // for there is nothing that they go over
			if of.level == all {
				expected = codes.Internal
			}
			channel, err = of.create(of.options...)
			failure(t, ask(channel, err, &demanding), expected)
			if was := demanding.uri != nil; was != (of.level == all) {
				t.Fatal(was)
			}
		})
	}
}

// The audience is the authority that is sent, as in grpc-go: without the port that https has, and with the service.
func TestCredentialsAreAskedForWhomTheCallIs(t *testing.T) {
	server := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		pairs, _ := metadata.FromIncomingContext(stream.Context())
		return stream.SendMsg(wrapperspb.String(pairs.Get(":authority")[0]))
	}))
	listener := must(net.Listen("tcp", "localhost:0"))
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	check := func(channel *zeebe.Channel, expected string, options ...grpc.CallOption) {
		t.Helper()
		var seen asked
		var authority wrapperspb.StringValue
		ok(t, channel.Invoke(patience(t), method, nil, &authority, append(options, grpc.PerRPCCredentials(&seen))...))
		if len(seen.uri) != 1 || seen.uri[0] != "https://"+expected+"/test.Service" || strings.TrimSuffix(authority.GetValue(), ":443") != expected {
			t.Errorf("%v, and the authority is %v, not %s", seen.uri, authority.GetValue(), expected)
		}
	}
	to := zeebe.WithConnectAddress(listener.Addr().String())
	for target, expected := range map[string]string{
		"gateway.example:26500": "gateway.example:26500", "gateway.example": "gateway.example", "gateway.example:443": "gateway.example",
		"dns:///gateway.example:1443": "gateway.example:1443", "dns:///gateway.example:443": "gateway.example", "dns:gateway.example": "gateway.example",
		"http://gateway.example:1/": "gateway.example:1", "GRPC://gateway.example": "gateway.example",
		"[::1]:1": "[::1]:1", "::1": "[::1]", "[fe80::1%25eth0]": "[fe80::1]", "http://[fe80::1%25eth0]:1/": "[fe80::1]:1",
		"ipv4:127.0.0.1:1,127.0.0.2:2": "127.0.0.1:1", "ipv4:///127.0.0.1": "127.0.0.1", "ipv6:[::1]:1,[::2]:2": "[::1]:1", "ipv6:fe80::1%eth0": "[fe80::1]",
		"unix:/a@b/socket": "localhost", "unix:///socket": "localhost",
	} {
		check(insecure(t, target, to), expected)
	}

	const target = "gateway.example:1"
	channel := insecure(t, target, to)
	check(channel, "other.example:2", grpc.CallAuthority("other.example:2"))
	check(channel, "other.example", grpc.CallAuthority("other.example:443"))
	check(channel, target, grpc.CallAuthority("")) // none of its own
	named := zeebe.WithStringOption("grpc.ssl_target_name_override", "named.example")
	check(insecure(t, target, to, named), "named.example")
	check(insecure(t, target, to, named, zeebe.WithStringOption("grpc.default_authority", "first.example:443"), zeebe.WithStringOption("grpc.default_authority", "second.example")), "first.example")
	t.Setenv("ZEEBE_ADDRESS", target)
	t.Setenv("ZEEBE_INSECURE_CONNECTION", "true")
	t.Setenv("CAMUNDA_OVERRIDE_AUTHORITY", "overridden.example:1")
	channel, err := zeebe.NewChannelFromEnvironment(to)
	check(open(t, channel, err), "overridden.example:1")
}

func TestOfCredentialsTheLastCount(t *testing.T) {
	channel := serve(t, echo)
	var header metadata.MD
	first, last := &asked{pairs: map[string]string{"authorization": "first"}}, &asked{pairs: map[string]string{"Authorization": "last"}}
	ok(t, channel.Invoke(patience(t), method, text(1), text(1), grpc.Header(&header), grpc.PerRPCCredentials(first), grpc.PerRPCCredentials(last)))
	if got := header.Get("authorization"); len(got) != 1 || got[0] != "last" || first.uri != nil {
		t.Fatal(got)
	}
	ok(t, channel.Invoke(patience(t), method, text(1), text(1), grpc.PerRPCCredentials(first), grpc.PerRPCCredentials(nil)))

	// Why they fail is the call's error, but for what only a gateway may say.
	for why, code := range map[error]codes.Code{
		errors.New("no"): codes.Internal, status.Error(codes.Unavailable, "later"): codes.Unavailable, status.Error(codes.NotFound, "the gateway's word"): codes.Internal,
	} {
		failure(t, channel.Invoke(patience(t), method, nil, nil, grpc.PerRPCCredentials(&asked{failure: why})), code)
	}
}

type slow struct{ asked }

func (s *slow) GetRequestMetadata(ctx context.Context, uri ...string) (map[string]string, error) {
	<-time.After(time.Second) // what it takes to have a token
	return s.asked.GetRequestMetadata(ctx, uri...)
}

func TestCredentialsTakeTheirTimeFromTheCall(t *testing.T) {
	arrived := make(chan time.Time, 1)
	channel := serve(t, func(stream grpc.ServerStream) error {
		deadline, _ := stream.Context().Deadline()
		arrived <- deadline
		return nil
	})
	ctx := patience(t)
	_ = channel.Invoke(ctx, method, nil, nil, grpc.PerRPCCredentials(&slow{}))
	deadline, _ := ctx.Deadline()
	if late := get(t, arrived).Sub(deadline); late > time.Second/2 {
		t.Fatalf("the gateway may answer %v after the deadline", late)
	}
}
