package vm

import "math/rand/v2"

// choices are what a random program is made from. They are noted as they are
// made, so that the same program, or a smaller one, can be made again: of fewer
// and lesser choices comes less program, as 0 is the simplest and what an ended
// list goes on with.
type choices struct {
	random *rand.Rand // nil = only what is in list
	list   []int
	next   int
}

// below gives a number from 0 to n-1.
func (c *choices) below(n int) int {
	if c.next == len(c.list) {
		v := 0
		if c.random != nil {
			v = c.random.IntN(n)
		}
		c.list = append(c.list, v)
	}
	v := min(c.list[c.next], n-1)
	c.next++
	return v
}

// of gives one of several texts.
func (c *choices) of(texts ...string) string { return texts[c.below(len(texts))] }

// one makes one of several texts.
func (c *choices) one(makers ...func() string) string { return makers[c.below(len(makers))]() }

// shrink gives the smallest list it finds of which fails still holds.
func shrink(list []int, fails func([]int) bool) []int {
	for again := true; again; {
		again = false
		for size := len(list) / 2; size > 0; size /= 2 {
			for at := 0; at+size <= len(list); {
				shorter := append(append([]int{}, list[:at]...), list[at+size:]...)
				if fails(shorter) {
					list, again = shorter, true
				} else {
					at += size
				}
			}
		}
		for at := range list {
			for list[at] > 0 {
				lesser := append([]int{}, list...)
				lesser[at] /= 2
				if !fails(lesser) {
					break
				}
				list, again = lesser, true
			}
		}
	}
	return list
}
