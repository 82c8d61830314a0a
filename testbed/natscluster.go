package testbed

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
)

// NATSCluster starts n NATS servers that share their streams, below Options.Dir. Each
// can be stopped, killed and started again.
func NATSCluster(ctx context.Context, o Options, n int) ([]*NATSServer, error) {
	binary, err := natsBinary(ctx)
	if err != nil {
		return nil, err
	}
	addrs, err := freeAddrs(ctx, 3*n)
	if err != nil {
		return nil, fmt.Errorf("prepare NATS: %w", err)
	}
	routes := "nats-route://" + strings.Join(addrs[:n], ", nats-route://")
	servers := make([]*NATSServer, n)
	for i := range servers {
		one := o
		one.Dir = filepath.Join(o.Dir, fmt.Sprint(i))
		if one, err = one.prepare(); err != nil {
			return nil, fmt.Errorf("prepare NATS: %w", err)
		}
		servers[i] = newNATS(binary, one.Dir, addrs[n+2*i:n+2*i+2])
		cluster := fmt.Sprintf("server_name: s%d\ncluster { name: testbed, listen: %q, routes: [ %s ] }", i, addrs[i], routes)
		if err := servers[i].Configure(cluster); err != nil {
			return nil, err
		}
	}
	return servers, startAll(ctx, servers)
}

// startAll starts servers of which none is ready without the others.
func startAll(ctx context.Context, servers []*NATSServer) error {
	errs := make([]error, len(servers))
	var starting sync.WaitGroup
	for i, s := range servers {
		starting.Go(func() { errs[i] = s.Start(ctx) })
	}
	starting.Wait()
	err := errors.Join(errs...)
	for _, s := range servers {
		if err != nil {
			err = errors.Join(err, s.Kill())
		}
	}
	return err
}
