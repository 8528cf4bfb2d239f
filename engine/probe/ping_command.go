package probe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// byCommand lets the system's ping do it, which is setuid or has the
// capability that pharosd lacks.
func (r *pingRun) byCommand(ctx context.Context, runner *Runner) error {
	family := "-4"
	if r.ip.Is6() {
		family = "-6"
	}
	argv := []string{"ping", "-n", family,
		"-c", strconv.Itoa(r.req.Count),
		"-i", strconv.FormatFloat(r.req.Interval.Seconds(), 'f', 3, 64),
		"-s", strconv.Itoa(r.req.Size),
		"-W", strconv.Itoa(int(math.Ceil(r.req.Wait.Seconds()))),
		r.ip.String()}
	res, err := runner.Exec(ctx, ExecRequest{Argv: argv, MaxOutput: DefaultMaxOutput + r.req.Count*pingLine})
	if KindOf(err) == Spawn {
		return &Error{Kind: Spawn, Err: err, Message: fmt.Sprintf(
			"pinging %q: neither a raw nor a datagram socket is allowed, and the command ping cannot be run: %s", r.req.Host, pingHint)}
	}
	if res == nil {
		return err
	}
	r.sent, r.rtts, r.unreach = parsePing(Clean(res.Stdout))
	r.finished = err == nil
	if r.sent == 0 {
		r.sent = r.req.Count
	}
	if len(r.rtts) == 0 && err == nil && res.Code > 1 {
		said, _, _ := strings.Cut(strings.TrimSpace(Clean(res.Stderr)), "\n")
		if strings.Contains(said, "unreachable") {
			r.unreach = strings.ToLower(said[strings.LastIndex(said, ": ")+1:])
			r.unreach = strings.TrimSpace(r.unreach)
			return nil
		}
		return errors.New("the command ping says " + strconv.Quote(said) + ": " + pingHint)
	}
	return nil
}

// pingLine is room for what the command prints of one request, with a long
// address and an answer that came twice.
const pingLine = 256

var (
	pingAnswered = regexp.MustCompile(`(?m)^\d+ bytes from .* time[=<]([0-9.]+) ?ms(.*)$`)
	pingSent     = regexp.MustCompile(`(?m)^(\d+) packets transmitted`)
	pingUnreach  = regexp.MustCompile(`(?mi)^From \S+ .*?((?:destination|time to live|packet|frag|no route|network|host)[^\n]*)$`)
)

// parsePing reads what ping prints (iputils, busybox, BSD): an answer a line,
// marked as DUP! if it came before, then, unless it was ended before, how many requests were sent.
func parsePing(output string) (sent int, rtts []time.Duration, unreach string) {
	for _, m := range pingAnswered.FindAllStringSubmatch(output, 2*PingMaxCount) {
		if len(rtts) == PingMaxCount {
			break
		}
		if ms, err := strconv.ParseFloat(m[1], 64); err == nil && ms < 1e9 && !strings.Contains(m[2], "DUP!") {
			rtts = append(rtts, time.Duration(ms*float64(time.Millisecond)))
		}
	}
	if m := pingSent.FindStringSubmatch(output); m != nil {
		sent, _ = strconv.Atoi(m[1])
	}
	if m := pingUnreach.FindStringSubmatch(output); m != nil {
		unreach = m[1]
	}
	return max(sent, len(rtts)), rtts, unreach
}
