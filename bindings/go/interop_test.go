package zeebe_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"

	"libzeebe.org/go/zeebe"
	"libzeebe.org/go/zeebe/internal/testserver"
)

// interopCases are grpc-go's own client cases. They end the process when they fail, so each runs in one of its own.
var interopCases = map[string]func(context.Context, testgrpc.TestServiceClient, *zeebe.Channel){
	"empty_unary": func(ctx context.Context, c testgrpc.TestServiceClient, _ *zeebe.Channel) {
		interop.DoEmptyUnaryCall(ctx, c)
	},
	"large_unary": func(ctx context.Context, c testgrpc.TestServiceClient, _ *zeebe.Channel) {
		interop.DoLargeUnaryCall(ctx, c)
	},
	"client_streaming": func(ctx context.Context, c testgrpc.TestServiceClient, _ *zeebe.Channel) {
		interop.DoClientStreaming(ctx, c)
	},
	"server_streaming": func(ctx context.Context, c testgrpc.TestServiceClient, _ *zeebe.Channel) {
		interop.DoServerStreaming(ctx, c)
	},
	"ping_pong": func(ctx context.Context, c testgrpc.TestServiceClient, _ *zeebe.Channel) { interop.DoPingPong(ctx, c) },
	"empty_stream": func(ctx context.Context, c testgrpc.TestServiceClient, _ *zeebe.Channel) {
		interop.DoEmptyStream(ctx, c)
	},
	"timeout_on_sleeping_server": func(ctx context.Context, c testgrpc.TestServiceClient, _ *zeebe.Channel) {
		interop.DoTimeoutOnSleepingServer(ctx, c)
	},
	"cancel_after_begin": func(ctx context.Context, c testgrpc.TestServiceClient, _ *zeebe.Channel) {
		interop.DoCancelAfterBegin(ctx, c)
	},
	"cancel_after_first_response": func(ctx context.Context, c testgrpc.TestServiceClient, _ *zeebe.Channel) {
		interop.DoCancelAfterFirstResponse(ctx, c)
	},
	"custom_metadata": func(ctx context.Context, c testgrpc.TestServiceClient, _ *zeebe.Channel) {
		interop.DoCustomMetadata(ctx, c)
	},
	"status_code_and_message": func(ctx context.Context, c testgrpc.TestServiceClient, _ *zeebe.Channel) {
		interop.DoStatusCodeAndMessage(ctx, c)
	},
	"special_status_message": func(ctx context.Context, c testgrpc.TestServiceClient, _ *zeebe.Channel) {
		interop.DoSpecialStatusMessage(ctx, c)
	},
	"unimplemented_service": func(ctx context.Context, _ testgrpc.TestServiceClient, channel *zeebe.Channel) {
		interop.DoUnimplementedService(ctx, testgrpc.NewUnimplementedServiceClient(channel))
	},
}

const interopCase, interopAddress, interopCA = "GO_INTEROP_CASE", "GO_INTEROP_ADDRESS", "GO_INTEROP_CA"

func TestMain(m *testing.M) {
	if name, is := os.LookupEnv(interopCase); is {
		runInteropCase(name)
		return
	}
	m.Run()
}

func runInteropCase(name string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	channel, err := zeebe.NewInsecureChannel(zeebe.WithAddress(os.Getenv(interopAddress)))
	if file := os.Getenv(interopCA); file != "" {
		roots := must(zeebe.NewTLSCredentials(zeebe.TLSOptions{RootCertificates: string(must(os.ReadFile(file)))}))
		channel, err = zeebe.NewSecureChannel(zeebe.WithAddress(os.Getenv(interopAddress)), zeebe.WithCredentials(roots))
	}
	channel = must(channel, err)
	if err := channel.WaitReady(ctx); err != nil { // timeout_on_sleeping_server gives a call one millisecond
		panic(err)
	}
	interopCases[name](ctx, testgrpc.NewTestServiceClient(channel), channel)
}

func TestInteropCases(t *testing.T) {
	certificate, key := selfSigned(t)
	plain := testserver.StartInterop(t)
	tls := testserver.StartInterop(t, "-certificate", certificate, "-key", key)
	for name := range interopCases {
		t.Run(name, func(t *testing.T) {
			for _, variables := range [][]string{{interopAddress + "=" + plain}, {interopAddress + "=" + tls, interopCA + "=" + certificate}} {
				command := exec.CommandContext(patience(t), os.Args[0])
				command.Env = append(append(os.Environ(), interopCase+"="+name), variables...)
				if output, err := command.CombinedOutput(); err != nil {
					t.Fatalf("%v: %v\n%s", variables, err, output)
				}
			}
		})
	}
	t.Run("unimplemented_method", func(t *testing.T) {
		// As grpc-go's case, which takes a grpc.ClientConn.
		failure(t, insecure(t, plain).Invoke(patience(t), "/grpc.testing.TestService/UnimplementedCall", nil, nil), codes.Unimplemented)
	})
}

// selfSigned is the files of a certificate for localhost and of its key.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, private.Public(), private))
	return pemFile(t, "CERTIFICATE", der), pemFile(t, "PRIVATE KEY", must(x509.MarshalPKCS8PrivateKey(private)))
}

func pemFile(t *testing.T, kind string, der []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.pem")
	ok(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600))
	return path
}
