//go:build race

package zeebe_test

// raceDetector: it keeps memory of its own.
const raceDetector = true
