// Package testserver starts what the tests call: the development gateway, and grpc-go's interoperability server. `make gateway interop-servers` builds
// them.
package testserver

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Root is the directory of the project.
func Root() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "../../../..")
}

// start runs a program that says one line when it is ready, and ends with its standard input.
func start(t testing.TB, program string, arguments ...string) (line string, process *os.Process) {
	t.Helper()
	command := exec.Command(filepath.Join(Root(), program), arguments...)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	check(t, err)
	output, err := command.StdoutPipe()
	check(t, err)
	check(t, command.Start())
	t.Cleanup(func() {
		_ = input.Close()
		_ = command.Wait()
	})
	line, err = bufio.NewReader(output).ReadString('\n')
	check(t, err)
	return strings.TrimSpace(line), command.Process
}

// Gateway is a development gateway, which ends with the test.
type Gateway struct {
	t       testing.TB
	ports   map[string]any
	process *os.Process
}

// StartGateway starts one on free ports.
func StartGateway(t testing.TB, arguments ...string) *Gateway {
	t.Helper()
	directory := t.TempDir()
	path := filepath.Join(directory, "ports.json")
	_, process := start(t, "target/debug/zeebe-dev-gateway", append([]string{"--exit-with-stdin", "--ports-file", path, "--directory", directory}, arguments...)...)
	text, err := os.ReadFile(path)
	check(t, err)
	g := &Gateway{t: t, process: process}
	check(t, json.Unmarshal(text, &g.ports))
	return g
}

// StartAnother is one in the place of this, at once, on the same port: its jobs are gone, and others have keys from this one on.
func (g *Gateway) StartAnother(firstKey int) *Gateway {
	g.t.Helper()
	check(g.t, g.process.Kill())
	_, err := g.process.Wait()
	check(g.t, err)
	return StartGateway(g.t, "--plaintext-port", fmt.Sprint(g.ports["plaintext"]), "--first-key", fmt.Sprint(firstKey))
}

// Address is localhost with the port of a listener.
func (g *Gateway) Address(listener string) string {
	return fmt.Sprintf("localhost:%v", g.ports[listener])
}

// File is the content of a file that the gateway names, such as its `ca`.
func (g *Gateway) File(name string) string {
	g.t.Helper()
	text, err := os.ReadFile(g.ports[name].(string))
	check(g.t, err)
	return string(text)
}

// Path is that of a file that the gateway names.
func (g *Gateway) Path(name string) string { return g.ports[name].(string) }

// Tell asks the control port, such as POST /goaway, and returns the answer.
func (g *Gateway) Tell(method, path string) map[string]any {
	g.t.Helper()
	answer := map[string]any{}
	_ = json.Unmarshal(g.ask(method, path), &answer) // not all answers are objects
	return answer
}

// Calls are the last that the gateway had.
func (g *Gateway) Calls() (calls []map[string]any) {
	g.t.Helper()
	check(g.t, json.Unmarshal(g.ask("GET", "/calls"), &calls))
	return calls
}

func (g *Gateway) ask(method, path string) []byte {
	g.t.Helper()
	request, err := http.NewRequest(method, "http://"+g.Address("control")+path, nil)
	check(g.t, err)
	response, err := http.DefaultClient.Do(request)
	check(g.t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	check(g.t, err)
	if response.StatusCode != http.StatusOK {
		g.t.Fatalf("%s %s: %s: %s", method, path, response.Status, body)
	}
	return body
}

// StartInterop starts grpc-go's interoperability server, and returns its address.
func StartInterop(t testing.TB, arguments ...string) string {
	t.Helper()
	port, _ := start(t, "build/interop-grpc-go", arguments...)
	return "localhost:" + port
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
