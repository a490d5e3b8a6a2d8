//go:build !race

package visitor_test

const raceDetector = false
