package web

import "net"

// sendBuffer bounds what the kernel takes for a viewer that does not read, in
// bytes: left to grow it holds megabytes, and a stuck viewer is noticed only
// once they are full.
const sendBuffer = 64 << 10

// viewerListener prepares accepted connections for viewers that may stop
// reading or vanish.
type viewerListener struct{ net.Listener }

func (l viewerListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		// Neither is needed to serve, so a platform may refuse.
		_ = tcp.SetWriteBuffer(sendBuffer)
		_ = limitUnacked(tcp)
	}
	return conn, nil
}
