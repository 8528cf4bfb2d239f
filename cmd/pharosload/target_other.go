//go:build !linux

package main

import (
	"net"
	"sync/atomic"
	"time"
)

// answerAll answers every request in a goroutine for each connection.
func answerAll(ln *net.TCPListener, over <-chan struct{}) (int64, error) {
	var hits atomic.Int64
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go answer(conn, &hits)
		}
	}()
	<-over
	return hits.Load(), nil
}

func answer(conn net.Conn, hits *atomic.Int64) {
	defer conn.Close()
	var request []byte
	buf := make([]byte, maxRequest)
	for len(request) <= maxRequest {
		if conn.SetDeadline(time.Now().Add(90*time.Second)) != nil {
			return
		}
		n, err := conn.Read(buf)
		if err != nil {
			return
		}
		request = append(request, buf[:n]...)
		send, whole := answered(request)
		if !whole {
			continue
		}
		request = request[:0]
		if send {
			hits.Add(1)
			if _, err := conn.Write(page); err != nil {
				return
			}
		}
	}
}
