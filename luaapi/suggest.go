package luaapi

import (
	"fmt"
	"slices"
	"strings"
)

// unknownName says that name is not one of valid, with the nearest of them and
// the whole list: `(did you mean "thresholds"? valid: ...)`.
func unknownName(name string, valid []string) string {
	sorted := slices.Sorted(slices.Values(valid))
	list := "valid: " + strings.Join(sorted, ", ")
	if near := nearest(name, sorted); near != "" {
		return fmt.Sprintf("(did you mean %q? %s)", near, list)
	}
	return "(" + list + ")"
}

// nearest gives the word closest to name, or "" if none is close: one that name
// abbreviates, or of which at most a third of the letters, or one, differ.
func nearest(name string, words []string) string {
	const longest = 64 // names beyond it are no typing mistake, and the distance is quadratic
	if len(name) > longest {
		return ""
	}
	best, bestDistance := "", max(1, (len(name)+2)/3)+1
	for _, word := range words {
		if d := distance(strings.ToLower(name), strings.ToLower(word)); d < bestDistance {
			best, bestDistance = word, d
		}
	}
	if best != "" || len(name) < 3 {
		return best
	}
	for _, word := range words {
		if strings.HasPrefix(word, strings.ToLower(name)) {
			return word
		}
	}
	return ""
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to make b of a (optimal string alignment).
func distance(a, b string) int {
	if len(b) > 64 {
		return len(b)
	}
	var rows [3][]int
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
	}
	before, previous, current := rows[0], rows[1], rows[2]
	for j := range current {
		current[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, previous, current = previous, current, before
		current[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			current[j] = min(previous[j]+1, current[j-1]+1, previous[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				current[j] = min(current[j], before[j-2]+1)
			}
		}
	}
	return current[len(b)]
}
