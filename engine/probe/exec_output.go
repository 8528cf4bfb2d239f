package probe

import (
	"fmt"
	"os"
	"syscall"
)

// execOutput keeps the first and the last bytes of a stream in memory that
// does not grow with it.
type execOutput struct {
	max  int
	head []byte // the first max/2 bytes, grown as they come
	tail []byte // a ring of the last max-max/2 bytes
	next int    // where the ring is written next
	seen int64  // bytes read in all
}

// execSink takes a stream: n bytes that were read into space.
type execSink interface {
	space() []byte
	advance(n int)
}

// execRead reads r to its end or its deadline. What is in the pipe by then is
// still taken: the deadline is against waiting, not against reading.
func execRead(to execSink, r *os.File) {
	for {
		n, err := r.Read(to.space())
		to.advance(n)
		if err != nil {
			break
		}
	}
	raw, err := r.SyscallConn()
	if err != nil {
		return
	}
	const pipes = 1 << 20 // the most a pipe can hold (pipe(7), pipe-max-size)
	_ = raw.Control(func(fd uintptr) {
		for left := pipes; left > 0; {
			n, err := syscall.Read(int(fd), to.space())
			if err == syscall.EINTR {
				continue
			}
			if n <= 0 || err != nil {
				return
			}
			to.advance(n)
			left -= n
		}
	})
}

// space is where the next bytes go; never empty.
func (o *execOutput) space() []byte {
	half := o.max / 2
	if len(o.head) < half {
		if len(o.head) == cap(o.head) {
			grown := make([]byte, len(o.head), min(half, max(512, 2*cap(o.head))))
			copy(grown, o.head)
			o.head = grown
		}
		return o.head[len(o.head):min(cap(o.head), half)]
	}
	if o.tail == nil {
		o.tail = make([]byte, o.max-half)
	}
	return o.tail[o.next:]
}

func (o *execOutput) advance(n int) {
	if n <= 0 {
		return
	}
	o.seen += int64(n)
	if o.tail == nil {
		o.head = o.head[:len(o.head)+n]
		return
	}
	o.next = (o.next + n) % len(o.tail)
}

func (o *execOutput) truncated() bool { return o.seen > int64(o.max) }

// bytes gives what was kept, with a line between start and end that says how
// much was left out.
func (o *execOutput) bytes() []byte {
	if o.tail == nil {
		return o.head
	}
	if !o.truncated() {
		return append(o.head, o.tail[:int(o.seen)-len(o.head)]...)
	}
	gap := fmt.Sprintf("\n[... %d bytes left out ...]\n", o.seen-int64(o.max))
	out := make([]byte, 0, o.max+len(gap))
	out = append(out, o.head...)
	out = append(out, gap...)
	out = append(out, o.tail[o.next:]...)
	return append(out, o.tail[:o.next]...)
}
