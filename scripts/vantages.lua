-- What:  one page as seen from several places
-- Needs: ssh to the vantages
-- Args:  URL=http://example.com/ VANTAGES="web-1 web-2"
-- Shows: a tile for each place; violet when the place cannot be reached, red when the page cannot

local url = pharos.env("URL", "http://example.com/")

metric_watchers = { pharos.PageGETMetricWatcher{ name = "from here", url = url, thresholds = { 0.001, 0.5, 2 } } }
for host in pharos.env("VANTAGES", "web-1 web-2"):gmatch("%S+") do
  table.insert(metric_watchers, pharos.PageGETMetricWatcher{
    name = "from " .. host, url = url, ssh_host = host, thresholds = { 0.001, 0.5, 2 },
  })
end
