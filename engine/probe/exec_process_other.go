//go:build unix && !linux

package probe

import "os"

func startExecProcess(path string, argv []string, attr *os.ProcAttr, _ bool) (*execProcess, error) {
	p, err := os.StartProcess(path, argv, attr)
	if err != nil {
		return nil, err
	}
	return &execProcess{p.Pid, newExecWaiter(p)}, nil
}
