-- The board of this machine's Pharos. Save it and the board changes; check it
-- first with: pharosd check -c /etc/pharos/pharos.lua
-- What there is: pharosd docs

metric_watchers = {
  pharos.MetricWatcher{
    name = "Load", interval = "5s", thresholds = { warn = 8, crit = 32 },
    check = function(self)
      local loads = assert(pharos.file.read("/proc/loadavg"))
      return tonumber(loads:match("%S+")), loads
    end,
  },
  pharos.CommandMetricWatcher{
    name = "Disk has room", interval = "1m",
    command = "test $(df --output=pcent / | tail -1 | tr -d ' %') -lt 90",
  },
}
