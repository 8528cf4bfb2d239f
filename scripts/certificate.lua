-- What:  how long certificates still last, of web and mail servers
-- Needs: the servers; on port 587 STARTTLS is spoken
-- Args:  HOSTS="localhost:443 localhost:587"
-- Shows: days left, yellow from 21, red from 7 or when the chain is not trusted

local hosts = pharos.env("HOSTS", "localhost:443 localhost:587")

metric_watchers = {}
for address in hosts:gmatch("%S+") do
  table.insert(metric_watchers, pharos.TLSMetricWatcher{
    name = address, address = address, interval = "10m", thresholds = { warn = 21, crit = 7 },
    starttls = address:match(":587$") and "smtp" or nil,
  })
end
