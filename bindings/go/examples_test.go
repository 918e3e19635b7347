package zeebe_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"libzeebe/zeebe/gatewaypb"
	"libzeebe/zeebe/internal/testserver"
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

func TestWorkerExample(t *testing.T) {
	const count = 40
	gateway := testserver.StartGateway(t)
	startWork(t, insecure(t, gateway.Address("plaintext")), count/2)
	built := filepath.Join(t.TempDir(), "worker")
	build(t, "examples/worker", built)

	worker := program(t, gateway, built, "-type", "work")
	output := must(worker.StderrPipe())
	ok(t, worker.Start())
	done := 0
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if strings.HasSuffix(lines.Text(), ": done") {
			done++
		}
		if done == count/2 { // the others are pushed
			startWork(t, insecure(t, gateway.Address("plaintext")), count/2)
			break
		}
	}
	for done < count && lines.Scan() {
		if strings.HasSuffix(lines.Text(), ": done") {
			done++
		}
	}
	ok(t, worker.Process.Signal(syscall.SIGTERM))
	for lines.Scan() {
		t.Errorf("more: %s", lines.Text())
	}
	ok(t, worker.Wait())
	answer, err := gatewaypb.NewGatewayClient(insecure(t, gateway.Address("plaintext"))).ActivateJobs(patience(t),
		&gatewaypb.ActivateJobsRequest{Type: "work", Worker: "test", Timeout: 1000, MaxJobsToActivate: 1, RequestTimeout: -1})
	ok(t, err)
	if jobs, err := answer.Recv(); done != count || err == nil && len(jobs.GetJobs()) > 0 {
		t.Fatalf("%d jobs of %d are done; left: %v", done, count, jobs)
	}
}

// The README's program, built in a module of its own by the README's commands.
func TestQuickStart(t *testing.T) {
	readme := string(must(os.ReadFile("README.md")))
	block := func(kind string) string {
		found := regexp.MustCompile("(?s)```" + kind + "\n(.*?)```").FindStringSubmatch(readme)
		if found == nil {
			t.Fatalf("the README has no block of %s", kind)
		}
		return found[1]
	}
	gateway := testserver.StartGateway(t)
	directory := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(directory, "main.go"), []byte(block("go")), 0o600))
	shell := program(t, gateway, "bash", "-euc", block("sh"))
	shell.Dir = directory
	shell.Env = append(shell.Env, "LIBZEEBE="+testserver.Root())
	output, err := shell.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "1 brokers, 1 partitions") {
		t.Fatalf("%v\n%s", err, output)
	}
}
