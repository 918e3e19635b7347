package zeebe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"libzeebe.org/go/zeebe"
	"libzeebe.org/go/zeebe/gatewaypb"
)

func oauthChannel(options ...zeebe.Option) (*zeebe.Channel, error) {
	return zeebe.NewOAuth2ClientCredentialsChannel(append([]zeebe.Option{zeebe.WithAddress("127.0.0.1:1"), zeebe.WithClientID("x"),
		zeebe.WithClientSecret("x"), zeebe.WithAudience("x"), zeebe.WithAuthorizationServer("https://login.example/token")}, options...)...)
}

// refused is the error's message, which names this option.
func refused(t *testing.T, err error, option string) string {
	t.Helper()
	found := failure(t, err, codes.InvalidArgument)
	if found.Option != option || !strings.Contains(found.Message, option) || found.Kind != zeebe.KindInvalidArgument {
		t.Errorf("option %q, not %q: %v", found.Option, option, err)
	}
	return found.Message
}

// Seconds are rounded up, and zero is no leeway.
func TestLifetimesAreRoundedUp(t *testing.T) {
	for given, seconds := range map[time.Duration]float64{
		0: 0, 1: 1, 500 * time.Millisecond: 1, time.Second: 1, 1500 * time.Millisecond: 2, time.Second + 1: 2, 60 * time.Second: 60,
		zeebe.Forever: 9223372037,
	} {
		options := []zeebe.Option{zeebe.WithLeeway(given)}
		if given > 0 {
			options = append(options, zeebe.WithExpireIn(given))
		}
		channel, err := oauthChannel(options...)
		channel = open(t, channel, err)
		var description struct {
			Settings struct {
				Leeway   struct{ Value float64 }
				ExpireIn struct{ Value float64 } `json:"expire_in"`
			}
		}
		ok(t, json.Unmarshal(must(channel.Describe()), &description))
		if settings := description.Settings; settings.Leeway.Value != seconds || settings.ExpireIn.Value != seconds {
			t.Errorf("%v is %v", given, settings)
		}
	}
}

func TestDurationsThatAreRefused(t *testing.T) {
	second, none, negative := time.Second, time.Duration(0), time.Duration(math.MinInt64)
	_, err := oauthChannel(zeebe.WithLeeway(-1))
	refused(t, err, "WithLeeway")
	for _, bad := range []time.Duration{0, -1, negative} {
		_, err = oauthChannel(zeebe.WithExpireIn(bad))
		refused(t, err, "WithExpireIn")
		_, err = zeebe.NewInsecureChannel(zeebe.WithTimeout(bad))
		refused(t, err, "WithTimeout")
	}
	_, err = oauthChannel(zeebe.WithTokenOptions(zeebe.TokenOptions{ConnectTimeout: -second}))
	refused(t, err, "TokenOptions.ConnectTimeout")
	_, err = oauthChannel(zeebe.WithTokenOptions(zeebe.TokenOptions{Timeout: negative}))
	refused(t, err, "TokenOptions.Timeout")
	_, err = zeebe.NewOAuth2ClientCredentialsPlugin(zeebe.OAuth2Options{ClientID: "x", ClientSecret: "x", AuthorizationServer: "https://x", ExpireIn: &none})
	refused(t, err, "OAuth2Options.ExpireIn")
	source := func(context.Context) (zeebe.Token, error) { return zeebe.Token{}, nil }
	_, err = zeebe.NewTokenSourcePlugin(source, zeebe.TokenSourceOptions{Leeway: &negative})
	refused(t, err, "TokenSourceOptions.Leeway")
	channel := insecure(t, "127.0.0.1:1", zeebe.WithTimeout(zeebe.Forever))
	request := &gatewaypb.StreamActivatedJobsRequest{Type: "x"}
	_, err = channel.StreamJobs(t.Context(), request, zeebe.JobStreamOptions{Watchdog: -1})
	refused(t, err, "JobStreamOptions.Watchdog")
	_, err = channel.StreamJobs(t.Context(), request, zeebe.JobStreamOptions{PollInterval: -second})
	refused(t, err, "JobStreamOptions.PollInterval")
	// What the library itself refuses.
	_, err = channel.StreamJobs(t.Context(), request, zeebe.JobStreamOptions{PollInterval: zeebe.Forever})
	refused(t, err, "JobStreamOptions.PollInterval")
}

// An error says the names that a Go program knows.
func TestErrorsNameGosOptions(t *testing.T) {
	_, err := oauthChannel(zeebe.WithAuthorizationServer("http://login.example/token"))
	if said := refused(t, err, "TokenOptions.AllowInsecureTokenURL"); strings.Contains(said, "token_options") {
		t.Error(said)
	}
	_, err = oauthChannel(zeebe.WithTokenOptions(zeebe.TokenOptions{ClientAuthentication: zeebe.ClientAuthenticationTLS}))
	if said := refused(t, err, "TokenOptions.PrivateKey"); !strings.Contains(said, "TokenOptions.CertificateChain") || strings.Contains(said, "token_options") {
		t.Error(said)
	}
	credentials, err := zeebe.NewInsecureCredentials()
	ok(t, err)
	_, err = oauthChannel(zeebe.WithAddress("zeebe.example:1"), zeebe.WithCredentials(credentials))
	refused(t, err, "WithInsecureGatewayAllowed")
	_, err = zeebe.NewInsecureChannel(zeebe.WithConnectAddress("a b"))
	refused(t, err, "WithConnectAddress")
	_, err = zeebe.NewInsecureChannel(zeebe.WithAddress("\xff"))
	refused(t, err, "WithAddress")
}

