package engine

import "time"

// MaxCells bounds the cells of a result.
const MaxCells = 16

// Cell is what one of several runs came to whose results were merged into one:
// those of a watcher that looks from many vantages.
type Cell struct {
	Name    string // of the vantage
	Status  Status
	Value   string
	Unit    string
	Detail  string // why there is no good verdict, or the detail; at most maxCellDetail bytes are kept
	Elapsed time.Duration
}

const (
	maxCellValue  = 64
	maxCellDetail = 200
)

// boundedCells copies cells, whose texts are cut to their bounds and, all
// together, to size bytes: each cell may have its share of what is left.
func boundedCells(cells []Cell, size int) (kept []Cell, bytes int) {
	cells = cells[:min(len(cells), MaxCells)]
	for i, c := range cells {
		share := max(size-bytes, 0) / (len(cells) - i)
		take := func(text string, most int) string {
			text = cut(text, min(most, share))
			share -= len(text)
			bytes += len(text)
			return text
		}
		c.Name, c.Value, c.Unit = take(c.Name, maxCellValue), take(c.Value, maxCellValue), take(c.Unit, maxUnit)
		c.Detail = take(oneLine(c.Detail), maxCellDetail)
		kept = append(kept, c)
	}
	return kept, bytes
}
