package vm

// crowdedAt is how many runs may wait for the baton before a universe is
// crowded: enough that the baton never lies idle while somebody fetches the
// next run, and few enough that none spends much of its timeout in line.
const crowdedAt = 8

// Crowded tells that a run begun now would only wait for the baton, in its own
// time. Who schedules runs had better keep it back. In a dead universe it would
// wait for nothing.
func (u *Universe) Crowded() bool { return u.baton.waiting.Load() >= crowdedAt && !u.Dead() }
