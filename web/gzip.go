package web

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/flate"
)

const gzipLevel = 5 // stdlib's level 6 in size, at a quarter of its time

// gzipHeader is that of a file without name and time (RFC 1952, 2.3).
const gzipHeader = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"

// gzipTrailer ends a file that holds the parts, one after the other.
func gzipTrailer(parts ...[]byte) []byte {
	var sum, size uint32
	for _, part := range parts {
		sum = crc32.Update(sum, crc32.IEEETable, part)
		size += uint32(len(part))
	}
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, sum), size)
}

// deflate compresses data; end is Close, or Flush where more is to follow.
func deflate(data []byte, end func(*flate.Writer) error) []byte {
	var buf bytes.Buffer
	w, err := flate.NewWriter(&buf, gzipLevel)
	if err != nil {
		panic(err) // the level is a constant
	}
	// Writes to a bytes.Buffer do not fail.
	_, _ = w.Write(data)
	_ = end(w)
	return buf.Bytes()
}

// acceptsGzip reads Accept-Encoding; q=0 is a refusal.
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(strings.ToLower(r.Header.Get("Accept-Encoding")), ",") {
		name, params, _ := strings.Cut(part, ";")
		if strings.TrimSpace(name) != "gzip" {
			continue
		}
		q, isQ := strings.CutPrefix(strings.TrimSpace(params), "q=")
		weight, err := strconv.ParseFloat(q, 64)
		return !isQ || (err == nil && weight > 0)
	}
	return false
}
