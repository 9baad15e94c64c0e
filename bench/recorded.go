//go:build linux

package main

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/loadrig/loadrig/machine"
	"github.com/loadrig/loadrig/metrics"
	runs "github.com/loadrig/loadrig/report"
	"github.com/loadrig/loadrig/rundir"
	"github.com/loadrig/loadrig/transport"
)

// recordedClient is loadrig with what a run adds to it: a record each second, with all histograms, in a run
// directory, and a look at the machine.
type recordedClient struct {
	*rigClient
	writer *rundir.Writer
	folder string
	quit   chan struct{}
	done   sync.WaitGroup
}

func newRecordedClient(j job) (client, error) {
	rig, err := newRig(j, transport.Options{TLS: trustAll()}, 0)
	if err != nil {
		return nil, err
	}
	c := &recordedClient{rigClient: rig.(*rigClient), quit: make(chan struct{})}
	if c.folder, err = os.MkdirTemp("", "loadrig-bench"); err != nil {
		return nil, err
	}
	c.writer = rundir.NewWriter(c.folder, "")
	if err := c.writer.Begin(&runs.Manifest{Schema: runs.ManifestSchema, ID: "bench"}); err != nil {
		return nil, err
	}
	c.done.Go(c.record)
	return c, nil
}

func (c *recordedClient) record() {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	recorder, sampler := metrics.NewRecorder(nil), machine.NewSampler()
	defer sampler.Close()
	var usage machine.Usage
	parts := make([]metrics.Snapshot, c.job.Shards)
	for at := 0.0; ; at++ {
		select {
		case <-c.quit:
			return
		case <-tick.C:
		}
		err := c.manager.Each(context.Background(), func(i int) {
			parts[i].Reset()
			c.recorders[i].AddTo(&parts[i])
			parts[i].Traffic = c.manager.OnShard(i).Traffic
		})
		if err != nil {
			return
		}
		recorder.Now.Reset()
		for i := range parts {
			recorder.Now.Merge(&parts[i])
		}
		sampler.Sample(&usage)
		_ = c.writer.Record(recorder.Record(at, at+1))
	}
}

func (c *recordedClient) close() {
	close(c.quit)
	c.done.Wait()
	_ = c.writer.End(nil)
	_ = os.RemoveAll(c.folder)
	c.rigClient.close()
}
