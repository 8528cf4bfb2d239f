package main

import (
	"fmt"
	"strings"
)

// configuration writes the script of a scenario.
func configuration(sc scenario, target string, edition int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "-- edition %d\nmetric_watchers = {}\nlocal pad = string.rep(\"d\", %d)\n", edition, sc.Pad)
	loop := func(count int, body string) {
		if count > 0 {
			fmt.Fprintf(&b, "for i = 1, %d do\n  table.insert(metric_watchers, %s)\nend\n", count, body)
		}
	}
	every := fmt.Sprintf("interval = %q", sc.Interval)
	keep := ""
	if sc.KeepAlive {
		keep = ", keepalive = true"
	}
	loop(sc.HTTP, fmt.Sprintf(`pharos.PageGETMetricWatcher{ name = "page " .. i, url = "http://%s/p/" .. i, thresholds = { 0, 1, 2 }, %s%s }`, target, every, keep))
	loop(sc.Hang, fmt.Sprintf(`pharos.PageGETMetricWatcher{ name = "hang " .. i, url = "http://%s/hang", timeout = "10s", %s }`, target, every))
	loop(sc.Exec, fmt.Sprintf(`pharos.CommandMetricWatcher{ name = "exec " .. i, command = { "/bin/true" }, %s }`, every))
	loop(sc.Function, fmt.Sprintf(`pharos.MetricWatcher{ name = "function " .. i, check = function(self) self.n = (self.n or 0) + 1; return "ok", self.n, pad end, %s }`, every))
	return b.String()
}
