package zeebe_test

import (
	"archive/zip"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"libzeebe.org/go/zeebe/internal/testserver"
)

const module = "libzeebe.org/go/zeebe"

// proxy is a directory that `go get` has the module from, by GOPROXY.
func proxy(t *testing.T, version string) string {
	t.Helper()
	root := t.TempDir()
	directory := filepath.Join(root, module, "@v")
	ok(t, os.MkdirAll(directory, 0o700))
	write := func(name, text string) { ok(t, os.WriteFile(filepath.Join(directory, name), []byte(text), 0o600)) }
	write("list", version)
	write(version+".info", `{"Version":"`+version+`"}`)
	write(version+".mod", string(must(os.ReadFile("go.mod"))))
	file := must(os.Create(filepath.Join(directory, version+".zip")))
	archive := zip.NewWriter(file)
	ok(t, fs.WalkDir(os.DirFS("."), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		_, err = must(archive.Create(module + "@" + version + "/" + path)).Write(must(os.ReadFile(path)))
		return err
	}))
	ok(t, archive.Close())
	ok(t, file.Close())
	return root
}

// A program gets the module by its path, from a proxy, without a network and without a `replace`; pkg-config finds the library.
func TestGoGet(t *testing.T) {
	if raceDetector {
		t.Skip("it is the same")
	}
	gateway := testserver.StartGateway(t)
	directory := t.TempDir()
	ok(t, os.WriteFile(filepath.Join(directory, "main.go"), []byte(readmeBlock(t, "go")), 0o600))
	// Go's own cache: what the module needs was compiled from there. The version is this run's alone, and goes again.
	cache, version := strings.TrimSpace(string(must(exec.Command("go", "env", "GOMODCACHE").Output()))), fmt.Sprintf("v0.0.0-test.%d", os.Getpid())
	t.Cleanup(func() {
		for _, place := range []string{module + "@" + version, "cache/download/" + module + "/@v/" + version + ".*", "cache/download/" + module + "/@v/l*"} {
			for _, path := range must(filepath.Glob(filepath.Join(cache, place))) {
				ok(t, os.RemoveAll(path))
			}
			for path := filepath.Dir(place); strings.Contains(path, "libzeebe.org"); path = filepath.Dir(path) {
				_ = os.Remove(filepath.Join(cache, path)) // unless something else is there
			}
		}
	})
	shell := program(t, gateway, "bash", "-euc", "go mod init topology; go get "+module+"; go run .; cat go.mod")
	shell.Dir = directory
	shell.Env = append(shell.Env, "GOPROXY=file://"+proxy(t, version)+",file://"+filepath.Join(cache, "cache/download"), "GONOSUMDB=*", "GOFLAGS=-mod=mod -modcacherw")
	output, err := shell.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "1 brokers, 1 partitions") || !strings.Contains(string(output), module+" "+version) {
		t.Fatalf("%v\n%s", err, output)
	}
}

// Without cgo, and so for another platform and without a compiler, it is said what is needed, and nothing else.
func TestWithoutCgo(t *testing.T) {
	tool := must(exec.LookPath("go"))
	files := func(without string) []string {
		list := exec.Command(tool, "list", "-f", `{{join .GoFiles " "}}`, ".")
		list.Env = append(os.Environ(), without)
		return strings.Fields(string(must(list.Output())))
	}
	chosen := files("CGO_ENABLED=0")
	for _, without := range []string{"GOOS=windows", "GOOS=darwin", "GOARCH=riscv64", "PATH=" + t.TempDir()} {
		if found := files(without); !slices.Equal(found, chosen) {
			t.Errorf("%s: %v, not %v", without, found, chosen)
		}
	}
	build := exec.Command("go", append([]string{"build", "-o", os.DevNull}, chosen...)...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	output, _ := build.CombinedOutput()
	lines := strings.Split(strings.TrimSpace(string(output)), "\n")
	if len(lines) != 2 || !strings.Contains(lines[1], "needs cgo, to call libzeebe: CGO_ENABLED=1, pkg-config, a C compiler") {
		t.Errorf("%s", output)
	}
}
