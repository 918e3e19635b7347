// As tests/c/environment.c, in Go.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"libzeebe.org/go/zeebe"
	"libzeebe.org/go/zeebe/gatewaypb"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Println("error:", err)
	}
}

func run(arguments []string) error {
	channel, err := zeebe.NewChannelFromEnvironment()
	if err != nil {
		return err
	}
	defer channel.Close()
	description, err := channel.Describe()
	if err != nil {
		return err
	}
	fmt.Println(string(description))
	if len(arguments) == 0 || arguments[0] != "topology" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if _, err := gatewaypb.NewGatewayClient(channel).Topology(ctx, &gatewaypb.TopologyRequest{}); err != nil {
		return err
	}
	fmt.Println("topology")
	return nil
}
