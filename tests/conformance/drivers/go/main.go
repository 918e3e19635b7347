// The conformance driver for Go: answers each line of standard input, a call as JSON, with one line of JSON that says what the package zeebe made of it. It
// uses the public API and nothing else.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"libzeebe.org/go/zeebe"
)

type object = map[string]json.RawMessage

func main() {
	input := bufio.NewReader(os.Stdin)
	output := json.NewEncoder(os.Stdout)
	output.SetEscapeHTML(false)
	for {
		line, err := input.ReadBytes('\n')
		if len(line) > 0 {
			if err := output.Encode(answer(line)); err != nil {
				os.Exit(1) // nobody reads the answers any more
			}
		}
		if err == io.EOF {
			return
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "driver:", err)
			os.Exit(1)
		}
	}
}

// ---- requests ----

func answer(line []byte) map[string]any {
	var request object
	if err := decode(line, &request); err != nil {
		return failed(err)
	}
	answer := call(request)
	if id, has := request["id"]; has {
		answer["id"] = id
	}
	return answer
}

// decode refuses what encoding/json would replace: what is no UTF-8, and half a surrogate pair.
func decode(text []byte, to *object) error {
	if !utf8.Valid(text) {
		return errors.New("the text is no UTF-8")
	}
	if halfPair(text) {
		return errors.New("a string has half a surrogate pair")
	}
	if err := json.Unmarshal(text, to); err != nil {
		return err
	}
	if *to == nil {
		return errors.New("the request is no object")
	}
	return nil
}

func halfPair(text []byte) bool {
	unit := func(at int) uint64 {
		if at+6 > len(text) || text[at] != '\\' || text[at+1] != 'u' {
			return 0
		}
		value, _ := strconv.ParseUint(string(text[at+2:at+6]), 16, 16)
		return value
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		switch first := unit(i); {
		case first >= 0xDC00 && first <= 0xDFFF:
			return true
		case first >= 0xD800 && first <= 0xDBFF:
			if second := unit(i + 6); second < 0xDC00 || second > 0xDFFF {
				return true
			}
			i += 11
		default:
			i++ // what is escaped
		}
	}
	return false
}

func call(request object) map[string]any {
	var function string
	if json.Unmarshal(request["function"], &function) != nil || function == "" {
		return failed(errors.New("the request names no function"))
	}
	a := arguments{}
	if values, has := request["arguments"]; has {
		if err := json.Unmarshal(values, &a.values); err != nil || a.values == nil {
			return failed(errors.New("the arguments are no object"))
		}
	}
	if utility, is := utilities[function]; is {
		value, err := utility(&a)
		return a.result(err, func() map[string]any { return map[string]any{"returns": value} })
	}
	if create, is := constructors[function]; is {
		channel, err := create(&a)
		return a.result(err, func() map[string]any {
			defer channel.Close()
			if string(request["retrieve_token"]) == "true" {
				retrieve(channel)
			}
			return describe(function, channel)
		})
	}
	return failed(errors.New("the function is unknown"))
}

// Whatever the outcome: what counts is the request that the token endpoint sees.
func retrieve(channel *zeebe.Channel) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_ = channel.RetrieveToken(ctx)
}

// ---- arguments ----

type arguments struct {
	values object
	err    error // why they cannot be passed on; the first reason counts
}

func (a *arguments) fail(reason string) {
	if a.err == nil {
		a.err = errors.New(reason)
	}
}

// result is the answer: that the arguments are of no use, the error, or else what `make` says.
func (a *arguments) result(err error, make func() map[string]any) map[string]any {
	switch {
	case a.err != nil:
		return failed(a.err)
	case err != nil:
		return raised(err)
	}
	return make()
}

func (a *arguments) given(name string) (json.RawMessage, bool) {
	value, has := a.values[name]
	return value, has && string(value) != "null"
}

// asText is the text of a string, or of a number as it is written.
func (a *arguments) asText(value json.RawMessage) (text string) {
	switch {
	case value[0] == '-' || value[0] >= '0' && value[0] <= '9':
		return string(value)
	case json.Unmarshal(value, &text) != nil:
		a.fail("an argument is neither a string nor a number")
	case strings.ContainsRune(text, 0):
		a.fail("a string with U+0000 cannot be passed to C")
	}
	return text
}

func (a *arguments) text(name string) string {
	if value, has := a.given(name); has {
		return a.asText(value)
	}
	return ""
}

func (a *arguments) asInteger(value json.RawMessage) int64 {
	integer, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		a.fail("an argument is no 64-bit integer")
	}
	return integer
}

// asDuration is a time in seconds, or in a fraction of them.
func (a *arguments) asDuration(value json.RawMessage) time.Duration {
	if !strings.ContainsAny(string(value), ".eE") {
		seconds := a.asInteger(value)
		if seconds > math.MaxInt64/int64(time.Second) || seconds < math.MinInt64/int64(time.Second) {
			a.fail("a duration is too long for Go")
		}
		return time.Duration(seconds) * time.Second
	}
	seconds, err := strconv.ParseFloat(string(value), 64)
	if err != nil || math.Abs(seconds) > 9e9 {
		a.fail("a duration is none, or too long for Go")
	}
	return time.Duration(math.Ceil(seconds * float64(time.Second)))
}

