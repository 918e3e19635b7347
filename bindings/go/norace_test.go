//go:build !race

package zeebe_test

const raceDetector = false
