-- What:  hosts of the network, by ping
-- Needs: root, CAP_NET_RAW, or the command ping
-- Args:  HOSTS=127.0.0.1
-- Shows: "0.42 ms", yellow from 50 ms or when an answer is lost, red from 500 ms or without any

metric_watchers = {}
for host in pharos.env("HOSTS", "127.0.0.1"):gmatch("%S+") do
  table.insert(metric_watchers, pharos.PingMetricWatcher{
    name = host, host = host, count = 3, interval = "2s", thresholds = { warn = 0.05, crit = 0.5 },
  })
end
