// The clients grpc-go and, with the build tag zeebe, zeebe-go: a goroutine for each call in flight. Messages stay bytes.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/mem"
)

const (
	topology            = "/gateway_protocol.Gateway/Topology"
	streamActivatedJobs = "/gateway_protocol.Gateway/StreamActivatedJobs"
	deadline            = 30 * time.Second
)

// src/run.rs is the agreement: what a client is told, and what it prints.
type run struct {
	address  string
	ca       string // PEM text; "": no TLS
	row      string
	inFlight int
	seconds  time.Duration
	token    string // a bearer token that each call carries; "": none
}

type measurement struct {
	Version string  `json:"version"`
	Count   uint64  `json:"count,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	CPU     float64 `json:"cpu_us,omitempty"`
	P50     float64 `json:"p50_us,omitempty"`
	P99     float64 `json:"p99_us,omitempty"`
	RSS     float64 `json:"rss_kib,omitempty"`
}

func parse() run {
	if len(os.Args) != 6 {
		check(errors.New("usage: ADDRESS CA ROW IN_FLIGHT SECONDS"))
	}
	inFlight, err := strconv.Atoi(os.Args[4])
	check(err)
	seconds, err := strconv.ParseFloat(os.Args[5], 64)
	check(err)
	ca := ""
	if file := os.Args[2]; file != "-" {
		pem, err := os.ReadFile(file)
		check(err)
		ca = string(pem)
	}
	return run{os.Args[1], ca, os.Args[3], inFlight, time.Duration(seconds * float64(time.Second)), os.Getenv("TOKEN")}
}

func main() {
	run := parse()
	var result measurement
	switch run.row {
	case "unary":
		result = unary(run)
	case "stream":
		result = stream(run)
	case "cold":
		result = cold(run)
	case "idle":
		result = idle(run)
	default:
		check(fmt.Errorf("no such row: %s", run.row))
	}
	result.Version = version()
	check(json.NewEncoder(os.Stdout).Encode(result))
}

// Ends the program; what it says is for the reader of the terminal.
func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// bytesCodec passes messages through.
type bytesCodec struct{}

var passThrough = grpc.ForceCodecV2(bytesCodec{})

func (bytesCodec) Name() string { return "proto" }

func (bytesCodec) Marshal(message any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*message.(*[]byte))}, nil
}

func (bytesCodec) Unmarshal(data mem.BufferSlice, message any) error {
	*message.(*[]byte) = data.Materialize()
	return nil
}

// connection is what both clients have; grpc.go and zeebe.go make one.
type connection interface {
	grpc.ClientConnInterface
	Close() error
}

func call(channel connection) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	var request, answer []byte
	check(channel.Invoke(ctx, topology, &request, &answer, passThrough))
}

// meter is shared by the goroutines of a run: each asks it whether to go on, and tells it what it did.
type meter struct {
	phase     atomic.Int32 // 0: warming up, 1: measuring, 2: over
	count     atomic.Uint64
	mutex     sync.Mutex
	latencies []time.Duration
}

func (m *meter) goesOn() bool { return m.phase.Load() != 2 }

// countOne is true while what happens is measured.
func (m *meter) countOne() bool {
	measuring := m.phase.Load() == 1
	if measuring {
		m.count.Add(1)
	}
	return measuring
}

// repeat does it until the meter says that it is over.
func (m *meter) repeat(do func()) {
	var latencies []time.Duration
	for from := time.Now(); m.goesOn(); {
		do()
		now := time.Now()
		if m.countOne() {
			latencies = append(latencies, now.Sub(from))
		}
		from = now
	}
	m.mutex.Lock()
	m.latencies = append(m.latencies, latencies...)
	m.mutex.Unlock()
}

// measure runs `task` so often at a time, while it warms up and measures.
func (m *meter) measure(run run, atATime int, task func()) measurement {
	var tasks sync.WaitGroup
	for range atATime {
		tasks.Go(task)
	}
	time.Sleep(run.seconds / 5)
	from, cpuFrom := time.Now(), cpu()
	m.phase.Store(1)
	time.Sleep(run.seconds)
	m.phase.Store(2)
	used, seconds, count := cpu()-cpuFrom, time.Since(from).Seconds(), m.count.Load()
	tasks.Wait()
	result := measurement{Count: count, Seconds: seconds, CPU: micros(used) / float64(count)}
	if n := len(m.latencies); n > 0 {
		slices.Sort(m.latencies)
		result.P50, result.P99 = micros(m.latencies[n/2]), micros(m.latencies[n*99/100])
	}
	return result
}

func unary(run run) measurement {
	channel := newChannel(run)
	defer channel.Close()
	call(channel) // connects
	var m meter
	return m.measure(run, run.inFlight, func() { m.repeat(func() { call(channel) }) })
}

func stream(run run) measurement {
	channel := newChannel(run)
	defer channel.Close()
	var m meter
	return m.measure(run, 1, func() {
		for m.goesOn() {
			readStream(channel, &m)
		}
	})
}

func readStream(channel connection, m *meter) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	call, err := channel.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, streamActivatedJobs, passThrough)
	check(err)
	var request, message []byte
	check(call.SendMsg(&request))
	check(call.CloseSend())
	for m.goesOn() {
		switch err := call.RecvMsg(&message); err {
		case nil:
			m.countOne()
		case io.EOF:
			return
		default:
			check(err)
		}
	}
}

func cold(run run) measurement {
	var m meter
	return m.measure(run, 1, func() {
		m.repeat(func() {
			channel := newChannel(run)
			call(channel)
			check(channel.Close())
		})
	})
}

func idle(run run) measurement {
	// What the first one needs, the process needs once.
	first := newChannel(run)
	defer first.Close()
	call(first)
	before := rssKiB()
	for range run.inFlight {
		channel := newChannel(run)
		defer channel.Close()
		call(channel)
	}
	return measurement{RSS: (rssKiB() - before) / float64(run.inFlight)}
}

// cpu is the processor time of this process so far, user and system.
func cpu() time.Duration {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func rssKiB() float64 {
	statm, err := os.ReadFile("/proc/self/statm")
	check(err)
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	check(err)
	return float64(pages*os.Getpagesize()) / 1024
}

func micros(duration time.Duration) float64 { return float64(duration.Nanoseconds()) / 1000 }
