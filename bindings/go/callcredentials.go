//go:build cgo

package zeebe

import (
	"context"
	"encoding/json"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// credentialsMetadata asks the call's PerRPCCredentials, and tells them what grpc-go's own transport does.
func (s *callSettings) credentialsMetadata(ctx context.Context, c *Channel, method string) (metadata.MD, error) {
	if s.perRPC == nil {
		return nil, nil
	}
	p, err := c.peer()
	if err != nil {
		return nil, err
	}
	if s.perRPC.RequireTransportSecurity() && credentials.CheckSecurityLevel(p, credentials.PrivacyAndIntegrity) != nil {
		return nil, localError(codes.Unauthenticated, "the call's credentials require transport security, and the channel's is %q", p.Security)
	}
	host := s.authority
	if host == "" {
		host = p.authority()
	}
	service := method[:max(0, strings.LastIndexByte(method, '/'))]
	ctx = credentials.NewContextWithRequestInfo(ctx, credentials.RequestInfo{Method: method, AuthInfo: p})
	pairs, err := s.perRPC.GetRequestMetadata(ctx, "https://"+strings.TrimSuffix(host, ":443")+service)
	if err != nil {
		return nil, localError(credentialsCode(err), "the call's credentials failed: %v", err)
	}
	return metadata.New(pairs), nil
}

// credentialsCode is the code of a call whose credentials failed: their own, but for what only a gateway may say (gRFC A54). As in grpc-go, what is no status
// is Internal: Unauthenticated is for a channel's credentials.
func credentialsCode(err error) codes.Code {
	of, ok := status.FromError(err)
	if !ok {
		return codes.Internal
	}
	switch of.Code() {
	case codes.OK, codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.Aborted, codes.OutOfRange, codes.DataLoss:
		return codes.Internal
	}
	return of.Code()
}

// peer is whom a channel calls, as it describes that, and how secure the way there is.
type peer struct {
	Target, Security string
	Settings         struct {
		OverrideAuthority struct{ Value string } `json:"override_authority"`
	}
	ChannelOptions []struct {
		Key   string
		Value any
	} `json:"channel_options"`

	dialled string
}

var _ credentials.AuthInfo = (*peer)(nil)

func (c *Channel) peer() (*peer, error) {
	described, err := c.Describe()
	if err != nil {
		return nil, err
	}
	p := &peer{}
	if err := json.Unmarshal(described, p); err != nil {
		return nil, localError(codes.Internal, "what describes the channel cannot be read: %v", err)
	}
	p.dialled = p.Target
	if c.connectAddress != nil {
		p.dialled = *c.connectAddress
	}
	return p, nil
}

// AuthType is by grpc-go's names.
func (p *peer) AuthType() string {
	if p.Security == "plaintext" {
		return "insecure"
	}
	return p.Security
}

// GetCommonAuthInfo has the levels of grpc-go's transport credentials of these names.
func (p *peer) GetCommonAuthInfo() credentials.CommonAuthInfo {
	if p.Security == "tls" || p.Security == "local" && isSocket(p.dialled) {
		return credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}
	}
	return credentials.CommonAuthInfo{SecurityLevel: credentials.NoSecurity}
}

// authority is what the library sends with calls that have none of their own.
func (p *peer) authority() string {
	for _, key := range []string{"grpc.default_authority", "grpc.ssl_target_name_override"} {
		for _, option := range p.ChannelOptions {
			if value, isText := option.Value.(string); isText && option.Key == key {
				return value
			}
		}
	}
	if overriding := p.Settings.OverrideAuthority.Value; overriding != "" {
		return overriding
	}
	return authorityOf(p.Target)
}

// authorityOf is that of a target which can be used, in whichever form: without a path's slash, a list's others, and the zone, which means nothing there.
func authorityOf(target string) string {
	if isSocket(target) {
		return "localhost"
	}
	host := target
	switch form, rest, _ := strings.Cut(target, ":"); strings.ToLower(form) {
	case "http", "https", "grpc", "grpcs":
		if url, isURL := strings.CutPrefix(rest, "//"); isURL {
			host = strings.TrimSuffix(url, "/")
		}
	case "dns", "ipv4", "ipv6":
		host, _, _ = strings.Cut(strings.TrimPrefix(rest, "///"), ",")
	}
	address, zone, isZoned := strings.Cut(host, "%")
	if isZoned {
		_, port, isClosed := strings.Cut(zone, "]")
		host = address
		if isClosed {
			host += "]" + port
		}
	}
	if strings.Count(host, ":") > 1 && host[0] != '[' {
		host = "[" + host + "]"
	}
	return host
}

func isSocket(target string) bool { return strings.HasPrefix(target, "unix:") }
