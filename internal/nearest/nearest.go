// Package nearest finds the names that a misspelt one was probably meant to be.
// It is given all names that there are, and knows nothing of what they name.
package nearest

import (
	"cmp"
	"slices"
	"strings"
)

// most is how many names a message can hold and still be read.
const most = 3

// Names returns the candidates nearest to name, the best first: those within an
// edit distance of a third of its length (two at least), or which begin with it.
// It returns none when nothing is near.
func Names(name string, candidates []string) []string {
	type scored struct {
		name     string
		distance int
	}
	limit := max(2, len(name)/3)
	var near []scored
	for _, candidate := range candidates {
		d := distance(strings.ToLower(name), strings.ToLower(candidate))
		if name != "" && strings.HasPrefix(candidate, name) {
			d = min(d, 1)
		}
		if d <= limit && d < len(candidate) {
			near = append(near, scored{candidate, d})
		}
	}
	slices.SortFunc(near, func(a, b scored) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	if len(near) == 0 {
		return nil
	}
	names := make([]string, 0, most)
	for _, s := range near[:min(len(near), most)] {
		names = append(names, s.name)
	}
	return names
}

// distance is the optimal string alignment distance: insertions, deletions,
// replacements and swaps of neighbours.
func distance(a, b string) int {
	before, previous := []int(nil), make([]int, len(b)+1)
	for j := range previous {
		previous[j] = j
	}
	for i := 1; i <= len(a); i++ {
		current := make([]int, len(b)+1)
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
		before, previous = previous, current
	}
	return previous[len(b)]
}
