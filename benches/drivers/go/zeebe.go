//go:build zeebe

package main

import "libzeebe.org/go/zeebe"

func version() string { return "libzeebe " + zeebe.Version() + " for Go" }

func newChannel(run run) connection {
	credentials, err := zeebe.NewLocalCredentials()
	if run.ca != "" {
		credentials, err = zeebe.NewTLSCredentials(zeebe.TLSOptions{RootCertificates: run.ca})
	}
	check(err)
	if run.token != "" {
		plugin, err := zeebe.NewBearerPlugin(run.token)
		check(err)
		credentials, err = credentials.With(plugin)
		check(err)
	}
	channel, err := zeebe.NewSecureChannel(zeebe.WithAddress(run.address), zeebe.WithCredentials(credentials))
	check(err)
	return channel
}
