package zeebe_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"libzeebe.org/go/zeebe/internal/testserver"
)

// program is a command with the environment of a program that knows the gateway.
func program(t *testing.T, gateway *testserver.Gateway, name string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(patience(t), name, arguments...)
	command.Env = append(os.Environ(), "ZEEBE_ADDRESS="+gateway.Address("plaintext"), "ZEEBE_INSECURE_CONNECTION=true")
	return command
}

func build(t *testing.T, directory, out string) {
	t.Helper()
	command := exec.Command("go", "build", "-o", out, ".")
	command.Dir = directory
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
}

// Its gateway is killed and started again meanwhile. What it said is paid was completed, with the variables; what it did not have is there at the end.
func TestWorkerExample(t *testing.T) {
	const count, kills, keys = 60, 3, 10_000
	built := filepath.Join(t.TempDir(), "worker")
	build(t, "examples/worker", built)
	b := newBench(t)
	b.gateway.Tell("POST", "/latency?ms=20") // so that calls are under way when something happens
	worker := program(t, b.gateway, built, "work")
	output := must(worker.StderrPipe())
	ok(t, worker.Start())
	first, paid, lines := 0, map[int64]bool{}, bufio.NewScanner(output)
	read := func() bool { // a line; of the jobs that the gateway of now has, which are paid
		if !lines.Scan() {
			return false
		}
		if found := regexp.MustCompile(`job (\d+): paid$`).FindStringSubmatch(lines.Text()); found != nil {
			if key := must(strconv.ParseInt(found[1], 10, 64)); int(key&(1<<51-1)) >= first { // without its partition
				paid[key] = true
			}
		}
		return true
	}
	for range kills {
		b.instances(count, `{"order":"a","amount":7}`)
		for len(paid) < count/4 && read() {
		}
		first += keys
		clear(paid)
		b.gateway = b.gateway.StartAnother(first)
		b.gateway.Tell("POST", "/latency?ms=20")
		b.deploy()
	}
	if result := b.result(`{"order":"a","amount":7}`); result["paid"] != 7.0 {
		t.Fatal(result)
	}
	b.instances(1, `{"order":"b","amount":-1}`)
	if said := b.incident(); !strings.Contains(said, `the amount is -1`) {
		t.Error(said)
	}
	b.instances(count, `{"amount":1}`)
	for len(paid) < count/2 && read() {
	}
	ok(t, worker.Process.Signal(syscall.SIGTERM))
	for read() {
	}
	ok(t, worker.Wait())
	left := 0
	for _, job := range b.jobs() {
		job := job.(map[string]any)
		if retries := job["retries"]; retries == 3.0 {
			left++
		} else if retries != 0.0 {
			t.Errorf("a job that nobody had has lost a retry: %v", job)
		}
		if paid[int64(job["key"].(float64))] {
			t.Errorf("was paid, and not completed: %v", job)
		}
	}
	if len(paid)+left != count+1 {
		t.Errorf("%d paid, %d left, of %d", len(paid), left, count+1)
	}
}

// readmeBlock is the README's first of a language.
func readmeBlock(t *testing.T, kind string) string {
	t.Helper()
	found := regexp.MustCompile("(?s)```" + kind + "\n(.*?)```").FindSubmatch(must(os.ReadFile("README.md")))
	if found == nil {
		t.Fatalf("the README has no block of %s", kind)
	}
	return string(found[1])
}

// The README's program, built in a module of its own by the README's commands.
func TestQuickStart(t *testing.T) {
	gateway := testserver.StartGateway(t)
	directory := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(directory, "main.go"), []byte(readmeBlock(t, "go")), 0o600))
	shell := program(t, gateway, "bash", "-euc", readmeBlock(t, "sh"))
	shell.Dir = directory
	shell.Env = append(shell.Env, "LIBZEEBE="+testserver.Root())
	output, err := shell.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "1 brokers, 1 partitions") {
		t.Fatalf("%v\n%s", err, output)
	}
}