// options are those that are given, by the names of the arguments.
func (a *arguments) options() (options []zeebe.Option) {
	for name, with := range map[string]func(string) zeebe.Option{
		"grpc_address": zeebe.WithAddress, "client_id": zeebe.WithClientID, "client_secret": zeebe.WithClientSecret, "cluster_id": zeebe.WithClusterID,
		"region": zeebe.WithRegion, "authorization_server": zeebe.WithAuthorizationServer, "scope": zeebe.WithScope, "audience": zeebe.WithAudience,
	} {
		if value, has := a.given(name); has {
			options = append(options, with(a.asText(value)))
		} else if _, none := a.values[name]; none && (name == "scope" || name == "audience") {
			options = append(options, with("")) // null is explicitly none
		}
	}
	if value, has := a.given("leeway"); has {
		options = append(options, zeebe.WithLeeway(a.asDuration(value)))
	}
	if value, has := a.given("expire_in"); has && a.asDuration(value) != 0 { // in C 0 is not given
		options = append(options, zeebe.WithExpireIn(a.asDuration(value)))
	}
	return append(options, a.channelOptions("channel_options")...)
}

// channelOptions are a list of [key, string or integer].
func (a *arguments) channelOptions(name string) (options []zeebe.Option) {
	list, has := a.given(name)
	if !has {
		return nil
	}
	var pairs [][]json.RawMessage
	if json.Unmarshal(list, &pairs) != nil {
		a.fail("the channel options are no list of pairs")
	}
	for _, pair := range pairs {
		if len(pair) != 2 || pair[0][0] != '"' {
			a.fail("a channel option is no pair of a key and a value")
			break
		}
		if key := a.asText(pair[0]); pair[1][0] == '"' {
			options = append(options, zeebe.WithStringOption(key, a.asText(pair[1])))
		} else {
			options = append(options, zeebe.WithIntOption(key, a.asInteger(pair[1])))
		}
	}
	return options
}

// ---- the functions ----

func withDefault(get func(string) (string, error)) func(*arguments) (string, error) {
	return func(a *arguments) (string, error) { return get(a.text("default")) }
}

func plain(get func() (string, error)) func(*arguments) (string, error) {
	return func(*arguments) (string, error) { return get() }
}

var utilities = map[string]func(*arguments) (string, error){
	"get_zeebe_address":          withDefault(zeebe.ZeebeAddress),
	"get_camunda_oauth_url":      withDefault(zeebe.CamundaOAuthURL),
	"get_camunda_client_id":      plain(zeebe.CamundaClientID),
	"get_camunda_client_secret":  plain(zeebe.CamundaClientSecret),
	"get_camunda_cluster_id":     plain(zeebe.CamundaClusterID),
	"get_camunda_cluster_region": withDefault(zeebe.CamundaClusterRegion),
	"get_camunda_token_audience": withDefault(zeebe.CamundaTokenAudience),
	"get_camunda_address": func(a *arguments) (string, error) {
		return zeebe.CamundaAddress(a.text("cluster_id"), a.text("cluster_region"))
	},
}

// Go has no function for this: it is what a channel makes of its options.
const optionsFunction = "get_channel_options"

func create(make func(...zeebe.Option) (*zeebe.Channel, error)) func(*arguments) (*zeebe.Channel, error) {
	return func(a *arguments) (*zeebe.Channel, error) { return make(a.options()...) }
}

var constructors = map[string]func(*arguments) (*zeebe.Channel, error){
	optionsFunction: func(a *arguments) (*zeebe.Channel, error) {
		return zeebe.NewInsecureChannel(a.channelOptions("options")...)
	},
	"create_insecure_channel":                  create(zeebe.NewInsecureChannel),
	"create_secure_channel":                    create(zeebe.NewSecureChannel),
	"create_oauth2_client_credentials_channel": create(zeebe.NewOAuth2ClientCredentialsChannel),
	"create_camunda_cloud_channel":             create(zeebe.NewCamundaCloudChannel),
}

// ---- answers ----

func failed(err error) map[string]any { return map[string]any{"failed": err.Error()} }

// raised has the name that all languages share, or else that of the kind.
func raised(err error) map[string]any {
	var failure *zeebe.Error
	if !errors.As(err, &failure) {
		return failed(err)
	}
	kind := failure.Kind.String()
	switch failure.Kind {
	case zeebe.KindSettings:
		kind = "SettingsError"
	case zeebe.KindInvalidOAuthCredentials:
		kind = "InvalidOAuthCredentialsError"
	}
	return map[string]any{"raises": map[string]any{"type": kind, "message": failure.Message}}
}

func describe(function string, channel *zeebe.Channel) map[string]any {
	text, err := channel.Describe()
	if err != nil {
		return raised(err)
	}
	type setting struct{ Value any }
	var description struct {
		Target         string
		ChannelOptions []struct{ Key, Value any } `json:"channel_options"`
		Settings       map[string]setting
		OAuth2         *struct {
			ClientAuthentication any `json:"client_authentication"`
		}
	}
	numbers := json.NewDecoder(bytes.NewReader(text))
	numbers.UseNumber() // as they are written
	if err := numbers.Decode(&description); err != nil {
		return failed(err)
	}
	options := [][2]any{}
	for _, option := range description.ChannelOptions {
		options = append(options, [2]any{option.Key, option.Value})
	}
	if function == optionsFunction {
		return map[string]any{"returns": options}
	}
	answer := map[string]any{"target": description.Target, "options": options}
	if description.OAuth2 != nil {
		resolved := map[string]any{"client_authentication": description.OAuth2.ClientAuthentication}
		for _, name := range []string{"client_id", "authorization_server", "scope", "audience", "leeway", "expire_in"} {
			resolved[name] = description.Settings[name].Value
		}
		answer["resolved"] = resolved
	}
	return answer
}
