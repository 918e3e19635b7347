//go:build zeebe

package main

import "libzeebe/zeebe"

func version() string { return "libzeebe " + zeebe.Version() + " for Go" }

func newChannel(run run) connection {
	var channel *zeebe.Channel
	var err error
	if run.ca == "" {
		channel, err = zeebe.NewInsecureChannel(zeebe.WithAddress(run.address))
	} else {
		var roots *zeebe.Credentials
		roots, err = zeebe.NewTLSCredentials(zeebe.TLSOptions{RootCertificates: run.ca})
		check(err)
		channel, err = zeebe.NewSecureChannel(zeebe.WithAddress(run.address), zeebe.WithCredentials(roots))
	}
	check(err)
	return channel
}