// Of every option that a message can name, there is a name, and there is what it names.
func TestEveryOptionHasAName(t *testing.T) {
	notInGo := "options.manual_requests options.discard_metadata options.callback_threads options.thread_name"
	var sources strings.Builder
	for _, file := range must(filepath.Glob("*.go")) {
		sources.Write(must(os.ReadFile(file)))
	}
	table := map[string]string{}
	for _, row := range regexp.MustCompile(`"([a-z_]*options\.\w+)": +"([\w. ]+)"`).FindAllStringSubmatch(sources.String(), -1) {
		table[row[1]] = row[2]
	}
	options := regexp.MustCompile(`(?m)^    \w+ = "(\w+)" "(\w+)", (?:Takes::)?(\w+)`).FindAllStringSubmatch(string(must(os.ReadFile("../../src/options/table.rs"))), -1)
	if len(options) < 40 {
		t.Fatalf("the library knows %d options", len(options))
	}
	for _, option := range options {
		if option[3] == "Object" {
			continue // no message names it
		}
		name := option[1] + "." + option[2]
		own, has := table[name]
		if has == strings.Contains(notInGo, name) {
			t.Errorf("%s is %q", name, own)
		}
		delete(table, name)
		of, field, isField := strings.Cut(own, ".")
		switch {
		case strings.Contains(own, " "): // an argument
		case isField && of != "grpc" && of != "context":
			body := regexp.MustCompile(`(?s)type ` + of + ` struct \{.*?\n\}`).FindString(sources.String())
			if !regexp.MustCompile(`\b` + field + `\b`).MatchString(body) {
				t.Errorf("%s has no %s", of, field)
			}
		case has && !isField && !strings.Contains(sources.String(), "func "+own+"("):
			t.Errorf("there is no %s", own)
		}
	}
	if len(table) > 0 {
		t.Errorf("the library knows no %v", table)
	}
}

// A token's time is rounded up, too, and one that has none left is not one of unknown time.
func TestTokensLifetimesAreRoundedUp(t *testing.T) {
	none := time.Duration(0)
	for _, lifetime := range []time.Duration{500 * time.Millisecond, -1} {
		source := func(context.Context) (zeebe.Token, error) {
			return zeebe.Token{AccessToken: "a", ExpiresIn: lifetime}, nil
		}
		plugin, err := zeebe.NewTokenSourcePlugin(source, zeebe.TokenSourceOptions{Leeway: &none})
		ok(t, err)
		begin := time.Now()
		ok(t, plugin.RetrieveToken(patience(t)))
		if expired := must(plugin.IsTokenExpired()); expired && lifetime > 0 && time.Since(begin) < time.Second {
			t.Errorf("%v has passed at once", lifetime)
		}
		for end := time.Now().Add(10 * time.Second); !must(plugin.IsTokenExpired()); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%v does not pass", lifetime)
			}
		}
	}
}

// The README says of each call option of grpc-go what becomes of it; calloptions.go does what it says.
func TestReadmeHasEveryCallOption(t *testing.T) {
	options := map[string]grpc.CallOption{
		"Header": grpc.Header(nil), "Trailer": grpc.Trailer(nil), "OnFinish": grpc.OnFinish(nil), "WaitForReady": grpc.WaitForReady(true),
		"MaxCallRecvMsgSize": grpc.MaxCallRecvMsgSize(1), "MaxCallSendMsgSize": grpc.MaxCallSendMsgSize(1), "CallAuthority": grpc.CallAuthority(""),
		"ForceCodec": grpc.ForceCodec(nil), "ForceCodecV2": grpc.ForceCodecV2(nil), "UseCompressor": grpc.UseCompressor(""),
		"PerRPCCredentials": grpc.PerRPCCredentials(nil), "CallContentSubtype": grpc.CallContentSubtype(""), "Peer": grpc.Peer(nil),
		"StaticMethod": grpc.StaticMethod(), "MaxRetryRPCBufferSize": grpc.MaxRetryRPCBufferSize(1),
	}
	_, table, _ := strings.Cut(string(must(os.ReadFile("README.md"))), "| option of grpc-go |")
	table, _, found := strings.Cut(table, "| others |")
	var said, known, honoured, types []string
	for _, row := range strings.Split(table, "\n") {
		cell, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " |")
		for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(cell, -1) {
			said = append(said, name[1])
		}
	}
	for name, option := range options {
		known = append(known, name)
		types = append(types, fmt.Sprintf("%T", option))
	}
	for _, name := range regexp.MustCompile(`(?m)^\t\tcase (.*):$`).FindAllStringSubmatch(string(must(os.ReadFile("calloptions.go"))), -1) {
		for _, of := range strings.Split(name[1], ", ") {
			if strings.HasPrefix(of, "grpc.") && of != "grpc.EmptyCallOption" {
				honoured = append(honoured, of)
			}
		}
	}
	for _, names := range [][]string{said, known, honoured, types} {
		slices.Sort(names)
	}
	if !found || !slices.Equal(said, known) || !slices.Equal(honoured, types) {
		t.Errorf("README %v, not %v; calloptions.go %v, not %v", said, known, honoured, types)
	}
}
