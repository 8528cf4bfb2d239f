package main

import (
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// answerAll answers every request on one thread, by epoll(7): goroutines cost
// more than the answers do.
func answerAll(ln *net.TCPListener, over <-chan struct{}) (hits int64, err error) {
	file, err := ln.File() // a duplicate
	if err != nil {
		return 0, err
	}
	defer file.Close()
	t := &targetLoop{listener: int(file.Fd()), parts: make(map[int][]byte)}
	if err := unix.SetNonblock(t.listener, true); err != nil {
		return 0, err
	}
	if t.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return 0, err
	}
	defer unix.Close(t.epoll)
	if err := t.add(t.listener); err != nil {
		return 0, err
	}
	for {
		select {
		case <-over:
			return t.hits, nil
		default:
		}
		if err := t.turn(); err != nil {
			return t.hits, err
		}
	}
}

type targetLoop struct {
	epoll, listener int
	events          [256]unix.EpollEvent
	buf             [maxRequest]byte
	parts           map[int][]byte // of requests that have not come whole
	hits            int64
}

func (t *targetLoop) add(fd int) error {
	return unix.EpollCtl(t.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// turn waits for what is to do, at most a tenth of a second, and does it.
func (t *targetLoop) turn() error {
	n, err := unix.EpollWait(t.epoll, t.events[:], 100)
	if err != nil && err != unix.EINTR {
		return fmt.Errorf("waiting for requests: %w", err)
	}
	for _, event := range t.events[:max(n, 0)] {
		if fd := int(event.Fd); fd == t.listener {
			t.accept()
		} else {
			t.read(fd)
		}
	}
	return nil
}

// accept takes who waits, and reads at once: most requests are there by then.
func (t *targetLoop) accept() {
	for range len(t.events) {
		fd, _, err := unix.Accept4(t.listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return // nobody waits, or no descriptor is left: later
		}
		if err := t.add(fd); err != nil {
			unix.Close(fd)
			continue
		}
		t.read(fd)
	}
}

// read takes a part of a request, and answers if it was the last. The other
// side closes the connection.
func (t *targetLoop) read(fd int) {
	n, err := unix.Read(fd, t.buf[:])
	if err == unix.EAGAIN {
		return
	}
	request := t.buf[:max(n, 0)]
	if part := t.parts[fd]; part != nil {
		request = append(part, request...)
		delete(t.parts, fd)
	}
	if err != nil || n == 0 || len(request) > maxRequest {
		unix.Close(fd)
		return
	}
	send, whole := answered(request)
	switch {
	case !whole:
		t.parts[fd] = append([]byte(nil), request...)
	case send:
		t.hits++
		if _, err := unix.Write(fd, page); err != nil { // it fits the socket's buffer
			unix.Close(fd)
		}
	}
}
