package probe

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"
)

// DialFunc connects from somewhere else: a vantage.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Bounds of a conversation over TCP.
const (
	TCPMaxRead = 1 << 20  // bytes that one call may read
	tcpMaxLine = 64 << 10 // bytes of a line
	tcpQuoted  = 200      // bytes of what came instead, in messages

	tcpFarewell = 100 * time.Millisecond
)

// TCPRequest says where to connect and how. Addr or Unix is needed.
type TCPRequest struct {
	Addr string // host:port; the host may be in Unicode
	Unix string // path of a socket, instead
	IP   int    // 4 or 6 restricts the addresses, 0 takes both

	TLS      bool   // speak TLS from the start
	StartTLS string // or from within: one of [StartTLSProtocols]

	Insecure      bool   // take any certificate; TLSInfo still says what is wrong with it
	CA, Cert, Key []byte // PEM: roots instead of the system's; client certificate and key
	ServerName    string // SNI and the name to verify, instead of Addr's host
	ALPN          []string

	Dial DialFunc // nil connects from here

	inspect *tlsInspection // what [InspectTLS] changes; nil = nothing
}

// serverName is what the certificate is to be for.
func (r *TCPRequest) serverName() string {
	if r.ServerName != "" || r.Addr == "" {
		return r.ServerName
	}
	host, _, _ := net.SplitHostPort(r.ascii())
	return certHost(host)
}

// ascii is Addr, which was checked, with its host as DNS knows it.
func (r *TCPRequest) ascii() string {
	host, port, _ := net.SplitHostPort(r.Addr)
	host, _ = ASCIIHost(host)
	return net.JoinHostPort(host, port)
}

func (r *TCPRequest) where() string {
	if r.Unix != "" {
		return r.Unix
	}
	return r.Addr
}

// TCPConn is a conversation. Its calls are made one after another; each ends
// soon after its context does, and the connection is then closed: what comes
// later could not be told from the answer that was missed.
//
// Errors are of kind [Timeout], [DNS], [Refused], [Reset], [TLS], [Proto],
// [TooBig], [Overload], [Cancelled] or [Misuse], with the timing so far.
type TCPConn struct {
	req    TCPRequest
	conn   net.Conn
	socket net.Conn // what conn speaks TLS over, or conn itself
	reader *bufio.Reader
	tls    *TLSInfo
	state  tls.ConnectionState
	timing Timing
	phase  string
}

