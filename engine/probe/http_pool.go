package probe

import (
	"net"
	"sync"
	"syscall"
	"time"
)

// Bounds of the pool.
const (
	httpIdleEach = 32
	httpIdleAll  = 8192
	httpIdleTime = 90 * time.Second
)

// httpKey tells which connections are interchangeable: all that shapes one is
// in it.
type httpKey struct {
	scheme, host, port   string
	ip                   int
	resolve, unix, proxy string
	serverName, http     string
	certs, proxyCerts    httpCertKey
	vantage              string
}

func (r *httpRun) key() httpKey {
	k := httpKey{
		scheme: r.target.url.Scheme, host: r.target.host, port: r.target.port,
		ip: r.req.IP, unix: r.req.Unix, proxy: r.req.Proxy,
		serverName: r.req.ServerName, http: r.req.HTTP,
		certs: r.certs, proxyCerts: r.proxyCerts, vantage: r.req.Vantage,
	}
	if len(r.req.Resolve) > 0 {
		k.resolve = (&httpHop{run: r}).addr(r.target)
	}
	return k
}

// httpPool holds idle connections. Each is used by one request at a time,
// those of HTTP/2 too, so that no request waits for another's.
type httpPool struct {
	mu    sync.Mutex
	idle  map[httpKey][]*httpConn // the latest last
	count int
	timer *time.Timer // set while there are any
}

// take gives the connection used last, if it still looks alive.
func (p *httpPool) take(key httpKey) *httpConn {
	for {
		p.mu.Lock()
		conns := p.idle[key]
		if len(conns) == 0 {
			p.mu.Unlock()
			return nil
		}
		c := conns[len(conns)-1]
		p.set(key, conns[:len(conns)-1])
		p.mu.Unlock()
		if c.fresh() {
			return c
		}
		c.shut()
	}
}

// put keeps c for later, or closes it if there are enough.
func (p *httpPool) put(c *httpConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	conns := p.idle[c.key]
	if len(conns) >= httpIdleEach || p.count >= httpIdleAll {
		c.shut()
		return
	}
	c.idle = time.Now()
	p.set(c.key, append(conns, c))
	if p.timer == nil {
		p.timer = time.AfterFunc(httpIdleTime, p.expire)
	}
}

// set changes the list of key, and the count with it.
func (p *httpPool) set(key httpKey, conns []*httpConn) {
	if p.idle == nil {
		p.idle = map[httpKey][]*httpConn{}
	}
	p.count += len(conns) - len(p.idle[key])
	if len(conns) == 0 {
		delete(p.idle, key)
		return
	}
	p.idle[key] = conns
}

// expire closes what was idle for too long. It runs in a timer, for as long as
// there is anything to expire.
func (p *httpPool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	oldest := time.Now().Add(-httpIdleTime)
	for key, conns := range p.idle {
		n := 0
		for n < len(conns) && !conns[n].idle.After(oldest) {
			conns[n].shut()
			n++
		}
		p.set(key, conns[n:])
	}
	if p.count == 0 {
		p.timer = nil
		return
	}
	p.timer.Reset(httpIdleTime / 4)
}

func (p *httpPool) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, conns := range p.idle {
		for _, c := range conns {
			c.shut()
		}
		p.set(key, nil)
	}
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

// httpQuiet tells whether conn is open with nothing to read. A kept connection
// that has something to say has been closed, or has gone astray.
func httpQuiet(conn net.Conn) bool {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return true // not a socket: a request will tell
	}
	rc, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	quiet := false
	err = rc.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		quiet = err == syscall.EAGAIN
		return true
	})
	return err == nil && quiet
}
