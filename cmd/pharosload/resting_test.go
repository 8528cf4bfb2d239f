package main

import (
	"testing"
	"testing/synctest"
	"time"
)

// Workers that a busy moment made the engine start are no leak: they are ended
// some seconds later. What does not go is.
func TestRestIsAfterABusyMoment(t *testing.T) {
	early := restingSum{RSSMB: 36, Goroutines: 40, FDs: 8, Threads: 10}
	for _, row := range []struct {
		name       string
		busy, kept time.Duration // until when there are 155 goroutines, and 9 more descriptors
		want       restingSum
	}{
		{"busy moment", 15 * time.Second, 0, restingSum{RSSMB: 37, Goroutines: 41, FDs: 8, Threads: 10}},
		{"leak of goroutines", time.Hour, 0, restingSum{RSSMB: 37, Goroutines: 155, FDs: 8, Threads: 10}},
		{"leak of descriptors", 0, time.Hour, restingSum{RSSMB: 37, Goroutines: 41, FDs: 17, Threads: 10}},
	} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			got, err := atRest(t.Context(), early, func() (restingSum, error) {
				now := restingSum{RSSMB: 37, Goroutines: 41, FDs: 8, Threads: 10}
				if time.Since(began) < row.busy {
					now.Goroutines = 155
				}
				if time.Since(began) < row.kept {
					now.FDs = 17
				}
				return now, nil
			})
			if err != nil || got != row.want {
				t.Errorf("%s: atRest = %+v, %v, want %+v", row.name, got, err, row.want)
			}
		})
	}
}
