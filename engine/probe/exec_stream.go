package probe

import (
	"bytes"
	"context"
	"fmt"
	"strings"
)

const streamStderr = 4 << 10 // bytes kept of what a streaming command complains of

// Stream runs a command whose lines of standard output are given to sink as
// they come, until it ends or ctx does. It is [Runner.Exec] otherwise: the same
// environment, group, shell rule and end by TERM and KILL. Stdin is /dev/null,
// and the command holds one of the places of MaxRunning all the time.
//
// A stream that ends by itself is an error of kind [Ended], with the exit code
// and the last line of standard error.
func (r *Runner) Stream(ctx context.Context, req ExecRequest, sink LineSink) error {
	r.once.Do(r.init)
	req.Stdin, req.MaxOutput = nil, streamStderr
	plan, err := r.plan(req)
	if err != nil {
		return err
	}
	plan.lines = &lineWriter{line: sink.Line}
	res, interrupted, err := r.run(ctx, plan, func() { sink.Up(fmt.Sprintf("%s runs", req)) })
	if err != nil {
		return err
	}
	plan.lines.flush()
	if interrupted {
		return &Error{Kind: Cancelled, Err: ctx.Err(), Message: fmt.Sprintf("running %q: cancelled", req)}
	}
	return streamEnded(fmt.Sprintf("running %q", req), res)
}

// streamEnded is the end of a command that was to go on.
func streamEnded(doing string, res *ExecResult) error {
	how := fmt.Sprintf("it ended with exit code %d", res.Code)
	if res.Signal != "" {
		how = "it was ended by signal " + res.Signal
	}
	if why := strings.TrimSpace(Clean(lastLine(res.Stderr))); why != "" {
		how += ": " + why
	}
	return &Error{Kind: Ended, Message: doing + ": " + how}
}

// lastLine gives the last line of text that says something.
func lastLine(text []byte) []byte {
	text = bytes.TrimSpace(text)
	return text[bytes.LastIndexByte(text, '\n')+1:]
}
