package zeebe_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"

	"libzeebe.org/go/zeebe"
)

// constants are those of zeebe.h that begin so, by number.
func constants(t *testing.T, prefix string) map[int]string {
	t.Helper()
	header := must(os.ReadFile("../../include/zeebe.h"))
	found := map[int]string{}
	for _, match := range regexp.MustCompile(`(?m)^  `+prefix+`(\w+) = (\d+),$`).FindAllStringSubmatch(string(header), -1) {
		found[must(strconv.Atoi(match[2]))] = match[1]
	}
	return found
}

// The numbers that cross from C as they are mean the same in Go.
func TestNumbersAreTheHeaders(t *testing.T) {
	statuses := constants(t, "ZEEBE_STATUS_")
	for number, name := range statuses {
		var code codes.Code
		if err := code.UnmarshalJSON([]byte(`"` + name + `"`)); err != nil || int(code) != number {
			t.Errorf("%s is %d in the header, %d in Go: %v", name, number, code, err)
		}
	}
	states, kinds, sources := constants(t, "ZEEBE_CONNECTIVITY_"), constants(t, "ZEEBE_ERROR_KIND_"), constants(t, "ZEEBE_ERROR_SOURCE_")
	for number, name := range states {
		if connectivity.State(number).String() != name {
			t.Errorf("%s is %v in Go", name, connectivity.State(number))
		}
	}
	for number, name := range kinds {
		if zeebe.Kind(number).String() != name {
			t.Errorf("%s is %v in Go", name, zeebe.Kind(number))
		}
	}
	for number, name := range sources {
		if zeebe.Source(number).String() != name {
			t.Errorf("%s is %v in Go", name, zeebe.Source(number))
		}
	}
	outcomes := constants(t, "ZEEBE_JOB_OUTCOME_")
	for number, name := range outcomes {
		if zeebe.JobOutcome(number).String() != name {
			t.Errorf("%s is %v in Go", name, zeebe.JobOutcome(number))
		}
	}
	if len(statuses) != 17 || len(states) != 5 || len(kinds) != 9 || len(sources) != 6 || len(outcomes) != 4 {
		t.Errorf("the header has %d statuses, %d states, %d kinds, %d sources and %d outcomes", len(statuses), len(states), len(kinds), len(sources), len(outcomes))
	}
}
