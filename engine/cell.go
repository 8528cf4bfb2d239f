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

// boundedCells copies cells, each text cut to its share.
func boundedCells(cells []Cell) (kept []Cell, bytes int) {
	for _, c := range cells[:min(len(cells), MaxCells)] {
		c.Name, c.Value, c.Unit = cut(c.Name, maxCellValue), cut(c.Value, maxCellValue), cut(c.Unit, maxUnit)
		c.Detail = cut(oneLine(c.Detail), maxCellDetail)
		bytes += len(c.Name) + len(c.Value) + len(c.Unit) + len(c.Detail)
		kept = append(kept, c)
	}
	return kept, bytes
}
