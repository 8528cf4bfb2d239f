package probe

import (
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshMute is a host that is alive, and answers neither a forwarding nor a session,
// or not what is asked in one.
func sshMute(t *testing.T, conn net.Conn, sessions bool) {
	config := &ssh.ServerConfig{NoClientAuth: true}
	config.AddHostKey(sshSigner(t))
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	var asked sync.WaitGroup
	defer asked.Wait()
	asked.Go(func() { ssh.DiscardRequests(requests) })
	for newChannel := range channels {
		if !sessions || newChannel.ChannelType() != "session" {
			continue
		}
		if _, unanswered, err := newChannel.Accept(); err == nil {
			asked.Go(func() {
				for range unanswered {
				}
			})
		}
	}
}

// Nothing ends by itself that such a host does not answer: its places would never
// be free again.
func TestSSHMuteHostIsEnteredAnew(t *testing.T) {
	for name, sessions := range map[string]bool{"no sessions": false, "no commands": true} {
		t.Run(name, func(t *testing.T) {
			good := startSSHD(t)
			var mute atomic.Int32
			mute.Store(sshConns)
			addr := sshAnswer(t, "tcp", "127.0.0.1:0", func(conn net.Conn) {
				defer conn.Close()
				if mute.Add(-1) >= 0 {
					sshMute(t, conn, sessions)
					return
				}
				onward, err := net.Dial("tcp", "127.0.0.1:"+good.port)
				if err != nil {
					t.Error(err)
					return
				}
				sshSplice(conn, onward)
			})
			_, port, _ := net.SplitHostPort(addr)
			p := sshTestPool(t, good.stanza("web-3", "Port "+port, "StrictHostKeyChecking no"))
			p.cfg.ConnectTimeout = time.Second
			eventually(t, "a command to run", func() bool {
				_, err := p.Exec(sshWithin(t, 100*time.Millisecond), "web-3", sshTrue)
				return err == nil
			})
		})
	}
}

// sshSplice passes on what each says to the other until one ends.
func sshSplice(a, b net.Conn) {
	var both sync.WaitGroup
	for from, to := range map[net.Conn]net.Conn{a: b, b: a} {
		both.Go(func() {
			_, _ = to.(*net.TCPConn).ReadFrom(from)
			a.Close()
			b.Close()
		})
	}
	both.Wait()
}

func TestSSHMuteForwardingsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, c, _, end := sshOverPipe(t, func(conn *sshFalling) { sshMute(t, conn, false) })
		defer end()
		if _, err := p.Dial(sshWithin(t, time.Second), "web-3", "tcp", "192.0.2.1:80"); KindOf(err) != Timeout {
			t.Errorf("Dial that is not answered = %v, want kind timeout", err)
		}
		time.Sleep(sshForwardWait)
		synctest.Wait()
		if !c.ended() || !errors.Is(c.cause(), errSSHStuck) {
			t.Error("the connection goes on with what is never answered, want it to end")
		}
	})
}
