package vm

import "testing"

// A universe that is dead holds nobody up: what is begun there is over at once,
// however many stand in a line that never moves.
func TestDeadUniverseIsNotCrowded(t *testing.T) {
	u := universe(t, Options{Name: "x"})
	u.baton.waiting.Store(crowdedAt)
	if !u.Crowded() {
		t.Errorf("Crowded() with %d in line = false, want true", crowdedAt)
	}
	u.Close()
	if u.Crowded() {
		t.Error("Crowded() of a closed universe = true, want false")
	}
}
