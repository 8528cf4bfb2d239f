package probe

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshFalling is the connection of a host that takes nothing in any more once it
// fell, and says nothing. Both sides of ssh begin by writing, so that a pipe
// needs room.
type sshFalling struct {
	net.Conn
	room   chan []byte
	fallen chan struct{}
	over   context.Context
}

func newSSHFalling(conn net.Conn, over context.Context) *sshFalling {
	f := &sshFalling{conn, make(chan []byte, 1000), make(chan struct{}), over}
	go func() {
		for {
			select {
			case p := <-f.room:
				_, _ = conn.Write(p)
			case <-over.Done():
				conn.Close()
				return
			}
		}
	}()
	return f
}

func (f *sshFalling) Write(p []byte) (int, error) {
	f.room <- bytes.Clone(p)
	return len(p), nil
}

func (f *sshFalling) Read(p []byte) (int, error) {
	n, err := f.Conn.Read(p)
	select {
	case <-f.fallen:
		<-f.over.Done()
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

// sshServe is a host that runs every command without end, but for the first of
// a connection, see learn.
func sshServe(t *testing.T, conn net.Conn) {
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(sshSigner(t))
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	first := true
	for newChannel := range channels {
		ch, asked, err := newChannel.Accept()
		if err != nil {
			return
		}
		for req := range asked {
			_ = req.Reply(true, nil)
			if req.Type == "exec" {
				break
			}
		}
		if first {
			first = false
			_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{0}))
			ch.Close()
		}
		go ssh.DiscardRequests(asked)
	}
}

func sshSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// sshOverPipe gives a pool that is connected, over a pipe, to a host that serve is.
// end ends both.
func sshOverPipe(t *testing.T, serve func(*sshFalling)) (p *SSHPool, c *sshConn, conn *sshFalling, end func()) {
	t.Helper()
	p = NewSSHPool(SSHConfig{})
	h, err := p.host("web-3")
	if err != nil {
		t.Fatal(err)
	}
	over, stop := context.WithCancel(t.Context())
	ours, theirs := net.Pipe()
	conn = newSSHFalling(theirs, over)
	var host sync.WaitGroup
	host.Go(func() { serve(conn) })
	end = func() {
		p.Close()
		stop()
		host.Wait()
	}
	keys := &sshCredentials{signers: []ssh.Signer{sshSigner(t)}}
	c, failed := h.enter(t.Context(), &sshSettings{alias: "web-3", hostname: "192.0.2.2", port: "22", strict: sshStrictNo}, keys, ours)
	if failed != nil {
		end()
		t.Fatal(failed)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.conns = append(h.conns, c)
	return p, c, conn, end
}

// TestSSHDeadHostIsFoundInTime: within three seconds of the bubble's clock, of
// which a busy machine takes none, whatever waits for the host has its error.
func TestSSHDeadHostIsFoundInTime(t *testing.T) {
	for name, waits := range map[string]func(p *SSHPool, fall func()) error{
		"before the command": func(p *SSHPool, fall func()) error {
			fall()
			_, err := p.Exec(context.Background(), "web-3", sshTrue)
			return err
		},
		"while it runs": func(p *SSHPool, fall func()) error {
			time.AfterFunc(10*time.Second, fall) // it is silent for long, and alive
			_, err := p.Exec(context.Background(), "web-3", sshTrue)
			return err
		},
		"before a forwarding": func(p *SSHPool, fall func()) error {
			fall()
			_, err := p.Dial(context.Background(), "web-3", "tcp", "192.0.2.1:80")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, _, conn, end := sshOverPipe(t, func(conn *sshFalling) { sshServe(t, conn) })
				defer end()
				var fell time.Time
				err := waits(p, func() { fell = time.Now(); close(conn.fallen) })
				<-conn.fallen
				if took := time.Since(fell); !errors.Is(err, errSSHDead) || KindOf(err) != Vantage || took >= 3*time.Second {
					t.Errorf("%v (kind %q) %v after the host fell, want kind vantage, for it does not answer, within 3s", err, KindOf(err), took)
				}
			})
		})
	}
}
