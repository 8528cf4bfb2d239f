package probe

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// BenchmarkSSHExec compares the pool with bare x/crypto sessions of the same
// command line on the same connection, in turns, and says what CPU time a
// command costs this process (sshd is another one).
func BenchmarkSSHExec(b *testing.B) {
	s := startSSHD(b)
	p := sshTestPool(b, s.stanza("web-3"))
	sshWorks(b, p, "web-3")
	h, err := p.host("web-3")
	if err != nil {
		b.Fatal(err)
	}
	conn := h.conns[0]
	line := sshCommand(ExecRequest{Argv: []string{"true"}, KillAfter: DefaultKillAfter}, conn.wrap, 5*time.Second)
	var pooled, bare []time.Duration
	var pooledCPU, bareCPU time.Duration
	for b.Loop() {
		pooled = append(pooled, sshTimed(&pooledCPU, func() {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			if _, err := p.Exec(ctx, "web-3", sshTrue); err != nil {
				b.Fatal(err)
			}
		}))
		bare = append(bare, sshTimed(&bareCPU, func() { sshBare(b, conn.client, line) }))
	}
	p50, bare50 := sshMedian(pooled), sshMedian(bare)
	b.ReportMetric(float64(p50.Microseconds()), "p50-µs")
	b.ReportMetric(float64(bare50.Microseconds()), "bare-p50-µs")
	b.ReportMetric(float64(p50)/float64(bare50), "p50-ratio")
	b.ReportMetric(float64(pooledCPU.Microseconds())/float64(len(pooled)), "cpu-µs/op")
	b.ReportMetric(float64(bareCPU.Microseconds())/float64(len(bare)), "bare-cpu-µs/op")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkSSHFork is what a command costs by forking ssh, as the original did.
func BenchmarkSSHFork(b *testing.B) {
	s := startSSHD(b)
	p := sshTestPool(b, s.stanza("web-3"))
	var cpu time.Duration
	n := 0
	for b.Loop() {
		cmd := exec.Command(sshNeed(b, "ssh"), "-F", p.cfg.ConfigFile, "web-3", "true")
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("ssh: %v: %s", err, out)
		}
		cpu += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		n++
	}
	b.ReportMetric(float64(cpu.Microseconds())/float64(n), "cpu-µs/op")
}

// BenchmarkSSHExecParallel is the rate of one host with many watchers.
func BenchmarkSSHExecParallel(b *testing.B) {
	s := startSSHD(b)
	p := sshTestPool(b, s.stanza("web-3"))
	sshWorks(b, p, "web-3")
	b.SetParallelism(4)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := p.Exec(context.Background(), "web-3", sshTrue); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "runs/s")
}

func sshBare(b *testing.B, client *ssh.Client, line string) {
	session, err := client.NewSession()
	if err != nil {
		b.Fatal(err)
	}
	defer session.Close()
	var stdout, stderr bytes.Buffer
	session.Stdout, session.Stderr = &stdout, &stderr
	if err := session.Run(line); err != nil {
		b.Fatal(fmt.Errorf("%w: %s", err, stderr.Bytes()))
	}
}

// sshTimed measures f, and adds the CPU time of this process to cpu.
func sshTimed(cpu *time.Duration, f func()) time.Duration {
	used := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			return 0
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	before, began := used(), time.Now()
	f()
	took := time.Since(began)
	*cpu += used() - before
	return took
}

func sshMedian(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