// DialTCP connects and, if asked to, starts TLS.
func DialTCP(ctx context.Context, req TCPRequest) (*TCPConn, error) {
	c := &TCPConn{req: req}
	if err := req.check(); err != nil {
		return nil, c.misuse(err)
	}
	if err := c.dial(ctx); err != nil {
		return nil, c.fail(ctx, err)
	}
	if req.StartTLS != "" {
		if err := c.StartTLS(ctx, req.StartTLS); err != nil {
			c.Close()
			return nil, err
		}
	}
	if req.TLS {
		if err := c.handshake(ctx); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

func (r *TCPRequest) check() error {
	if (r.Addr == "") == (r.Unix == "") {
		return errors.New("want either an address or the path of a unix socket")
	}
	if r.Addr != "" {
		host, port, err := net.SplitHostPort(r.Addr)
		if err != nil || port == "" || strings.Contains(port, "/") { // of a URL, the scheme would be the host
			return errors.New("want an address of the form host:port")
		}
		if _, err := net.LookupPort("tcp", port); err != nil {
			return fmt.Errorf("there is no port %q", port)
		}
		if _, err := ASCIIHost(host); err != nil {
			return err
		}
	}
	if r.TLS && r.StartTLS != "" {
		return errors.New("want either TLS from the start or STARTTLS")
	}
	if r.IP != 0 && r.IP != 4 && r.IP != 6 {
		return fmt.Errorf("ip = %d, want 4 or 6", r.IP)
	}
	return nil
}

// Close ends the conversation. TLS's close_notify goes out if the system takes
// it within tcpFarewell.
func (c *TCPConn) Close() error {
	late := time.AfterFunc(tcpFarewell, func() { c.socket.Close() })
	defer late.Stop()
	return c.conn.Close()
}

// Timing is where the time went so far. Pauses between calls are not counted;
// Wait is until the first byte of each read, Receive the rest.
func (c *TCPConn) Timing() Timing { return c.timing }

// TLS is what the handshake showed, nil before there was one.
func (c *TCPConn) TLS() *TLSInfo { return c.tls }

// RemoteIP is the address that answered, "" if it is not known.
func (c *TCPConn) RemoteIP() string {
	if addr, ok := c.conn.RemoteAddr().(*net.TCPAddr); ok {
		return addr.IP.String()
	}
	return ""
}

// Send writes all of b.
func (c *TCPConn) Send(ctx context.Context, b []byte) error {
	return c.do(ctx, "send", &c.timing.Send, func() error {
		_, err := c.conn.Write(b)
		return err
	})
}

// Line reads a line, without its end (LF or CRLF).
func (c *TCPConn) Line(ctx context.Context) ([]byte, error) {
	var line []byte
	err := c.read(ctx, func() error {
		for len(line) <= tcpMaxLine {
			part, err := c.reader.ReadSlice('\n')
			line = append(line, part...)
			switch {
			case err == nil:
				line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
				return nil
			case err != bufio.ErrBufferFull:
				return &tcpMissed{err: err, want: "the end of the line", got: line}
			}
		}
		return &tcpMissed{err: errTCPTooBig, want: "the end of the line", got: line}
	})
	return line, err
}

// Expect reads until want has come and gives all up to its end; nothing is read
// if want is empty. What follows is kept for the next call. About [TCPMaxRead] bytes are read at most.
func (c *TCPConn) Expect(ctx context.Context, want []byte) ([]byte, error) {
	if len(want) == 0 {
		return nil, nil
	}
	var got []byte
	missed := func(err error) error { return &tcpMissed{err: err, want: fmt.Sprintf("%q", want), got: got} }
	err := c.read(ctx, func() error {
		for len(got) < TCPMaxRead {
			if _, err := c.reader.Peek(1); err != nil {
				return missed(err)
			}
			chunk, _ := c.reader.Peek(c.reader.Buffered())
			old := len(got)
			got = append(got, chunk...)
			from := max(0, old-len(want)+1) // it may have begun in what came before
			if i := bytes.Index(got[from:], want); i >= 0 {
				got = got[:from+i+len(want)]
				_, _ = c.reader.Discard(len(got) - old)
				return nil
			}
			_, _ = c.reader.Discard(len(chunk))
		}
		return missed(errTCPTooBig)
	})
	return got, err
}

// Read reads n bytes, or fewer if the other side closes before.
func (c *TCPConn) Read(ctx context.Context, n int) ([]byte, error) {
	if n < 0 || n > TCPMaxRead {
		return nil, c.misuse(fmt.Errorf("want from 0 to %d bytes to read, got %d", TCPMaxRead, n))
	}
	if n == 0 {
		return nil, nil
	}
	var got bytes.Buffer
	err := c.read(ctx, func() error {
		_, err := io.CopyN(&got, c.reader, int64(n))
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return &tcpMissed{err: err, want: fmt.Sprintf("%d bytes", n), got: got.Bytes()}
		}
		return nil
	})
	return got.Bytes(), err
}

// read runs f, which reads, with its time divided at the first byte.
func (c *TCPConn) read(ctx context.Context, f func() error) error {
	if c.reader.Buffered() == 0 {
		err := c.do(ctx, "wait", &c.timing.Wait, func() error {
			_, err := c.reader.Peek(1)
			if err == io.EOF {
				return nil // f will meet it again and say what was expected
			}
			return err
		})
		if err != nil {
			return err
		}
		if c.timing.StartTransfer == 0 {
			c.timing.StartTransfer = c.timing.Total
		}
	}
	return c.do(ctx, "receive", &c.timing.Receive, f)
}

// do runs one step of the conversation; its time is added to where.
func (c *TCPConn) do(ctx context.Context, phase string, where *time.Duration, f func() error) error {
	c.phase = phase
	stop := context.AfterFunc(ctx, func() { c.socket.Close() }) // TLS's Close could wait
	began := time.Now()
	err := f()
	took := time.Since(began)
	*where += took
	c.timing.Total += took
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return c.fail(ctx, err)
	}
	return nil
}
